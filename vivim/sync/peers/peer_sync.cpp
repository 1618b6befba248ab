#include "vivim/sync/peers/peer_sync.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <utility>

#include "vivim/base/log.hpp"

namespace vivim::sync {

using multiformats::Multiaddr;
using multiformats::PeerId;

namespace {

constexpr auto k_retry_min = std::chrono::milliseconds(200);
constexpr auto k_retry_max = std::chrono::seconds(30);
constexpr auto k_goodbye_time = std::chrono::seconds(2);

Version version_of(std::string_view protocol) {
  return protocol == k_sync_protocol_1_0   ? Version::v1_0
         : protocol == k_sync_protocol_1_1 ? Version::v1_1
                                           : Version::v1_2;
}

/// The addresses of a grant that name a peer, and that peer: all must name the same.
Result<std::pair<PeerId, std::vector<Multiaddr>>> read_addresses(const store::GrantRow& grant) {
  std::optional<PeerId> peer;
  std::vector<Multiaddr> addresses;
  for (const auto& bytes : grant.addresses) {
    auto address = Multiaddr::from_bytes(bytes);
    if (!address || !address->peer() || (peer && *peer != *address->peer())) {
      return fail(SyncError::bad_ticket);
    }
    peer = address->peer();
    addresses.push_back(std::move(*address));
  }
  if (!peer) {
    return fail(SyncError::bad_ticket);
  }
  return std::pair(*peer, std::move(addresses));
}

}  // namespace

std::string_view to_string(JoinState state) {
  switch (state) {
    case JoinState::waiting:
      return "waiting";
    case JoinState::opened:
      return "opened";
    case JoinState::synced:
      return "synced";
    case JoinState::refused:
      return "refused";
  }
  return "waiting";
}

PeerSync::PeerSync(LinkContext context, libp2p::Host& host)
    : context_(std::move(context)),
      host_(host),
      own_(host.peer_id()),
      changed_(context_.loop),
      quiet_(context_.loop),
      tasks_(context_.loop) {
  quiet_.set();
  tasks_.on_stop([this] {
    for (auto& [peer, remote] : remotes_) {
      remote.timer->cancel();
      remote.ended->set();
    }
    changed_.set();
  });
}

PeerSync::~PeerSync() = default;

std::vector<std::string> PeerSync::protocols() const {
  std::vector<std::string> out;
  for (const auto protocol : {k_sync_protocol, k_sync_protocol_1_1, k_sync_protocol_1_0}) {
    if (version_of(protocol) <= context_.version_max) {
      out.emplace_back(protocol);
    }
  }
  return out;
}

rt::Co<Result<void>> PeerSync::start() {
  for (const auto& protocol : protocols()) {
    VIVIM_CO_TRYV(host_.handle(
        protocol, [this](libp2p::InboundStream inbound) { return serve(std::move(inbound)); },
        {.allow_limited = true}));
  }
  VIVIM_CO_TRY(const auto grants, co_await context_.store.read([](store::Database& database) {
    return store::Grants(database).joined();
  }));
  for (const auto& grant : grants) {
    const auto added = add(grant);
    if (!added) {
      log::write(log::Level::warning, "sync", "a joined document cannot be synced",
                 {{"document", std::string_view(grant.document.to_text())},
                  {"error", std::string_view(added.error().message())}});
    }
  }
  co_return Result<void>{};
}

Result<void> PeerSync::add(const store::GrantRow& grant) {
  VIVIM_TRY(auto target, read_addresses(grant));
  auto& [peer, addresses] = target;
  const bool known = remotes_.contains(peer);
  if (!known && remotes_.size() >= context_.limits.remotes_max) {
    return fail(SyncError::too_many_documents, context_.limits.remotes_max);
  }
  auto& remote = remotes_[peer];
  remote.addresses = std::move(addresses);
  remote.grants.insert_or_assign(grant.id, grant);
  joined_.insert_or_assign(grant.id,
                           Joined{.peer = peer, .status = {}, .document = grant.document});
  if (!known) {
    remote.timer = context_.loop.make_timer();
    remote.ended = std::make_unique<rt::Event>(context_.loop);
    remote.ended->set();
    tasks_.spawn("sync remote", keep_linked(peer));
    return {};
  }
  if (const auto link = links_.find(peer); link != links_.end()) {
    link->second->open(grant);
  } else {
    remote.timer->cancel();
  }
  return {};
}

void PeerSync::remove(const store::GrantId& grant) {
  const auto at = joined_.find(grant);
  if (at == joined_.end()) {
    return;
  }
  auto& remote = remotes_.at(at->second.peer);
  remote.grants.erase(grant);
  remote.timer->cancel();  // it is forgotten when nothing of it is left
  if (const auto link = links_.find(at->second.peer); link != links_.end()) {
    link->second->close_grants({grant}, Reason::done, {});
  }
  joined_.erase(at);
}

void PeerSync::revoke(const std::vector<store::GrantId>& grants) {
  for (auto* link : running_) {
    link->close_grants(grants, Reason::revoked, "not shared any more");
  }
}

JoinStatus PeerSync::status(const store::GrantId& grant) const {
  const auto at = joined_.find(grant);
  return at == joined_.end() ? JoinStatus{} : at->second.status;
}

rt::Co<JoinStatus> PeerSync::wait_joined(store::GrantId grant, rt::Duration timeout) {
  const auto timer = context_.loop.make_timer();
  bool expired = false;
  rt::TaskGroup watch(context_.loop);
  watch.on_stop([&timer] { timer->cancel(); });
  const auto expire = [](rt::Timer& alarm, bool& flag, rt::Event& event) -> rt::Co<void> {
    flag = co_await alarm.wait();
    event.set();
    event.reset();
  };
  timer->expire_at(context_.loop.clock().now() + timeout);
  watch.spawn("join deadline", expire(*timer, expired, changed_));
  while (!expired && !tasks_.stopping()) {
    const auto state = status(grant).state;
    if (state == JoinState::synced || state == JoinState::refused) {
      break;
    }
    co_await changed_.wait();
  }
  co_await watch.stop();
  co_return status(grant);
}

std::vector<PeerId> PeerSync::peers_of(const store::DocumentId& document) const {
  std::vector<PeerId> out;
  for (const auto& [peer, link] : links_) {
    const auto documents = link->documents();
    if (std::ranges::find(documents, document) != documents.end()) {
      out.push_back(peer);
    }
  }
  return out;
}

rt::Co<void> PeerSync::say_goodbye() {
  leaving_ = true;
  for (const auto& protocol : protocols()) {
    host_.unhandle(protocol);
  }
  for (auto* link : running_) {
    link->say_bye(Reason::shutting_down, "the node stops");
  }
  rt::TaskGroup watch(context_.loop);
  const auto timer = context_.loop.make_timer();
  watch.on_stop([&timer] { timer->cancel(); });
  const auto cut = [](rt::Timer& alarm, std::vector<PeerLink*>& links) -> rt::Co<void> {
    if (co_await alarm.wait()) {
      for (auto* link : links) {
        link->abort(Reason::shutting_down);
      }
    }
  };
  timer->expire_at(context_.loop.clock().now() + k_goodbye_time);
  watch.spawn("goodbye deadline", cut(*timer, running_));
  co_await quiet_.wait();
  co_await watch.stop();
}

rt::Co<void> PeerSync::stop() {
  leaving_ = true;
  co_await tasks_.stop();
  co_await quiet_.wait();
}

rt::Co<void> PeerSync::serve(libp2p::InboundStream inbound) {
  const auto version = version_of(inbound.protocol);
  co_await run_link(inbound.peer, std::move(inbound.stream), Side::listener, version);
}

rt::Co<void> PeerSync::keep_linked(PeerId peer) {
  rt::Duration retry = k_retry_min;
  while (!leaving_ && !tasks_.stopping()) {
    auto& remote = remotes_.at(peer);
    co_await remote.ended->wait();
    if (leaving_ || tasks_.stopping()) {
      co_return;
    }
    if (remote.grants.empty()) {
      remotes_.erase(peer);
      co_return;
    }
    const bool linked = co_await dial(peer);
    retry = linked ? rt::Duration(k_retry_min) : std::min<rt::Duration>(retry * 2, k_retry_max);
    const auto jitter = context_.rng.below(static_cast<std::uint64_t>(retry.count() / 2));
    remote.timer->expire_at(context_.loop.clock().now() + retry / 2 +
                            rt::Duration(static_cast<std::int64_t>(jitter)));
    if (!co_await remote.timer->wait()) {
      retry = k_retry_min;  // there is something new to open
    }
  }
}

rt::Co<bool> PeerSync::dial(PeerId peer) {
  // Where it was when the ticket was made; if it has moved, where it was seen since.
  if (!co_await host_.connect(peer, remotes_.at(peer).addresses) &&
      !co_await host_.connect(peer, {})) {
    co_return false;
  }
  const auto spoken = protocols();
  auto opened = co_await host_.open_stream(peer, spoken, {.allow_limited = true});
  if (!opened) {
    co_return false;
  }
  const auto version = version_of(opened->protocol);
  co_await run_link(peer, std::move(opened->stream), Side::dialer, version);
  co_return true;
}

bool PeerSync::yields_to(const PeerId& peer, Side existing, Side incoming) const {
  if (existing == incoming) {
    return true;  // the peer (or we) opened anew: the old one is dead, whether it knows or not
  }
  const bool ours_wins = own_ < peer;
  return ours_wins == (incoming == Side::dialer);
}

rt::Co<void> PeerSync::run_link(PeerId peer, std::unique_ptr<rt::Stream> stream, Side side,
                                Version version) {
  if (leaving_ || running_.size() >= context_.limits.links_max) {
    stream->reset();
    co_return;
  }
  PeerLink link(context_, std::move(stream), side, to_bytes(peer.bytes()), version);
  link.on_outcome([this](const store::GrantId& grant, OpenOutcome outcome,
                         std::string_view detail) { note(grant, outcome, detail); });
  link.on_received(
      [this](const store::GrantId& grant, std::size_t bytes) { note_received(grant, bytes); });
  running_.push_back(&link);
  quiet_.reset();
  const auto existing = links_.find(peer);
  const bool counts = existing == links_.end() || yields_to(peer, existing->second->side(), side);
  if (counts) {
    if (existing != links_.end()) {
      existing->second->say_bye(Reason::duplicate);
    }
    links_.insert_or_assign(peer, &link);
    if (const auto remote = remotes_.find(peer); remote != remotes_.end()) {
      remote->second.ended->reset();
    }
    open_joined(peer, link);
  } else {
    link.say_bye(Reason::duplicate);
  }
  const auto reason = co_await link.run();
  log::write(log::Level::debug, "sync", "a link ended",
             {{"peer", std::string_view(peer.to_string())}, {"reason", reason_name(reason)}});
  std::erase(running_, &link);
  if (running_.empty()) {
    quiet_.set();
  }
  if (const auto now = links_.find(peer); now != links_.end() && now->second == &link) {
    links_.erase(now);
    if (const auto remote = remotes_.find(peer); remote != remotes_.end()) {
      remote->second.ended->set();
    }
  }
}

void PeerSync::open_joined(const PeerId& peer, PeerLink& link) {
  const auto remote = remotes_.find(peer);
  if (remote == remotes_.end()) {
    return;
  }
  for (const auto& [id, grant] : remote->second.grants) {
    link.open(grant);
  }
}

void PeerSync::note(const store::GrantId& grant, OpenOutcome outcome, std::string_view detail) {
  const auto at = joined_.find(grant);
  if (at == joined_.end()) {
    return;
  }
  constexpr std::array k_states{JoinState::opened, JoinState::synced, JoinState::refused,
                                JoinState::waiting};
  at->second.status = {.state = k_states[std::to_underlying(outcome)],
                       .detail = std::string(detail)};
  if (outcome == OpenOutcome::opened) {
    at->second.updates = at->second.bytes = 0;
  }
  changed_.set();
  changed_.reset();
  tell(at->second);
}

void PeerSync::note_received(const store::GrantId& grant, std::size_t bytes) {
  const auto at = joined_.find(grant);
  if (at == joined_.end()) {
    return;
  }
  auto& joined = at->second;
  ++joined.updates;
  joined.bytes += bytes;
  const bool under_way = joined.status.state == JoinState::opened;
  if (under_way && context_.loop.clock().now() - joined.told >= k_progress_interval) {
    tell(joined);
  }
}

void PeerSync::tell(Joined& joined) {
  joined.told = context_.loop.clock().now();
  if (on_progress_) {
    on_progress_({.document = joined.document,
                  .peer = joined.peer,
                  .state = joined.status.state,
                  .updates = joined.updates,
                  .bytes = joined.bytes});
  }
}

}  // namespace vivim::sync
