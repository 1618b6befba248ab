#pragma once

#include <map>
#include <optional>
#include <set>
#include <vector>

#include "vivim/libp2p/kad/message.hpp"
#include "vivim/libp2p/kad/validator.hpp"

namespace vivim::libp2p::kad {

/// What the nodes that were asked for a value told: the best of it, and who has something else.
/// Sans-IO.
class ValueTally {
 public:
  /// `validators` outlives this.
  ValueTally(Bytes key, const Validators& validators)
      : key_(std::move(key)), validators_(validators) {}

  /// `peer` has this value, or none. False: it is not valid, and as none.
  bool add(const PeerId& peer, const std::optional<Record>& record, rt::WallMs wall);

  const std::optional<Bytes>& best() const { return best_; }
  /// How many told the best value.
  std::size_t votes() const { return holders_.size(); }
  /// Whether valid values differed: one side is late, or lies.
  bool disagree() const { return disagree_; }
  /// Those who answered, and do not have the best value.
  std::vector<PeerId> outdated() const;

 private:
  Bytes key_;
  const Validators& validators_;
  std::optional<Bytes> best_;
  std::set<PeerId> holders_;
  std::set<PeerId> others_;
  bool disagree_ = false;
};

/// What the nodes that were asked for a peer told of where it is: its own record with the highest
/// sequence number comes before what others say. Sans-IO and bounded.
class PeerTally {
 public:
  explicit PeerTally(const PeerId& peer) : contact_{.peer = peer, .addresses = {}} {}

  /// A node that `path` asked told of it; `scope`: where that node is, seen from us. Whether that
  /// was the first that was told of where the peer is.
  bool add(const PeerInfo& info, multiformats::AddressScope scope, std::uint8_t path);

  const Contact& contact() const { return contact_; }
  bool is_known() const { return !contact_.addresses.empty(); }
  bool is_signed() const { return record_.has_value(); }
  /// Another path told the same record of its own: what is older is told by liars only.
  bool is_confirmed() const { return record_ && record_->confirmed; }

 private:
  struct Own {
    std::uint64_t sequence;
    std::uint8_t path;  ///< that told it first
    bool confirmed = false;
  };

  Contact contact_;
  std::optional<Own> record_;
};

/// A provider that was found.
struct FoundProvider {
  Contact contact;
  bool is_signed = false;   ///< its own signature says so: nobody made it up
  std::size_t told_by = 1;  ///< nodes that told it

  friend bool operator==(const FoundProvider&, const FoundProvider&) = default;
};

/// The providers that the nodes which were asked told: of each node a few, so that one that tells
/// many does not hide those of the others. Sans-IO and bounded.
class ProviderTally {
 public:
  struct Limits {
    std::size_t per_node_max = 16;
    std::size_t providers_max = 512;
  };
  explicit ProviderTally(Bytes key) : ProviderTally(std::move(key), Limits()) {}
  ProviderTally(Bytes key, Limits limits) : key_(std::move(key)), limits_(limits) {}

  /// A node told of `providers`; returns those that are new, or of whom there is a later word of
  /// their own now. What others say of where a provider is counts until it says so itself. A signed
  /// record that does not hold makes its entry worth nothing. `scope`: where the node is, seen from
  /// us; of nearer places it has no say.
  std::vector<FoundProvider> add(const std::vector<PeerInfo>& providers,
                                 multiformats::AddressScope scope, rt::WallMs wall);
  /// All of them: signed ones first, then those that most nodes told.
  std::vector<FoundProvider> providers() const;
  std::size_t size() const { return providers_.size(); }

 private:
  struct Entry {
    FoundProvider found;
    Bytes record = {};          ///< its own, that expires last
    rt::WallMs expires_ms = 0;  ///< when that does
  };

  Result<bool> take_record(Entry& entry, const Bytes& envelope, multiformats::AddressScope scope,
                           rt::WallMs wall);

  Bytes key_;
  Limits limits_;
  std::map<PeerId, Entry> providers_;
};

}  // namespace vivim::libp2p::kad
