#include "vivim/sync/session.hpp"

#include <utility>

#include "vivim/base/assert.hpp"
#include "vivim/crypto/aead.hpp"

namespace vivim::sync {

Session::Session(SessionOptions options)
    : options_(std::move(options)),
      next_channel_(options_.side == Side::dialer ? 0 : 1),
      peer_channel_min_(options_.side == Side::dialer ? 1 : 0) {
  send(HelloFrame{.nonce = options_.nonce, .agent = options_.agent});
}

Result<void> Session::feed(BytesView bytes) {
  if (ended_) {
    return {};
  }
  reader_.feed(bytes);
  auto handled = handle_frames();
  if (!handled) {
    const auto reason = handled.error().is(SyncError::frame_too_large)     ? Reason::too_large
                        : handled.error().is(SyncError::too_many_refusals) ? Reason::refused
                        : handled.error().is(SyncError::too_many_channels) ? Reason::limit
                                                                           : Reason::malformed;
    say_bye(reason, handled.error().message());
  }
  return handled;
}

Result<void> Session::handle_frames() {
  while (!ended_) {
    const auto limit = greeted() ? k_frame_bytes_max : k_greeting_bytes_max;
    VIVIM_TRY(const auto body, reader_.next(limit));
    if (!body) {
      return {};
    }
    VIVIM_TRY(const auto frame, decode_frame(*body));
    const bool may_come_first = std::holds_alternative<HelloFrame>(frame) ||
                                std::holds_alternative<ByeFrame>(frame) ||
                                std::holds_alternative<UnknownFrame>(frame);
    if (!greeted() && !may_come_first) {
      return fail(SyncError::not_greeted);
    }
    VIVIM_TRYV(std::visit([this](const auto& value) { return handle(value); }, frame));
  }
  return {};
}

std::optional<SessionEvent> Session::poll_event() {
  if (events_.empty()) {
    return std::nullopt;
  }
  std::optional<SessionEvent> event(std::move(events_.front()));
  events_.pop_front();
  return event;
}

Result<ChannelId> Session::open(store::DocumentId document, store::GrantId grant,
                                const GrantSecret& secret, BytesView state_vector) {
  if (ended_ || channels_.size() >= k_channels_max) {
    return fail(SyncError::too_many_channels, k_channels_max);
  }
  const ChannelId id{next_channel_};
  next_channel_ += 2;
  auto& channel = channels_[id];
  channel.document = document;
  channel.grant = grant;
  channel.secret = secret.clone();
  if (opens_with_state() &&
      state_vector.size() + crypto::k_aead_tag_bytes <= k_open_state_bytes_max) {
    channel.state_vector = to_bytes(state_vector);
  }
  if (greeted()) {
    send_open(id, channel);
  }
  return id;
}

bool Session::accept(ChannelId id, const GrantSecret& secret, store::Access access) {
  const auto at = channels_.find(id);
  if (at == channels_.end() || at->second.state != ChannelState::requested) {
    return false;
  }
  auto& channel = at->second;
  const auto expected =
      make_proof(ProofRole::open, secret, other_parties(), channel.document, channel.grant);
  if (!crypto::equal(expected.view(), channel.proof)) {
    refuse(id);
    return false;
  }
  channel.proof.clear();
  const Bytes sealed = std::exchange(channel.state_vector, {});
  if (!sealed.empty()) {
    const auto key =
        make_proof(ProofRole::state, secret, other_parties(), channel.document, channel.grant);
    auto state_vector = open_state(key, id, sealed);
    if (!state_vector) {
      close(id, Reason::malformed, state_vector.error().message());
      return false;
    }
    events_.emplace_back(StepOne{.channel = id, .state_vector = std::move(*state_vector)});
  }
  channel.state = ChannelState::open;
  const auto proof =
      make_proof(ProofRole::opened, secret, own_parties(), channel.document, channel.grant);
  send(OpenedFrame{.channel = id, .proof = proof.view(), .access = std::to_underlying(access)});
  return true;
}

void Session::refuse(ChannelId id) {
  const auto at = channels_.find(id);
  if (at == channels_.end() || at->second.state != ChannelState::requested) {
    return;
  }
  channels_.erase(at);
  ++refusals_;
  send(CloseFrame{.channel = id, .reason = Reason::refused});
  if (refusals_ >= k_refusals_max) {
    say_bye(Reason::refused, "asked for too many documents without a right to them");
  }
}

void Session::send_sync(ChannelId channel, crdt::protocol::SyncType type, BytesView payload) {
  if (is_open(channel)) {
    send(SyncFrame{.channel = channel, .message = {.type = type, .payload = payload}});
  }
}

void Session::send_signed(ChannelId channel, BytesView envelope) {
  if (is_open(channel) && knows_envelopes()) {
    send(SignedFrame{.channel = channel, .envelope = envelope});
  }
}

void Session::send_denied(ChannelId channel, std::string_view reason) {
  if (is_open(channel)) {
    send(DeniedFrame{.channel = channel, .reason = reason.substr(0, k_text_bytes_max)});
  }
}

void Session::send_awareness(ChannelId channel, BytesView update) {
  if (is_open(channel)) {
    send(AwarenessFrame{.channel = channel, .update = update});
  }
}

void Session::send_durable(ChannelId channel, BytesView state_vector) {
  if (is_open(channel)) {
    send(DurableFrame{.channel = channel, .state_vector = state_vector});
  }
}

void Session::send_want(ChannelId channel, std::vector<store::BlobId> blobs) {
  VIVIM_ASSERT(blobs.size() <= k_want_blocks_max);
  if (is_open(channel)) {
    send(WantFrame{.channel = channel, .blobs = std::move(blobs)});
  }
}

void Session::send_block(ChannelId channel, store::BlobId blob, std::optional<BytesView> bytes) {
  if (is_open(channel)) {
    send(BlockFrame{.channel = channel, .blob = blob, .bytes = bytes});
  }
}

void Session::close(ChannelId channel, Reason reason, std::string_view detail) {
  const auto at = channels_.find(channel);
  if (at == channels_.end()) {
    return;
  }
  if (at->second.state != ChannelState::waiting) {
    send(CloseFrame{
        .channel = channel, .reason = reason, .detail = detail.substr(0, k_text_bytes_max)});
  }
  channels_.erase(at);
}

void Session::say_bye(Reason reason, std::string_view detail) {
  if (ended_) {
    return;
  }
  send(ByeFrame{.reason = reason, .detail = detail.substr(0, k_text_bytes_max)});
  ended_ = true;
}

bool Session::is_open(ChannelId channel) const {
  const auto at = channels_.find(channel);
  return at != channels_.end() && at->second.state == ChannelState::open;
}

Result<void> Session::handle(const HelloFrame& frame) {
  if (greeted()) {
    return fail(SyncError::not_greeted);
  }
  other_nonce_ = frame.nonce;
  events_.emplace_back(Greeted{.agent = std::string(frame.agent)});
  for (auto& [id, channel] : channels_) {
    send_open(id, channel);
  }
  return {};
}

Result<void> Session::handle(const OpenFrame& frame) {
  const auto number = value_of(frame.channel);
  if (chosen_by_us(frame.channel) || number < peer_channel_min_) {
    return fail(SyncError::bad_channel, number);
  }
  if (channels_.size() >= k_channels_max) {
    return fail(SyncError::too_many_channels, k_channels_max);
  }
  peer_channel_min_ = number + 2;
  auto& channel = channels_[frame.channel];
  channel.state = ChannelState::requested;
  channel.document = frame.document;
  channel.grant = frame.grant;
  channel.proof = to_bytes(frame.proof);
  if (opens_with_state()) {
    channel.state_vector = to_bytes(frame.state);
  }
  events_.emplace_back(
      OpenRequested{.channel = frame.channel, .document = frame.document, .grant = frame.grant});
  return {};
}

Result<void> Session::handle(const OpenedFrame& frame) {
  const auto at = channels_.find(frame.channel);
  if (at == channels_.end()) {
    return {};  // closed here while the answer was on its way
  }
  auto& channel = at->second;
  if (channel.state != ChannelState::asked) {
    return fail(SyncError::bad_channel, value_of(frame.channel));
  }
  const auto expected = make_proof(ProofRole::opened, channel.secret, other_parties(),
                                   channel.document, channel.grant);
  if (!crypto::equal(expected.view(), frame.proof)) {
    close(frame.channel, Reason::refused, "wrong proof");
    events_.emplace_back(ChannelClosed{
        .channel = frame.channel, .reason = Reason::refused, .detail = "wrong proof"});
    return {};
  }
  channel.secret = GrantSecret();
  channel.state = ChannelState::open;
  // What a later version permits is not known here: nothing but to read.
  const auto access = frame.access == 1   ? store::Access::write
                      : frame.access == 2 ? store::Access::contribute
                                          : store::Access::read;
  events_.emplace_back(
      ChannelOpened{.channel = frame.channel, .access = access, .state_sent = channel.state_sent});
  return {};
}

Result<void> Session::handle(const CloseFrame& frame) {
  if (channels_.erase(frame.channel) > 0) {
    events_.emplace_back(ChannelClosed{
        .channel = frame.channel, .reason = frame.reason, .detail = std::string(frame.detail)});
  }
  return {};
}

Result<void> Session::handle(const SyncFrame& frame) {
  if (!is_open(frame.channel)) {
    return {};
  }
  if (frame.message.type == crdt::protocol::SyncType::step1) {
    events_.emplace_back(
        StepOne{.channel = frame.channel, .state_vector = to_bytes(frame.message.payload)});
  } else {
    events_.emplace_back(
        UpdateReceived{.channel = frame.channel,
                       .update = to_bytes(frame.message.payload),
                       .answer = frame.message.type == crdt::protocol::SyncType::step2});
  }
  return {};
}

Result<void> Session::handle(const SignedFrame& frame) {
  if (is_open(frame.channel)) {
    events_.emplace_back(
        SignedReceived{.channel = frame.channel, .envelope = to_bytes(frame.envelope)});
  }
  return {};
}

Result<void> Session::handle(const DeniedFrame& frame) {
  if (is_open(frame.channel)) {
    events_.emplace_back(
        DeniedReceived{.channel = frame.channel, .reason = std::string(frame.reason)});
  }
  return {};
}

Result<void> Session::handle(const AwarenessFrame& frame) {
  if (is_open(frame.channel)) {
    events_.emplace_back(
        AwarenessReceived{.channel = frame.channel, .update = to_bytes(frame.update)});
  }
  return {};
}

Result<void> Session::handle(const DurableFrame& frame) {
  if (is_open(frame.channel)) {
    events_.emplace_back(
        PeerDurable{.channel = frame.channel, .state_vector = to_bytes(frame.state_vector)});
  }
  return {};
}

Result<void> Session::handle(const WantFrame& frame) {
  if (is_open(frame.channel)) {
    events_.emplace_back(BlocksWanted{.channel = frame.channel, .blobs = frame.blobs});
  }
  return {};
}

Result<void> Session::handle(const BlockFrame& frame) {
  if (is_open(frame.channel)) {
    BlockReceived event{.channel = frame.channel, .blob = frame.blob, .bytes = std::nullopt};
    if (frame.bytes) {
      event.bytes = to_bytes(*frame.bytes);
    }
    events_.emplace_back(std::move(event));
  }
  return {};
}

Result<void> Session::handle(const ByeFrame& frame) {
  ended_ = true;
  events_.emplace_back(Bye{.reason = frame.reason, .detail = std::string(frame.detail)});
  return {};
}

Result<void> Session::handle(const UnknownFrame&) {
  return {};
}

void Session::send(const Frame& frame) {
  if (!ended_) {
    append_frame(output_, frame);
  }
}

void Session::send_open(ChannelId id, Channel& channel) {
  if (channel.state != ChannelState::waiting) {
    return;
  }
  channel.state = ChannelState::asked;
  const auto proof =
      make_proof(ProofRole::open, channel.secret, own_parties(), channel.document, channel.grant);
  Bytes sealed;
  if (const Bytes state_vector = std::exchange(channel.state_vector, {}); !state_vector.empty()) {
    const auto key = make_proof(ProofRole::state, channel.secret, own_parties(), channel.document,
                                channel.grant);
    sealed = seal_state(key, id, state_vector);
    channel.state_sent = true;
  }
  send(OpenFrame{.channel = id,
                 .document = channel.document,
                 .grant = channel.grant,
                 .proof = proof.view(),
                 .state = sealed});
}

bool Session::chosen_by_us(ChannelId channel) const {
  return (value_of(channel) % 2 == 0) == (options_.side == Side::dialer);
}

ProofParties Session::own_parties() const {
  return {.own_peer = options_.own_peer,
          .other_peer = options_.other_peer,
          .own_nonce = options_.nonce,
          .other_nonce = *other_nonce_};
}

ProofParties Session::other_parties() const {
  return {.own_peer = options_.other_peer,
          .other_peer = options_.own_peer,
          .own_nonce = *other_nonce_,
          .other_nonce = options_.nonce};
}

}  // namespace vivim::sync
