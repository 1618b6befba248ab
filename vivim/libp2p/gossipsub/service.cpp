#include "vivim/libp2p/gossipsub/service.hpp"

#include <algorithm>

#include "vivim/base/log.hpp"
#include "vivim/libp2p/gossipsub/service_detail.hpp"
#include "vivim/libp2p/limits/resource_manager.hpp"
#include "vivim/libp2p/record/peer_record.hpp"

namespace vivim::libp2p::gossipsub {

namespace {

constexpr std::string_view k_tag = "gossipsub";
constexpr int k_tag_value = 20;

RouterOptions with_seqno(RouterOptions options, rt::WallMs wall_ms) {
  if (options.first_seqno == 1) {
    // Nanoseconds, as go begins: it grows over restarts.
    options.first_seqno = static_cast<std::uint64_t>(wall_ms) * 1'000'000;
  }
  return options;
}

}  // namespace

Service::Service(Host& host, rt::Loop& loop, rt::Rng& rng, ServiceOptions options)
    : host_(host),
      loop_(loop),
      options_(std::move(options)),
      router_(host.peer_id(), with_seqno(options_.router, loop.clock().wall_now_ms()), rng,
              loop.clock().now()),
      protocols_(k_protocol_ids.begin(), k_protocol_ids.end()),
      timer_(loop.make_timer()),
      tasks_(loop) {}

Service::~Service() = default;

Result<void> Service::start() {
  VIVIM_TRYV(check(options_.router));
  for (const std::string& protocol : protocols_) {
    VIVIM_TRYV(host_.handle(protocol,
                            [this](InboundStream inbound) { return serve(std::move(inbound)); }));
  }
  watching_ = host_.subscribe([this](const HostEvent& event) { on_host_event(event); });
  published_ = host_.publish([this](metrics::Registry& registry) { publish_metrics(registry); });
  tasks_.on_stop([this] {
    stopping_ = true;
    watching_ = {};
    timer_->cancel();
    for (rt::Timer* timer : retries_) {
      timer->cancel();
    }
    for (const auto& [peer, session] : sessions_) {
      session->end();
    }
  });
  tasks_.spawn("gossipsub", beat());
  for (const PeerInfo& peer : host_.peers()) {
    if (!peer.limited) {
      note_connection(peer.id, peer.direction, peer.address);
      meet_if_spoken(peer);
    }
  }
  return {};
}

rt::Co<void> Service::stop() {
  for (const std::string& protocol : protocols_) {
    host_.unhandle(protocol);
  }
  published_ = {};
  co_await tasks_.stop();
}

// Peers.

void Service::on_host_event(const HostEvent& event) {
  using Kind = HostEvent::Kind;
  if (!event.peer) {
    return;
  }
  // Whatever kind of connection the last one was.
  if (event.kind == Kind::disconnected && event.connections_left == 0) {
    links_.erase(*event.peer);
    if (const auto found = sessions_.find(*event.peer); found != sessions_.end()) {
      found->second->end();
    }
    return;
  }
  if (event.limited) {
    return;
  }
  if (event.kind == Kind::connected) {
    note_connection(*event.peer, event.direction, event.remote);
  } else if (event.kind == Kind::identified) {
    on_identified(*event.peer);
  }
}

void Service::on_identified(const PeerId& peer) {
  const auto* known = host_.peer_store().find(peer);
  if (known == nullptr) {
    return;
  }
  if (const auto index = router_.find_peer(peer); index && !known->envelope.empty()) {
    router_.set_record(*index, known->envelope);
  }
  if (std::ranges::any_of(known->protocols, [](const std::string& protocol) {
        return parse_protocol(protocol).has_value();
      })) {
    meet(peer);
  }
}

void Service::meet_if_spoken(const PeerInfo& peer) {
  if (std::ranges::any_of(peer.protocols, [](const std::string& protocol) {
        return parse_protocol(protocol).has_value();
      })) {
    meet(peer.id);
  }
}

void Service::note_connection(const PeerId& peer, Direction direction, const Multiaddr& remote) {
  Link& link = links_[peer];
  link.outbound |= direction == Direction::outbound;
  link.tries = 0;  // also while a connection is left that died and does not know it yet
  if (const auto address = limits::counted_address(remote)) {
    link.addresses.insert(std::string(as_text(*address)));
  }
  if (const auto index = router_.find_peer(peer)) {
    router_.set_addresses(*index, {link.addresses.begin(), link.addresses.end()});
  }
}

/// Opens our stream to a peer, if there is none.
void Service::meet(const PeerId& peer) {
  const auto link = links_.find(peer);
  if (stopping_ || link == links_.end() || sessions_.contains(peer) ||
      link->second.tries >= options_.tries_max) {
    return;
  }
  ++link->second.tries;
  auto session = std::make_shared<Session>(peer, loop_);
  sessions_.emplace(peer, session);
  tasks_.spawn("gossipsub peer", keep_session(std::move(session)));
}

rt::Co<void> Service::keep_session(std::shared_ptr<Session> session) {
  auto opened = co_await host_.open_stream(session->peer, protocols_);
  const auto link = links_.find(session->peer);
  if (opened && link != links_.end() && !stopping_) {
    session->out = std::move(opened->stream);
    const auto* known = host_.peer_store().find(session->peer);
    const std::vector<std::string> addresses(link->second.addresses.begin(),
                                             link->second.addresses.end());
    session->index = router_.add_peer(
        session->peer, {.protocol = parse_protocol(opened->protocol).value_or(Protocol::v1_0),
                        .outbound = link->second.outbound,
                        .addresses = addresses,
                        .record = known == nullptr ? Bytes() : known->envelope});
    const auto place = static_cast<std::size_t>(*session->index);
    by_index_.resize(std::max(by_index_.size(), place + 1));
    by_index_[place] = session;
    session->opened.set();
    tasks_.spawn("gossipsub watch", watch(session));
    pump();
    const rt::TimePoint since = now();
    (void)co_await write(session);
    if (const auto left = links_.find(session->peer);
        left != links_.end() && now() - since >= options_.settled) {
      left->second.tries = 0;
    }
    router_.remove_peer(*session->index, now());
    by_index_[place].reset();
    pump();
  }
  session->end();
  sessions_.erase(session->peer);
  if (!stopping_ && links_.contains(session->peer)) {
    tasks_.spawn("gossipsub retry", retry(session->peer));
  }
}

/// Nothing is sent on our stream to us, but its end is heard.
rt::Co<void> Service::watch(std::shared_ptr<Session> session) {
  std::array<std::uint8_t, 16> some{};
  auto read = co_await session->out->read_some(some);
  while (read && *read > 0) {
    read = co_await session->out->read_some(some);
  }
  if (!read) {
    session->end();
  }
}

rt::Co<void> Service::retry(PeerId peer) {
  const auto timer = loop_.make_timer();
  retries_.insert(*timer);
  timer->expire_at(now() + options_.retry);
  const bool due = !stopping_ && co_await timer->wait();
  retries_.erase(*timer);
  if (due) {
    meet(peer);
  }
}

/// Writes what the router has for a peer until the stream or the session ends.
rt::Co<Result<void>> Service::write(std::shared_ptr<Session> session) {
  Bytes& batch = session->batch;
  while (!session->ended) {
    batch.clear();
    const bool more = router_.take_output(*session->index, batch, options_.batch_bytes);
    session->batch_bytes_max = std::max(session->batch_bytes_max, batch.size());
    if (!batch.empty()) {
      VIVIM_CO_TRYV(co_await session->out->write(batch));
      batch.clear();
    }
    if (!more && !session->ended) {
      session->wake.reset();
      co_await session->wake.wait();
    }
  }
  co_return Result<void>{};
}

// What peers send.

rt::Co<void> Service::serve(InboundStream inbound) {
  meet(inbound.peer);
  const auto found = sessions_.find(inbound.peer);
  if (found == sessions_.end()) {
    inbound.stream->reset(0);
    co_return;
  }
  const auto session = found->second;
  while (session->reading.size() >= k_streams_per_peer_max) {
    // At once: more may be opened before its reader notices.
    session->reading.front()->reset(0);
    session->reading.erase(session->reading.begin());
  }
  session->reading.push_back(inbound.stream.get());
  const auto ended = co_await read(*inbound.stream, session);
  std::erase(session->reading, inbound.stream.get());
  if (!ended) {
    inbound.stream->reset(0);
  }
}

rt::Co<Result<void>> Service::read(rt::Stream& stream, std::shared_ptr<Session> session) {
  co_await session->opened.wait();
  FrameBuffer buffer;
  while (!session->ended && session->index) {
    VIVIM_CO_TRY(const std::size_t size, co_await stream.read_some(buffer.room()));
    if (size == 0) {
      co_return Result<void>{};
    }
    buffer.filled(size);
    while (!session->ended) {
      VIVIM_CO_TRY(const auto rpc, buffer.next());
      if (!rpc) {
        break;
      }
      const auto taken = router_.receive(*session->index, *rpc, now());
      pump();
      VIVIM_CO_TRYV(taken);
    }
    buffer.compact();
  }
  co_return Result<void>{};
}

rt::Co<void> Service::beat() {
  timer_->expire_at(router_.next_deadline());
  while (co_await timer_->wait()) {
    router_.on_deadline(now());
    for (const auto& [peer, session] : sessions_) {
      session->trim();
    }
    pump();
    timer_->expire_at(router_.next_deadline());
  }
}

// What the router says.

/// Not within itself: what a listener does is seen by the call that tells it.
void Service::pump() {
  if (pumping_) {
    return;
  }
  pumping_ = true;
  while (const auto event = router_.poll_event()) {
    handle(*event);
    tell(*event);
  }
  pumping_ = false;
  while (const auto index = router_.next_writable()) {
    const auto place = static_cast<std::size_t>(*index);
    if (place < by_index_.size() && by_index_[place]) {
      by_index_[place]->wake.set();
    }
  }
}

Subscription Service::observe(std::function<void(const Event&)> observer) {
  const std::uint64_t id = next_observer_++;
  observers_.emplace(
      id, std::make_shared<const std::function<void(const Event&)>>(std::move(observer)));
  return Subscription([this, id] { observers_.erase(id); });
}

/// Observers may come and go meanwhile.
void Service::tell(const Event& event) {
  for (auto at = observers_.begin(); at != observers_.end();) {
    const std::uint64_t id = at->first;
    const auto observer = at->second;
    (*observer)(event);
    at = observers_.upper_bound(id);
  }
}

void Service::handle(const Event& event) {
  if (const auto* change = std::get_if<MeshChanged>(&event)) {
    on_mesh(*change);
  } else if (const auto* wanted = std::get_if<Connect>(&event)) {
    connect(*wanted);
  } else if (const auto* slow = std::get_if<Overloaded>(&event)) {
    if (const auto found = sessions_.find(slow->peer); found != sessions_.end()) {
      found->second->end();
    }
  } else if (const auto* foreign = std::get_if<ForeignIds>(&event)) {
    log::write(log::Level::warning, "gossipsub",
               "a peer makes message ids in another way: gossip with it mends nothing; set the "
               "profile of ids that the network has agreed on",
               {{"peer", foreign->peer.to_string()},
                {"topic", foreign->topic},
                {"ours", to_string(options_.router.ids)},
                {"theirs", foreign->theirs ? to_string(*foreign->theirs) : "unknown"}});
  }
}

/// Peers of meshes are worth keeping.
void Service::on_mesh(const MeshChanged& change) {
  std::size_t& meshes = meshes_[change.peer];
  if (change.grafted && meshes++ == 0) {
    (void)host_.connection_manager().tag(change.peer, std::string(k_tag), k_tag_value);
  } else if (!change.grafted && --meshes == 0) {
    host_.connection_manager().untag(change.peer, std::string(k_tag));
    meshes_.erase(change.peer);
  }
}

void Service::connect(const Connect& wanted) {
  if (stopping_ || dials_ >= k_dials_max || host_.connected(wanted.peer)) {
    return;
  }
  if (!wanted.record.empty()) {
    const auto record = record::open_peer_record(wanted.record);
    const peerstore::Time wall(loop_.clock().wall_now_ms());
    if (record) {
      (void)host_.peer_store().set_record(wanted.peer, record->sequence, record->addresses,
                                          wanted.record, peerstore::k_ttl_told, wall);
    }
  }
  ++dials_;
  tasks_.spawn("gossipsub dial", dial(wanted.peer));
}

rt::Co<void> Service::dial(PeerId peer) {
  (void)co_await host_.connect(peer, {});
  --dials_;
}

// Calls.

Result<void> Service::subscribe(std::string_view topic, TopicOptions options) {
  const auto held = holders_.find(topic);
  const bool judges = options.validate;
  const bool first_other =
      !judges && (held == holders_.end() || held->second.all == held->second.judges);
  auto of_others = first_other ? options : TopicOptions();
  // Whoever judges its messages goes on to, with their options.
  if (held == holders_.end() || judges) {
    VIVIM_TRYV(router_.subscribe(topic, std::move(options), now()));
  }
  auto& holders = held != holders_.end() ? held->second : holders_[std::string(topic)];
  ++holders.all;
  holders.judges += judges ? 1 : 0;
  if (first_other) {
    holders.of_others = std::move(of_others);
  }
  pump();
  return {};
}

void Service::unsubscribe(std::string_view topic, Role role) {
  const auto held = holders_.find(topic);
  if (held == holders_.end()) {
    return;
  }
  auto& holders = held->second;
  VIVIM_ASSERT(role == Role::hears || holders.judges > 0);
  const bool last_judge = role == Role::judges && --holders.judges == 0;
  if (--holders.all == 0) {
    holders_.erase(held);
    router_.unsubscribe(topic, now());
  } else if (last_judge) {
    (void)router_.subscribe(topic, holders.of_others, now());  // they were checked once
  }
  pump();
}

Result<Published> Service::publish(std::string_view topic, BytesView data) {
  auto result = router_.publish(topic, data, now());
  pump();
  return result;
}

Result<void> Service::validated(const MessageKey& message, Verdict verdict) {
  auto result = router_.validated(message, verdict, now());
  pump();
  return result;
}

Result<std::vector<PartialPeer>> Service::publish_partial(std::string_view topic, BytesView group) {
  return router_.publish_partial(topic, group);
}

Result<void> Service::send_partial(PeerIndex to, const wire::Partial& partial) {
  auto result = router_.send_partial(to, partial);
  pump();
  return result;
}

void Service::add_explicit_peer(const PeerId& peer) {
  router_.add_explicit_peer(peer);
  pump();
}

void Service::set_app_score(const PeerId& peer, double value) {
  if (const auto index = router_.find_peer(peer)) {
    router_.set_app_score(*index, value);
  }
}

}  // namespace vivim::libp2p::gossipsub
