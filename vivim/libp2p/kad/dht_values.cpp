#include <algorithm>

#include "vivim/libp2p/kad/dht_detail.hpp"

namespace vivim::libp2p::kad {

namespace {

using multiformats::AddressScope;

/// So sure must we be that a node is among the nearest, to store with it before the lookup ends:
/// when some of the nearest are gone, those behind them are meant.
constexpr double k_likely = 0.5;
/// And so sure, to end the lookup when there are enough of them.
constexpr double k_sure = 0.9;
/// Of those that are told, so many in four make it done.
constexpr std::size_t k_enough_quarters = 3;

AddressScope nearest_scope(const std::vector<Multiaddr>& addresses) {
  AddressScope nearest = AddressScope::global;
  for (const Multiaddr& address : addresses) {
    nearest = std::min(nearest, multiformats::scope_of(address));
  }
  return nearest;
}

std::vector<Key> keys_of(const std::vector<Contact>& contacts) {
  std::vector<Key> keys;
  keys.reserve(contacts.size());
  for (const Contact& contact : contacts) {
    keys.push_back(Key::of(contact.peer));
  }
  return keys;
}

bool contains(const std::vector<Contact>& contacts, const PeerId& peer) {
  return std::ranges::any_of(contacts, [&](const Contact& one) { return one.peer == peer; });
}

}  // namespace

rt::Co<Result<LookupReport>> Dht::find_closest(Bytes key) {
  Message request{.type = Type::find_node, .key = key};
  co_return co_await look_up(std::move(key), std::move(request), {});
}

rt::Co<Result<FoundPeer>> Dht::find_peer(PeerId peer) {
  const Call call(*this);
  PeerTally tally(peer);
  unsigned hops = 0;
  const auto on_answer = [&](Lookup& lookup, const Contact& node, const Message& answer) {
    for (const PeerInfo& info : answer.closer) {
      if (info.contact.peer == peer &&
          tally.add(info, scope_of_peer(node.peer), lookup.query.path_of(node.peer))) {
        hops = lookup.query.hops_of(node.peer) + 1;
      }
    }
    if (tally.is_confirmed() || (tally.is_known() && remotes_.contains(peer))) {
      lookup.query.stop();
    }
  };
  Message request{.type = Type::find_node, .key = to_bytes(peer.bytes())};
  VIVIM_CO_TRY(auto lookup,
               co_await look_up(to_bytes(peer.bytes()), std::move(request), on_answer));
  if (const auto known = describe(peer); known && (!tally.is_known() || remotes_.contains(peer))) {
    (void)tally.add(*known, AddressScope::loopback, 0);
  }
  if (!tally.is_known()) {
    co_return fail(KadError::not_found);
  }
  co_return FoundPeer{.contact = tally.contact(),
                      .is_signed = tally.is_signed(),
                      .hops = hops,
                      .lookup = std::move(lookup)};
}

rt::Co<Result<FoundValue>> Dht::get_value(Bytes key, FindOptions options) {
  const Call call(*this);
  if (key.empty() || key.size() > k_key_bytes_max) {
    co_return fail(KadError::bad_key, key.size());
  }
  if (!validators_.knows(key)) {
    co_return fail(KadError::unknown_namespace);
  }
  ValueTally tally(key, validators_);
  if (const Record* const own = records_.get(key, now()); own != nullptr) {
    tally.add(host_.peer_id(), *own, wall());
  }
  FoundValue found;
  const auto on_answer = [&](Lookup& lookup, const Contact& node, const Message& answer) {
    tally.add(node.peer, answer.record, wall());
    if (options.enough > 0 && tally.votes() >= options.enough && !tally.disagree()) {
      lookup.query.stop();
    }
  };
  const Message request{.type = Type::get_value, .key = key};
  VIVIM_CO_TRY(found.lookup, co_await look_up(key, request, on_answer));
  const Key target = Key::of(key);
  const bool crowded = is_crowded_at(target, keys_of(found.lookup.closest));
  std::vector<Contact> responsible = found.lookup.closest;
  const bool look_wider = options_.regions == Regions::when_crowded && network_size();
  if (look_wider && (tally.disagree() || crowded)) {
    found.region = true;
    auto region = co_await find_region(target);
    std::erase_if(region, [&](const Contact& node) { return contains(responsible, node.peer); });
    responsible.insert(responsible.end(), region.begin(), region.end());
    co_await ask_each(std::move(region), request, [&](const Contact& node, const Message& answer) {
      tally.add(node.peer, answer.record, wall());
    });
  }
  if (stopping()) {
    co_return fail(KadError::stopping);
  }
  if (!tally.best()) {
    co_return fail(KadError::not_found, found.lookup.answers);
  }
  found.value = *tally.best();
  found.votes = tally.votes();
  found.disagreed = tally.disagree();
  std::vector<Contact> late;
  const auto outdated = tally.outdated();
  for (const Contact& node : responsible) {
    if (std::ranges::find(outdated, node.peer) != outdated.end()) {
      late.push_back(node);
    }
  }
  if (!late.empty() && found.lookup.end == QueryEnd::complete) {
    tasks_.spawn("kad correct", correct(key, found.value, std::move(late)));
  }
  co_return found;
}

/// Tells the best value to those who have another, or none (libp2p/specs kad-dht "Entry
/// correction").
rt::Co<void> Dht::correct(Bytes key, Bytes value, std::vector<Contact> nodes) {
  Record record{.key = key, .value = std::move(value), .time_received = format_time(wall())};
  Message request{.type = Type::put_value, .key = std::move(key), .record = std::move(record)};
  co_await ask_each(std::move(nodes), std::move(request), {});
}

rt::Co<void> Dht::store_one(std::shared_ptr<Storing> storing, Contact node) {
  ++requests_;
  ++asked_;
  Result<void> stored;
  if (storing->message.type == Type::add_provider) {
    stored = co_await rpc_.tell(node, storing->message);
  } else {
    const auto answer = co_await rpc_.ask(node, storing->message);
    stored = answer ? Result<void>() : Result<void>(fail(answer.error()));
  }
  --requests_;
  if (!stored) {
    note_failure(node, stored.error());
  }
  storing->stored += stored ? 1 : 0;
  ++storing->done;
  storing->changed->set();
}

void Dht::store_with(const std::shared_ptr<Storing>& storing, const Contact& node) {
  if (storing->tried.insert(node.peer).second && !stopping()) {
    tasks_.spawn("kad store", store_one(storing, node));
  }
}

/// Finds the nodes nearest to a key and stores there. As soon as a node is practically sure to be
/// one of them, it is told (optimistic provide); when as many as needed are, the lookup ends.
rt::Co<void> Dht::find_and_store(std::shared_ptr<Storing> storing) {
  const Call call(*this);
  const Key target = Key::of(storing->key);
  const std::size_t wanted = options_.query.replication;
  const auto on_answer = [&](Lookup& lookup, const Contact& node, const Message&) {
    const auto& size = storing->size;
    const auto distance = Key::of(node.peer).distance(target);
    const double likely = size ? likely_among_closest(distance, *size, wanted) : 0;
    if (likely < k_likely) {
      return;
    }
    storing->crowded = is_crowded(target, lookup.query.closest_keys(), *size);
    store_with(storing, node);
    storing->sure += likely >= k_sure ? 1 : 0;
    if (storing->sure >= wanted && !storing->crowded) {
      lookup.query.stop();
    }
  };
  Message request{.type = Type::find_node, .key = storing->key};
  const Distance near = storing->size ? likely_reach(*storing->size, wanted, k_likely) : Distance();
  const auto found = co_await look_up(storing->key, std::move(request), on_answer, near);
  storing->lookup = found;
  if (found && (found->end != QueryEnd::stopped || storing->sure < wanted)) {
    for (const Contact& node : found->closest) {
      store_with(storing, node);
    }
  }
  if (found && is_crowded_at(target, keys_of(found->closest))) {
    storing->region = true;
    for (const Contact& node : co_await find_region(target)) {
      store_with(storing, node);
    }
  }
  storing->all_tried = true;
  storing->changed->set();
}

/// Whether the caller has waited long enough: most of all that are told have it; or the lookup goes
/// on, but half as many as needed have it of those that are practically sure to be the nearest.
bool Dht::is_settled(const Storing& storing) const {
  if (storing.all_tried) {
    return storing.done == storing.tried.size() ||
           storing.stored * 4 >= storing.tried.size() * k_enough_quarters;
  }
  return !storing.lookup && !storing.crowded && storing.size &&
         storing.stored * 2 >= options_.query.replication;
}

rt::Co<Result<Stored>> Dht::store(Bytes key, Message message) {
  const Call call(*this);
  const auto storing =
      std::make_shared<Storing>(Storing{.key = std::move(key),
                                        .message = std::move(message),
                                        .changed = std::make_unique<rt::Event>(host_.loop())});
  const auto size = options_.regions == Regions::never ? std::nullopt : network_size();
  if (size && *size >= 2 * static_cast<double>(options_.query.replication)) {
    storing->size = size;  // else nothing to gain, and a network that grows is soon larger
  }
  if (!stopping()) {
    tasks_.spawn("kad publish", find_and_store(storing));
  }
  co_await wait_for(*storing->changed, [this, storing] { return is_settled(*storing); });
  if (stopping()) {
    co_return fail(KadError::stopping);
  }
  if (storing->lookup && !*storing->lookup) {
    co_return fail(storing->lookup->error());
  }
  const bool running = !storing->lookup;
  Stored stored{.stored = storing->stored,
                .tried = storing->tried.size(),
                .early = running || storing->done < storing->tried.size(),
                .region = storing->region,
                .lookup = running ? LookupReport{.end = QueryEnd::running} : **storing->lookup};
  if (stored.stored == 0) {
    co_return fail(KadError::not_found, stored.tried);
  }
  co_return stored;
}

rt::Co<Result<Stored>> Dht::put_value(Bytes key, Bytes value) {
  VIVIM_CO_TRYV(validators_.validate(key, value, wall()));
  if (serving_) {
    (void)records_.put(host_.peer_id(), key, value, now(), wall());
  }
  Record record{.key = key, .value = std::move(value), .time_received = format_time(wall())};
  Message message{.type = Type::put_value, .key = key, .record = std::move(record)};
  co_return co_await store(std::move(key), std::move(message));
}

rt::Co<Result<Stored>> Dht::provide(Bytes key) {
  if (!is_provided_key(key)) {
    co_return fail(KadError::bad_key, key.size());
  }
  PeerInfo self = describe_self();
  const auto life = std::chrono::duration_cast<std::chrono::milliseconds>(options_.providers.ttl);
  self.provider_record = seal_provider(signer_, key, wall() + life.count(), self.contact.addresses);
  if (serving_) {
    (void)providers_.add(key, self, {}, now());
  }
  Message message{.type = Type::add_provider, .key = key, .providers = {std::move(self)}};
  co_return co_await store(std::move(key), std::move(message));
}

rt::Co<Result<FoundProviders>> Dht::find_providers(Bytes key, FindOptions options) {
  const Call call(*this);
  if (!is_provided_key(key)) {
    co_return fail(KadError::bad_key, key.size());
  }
  ProviderTally tally(key);
  const auto add = [&](const std::vector<PeerInfo>& told, const AddressScope& scope) {
    for (const FoundProvider& provider : tally.add(told, scope, wall())) {
      if (options.on_found) {
        options.on_found(provider);
      }
    }
  };
  const auto add_of = [&](const Contact& node, const Message& answer) {
    add(answer.providers, scope_of_peer(node.peer));
  };
  for (PeerInfo& own : providers_.get(key, now())) {
    const auto nearest = nearest_scope(own.contact.addresses);  // what it was believed
    add({std::move(own)}, nearest);
  }
  FoundProviders found;
  const auto on_answer = [&](Lookup& lookup, const Contact& node, const Message& answer) {
    const bool none = tally.size() == 0;
    add_of(node, answer);
    if (none && tally.size() > 0) {
      found.hops = lookup.query.hops_of(node.peer) + 1;
    }
    if (options.enough > 0 && tally.size() >= options.enough) {
      lookup.query.stop();
    }
  };
  const Message request{.type = Type::get_providers, .key = key};
  VIVIM_CO_TRY(found.lookup, co_await look_up(key, request, on_answer));
  const Key target = Key::of(key);
  if (is_crowded_at(target, keys_of(found.lookup.closest))) {
    found.region = true;
    auto region = co_await find_region(target);
    std::erase_if(region,
                  [&](const Contact& node) { return contains(found.lookup.closest, node.peer); });
    co_await ask_each(std::move(region), request, add_of);
  }
  if (stopping()) {
    co_return fail(KadError::stopping);
  }
  found.providers = tally.providers();
  co_return found;
}

}  // namespace vivim::libp2p::kad
