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
/// for PeerInfo::provider_record, which peers that do not know it skip.
Bytes seal_provider(const record::Signer& signer, BytesView key, rt::WallMs expires_ms,
                    const std::vector<Multiaddr>& addresses);

/// Checks that `provider` signed an envelope for this key, and that it is not over; returns the
/// addresses in it. Error: bad_provider.
Result<std::vector<Multiaddr>> open_provider(BytesView envelope, const PeerId& provider,
                                             BytesView key, rt::WallMs wall);

struct ProviderLimits {
  std::size_t keys_max = 16'384;
  std::size_t per_key_max = 64;
  std::size_t entries_max = 32'768;
  std::size_t per_peer_max = 4096;  ///< keys that one peer provides
  std::size_t per_group_max = 4;    ///< of a key, when it is full: of one group of addresses
  rt::Duration ttl = std::chrono::hours(48);
  rt::Duration addresses_ttl = std::chrono::hours(24);  ///< afterwards only the id is told
};

/// Who said that they have what is under which key. A peer speaks only for itself. A key that is
/// full takes no more, but from who is of a group of addresses (groups_of) that is fewer there than
/// another: one owner of many ids cannot fill it. Sans-IO and bounded.
class Providers {
 public:
  explicit Providers(ProviderLimits limits = {}) : limits_(limits) {}

  /// `info` is the provider as it told itself; the caller has checked that it is the sender, and
  /// its record. `observed`: groups of the address that it came from. Error: no_room.
  Result<void> add(const Bytes& key, const PeerInfo& info, const std::vector<Group>& observed,
                   rt::TimePoint now);
  /// The providers of a key, the last announced first.
  std::vector<PeerInfo> get(const Bytes& key, rt::TimePoint now) const;
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

  Result<void> check_room(const Bytes& key, const PeerId& peer) const;
  bool make_room(Entries& entries, const std::vector<Group>& groups);
  void forget(const Entry& entry);
  void drop_old(Entries& entries, rt::TimePoint now);

  ProviderLimits limits_;
  std::map<Bytes, Entries> keys_;
  std::map<PeerId, std::size_t> by_peer_;
  std::size_t count_ = 0;
  rt::TimePoint tidy_at_{};
};

}  // namespace vivim::libp2p::kad
