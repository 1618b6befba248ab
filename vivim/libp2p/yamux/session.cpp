#include "vivim/libp2p/yamux/session.hpp"

#include <algorithm>
#include <limits>
#include <utility>

#include "vivim/base/assert.hpp"
#include "vivim/libp2p/yamux/stream_detail.hpp"
#include "vivim/libp2p/yamux/window_budget.hpp"

namespace vivim::libp2p::yamux {

namespace {

// 1 MiB stays with a session that was busy.
constexpr std::size_t k_spare_chunks_max = 64;
// A stream without its bytes, and its place in the table.
constexpr std::size_t k_stream_bytes = sizeof(StreamState) + 48;

}  // namespace

Session::Session(Role role, Config config, Time now)
    : role_(role),
      config_(config),
      pool_(std::make_unique<ChunkPool>(k_spare_chunks_max)),
      now_(now),
      keep_alive_at_(now),
      next_id_(role == Role::dialer ? 1 : 2) {
  VIVIM_ASSERT(config_.window_bytes_max >= k_initial_window_bytes);
  VIVIM_ASSERT(config_.send_buffer_bytes_max > 0 && config_.frame_payload_bytes_max > 0);
  if (config_.keep_alive_interval > Time::zero()) {
    ping(now);
  }
}

Session::~Session() {
  shrink_window(window_growth_);
}

StreamState* Session::find(std::uint32_t id) {
  const auto found = streams_.find(id);
  return found == streams_.end() ? nullptr : found->second.get();
}

bool Session::is_inbound(std::uint32_t id) const {
  return (id % 2 == 1) == (role_ == Role::listener);
}

StreamState& Session::add(std::uint32_t id) {
  auto [place, added] = streams_.emplace(id, std::make_unique<StreamState>(id, *pool_));
  VIVIM_ASSERT(added);
  place->second->epoch_start = now_;
  inbound_ += is_inbound(id) ? 1 : 0;
  return *place->second;
}

void Session::erase(std::uint32_t id) {
  const auto found = streams_.find(id);
  VIVIM_ASSERT(found != streams_.end());
  const auto& stream = *found->second;
  shrink_window(stream.receive_window - k_initial_window_bytes);
  if (stream.opening == Opening::syn_due || stream.opening == Opening::syn_sent) {
    --unacknowledged_;
  }
  inbound_ -= is_inbound(id) ? 1 : 0;
  streams_.erase(found);
  offer_open();
}

// Both directions are over: nothing of it is buffered any more, except what the peer had completed.
void Session::drop(StreamState& stream) {
  stream.outgoing.clear();
  stream.lent = {};
  if (!stream.fin_received || stream.reset_by == ResetBy::us) {
    stream.drop_unread();
  }
}

Result<StreamState*> Session::find_alive(StreamId stream) {
  if (failure_) {
    return fail(*failure_);
  }
  auto* state = find(static_cast<std::uint32_t>(stream));
  if (state == nullptr || state->released) {
    return fail(YamuxError::unknown_stream, static_cast<std::uint32_t>(stream));
  }
  return state;
}

void Session::emit(Event event) {
  events_.push_back(event);
}

void Session::emit_readable(StreamState& stream) {
  if (!stream.readable_told && !stream.released) {
    stream.readable_told = true;
    emit({.kind = EventKind::readable, .stream = StreamId{stream.id}});
  }
}

std::optional<Event> Session::poll_event() {
  if (events_.empty()) {
    return std::nullopt;
  }
  const auto event = events_.front();
  events_.pop_front();
  if (event.kind == EventKind::readable) {
    if (auto* stream = find(static_cast<std::uint32_t>(event.stream))) {
      stream->readable_told = false;
    }
  }
  return event;
}

Result<StreamId> Session::open_stream() {
  if (failure_) {
    return fail(*failure_);
  }
  if (local_go_away_ || remote_go_away_) {
    return fail(YamuxError::going_away);
  }
  if (outbound_streams() >= config_.outbound_streams_max) {
    open_wanted_ = true;
    return fail(YamuxError::too_many_streams, config_.outbound_streams_max);
  }
  if (unacknowledged_ >= config_.ack_backlog_max) {
    open_wanted_ = true;
    return fail(YamuxError::backlog_full, config_.ack_backlog_max);
  }
  if (next_id_ > std::numeric_limits<std::uint32_t>::max() - 2) {
    return fail(YamuxError::streams_exhausted);
  }
  auto& stream = add(std::exchange(next_id_, next_id_ + 2));
  ++unacknowledged_;
  schedule_control(stream);
  return StreamId{stream.id};
}

void Session::offer_open() {
  if (open_wanted_ && outbound_streams() < config_.outbound_streams_max &&
      unacknowledged_ < config_.ack_backlog_max) {
    open_wanted_ = false;
    emit({.kind = EventKind::can_open});
  }
}

Result<StreamState*> Session::find_writable(StreamId id) {
  VIVIM_TRY(auto* stream, find_alive(id));
  if (stream->reset_by == ResetBy::peer) {
    return fail(YamuxError::stream_reset, stream->reset_code);
  }
  if (stream->is_reset() || stream->fin_wanted) {
    return fail(YamuxError::stream_closed);
  }
  return stream;
}

bool Session::lend(StreamId id, BytesView bytes) {
  auto stream = find_writable(id);
  if (!stream) {
    return false;
  }
  VIVIM_ASSERT((*stream)->lent.empty() && !bytes.empty());
  (*stream)->lent = bytes;
  (*stream)->write_wanted = true;
  schedule_data(**stream);
  return true;
}

Result<std::size_t> Session::lent(StreamId id) {
  VIVIM_TRY(const auto* stream, find_writable(id));
  return stream->lent.size();
}

void Session::take_back(StreamId id) {
  if (auto* stream = find(static_cast<std::uint32_t>(id))) {
    stream->lent = {};
  }
}

Result<std::size_t> Session::write(StreamId id, BytesView bytes) {
  VIVIM_TRY(auto* stream, find_writable(id));
  VIVIM_ASSERT(stream->lent.empty());
  const auto room = config_.send_buffer_bytes_max - stream->outgoing.size();
  const auto count = std::min(room, bytes.size());
  stream->outgoing.push(bytes.first(count));
  stream->write_wanted = count < bytes.size();
  schedule_data(*stream);
  return count;
}

Result<ReadOutcome> Session::read(StreamId id, MutableBytes into) {
  VIVIM_TRY(auto* stream, find_alive(id));
  if (stream->reset_by == ResetBy::us) {
    return fail(YamuxError::stream_closed);
  }
  if (stream->reset_by == ResetBy::peer && !stream->fin_received) {
    return fail(YamuxError::stream_reset, stream->reset_code);
  }
  const auto put = std::exchange(stream->put, 0);
  VIVIM_ASSERT(put == 0 || into.data() + put == stream->expected.data());
  stream->expected = {};
  const auto count = put + stream->received.pop(into.subspan(put));
  if (count > 0) {
    note_consumed(*stream);
  }
  return ReadOutcome{.count = count,
                     .at_end = count == 0 && stream->fin_received && stream->received.empty()};
}

void Session::expect(StreamId id, MutableBytes into) {
  if (auto stream = find_alive(id); stream && !(*stream)->is_reset()) {
    VIVIM_ASSERT((*stream)->unread() == 0);
    (*stream)->expected = into;
  }
}

Result<void> Session::close_write(StreamId id) {
  VIVIM_TRY(auto* stream, find_alive(id));
  if (stream->reset_by == ResetBy::peer) {
    return fail(YamuxError::stream_reset, stream->reset_code);
  }
  if (stream->is_reset()) {
    return fail(YamuxError::stream_closed);
  }
  stream->fin_wanted = true;
  schedule_data(*stream);
  return {};
}

void Session::reset(StreamId id, std::uint32_t code) {
  auto* stream = find(static_cast<std::uint32_t>(id));
  if (failure_ || stream == nullptr || stream->released || stream->is_finished()) {
    return;
  }
  stream->reset_by = ResetBy::us;
  drop(*stream);
  if (stream->opening != Opening::syn_due) {
    push_control({.type = FrameType::window_update,
                  .flags = k_flag_rst,
                  .stream = stream->id,
                  .length = config_.send_reset_codes ? code : 0});
  }
}

void Session::release(StreamId id) {
  auto* stream = find(static_cast<std::uint32_t>(id));
  if (stream == nullptr || stream->released) {
    return;
  }
  if (!stream->fin_wanted) {
    reset(id);
  }
  if (stream->is_finished() || stream->fin_sent || failure_) {
    erase(stream->id);
    return;
  }
  stream->drop_unread();
  stream->released = true;
}

void Session::go_away(GoAwayCode code) {
  if (!local_go_away_ && !failure_) {
    local_go_away_ = true;
    farewell_ = code;
  }
}

void Session::abandon() {
  if (!failure_) {
    end(YamuxError::going_away);
  }
}

// Nothing of the streams is left; what is queued for the peer still leaves.
void Session::end(Error error) {
  failure_ = error;
  streams_.clear();
  shrink_window(window_growth_);
  events_.clear();
  control_ready_.clear();
  data_ready_.clear();
  inbound_ = 0;
  pool_->clear();
}

void Session::ping(Time now) {
  if (active_ping_ || failure_) {
    return;
  }
  active_ping_ =
      ActivePing{.value = next_ping_++, .sent = now, .deadline = now + config_.ping_timeout};
  push_control({.type = FrameType::ping, .flags = k_flag_syn, .length = active_ping_->value});
}

std::optional<Time> Session::next_deadline() const {
  if (failure_) {
    return std::nullopt;
  }
  if (active_ping_) {
    return active_ping_->deadline;
  }
  if (config_.keep_alive_interval > Time::zero()) {
    return keep_alive_at_;
  }
  return std::nullopt;
}

Result<void> Session::on_deadline(Time now) {
  if (failure_) {
    return fail(*failure_);
  }
  if (!active_ping_) {
    if (config_.keep_alive_interval > Time::zero() && now >= keep_alive_at_) {
      ping(now);
    }
    return {};
  }
  if (now < active_ping_->deadline) {
    return {};
  }
  // An answer may be late behind a great deal of data; then the data shows that the peer lives.
  if (!active_ping_->heard) {
    return fail(fail_session(YamuxError::ping_timeout));
  }
  active_ping_->heard = false;
  active_ping_->deadline = now + config_.ping_timeout;
  return {};
}

void Session::trim() {
  pool_->clear();
  if (control_.empty()) {
    control_ = Bytes();
  }
}

std::size_t Session::held_bytes() const {
  return pool_->held_bytes() + control_.capacity() + streams_.size() * k_stream_bytes;
}

}  // namespace vivim::libp2p::yamux
