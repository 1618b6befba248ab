#include "vivim/sync/peers/peer_link.hpp"

#include <algorithm>
#include <utility>

#include "vivim/base/log.hpp"
#include "vivim/sync/peers/peer_link_detail.hpp"

namespace vivim::sync {

using crdt::protocol::SyncType;

namespace {

constexpr std::size_t k_read_bytes = std::size_t{64} << 10;

Nonce random_nonce(rt::Rng& rng) {
  Nonce nonce{};
  rng.fill(nonce);
  return nonce;
}

}  // namespace

PeerLink::PeerLink(const LinkContext& context, std::unique_ptr<rt::Stream> stream, Side side,
                   Bytes other_peer, Version version)
    : context_(context),
      stream_(std::move(stream)),
      side_(side),
      other_peer_(std::move(other_peer)),
      session_({.side = side,
                .own_peer = context.own_peer,
                .other_peer = other_peer_,
                .nonce = random_nonce(context.rng),
                .agent = context.agent,
                .version = version}),
      to_open_(context.loop),
      output_(context.loop),
      taken_(context.loop),
      questioned_(context.loop),
      answered_(context.loop),
      block_timer_(context.loop.make_timer()),
      tasks_(context.loop) {
  tasks_.on_stop([this] {
    ending_ = true;
    block_timer_->cancel();
    wake_all();
  });
}

PeerLink::~PeerLink() = default;

rt::Co<Reason> PeerLink::run() {
  output_.set();
  tasks_.spawn("sync writer", write());
  tasks_.spawn("sync opening", ask_for_documents());
  tasks_.spawn("sync blocks", fetch_blocks());
  tasks_.spawn("sync answers", answer());
  const auto ended = co_await read();
  if (!ended && reason_ == Reason::done) {
    reason_ = Reason::internal;
  }
  // What was said last, a goodbye above all, still goes out; then the stream is done with.
  co_await tasks_.stop();
  stream_->reset();
  for (const auto& grant : std::exchange(to_ask_, {})) {
    report(grant.id, OpenOutcome::failed, "the connection ended");
  }
  for (const auto& [id, opening] : std::exchange(asked_, {})) {
    report(opening.grant.id, OpenOutcome::failed, "the connection ended");
  }
  channels_.clear();
  co_return reason_;
}

void PeerLink::open(const store::GrantRow& grant) {
  if (to_ask_.size() >= k_channels_max) {
    report(grant.id, OpenOutcome::failed, Error(SyncError::too_many_channels).message());
    return;
  }
  to_ask_.push_back(grant);
  to_open_.set();
}

// Where the protocol's version lets our state vector go along, the document is read first: the
// greeting takes longer.
rt::Co<void> PeerLink::ask_for_documents() {
  while (!ending_) {
    if (to_ask_.empty()) {
      to_open_.reset();
      co_await to_open_.wait();
      continue;
    }
    Opening opening{.grant = std::move(to_ask_.front()), .lease = {}};
    to_ask_.pop_front();
    if (session_.opens_with_state()) {
      if (auto lease = co_await context_.hub.open(opening.grant.document)) {
        opening.lease = std::move(*lease);
      }
    }
    ask_for(std::move(opening));
  }
}

void PeerLink::ask_for(Opening opening) {
  const auto& grant = opening.grant;
  const auto id = session_.open(grant.document, grant.id, GrantSecret(BytesView(grant.secret)),
                                opening.lease ? BytesView(opening.lease->durable()) : BytesView());
  if (!id) {
    report(grant.id, OpenOutcome::failed, id.error().message());
    return;
  }
  asked_.emplace(*id, std::move(opening));
  flush();
}

void PeerLink::close_grants(const std::vector<store::GrantId>& grants, Reason reason,
                            std::string_view detail) {
  std::erase_if(to_ask_, [&](const auto& grant) {
    return std::ranges::find(grants, grant.id) != grants.end();
  });
  std::vector<ChannelId> closing;
  for (const auto& [id, channel] : channels_) {
    if (std::ranges::find(grants, channel->grant) != grants.end()) {
      closing.push_back(id);
    }
  }
  for (const auto id : closing) {
    drop(id, reason, detail);
  }
}

void PeerLink::say_bye(Reason reason, std::string_view detail) {
  session_.say_bye(reason, detail);
  reason_ = reason;
  ending_ = true;
  flush();
}

std::vector<store::DocumentId> PeerLink::documents() const {
  std::vector<store::DocumentId> out;
  for (const auto& [id, channel] : channels_) {
    out.push_back(channel->document().id());
  }
  return out;
}

rt::Co<Result<void>> PeerLink::read() {
  std::vector<std::uint8_t> buffer(k_read_bytes);
  while (!ending_) {
    VIVIM_CO_TRY(const auto count, co_await stream_->read_some(buffer));
    if (count == 0) {
      break;
    }
    const auto fed = session_.feed(BytesView(buffer).first(count));
    co_await handle_events();
    flush();
    if (!fed) {
      log::write(log::Level::warning, "sync", "a peer broke the protocol",
                 {{"error", std::string_view(fed.error().message())}});
      reason_ = Reason::malformed;
      co_return fail(fed.error());
    }
  }
  co_return Result<void>{};
}

rt::Co<void> PeerLink::write() {
  for (;;) {
    co_await output_.wait();
    const auto bytes = session_.take_output();
    if (bytes.empty()) {
      if (ending_) {
        (void)co_await stream_->close_write();
        stream_->reset();
        co_return;
      }
      output_.reset();
      continue;
    }
    taken_.set();
    taken_.reset();
    if (!co_await stream_->write(bytes)) {
      stream_->reset();
      co_return;
    }
  }
}

void PeerLink::flush() {
  if (session_.output_bytes() > context_.limits.backlog_bytes_max && !ending_) {
    // It would not take a goodbye either.
    log::write(log::Level::warning, "sync", "a peer does not take what is sent",
               {{"bytes", std::uint64_t{session_.output_bytes()}}});
    abort(Reason::limit);
    return;
  }
  if (session_.output_bytes() > 0 || ending_) {
    output_.set();
  }
}

void PeerLink::abort(Reason reason) {
  reason_ = reason;
  ending_ = true;
  stream_->reset();
  wake_all();
}

void PeerLink::wake_all() {
  to_open_.set();
  output_.set();
  taken_.set();
  questioned_.set();
  answered_.set();
}

rt::Co<void> PeerLink::output_room() {
  const auto& limits = context_.limits;
  const auto enough = std::min(limits.answer_backlog_bytes_max, limits.backlog_bytes_max / 2);
  while (session_.output_bytes() > enough && !ending_) {
    co_await taken_.wait();
  }
}

rt::Co<void> PeerLink::handle_events() {
  while (auto event = session_.poll_event()) {
    co_await std::visit([this](auto& value) { return handle(std::move(value)); }, *event);
  }
}

rt::Co<void> PeerLink::handle(Greeted event) {
  agent_ = std::move(event.agent);
  co_return;
}

// The grant, if it is one of the document's and not revoked.
rt::Co<std::optional<store::GrantRow>> PeerLink::valid_grant(store::GrantId id,
                                                             store::DocumentId document) {
  auto grant = co_await context_.store.read(
      [id](store::Database& database) { return store::Grants(database).get(id); });
  const bool valid = grant && !grant->revoked && grant->document == document &&
                     grant->secret.size() == k_grant_secret_bytes;
  co_return valid ? std::optional(std::move(*grant)) : std::nullopt;
}

rt::Co<void> PeerLink::handle(OpenRequested event) {
  if (const auto grant = co_await valid_grant(event.grant, event.document)) {
    co_await admit(event, *grant);
  } else {
    session_.refuse(event.channel);
  }
  flush();
}

rt::Co<void> PeerLink::admit(OpenRequested event, const store::GrantRow& grant) {
  if (!session_.accept(event.channel, GrantSecret(BytesView(grant.secret)), grant.access)) {
    co_return;
  }
  // Reading the document takes time, and an unshare meanwhile found no channel to close. With the
  // document at hand nothing is waited for between this and the channel's beginning.
  auto lease = co_await context_.hub.open(grant.document);
  if (!lease) {
    drop(event.channel, Reason::internal, lease.error().message());
    co_return;
  }
  if (!co_await valid_grant(grant.id, grant.document)) {
    drop(event.channel, Reason::revoked, "not shared any more");
    co_return;
  }
  co_await attach(event.channel, {.grant = grant, .lease = std::move(*lease)}, grant.access);
  const auto at = channels_.find(event.channel);
  if (at == channels_.end() || grant.access == store::Access::read) {
    co_return;
  }
  // Who may write is remembered: what they sign is right, whoever brings it.
  auto& authorship = at->second->document().authorship();
  if (authorship.knows_member(grant.id, other_peer_)) {
    co_return;
  }
  authorship.add_member({.grant = grant.id, .peer = other_peer_, .access = grant.access});
  const auto now = context_.loop.clock().wall_now_ms();
  const auto job = [&](store::Database& database) {
    return store::Grants(database).add_member(grant.id, other_peer_, now);
  };
  (void)co_await context_.store.write(job);  // if it fails, at its next coming
}

rt::Co<void> PeerLink::handle(ChannelOpened event) {
  const auto at = asked_.find(event.channel);
  if (at == asked_.end()) {
    co_return;
  }
  auto opening = std::move(at->second);
  asked_.erase(at);
  opening.state_sent = event.state_sent;
  const auto grant = opening.grant;
  // Its maker may write what it likes.
  co_await attach(event.channel, std::move(opening), store::Access::write);
  if (channels_.contains(event.channel)) {
    co_await note_access(event.channel, grant, event.access);
  }
  const auto channel = channels_.find(event.channel);
  if (channel == channels_.end()) {
    report(grant.id, OpenOutcome::failed, "the document could not be opened here");
    co_return;
  }
  channel->second->joined = true;
  report(grant.id, OpenOutcome::opened, {});
}

// What we may do there, we may do here: the best of the document's grants.
rt::Co<void> PeerLink::note_access(ChannelId id, const store::GrantRow& grant,
                                   store::Access access) {
  channels_.at(id)->own_access = access;
  const auto job = [&](store::Database& database) -> Result<store::Access> {
    VIVIM_TRYV(store::Grants(database).set_access(grant.id, access));
    VIVIM_TRY(const auto stored, read_authorship(database, grant.document));
    return stored.access;
  };
  const auto best = co_await context_.store.write(job);
  if (const auto at = channels_.find(id); best && at != channels_.end()) {
    at->second->document().authorship().set_access(*best);
  }
}

rt::Co<void> PeerLink::attach(ChannelId id, Opening opening, store::Access access) {
  const bool current = opening.lease && !opening.lease->broken() &&
                       context_.hub.find(opening.grant.document) == &*opening.lease;
  if (!current) {
    opening.lease.release();
    auto lease = co_await context_.hub.open(opening.grant.document);
    if (!lease) {
      drop(id, Reason::internal, lease.error().message());
      co_return;
    }
    opening.lease = std::move(*lease);
  }
  auto channel = std::make_unique<Channel>(*this, id, std::move(opening.lease), opening.grant.id);
  const auto attached = channel->attach({.peer = other_peer_, .access = access});
  if (!attached) {
    drop(id, Reason::limit, attached.error().message());
    co_return;
  }
  if (!opening.state_sent) {
    channel->ask_for_what_is_missing();
  }
  channel->on_awareness(channel->document().awareness());
  channels_.emplace(id, std::move(channel));
}

rt::Co<void> PeerLink::handle(StepOne event) {
  const auto at = channels_.find(event.channel);
  if (at == channels_.end() || !at->second->subscription()) {
    co_return;
  }
  at->second->step_one = std::move(event.state_vector);
  ask(event.channel);
}

rt::Co<void> PeerLink::handle(UpdateReceived event) {
  const auto at = channels_.find(event.channel);
  if (at == channels_.end() || !at->second->subscription()) {
    co_return;
  }
  auto& channel = *at->second;
  const auto received = channel.document().receive(*channel.subscription(), event.update);
  if (!received) {
    const bool theirs = received.error().blame() == Blame::peer;
    drop(event.channel, theirs ? Reason::malformed : Reason::internal, received.error().message());
    co_return;
  }
  note_received(channel, event.update.size());
  if (channel.joined && event.answer && !std::exchange(channel.synced, true)) {
    const auto grant = channel.grant;
    const auto flushed = co_await channel.document().flush();
    report(grant, flushed ? OpenOutcome::synced : OpenOutcome::failed, {});
    co_return;
  }
  co_await channel.document().room();
}

rt::Co<void> PeerLink::handle(SignedReceived event) {
  const auto at = channels_.find(event.channel);
  if (at == channels_.end() || !at->second->subscription()) {
    co_return;
  }
  auto& channel = *at->second;
  const auto received = channel.document().receive_signed(*channel.subscription(), event.envelope);
  if (!received) {
    const bool theirs = received.error().blame() == Blame::peer;
    drop(event.channel, theirs ? Reason::malformed : Reason::internal, received.error().message());
    co_return;
  }
  note_received(channel, event.envelope.size());
  co_await channel.document().room();
}

// What we sent stays in our document; the peer goes on without it.
rt::Co<void> PeerLink::handle(DeniedReceived event) {
  log::write(log::Level::warning, "sync", "a peer did not take a change",
             {{"reason", std::string_view(event.reason)}});
  co_return;
}

rt::Co<void> PeerLink::handle(AwarenessReceived event) {
  const auto at = channels_.find(event.channel);
  if (at == channels_.end() || !at->second->subscription()) {
    co_return;
  }
  auto& channel = *at->second;
  const auto received = channel.document().receive_awareness(*channel.subscription(), event.update);
  if (!received) {
    drop(event.channel, Reason::malformed, received.error().message());
  }
}

rt::Co<void> PeerLink::handle(PeerDurable) {
  co_return;
}

rt::Co<void> PeerLink::handle(ChannelClosed event) {
  if (const auto at = asked_.find(event.channel); at != asked_.end()) {
    const auto grant = at->second.grant.id;
    asked_.erase(at);
    const bool refused = event.reason == Reason::refused || event.reason == Reason::revoked;
    report(grant, refused ? OpenOutcome::refused : OpenOutcome::failed,
           event.detail.empty() ? reason_name(event.reason) : std::string_view(event.detail));
    co_return;
  }
  const auto at = channels_.find(event.channel);
  if (at == channels_.end()) {
    co_return;
  }
  const auto grant = at->second->grant;
  const bool joined = at->second->joined;
  detach(event.channel);
  if (joined) {
    const bool revoked = event.reason == Reason::revoked || event.reason == Reason::refused;
    report(grant, revoked ? OpenOutcome::refused : OpenOutcome::failed,
           event.detail.empty() ? reason_name(event.reason) : std::string_view(event.detail));
  }
}

rt::Co<void> PeerLink::handle(Bye event) {
  reason_ = event.reason;
  ending_ = true;
  output_.set();
  co_return;
}

void PeerLink::detach(ChannelId id) {
  const auto at = channels_.find(id);
  if (at != channels_.end()) {
    const auto channel = std::move(at->second);
    channels_.erase(at);
    answered_.set();
    answered_.reset();
  }
}

void PeerLink::drop(ChannelId id, Reason reason, std::string_view detail) {
  session_.close(id, reason, detail);
  detach(id);
  flush();
}

void PeerLink::note_received(Channel& channel, std::size_t bytes) {
  channel.blocks_dirty = channel.joined;
  if (channel.joined && on_received_) {
    on_received_(channel.grant, bytes);
  }
}

void PeerLink::report(const store::GrantId& grant, OpenOutcome outcome, std::string_view detail) {
  if (on_outcome_) {
    on_outcome_(grant, outcome, detail);
  }
}

}  // namespace vivim::sync
