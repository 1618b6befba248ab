#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <vector>

#include "vivim/libp2p/kad/message.hpp"
#include "vivim/libp2p/record/envelope.hpp"
#include "vivim/rt/clock.hpp"

namespace vivim::libp2p::kad {

/// Longest time that a signed provider record may be valid for.
inline constexpr std::chrono::hours k_provider_life_max{24 * 7};

/// What a provider signs: that it has what is under `key`, until when, and where it is. An envelope
/// for PeerInfo::provider_record, which peers that do not know it skip. The last addresses are left
/// out where it would exceed k_peer_record_bytes_max.
Bytes seal_provider(const record::Signer& signer, BytesView key, rt::WallMs expires_ms,
                    const std::vector<Multiaddr>& addresses);

/// What such an envelope says.
struct ProviderRecord {
  std::vector<Multiaddr> addresses;
  rt::WallMs expires_ms = 0;
};

/// Checks that `provider` signed an envelope for this key, and that it is not over. Error:
/// bad_provider.
Result<ProviderRecord> open_provider(BytesView envelope, const PeerId& provider, BytesView key,
                                     rt::WallMs wall);

struct ProviderLimits {
  std::size_t keys_max = 16'384;
  std::size_t per_key_max = 64;
  std::size_t entries_max = 32'768;
  std::size_t per_peer_max = 4096;  ///< keys that one peer provides
  std::size_t per_group_max = 4;    ///< of a key, when it is full: of one group of addresses
  rt::Duration ttl = std::chrono::hours(48);
  rt::Duration addresses_ttl = std::chrono::hours(24);  ///< afterwards only the id is told
};

/// Who said that they have what is under which key. A peer speaks only for itself. What is full, a
/// key or the whole, takes no more, but from who is of a group of addresses (groups_of) that is
/// fewer there than another: one owner of many ids cannot fill it. Sans-IO and bounded.
class Providers {
 public:
  explicit Providers(ProviderLimits limits = {}) : limits_(limits) {}

  /// `info` is the provider as it told itself; the caller has checked that it is the sender, and
  /// its record. `observed`: groups of the address that it came from. Error: no_room.
  Result<void> add(const Bytes& key, const PeerInfo& info, const std::vector<Group>& observed,
                   rt::TimePoint now);
  /// The providers of a key: one of each group of addresses before a second one of any, and the
  /// last announced first; others each time, so that those who do not fit an answer are in the
  /// next.
  std::vector<PeerInfo> get(const Bytes& key, rt::TimePoint now);
  /// Forgets what is over.
  void expire(rt::TimePoint now);

  std::size_t keys() const { return keys_.size(); }
  std::size_t entries() const { return count_; }

 private:
  struct Entry {
    PeerInfo info;
    std::vector<Group> groups;
    rt::TimePoint announced;
  };
  using Entries = std::vector<Entry>;  ///< of a key, the last announced last

  static Owner owner(const Entry& entry);
  Result<void> check_room(const Bytes& key, const Entry& entry);
  bool is_full(const Bytes& key) const;
  bool take_from_largest(const Owner& newcomer);
  bool make_room(Entries& entries, const std::vector<Group>& groups);
  void count(const Entry& entry);
  void forget(const Entry& entry);
  void drop_old(Entries& entries, rt::TimePoint now);

  ProviderLimits limits_;
  std::map<Bytes, Entries> keys_;
  std::map<PeerId, std::size_t> by_peer_;
  std::map<Owner, std::size_t> by_owner_;
  std::size_t count_ = 0;
  std::size_t turn_ = 0;  ///< of those who are told first
  rt::TimePoint tidy_at_{};
};

}  // namespace vivim::libp2p::kad
