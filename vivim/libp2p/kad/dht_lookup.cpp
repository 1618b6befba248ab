#include <algorithm>

#include "vivim/libp2p/host/error.hpp"
#include "vivim/libp2p/kad/dht_detail.hpp"
#include "vivim/libp2p/limits/limits.hpp"
#include "vivim/libp2p/multistream/negotiation.hpp"
#include "vivim/libp2p/transport/reset_code.hpp"
#include "vivim/rt/error.hpp"

namespace vivim::libp2p::kad {

namespace {

/// A lookup that may not ask looks again after so long.
constexpr auto k_look_again = std::chrono::milliseconds(200);
/// And does so as often, where a limit of ours keeps it from asking: a connection attempt in vain
/// holds its place for some ten seconds.
constexpr unsigned k_waits_max = 75;

/// Whether a request did not leave because of a limit of ours.
bool is_ours(const Error& error) {
  return limits::is_limit_error(error) || error.is(rt::RtError::limit);
}

bool asked_too_often(const Error& error) {
  return error.is(rt::RtError::reset) && error.detail() == to_value(ResetCode::rate_limited);
}

}  // namespace

/// Of whom we know nothing we take it that it is far away.
multiformats::AddressScope Dht::scope_of_peer(const PeerId& peer) const {
  const auto remote = remotes_.find(peer);
  return remote == remotes_.end() ? multiformats::AddressScope::global : remote->second.scope;
}

std::vector<Contact> Dht::take_closer(const Contact& teller, const Message& answer) const {
  const auto scope = scope_of_peer(teller.peer);
  std::vector<Contact> closer;
  for (const PeerInfo& info : answer.closer) {
    closer.push_back(
        {.peer = info.contact.peer, .addresses = within(info.contact.addresses, scope)});
  }
  return closer;
}

void Dht::note_answer(const Contact& contact) {
  auto addresses = addresses_of(contact.peer);
  (void)table_.add({.peer = contact.peer,
                    .addresses = addresses.empty() ? contact.addresses : std::move(addresses)},
                   groups_of_peer(contact.peer), now());
}

/// Only what the peer did is counted against it: not that we had no room for a connection, nor
/// that we do not dial it so soon again, nor that we ask it too often.
void Dht::note_failure(const Contact& contact, const Error& error) {
  if (error.is(KadError::stopping)) {
    return;
  }
  ++failed_;
  if (is_ours(error) || error.is(HostError::backing_off) || asked_too_often(error)) {
    return;
  }
  if (error.is(multistream::MultistreamError::none_supported)) {
    table_.remove(contact.peer);
  } else {
    table_.failed(contact.peer);
  }
}

/// It is asked a little later, when others have gone; some seconds of that in all.
void Dht::had_no_room(Lookup& lookup, const PeerId& peer) {
  if (now() >= lookup.again_at && lookup.waits < k_waits_max) {
    ++lookup.waits;
    lookup.again_at = now() + k_look_again;
  }
  if (now() < lookup.again_at) {
    lookup.query.put_back(peer);
  } else {
    lookup.query.skip(peer);
  }
}

rt::Co<void> Dht::ask(std::shared_ptr<Lookup> lookup, Contact contact) {
  ++requests_;
  ++asked_;
  const rt::TimePoint began = now();
  const auto answer = co_await rpc_.ask(contact, lookup->request);
  --requests_;
  if (!answer) {
    if (is_ours(answer.error())) {
      had_no_room(*lookup, contact.peer);
    } else if (lookup->query.failed(contact.peer)) {
      note_failure(contact, answer.error());
    }
  } else {
    answer_times_.add(now() - began);
    note_answer(contact);
    if (!lookup->ended) {
      lookup->query.answered(contact.peer, take_closer(contact, *answer),
                             groups_of_peer(contact.peer));
      if (lookup->on_answer) {
        lookup->on_answer(*lookup, contact, *answer);
      }
    }
  }
  if (!lookup->ended) {
    lookup->timer->cancel();
  }
}

rt::Co<void> Dht::drive(std::shared_ptr<Lookup> lookup) {
  Query& query = lookup->query;
  waiting_lookups_.push_back(lookup->timer.get());
  while (!stopping() && query.end(now()) == QueryEnd::running) {
    if (now() >= lookup->deadline) {
      query.stop();
      break;
    }
    bool may_ask = true;
    for (;;) {
      may_ask = requests_ < options_.limits.requests_max && now() >= lookup->again_at;
      const auto contact = may_ask ? query.next(now()) : std::nullopt;
      if (!contact) {
        break;
      }
      tasks_.spawn("kad request", ask(lookup, *contact));
      // Counted when it begins, which is soon: until then they are not many.
    }
    const rt::TimePoint next =
        std::min(lookup->deadline, query.next_deadline(now()).value_or(lookup->deadline));
    lookup->timer->expire_at(may_ask ? next : std::min(next, now() + k_look_again));
    (void)co_await lookup->timer->wait();
  }
  std::erase(waiting_lookups_, lookup->timer.get());
  lookup->ended = true;
}

rt::Co<Result<LookupReport>> Dht::look_up(Bytes key, Message request, OnAnswer on_answer,
                                          Distance near) {
  const Call call(*this);
  const Key target = Key::of(key);
  std::vector<Contact> seeds;
  for (const TableEntry* entry : table_.closest(target, k_replication)) {
    seeds.push_back(entry->contact);
  }
  if (stopping() || seeds.empty()) {
    co_return fail(stopping() ? KadError::stopping : KadError::no_peers);
  }
  const rt::TimePoint began = now();
  QueryOptions options = options_.query;
  options.slow = answer_times_.patience(options.slow);
  options.near = near;
  const auto lookup =
      std::make_shared<Lookup>(Lookup{.query = Query(target, host_.peer_id(), seeds, options),
                                      .request = std::move(request),
                                      .on_answer = std::move(on_answer),
                                      .timer = host_.loop().make_timer(),
                                      .deadline = began + options_.times.operation_max});
  co_await drive(lookup);
  lookup->on_answer = {};  // what it refers to may go now
  if (stopping()) {
    co_return fail(KadError::stopping);
  }
  const Query& query = lookup->query;
  LookupReport report{.closest = query.closest(),
                      .end = query.end(now()),
                      .hops = query.hops(),
                      .asked = query.asked(),
                      .answers = query.answers(),
                      .time = now() - began};
  ++lookups_[to_string(report.end)];
  if (report.end == QueryEnd::complete) {
    network_size_.add(target, query.closest_keys(), options_.query.replication, now());
    const unsigned bucket = table_.key().common_prefix(target);
    table_.refreshed(bucket, now());
  }
  co_return report;
}

std::optional<double> Dht::network_size() const {
  return network_size_.estimate(now()).transform(
      [this](double size) { return std::max(size, static_cast<double>(table_.size())); });
}

bool Dht::is_crowded_at(const Key& target, const std::vector<Key>& closest) const {
  const auto size = network_size();
  return options_.regions == Regions::when_crowded && size &&
         closest.size() >= options_.query.replication && is_crowded(target, closest, *size);
}

rt::Co<void> Dht::wait_for(rt::Event& changed, std::function<bool()> condition) {
  waiting_calls_.push_back(&changed);
  while (!stopping() && !condition()) {
    changed.reset();
    co_await changed.wait();
  }
  std::erase(waiting_calls_, &changed);
}

rt::Co<void> Dht::ask_one(std::shared_ptr<Asking> asking, Contact node) {
  ++requests_;
  ++asked_;
  const auto answer = co_await rpc_.ask(node, asking->request);
  --requests_;
  if (!answer) {
    note_failure(node, answer.error());
  } else {
    note_answer(node);
    if (asking->on_answer) {
      asking->on_answer(node, *answer);
    }
  }
  --asking->left;
  asking->changed->set();
}

/// Asks all of these at once, and returns when all have answered or failed.
rt::Co<void> Dht::ask_each(std::vector<Contact> nodes, Message request,
                           std::function<void(const Contact&, const Message&)> on_answer) {
  const Call call(*this);
  const auto asking =
      std::make_shared<Asking>(Asking{.request = std::move(request),
                                      .on_answer = std::move(on_answer),
                                      .changed = std::make_unique<rt::Event>(host_.loop()),
                                      .left = nodes.size()});
  for (Contact& node : nodes) {
    if (!stopping()) {
      tasks_.spawn("kad request", ask_one(asking, std::move(node)));
    }
  }
  co_await wait_for(*asking->changed, [asking] { return asking->left == 0; });
  asking->on_answer = {};  // what it refers to may go now
}

rt::Co<std::vector<Contact>> Dht::find_region(Key target) {
  ++regions_;
  const double size = network_size().value_or(0);
  const unsigned bits = region_bits(size, options_.query.replication);
  std::vector<Contact> nodes;
  for (Bytes& probe : region_probes(target, bits, static_cast<std::uint32_t>(rng_.u64()))) {
    Message request{.type = Type::find_node, .key = probe};
    const auto found = co_await look_up(std::move(probe), std::move(request), {});
    for (std::size_t i = 0; found && i < found->closest.size(); ++i) {
      const Contact& node = found->closest[i];
      const bool known = std::ranges::any_of(
          nodes, [&node](const Contact& other) { return other.peer == node.peer; });
      if (!known && Key::of(node.peer).common_prefix(target) >= bits &&
          nodes.size() < options_.limits.region_nodes_max) {
        nodes.push_back(node);
      }
    }
  }
  co_return nodes;
}

}  // namespace vivim::libp2p::kad
