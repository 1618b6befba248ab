#include "vivim/sync/authorship.hpp"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "vivim/crdt/update.hpp"
#include "vivim/crdt/update_split.hpp"
#include "vivim/multiformats/multiaddr.hpp"
#include "vivim/multiformats/peer_id.hpp"

namespace vivim::sync {

using store::Access;

namespace {

/// Below that an envelope is small.
constexpr std::size_t k_small_envelope_bytes = std::size_t{8} << 10;

int rank(Access access) {
  return access == Access::write ? 2 : access == Access::contribute ? 1 : 0;
}

Bytes peer_of(BytesView key) {
  const auto decoded = multiformats::PublicKey::decode(key);
  return decoded ? to_bytes(multiformats::PeerId::of(*decoded).bytes()) : Bytes();
}

/// The node that made a grant, and whatever it does there is right here.
void add_maker(const store::GrantRow& grant, std::vector<store::Member>& members) {
  for (const auto& bytes : grant.addresses) {
    const auto address = multiformats::Multiaddr::from_bytes(bytes);
    if (address && address->peer()) {
      members.push_back(
          {.grant = grant.id, .peer = to_bytes(address->peer()->bytes()), .access = Access::write});
      return;
    }
  }
}

std::vector<store::ClientClocks> clocks_of(const crdt::UpdateExtent& extent) {
  std::vector<store::ClientClocks> out;
  for (const auto& range : extent.written) {
    out.push_back(
        {.client = crdt::value_of(range.client), .from = range.clocks.from, .to = range.clocks.to});
  }
  return out;
}

}  // namespace

Access more_of(Access a, Access b) {
  return rank(a) < rank(b) ? b : a;
}

Result<StoredAuthorship> read_authorship(store::Database& database, const store::DocumentId& id) {
  StoredAuthorship stored;
  store::Grants grants(database);
  VIVIM_TRY(const auto rows, grants.of_document(id));
  VIVIM_TRY(stored.members, grants.members(id));
  std::optional<Access> joined;
  for (const auto& grant : rows) {
    if (grant.origin == store::GrantOrigin::joined) {
      joined = joined ? more_of(*joined, grant.access) : grant.access;
      add_maker(grant, stored.members);
    }
  }
  stored.shared = !rows.empty();
  stored.access = joined.value_or(Access::write);
  VIVIM_TRY(stored.bindings, store::Envelopes(database).bindings(id));
  return stored;
}

Authorship::Authorship(store::DocumentId document, const multiformats::PrivateKey* key,
                       std::uint64_t session, const std::set<crdt::Place>& common)
    : document_(document), key_(key), session_(session), common_(common) {
  if (key_ != nullptr) {
    own_client_ =
        crdt::client_of(key_->public_key(), {.document = document_.view(), .session = session_});
    own_key_ = key_->public_key().encode();
    own_peer_ = peer_of(own_key_);
  }
}

void Authorship::load(StoredAuthorship stored) {
  shared_ = shared_ || stored.shared;
  access_ = stored.access;
  members_ = std::move(stored.members);
  for (const auto& binding : stored.bindings) {
    bind({.client = binding.client, .from = binding.clock, .to = binding.clock},
         owner_of(binding.key));
  }
}

std::size_t Authorship::owner_of(BytesView key) {
  const auto [at, fresh] = owner_index_.try_emplace(to_bytes(key), owners_.size());
  if (fresh) {
    owners_.push_back({.key = at->first, .peer = peer_of(key), .clients = 0});
  }
  return at->second;
}

const Authorship::Owner* Authorship::owner_of(crdt::ClientId client) const {
  const auto at = bindings_.find(crdt::value_of(client));
  return at == bindings_.end() ? nullptr : &owners_[at->second.owner];
}

void Authorship::bind(const store::ClientClocks& clocks, std::size_t owner) {
  const auto at = bindings_.find(clocks.client);
  if (at == bindings_.end()) {
    auto& bound_to_it = owners_[owner].clients;
    if (bindings_.size() < store::k_bindings_max && bound_to_it < store::k_bindings_of_key_max) {
      ++bound_to_it;
      bindings_.emplace(clocks.client,
                        Bound{.clock = clocks.from, .until = clocks.to, .owner = owner});
    }
    return;
  }
  auto& bound = at->second;
  if (bound.owner == owner) {
    if (clocks.from <= bound.until && clocks.to >= bound.clock) {
      bound.until = std::max(bound.until, clocks.to);
    }
    bound.clock = std::min(bound.clock, clocks.from);
  }
}

void Authorship::bind(const store::Envelope& envelope) {
  const std::size_t owner = owner_of(envelope.key);
  for (const auto& range : envelope.written) {
    bind(range, owner);
  }
}

Authorship::Hand Authorship::hand_of(crdt::ClientId client) const {
  if (client == own_client_) {
    return Hand::own;
  }
  const Owner* owner = owner_of(client);
  const bool hosted = crdt::value_of(client) < crdt::k_random_clients &&
                      (owner == nullptr || owner->key == own_key_);
  return hosted ? Hand::guest : Hand::other;
}

std::optional<store::Envelope> Authorship::sign(BytesView update) {
  if (!signing()) {
    return std::nullopt;
  }
  const auto extent = crdt::extent_of(update);
  if (!extent || (extent->written.empty() && !extent->deletes)) {
    return std::nullopt;
  }
  const auto all_by = [&](Hand hand) {
    return std::ranges::all_of(extent->written,
                               [&](const auto& range) { return hand_of(range.client) == hand; });
  };
  const bool own = all_by(Hand::own);
  const bool guests = all_by(Hand::guest);
  if (!own && !guests) {
    return std::nullopt;
  }
  auto sealed = own ? crdt::seal(*key_, {.document = document_.view(), .session = session_}, update)
                    : crdt::seal_hosted(*key_, document_.view(), update);
  if (!sealed) {
    return std::nullopt;
  }
  store::Envelope envelope{.bytes = std::move(*sealed),
                           .key = own_key_,
                           .written = clocks_of(*extent),
                           .deletes = extent->deletes};
  bind(envelope);
  return envelope;
}

bool Authorship::steals(const crdt::SignedUpdate& update) const {
  const Bytes key = update.key.encode();
  return std::ranges::any_of(update.extent.written, [&](const auto& range) {
    const Owner* owner = owner_of(range.client);
    return owner != nullptr && owner->key != key;
  });
}

bool Authorship::takes_over(const crdt::SignedUpdate& update, const UpdateSource& source,
                            const Known& known) const {
  return std::holds_alternative<crdt::SignedUpdate::Hosted>(update.ids) &&
         std::ranges::any_of(update.extent.written,
                             [&](const auto& range) {
                               return owner_of(range.client) == nullptr && known(range.client);
                             }) &&
         rights(source) != Access::write;
}

std::uint64_t Authorship::signed_from(const crdt::WrittenRange& range,
                                      const UpdateSource& source) const {
  const auto at = bindings_.find(crdt::value_of(range.client));
  // What a guest writes is signed here.
  if (at == bindings_.end() || (source.guest && owners_[at->second.owner].key == own_key_)) {
    return range.clocks.to;
  }
  return std::min(range.clocks.to, at->second.clock);
}

bool Authorship::came_signed(const crdt::WrittenRange& range) const {
  const auto at = bindings_.find(crdt::value_of(range.client));
  return at != bindings_.end() && range.clocks.to <= at->second.until;
}

Access Authorship::rights(const UpdateSource& source) const {
  Access rights = source.access;
  if (source.author == nullptr) {
    return rights;
  }
  const Bytes peer = to_bytes(multiformats::PeerId::of(*source.author).bytes());
  if (peer == own_peer_) {
    return Access::write;  // what this node said itself once
  }
  for (const auto& member : members_) {
    if (member.peer == peer) {
      rights = more_of(rights, member.access);
    }
  }
  return rights;
}

bool Authorship::contributes(const UpdateSource& source, const crdt::UpdateEffects& effects) const {
  const Bytes author = source.author != nullptr
                           ? to_bytes(multiformats::PeerId::of(*source.author).bytes())
                       : source.guest ? own_peer_
                                      : to_bytes(source.peer);
  const auto own = [&](crdt::ClientId client) {
    const Owner* owner = owner_of(client);
    return (source.guest && client == own_client_) || (owner != nullptr && owner->peer == author);
  };
  const auto all_own = [&](const auto& units) {
    return std::ranges::all_of(units, [&](const auto& entry) { return own(entry.first); });
  };
  return !effects.unplaced && std::ranges::all_of(effects.places, [&](const auto& place) {
    return (common_.contains(place.first) || all_own(place.second.deleted)) &&
           all_own(place.second.keyed);
  });
}

bool Authorship::knows_member(const store::GrantId& grant, BytesView peer) const {
  return std::ranges::any_of(members_, [&](const auto& member) {
    return member.grant == grant && std::ranges::equal(member.peer, peer);
  });
}

void Authorship::add_member(store::Member member) {
  if (members_.size() < store::k_members_max && !knows_member(member.grant, member.peer)) {
    members_.push_back(std::move(member));
  }
}

void Authorship::forget_members(const std::vector<store::GrantId>& grants) {
  std::erase_if(members_, [&](const auto& member) {
    return std::ranges::find(grants, member.grant) != grants.end();
  });
}

store::Envelope stored_form(BytesView envelope, const crdt::SignedUpdate& opened) {
  return {.bytes = to_bytes(envelope),
          .key = opened.key.encode(),
          .written = clocks_of(opened.extent),
          .deletes = opened.extent.deletes};
}

namespace {

/// Envelopes of one session of this node, or of its guests.
struct Group {
  std::vector<std::uint64_t> seqs;
  std::vector<BytesView> updates;
  std::set<crdt::ClientId> clients;
};

// What its clients wrote as it is now, and what it deleted.
Result<Bytes> state_of(const Group& group, BytesView snapshot) {
  const auto own = [&](const crdt::WrittenRange& range) {
    return group.clients.contains(range.client) ? range.clocks.to : 0;
  };
  VIVIM_TRY(const Bytes structs, crdt::without(snapshot, own, crdt::Deletions::drop));
  VIVIM_TRY(const Bytes merged, crdt::merge_updates(group.updates));
  VIVIM_TRY(const Bytes deletions,
            crdt::without(merged, [](const crdt::WrittenRange&) { return std::uint64_t{0}; }));
  return crdt::merge_updates(std::vector<BytesView>{structs, deletions});
}

}  // namespace

Result<std::size_t> consolidate(store::Database& database, const store::DocumentId& document,
                                const multiformats::PrivateKey& key, BytesView snapshot,
                                std::size_t small_min) {
  store::Envelopes envelopes(database);
  const Bytes own_key = key.public_key().encode();
  VIVIM_TRY(const auto small,
            envelopes.small_ones(document, own_key, k_small_envelope_bytes, small_min));
  if (small.size() < small_min) {
    return std::size_t{0};
  }
  VIVIM_TRY(const auto rows, envelopes.small_ones(document, own_key, SIZE_MAX >> 1, SIZE_MAX >> 1));
  std::map<std::optional<std::uint64_t>, Group> groups;  // no session: the guests
  for (const auto& row : rows) {
    VIVIM_TRY(const auto opened, crdt::open_envelope(document.view(), row.bytes));
    const auto* own = std::get_if<crdt::SignedUpdate::Own>(&opened.ids);
    auto& group = groups[own != nullptr ? std::optional(own->session) : std::nullopt];
    group.seqs.push_back(row.seq);
    group.updates.push_back(opened.update);
    for (const auto& range : opened.extent.written) {
      group.clients.insert(range.client);
    }
  }
  for (const auto& [session, group] : groups) {
    VIVIM_TRY(const Bytes state, state_of(group, snapshot));
    VIVIM_TRY(const auto parts, crdt::split_update(state, k_update_part_bytes));
    std::vector<store::Envelope> replacing;
    for (const Bytes& part : parts) {
      VIVIM_TRY(const auto extent, crdt::extent_of(part));
      VIVIM_TRY(Bytes sealed,
                session ? crdt::seal(key, {.document = document.view(), .session = *session}, part)
                        : crdt::seal_hosted(key, document.view(), part));
      replacing.push_back({.bytes = std::move(sealed),
                           .key = own_key,
                           .written = clocks_of(extent),
                           .deletes = extent.deletes});
    }
    VIVIM_TRYV(envelopes.replace(document, group.seqs, replacing));
  }
  return rows.size();
}

}  // namespace vivim::sync
