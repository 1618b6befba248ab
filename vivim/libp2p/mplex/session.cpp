#include "vivim/libp2p/mplex/session.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "vivim/base/assert.hpp"
#include "vivim/libp2p/mplex/stream_detail.hpp"

namespace vivim::libp2p::mplex {

namespace {

// A stream without its bytes, its name, and its place in the table.
constexpr std::size_t k_stream_bytes = sizeof(StreamState) + 64;

}  // namespace

Session::Session(Config config) : config_(config) {
  VIVIM_ASSERT(config_.message_bytes_max > 0 && config_.message_bytes_max <= k_message_bytes_max);
  VIVIM_ASSERT(config_.send_buffer_bytes_max > 0 && config_.receive_buffer_bytes_max > 0);
}

Session::~Session() = default;

StreamState* Session::find(StreamId id) {
  const auto found = streams_.find(id);
  return found == streams_.end() ? nullptr : found->second.get();
}

StreamState& Session::add(StreamId id, std::string name) {
  auto [place, added] =
      streams_.emplace(id, std::make_unique<StreamState>(id, std::move(name), queues_bytes_));
  VIVIM_ASSERT(added);
  inbound_ += id.ours ? 0 : 1;
  return *place->second;
}

void Session::erase(StreamId id) {
  const auto found = streams_.find(id);
  VIVIM_ASSERT(found != streams_.end());
  mark_full(*found->second, std::nullopt);
  if (found->second->scheduled) {
    std::erase(ready_, id);  // the peer may use the number again
  }
  inbound_ -= id.ours ? 0 : 1;
  streams_.erase(found);
  if (open_wanted_ && outbound_streams() < config_.outbound_streams_max) {
    open_wanted_ = false;
    emit(EventKind::can_open, {});
  }
}

Result<StreamState*> Session::find_usable(StreamId id) {
  if (failure_) {
    return fail(*failure_);
  }
  StreamState* const stream = find(id);
  if (stream == nullptr || stream->released) {
    return fail(MplexError::unknown_stream, id.number);
  }
  return stream;
}

void Session::emit_readable(StreamState& stream) {
  if (!stream.readable_told && !stream.released) {
    stream.readable_told = true;
    emit(EventKind::readable, stream.id);
  }
}

std::optional<Event> Session::poll_event() {
  if (events_.empty()) {
    return std::nullopt;
  }
  const auto event = events_.front();
  events_.pop_front();
  if (event.kind == EventKind::readable) {
    if (auto* const stream = find(event.stream)) {
      stream->readable_told = false;
    }
  }
  return event;
}

Result<StreamId> Session::open_stream(std::string name) {
  VIVIM_ASSERT(name.size() <= k_name_bytes_max && next_number_ < k_stream_number_max);
  if (failure_) {
    return fail(*failure_);
  }
  if (outbound_streams() >= config_.outbound_streams_max) {
    open_wanted_ = true;
    return fail(MplexError::too_many_streams, config_.outbound_streams_max);
  }
  auto& stream = add({.number = next_number_++, .ours = true}, std::move(name));
  stream.opening_due = true;
  schedule(stream);
  return stream.id;
}

std::string_view Session::name(StreamId id) const {
  const auto found = streams_.find(id);
  return found == streams_.end() ? std::string_view() : std::string_view(found->second->name);
}

Result<std::size_t> Session::write(StreamId id, BytesView bytes) {
  VIVIM_TRY(auto* const stream, find_usable(id));
  if (stream->ended) {
    return fail(*stream->ended);
  }
  if (stream->close_wanted) {
    return fail(MplexError::stream_closed);
  }
  const auto count =
      std::min(config_.send_buffer_bytes_max - stream->outgoing.size(), bytes.size());
  stream->outgoing.push(bytes.first(count));
  stream->write_wanted = stream->write_wanted || count < bytes.size();
  schedule(*stream);
  return count;
}

Result<ReadOutcome> Session::read(StreamId id, MutableBytes into) {
  VIVIM_ASSERT(!into.empty());
  VIVIM_TRY(auto* const stream, find_usable(id));
  const auto count = stream->received.pop(into);
  if (stream->received.size() < config_.receive_buffer_bytes_max) {
    mark_full(*stream, std::nullopt);
  }
  if (count > 0) {
    return ReadOutcome{.count = count};
  }
  if (stream->close_received && stream->ended != MplexError::stream_closed) {
    return ReadOutcome{.at_end = true};
  }
  if (stream->ended) {
    return fail(*stream->ended);
  }
  return ReadOutcome{};
}

Result<void> Session::close_write(StreamId id) {
  VIVIM_TRY(auto* const stream, find_usable(id));
  if (stream->ended) {
    return fail(*stream->ended);
  }
  stream->close_wanted = true;
  schedule(*stream);
  return {};
}

void Session::reset(StreamId id) {
  StreamState* const stream = find(id);
  if (!failure_ && stream != nullptr && !stream->released && !stream->ended) {
    end_by_us(*stream, MplexError::stream_closed);
  }
}

void Session::release(StreamId id) {
  StreamState* const stream = find(id);
  if (stream == nullptr || stream->released) {
    return;
  }
  if (!stream->ended && !stream->close_wanted && !failure_) {
    end_by_us(*stream, MplexError::stream_closed);
  }
  stream->released = true;
  stream->received.clear();
  mark_full(*stream, std::nullopt);
  if (stream->ended || stream->close_sent || failure_) {
    erase(id);
  }
}

/// Ends both directions, and tells the peer if it knows of the stream.
void Session::end_by_us(StreamState& stream, MplexError why) {
  const bool peer_knows = !stream.opening_due;
  const bool over_there = stream.close_sent && stream.close_received;
  stream.ended = why;
  stream.opening_due = false;
  stream.outgoing.clear();
  stream.received.clear();
  mark_full(stream, std::nullopt);
  if (peer_knows && !over_there) {
    push_reset(stream.id);
  }
}

void Session::push_reset(StreamId id) {
  std::array<std::uint8_t, k_header_bytes_max> at{};
  const auto size = encode_header(
      at, {.stream = id.number, .flag = id.ours ? Flag::reset_initiator : Flag::reset_receiver});
  append(control_, BytesView(at).first(size));
}

void Session::mark_full(StreamState& stream, std::optional<Time> since) {
  if (stream.full_since.has_value() != since.has_value()) {
    full_ = since ? full_ + 1 : full_ - 1;
    stream.full_since = since;
  }
}

void Session::abandon() {
  if (!failure_) {
    failure_ = MplexError::stream_reset;
    streams_.clear();
    events_.clear();
    ready_.clear();
    inbound_ = 0;
    full_ = 0;
  }
}

std::size_t Session::held_bytes() const {
  return queues_bytes_ + control_.capacity() + streams_.size() * k_stream_bytes;
}

std::optional<Time> Session::next_deadline() const {
  std::optional<Time> first;
  if (full_ == 0) {
    return first;
  }
  for (const auto& [id, stream] : streams_) {
    if (stream->full_since) {
      first = std::min(first.value_or(Time::max()), *stream->full_since + config_.slow_reader_time);
    }
  }
  return first;
}

void Session::on_deadline(Time now) {
  if (full_ == 0) {
    return;
  }
  for (const auto& [id, stream] : streams_) {
    if (stream->full_since && now - *stream->full_since >= config_.slow_reader_time) {
      end_by_us(*stream, MplexError::slow_reader);
      emit(EventKind::reset, id);
    }
  }
}

// Tells that a stream is over, or forgets it when nobody wants to know.
void Session::settle(StreamState& stream) {
  if (stream.released && stream.close_sent) {
    erase(stream.id);
    return;
  }
  if (stream.close_sent && stream.close_received && !stream.closed_told) {
    stream.closed_told = true;
    emit(EventKind::closed, stream.id);
  }
}

}  // namespace vivim::libp2p::mplex
