#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <unordered_map>
#include <vector>

#include "vivim/base/bytes.hpp"
#include "vivim/base/result.hpp"
#include "vivim/crdt/effects.hpp"
#include "vivim/crdt/envelope/envelope.hpp"
#include "vivim/crdt/state_vector.hpp"
#include "vivim/multiformats/private_key.hpp"
#include "vivim/store/envelopes.hpp"
#include "vivim/store/grants.hpp"
#include "vivim/sync/subscriber.hpp"

namespace vivim::sync {

/// Who sent an update, and who is known to have written it.
struct UpdateSource {
  SubscriberId from{};
  bool guest = true;       ///< this node itself, or a program that it signs for
  store::Access access{};  ///< what the sender's grant permits
  BytesView peer;          ///< the sender's binary peer id; a guest has none
  const multiformats::PublicKey* author = nullptr;  ///< of a signed update
};

/// Updates larger than this are cut where this node makes them or puts them together
/// (update_split.hpp).
inline constexpr std::size_t k_update_part_bytes = std::size_t{256} << 10;

/// So many small envelopes are worth signing anew.
inline constexpr std::size_t k_small_envelopes_min = 256;

/// What the store knows of a document's authors.
struct StoredAuthorship {
  bool shared = false;                          ///< somebody else has it, or had it
  store::Access access = store::Access::write;  ///< what its own grants permit this node
  std::vector<store::Binding> bindings;
  std::vector<store::Member> members;
};

/// Reads it. Errors: the store's.
Result<StoredAuthorship> read_authorship(store::Database& database, const store::DocumentId& id);

/// The more of two.
store::Access more_of(store::Access a, store::Access b);

/// Whose the client ids of one document are, who may write it, and signing what this node and its
/// guests write (docs/protocol/envelope.md, docs/protocol/sync.md#access). No I/O.
class Authorship {
 public:
  /// `key` is the node's; without one nothing is signed. `common` are places whose values whoever
  /// may contribute may replace. Both must outlive this.
  Authorship(store::DocumentId document, const multiformats::PrivateKey* key, std::uint64_t session,
             const std::set<crdt::Place>& common);

  /// The client id that belongs to this node's key, if it has one.
  std::optional<crdt::ClientId> own_client() const { return own_client_; }
  void load(StoredAuthorship stored);
  /// From now on the document is shared: what is written is signed.
  void begin_signing() { shared_ = true; }
  bool signing() const { return shared_ && key_ != nullptr; }

  /// What this node and its guests may do.
  store::Access access() const { return access_; }
  void set_access(store::Access access) { access_ = access; }

  enum class Hand : std::uint8_t { own, guest, other };
  /// Who writes as a client: this node, one that it signs for, or somebody else.
  Hand hand_of(crdt::ClientId client) const;
  /// Puts what this node or a guest wrote into an envelope; nothing where nothing is signed, or
  /// where others have written some of it.
  std::optional<store::Envelope> sign(BytesView update);
  /// Notes whose the clients of an envelope are. Of those that are known already it changes
  /// nothing.
  void bind(const store::Envelope& envelope);

  /// Whether an author writes as a client that is somebody else's.
  bool steals(const crdt::SignedUpdate& update) const;
  /// Says whether the document has anything of a client.
  using Known = std::function<bool(crdt::ClientId)>;
  /// Whether an update goes on as a client that nobody is known to be, as browsers were before the
  /// document was shared, though neither its author nor its sender may write. To bind that client
  /// would make what it wrote before the author's to delete.
  bool takes_over(const crdt::SignedUpdate& update, const UpdateSource& source,
                  const Known& known) const;
  /// From which clock on operations are taken with the signature only of the key that their client
  /// is bound to; the end of the range, if all of them may come without.
  std::uint64_t signed_from(const crdt::WrittenRange& range, const UpdateSource& source) const;
  /// Whether that far a client's operations came with signatures already.
  bool came_signed(const crdt::WrittenRange& range) const;
  /// Whether anything is bound: if not, nothing needs a signature.
  bool any_bound() const { return !bindings_.empty(); }

  /// What the sender and the author together may do.
  store::Access rights(const UpdateSource& source) const;
  /// Whether an update only adds, and changes what its author wrote itself or what is common. What
  /// others made has no keys but those that they set.
  bool contributes(const UpdateSource& source, const crdt::UpdateEffects& effects) const;

  bool knows_member(const store::GrantId& grant, BytesView peer) const;
  void add_member(store::Member member);
  void forget_members(const std::vector<store::GrantId>& grants);

 private:
  struct Owner {
    Bytes key;
    Bytes peer;               ///< its peer id
    std::size_t clients = 0;  ///< bound to it
  };
  struct Bound {
    std::uint64_t clock = 0;
    std::uint64_t until = 0;  ///< signed from `clock` to here, as far as is remembered
    std::size_t owner = 0;
  };

  std::size_t owner_of(BytesView key);
  const Owner* owner_of(crdt::ClientId client) const;
  void bind(const store::ClientClocks& clocks, std::size_t owner);

  store::DocumentId document_;
  const multiformats::PrivateKey* key_;
  std::uint64_t session_;
  const std::set<crdt::Place>& common_;
  std::optional<crdt::ClientId> own_client_;
  Bytes own_key_;
  Bytes own_peer_;
  bool shared_ = false;
  store::Access access_ = store::Access::write;
  std::vector<Owner> owners_;
  std::map<Bytes, std::size_t> owner_index_;  ///< by key
  std::unordered_map<std::uint64_t, Bound> bindings_;
  std::vector<store::Member> members_;
};

/// What a signed update is for the store.
store::Envelope stored_form(BytesView envelope, const crdt::SignedUpdate& opened);

/// Signs anew what this node and its guests wrote in a document, as it is in `snapshot` (a state of
/// the whole document): a long history is one of single letters no more, and what was deleted is
/// gone from the envelopes too. Returns how many envelopes it took the place of: none, if less than
/// `small_min` small ones came since the last time. Runs on the store's thread, in a transaction.
/// Errors: the store's, and of damaged envelopes.
Result<std::size_t> consolidate(store::Database& database, const store::DocumentId& document,
                                const multiformats::PrivateKey& key, BytesView snapshot,
                                std::size_t small_min = k_small_envelopes_min);

}  // namespace vivim::sync
