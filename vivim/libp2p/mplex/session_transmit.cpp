#include <algorithm>
#include <cstring>

#include "vivim/base/assert.hpp"
#include "vivim/libp2p/mplex/session.hpp"
#include "vivim/libp2p/mplex/stream_detail.hpp"

namespace vivim::libp2p::mplex {

namespace {

/// No message of a few bytes at the end of a buffer.
constexpr std::size_t k_room_bytes_min = 1024;
/// What a stream sends in its turn while others wait.
constexpr std::size_t k_turn_bytes = std::size_t{16} * 1024;

}  // namespace

void Session::schedule(StreamState& stream) {
  if (!stream.scheduled && stream.has_something()) {
    stream.scheduled = true;
    ready_.push_back(stream.id);
  }
}

std::size_t Session::poll_transmit(MutableBytes out) {
  std::size_t used = transmit_control(out);
  if (!control_.empty()) {
    return used;
  }
  while (!ready_.empty() && (used == 0 || out.size() - used >= k_room_bytes_min)) {
    const StreamId id = ready_.front();
    StreamState* const stream = find(id);
    const auto count = stream == nullptr || !stream->has_something()
                           ? 0
                           : transmit_stream(*stream, out.subspan(used));
    if (count == 0 && stream != nullptr && stream->has_something()) {
      break;  // no room
    }
    used += count;
    ready_.pop_front();
    if (stream != nullptr) {
      stream->scheduled = false;
      schedule(*stream);
      settle(*stream);
    }
  }
  return used;
}

std::size_t Session::transmit_control(MutableBytes out) {
  const auto count = std::min(out.size(), control_.size());
  if (count > 0) {
    std::memcpy(out.data(), control_.data(), count);
    control_.erase(control_.begin(), control_.begin() + static_cast<std::ptrdiff_t>(count));
  }
  return count;
}

std::size_t Session::transmit_stream(StreamState& stream, MutableBytes out) {
  if (stream.opening_due) {
    return transmit_opening(stream, out);
  }
  if (stream.has_payload()) {
    return transmit_message(stream, out);
  }
  if (out.size() < k_header_bytes_max) {
    return 0;
  }
  stream.close_sent = true;
  return encode_header(out, {.stream = stream.id.number, .flag = stream.close_flag()});
}

std::size_t Session::transmit_opening(StreamState& stream, MutableBytes out) {
  if (out.size() < k_header_bytes_max + stream.name.size()) {
    return 0;
  }
  stream.opening_due = false;
  const auto size = encode_header(out, {.stream = stream.id.number,
                                        .flag = Flag::new_stream,
                                        .length = static_cast<std::uint32_t>(stream.name.size())});
  std::ranges::copy(as_bytes(stream.name), out.subspan(size).begin());
  std::size_t used = size + stream.name.size();
  if (stream.has_payload()) {  // the first message goes along
    used += transmit_message(stream, out.subspan(used));
  }
  return used;
}

std::size_t Session::transmit_message(StreamState& stream, MutableBytes out) {
  if (out.size() <= k_header_bytes_max) {
    return 0;
  }
  const auto turn = ready_.size() == 1 ? config_.message_bytes_max
                                       : std::min(config_.message_bytes_max, k_turn_bytes);
  const auto count = std::min({turn, out.size() - k_header_bytes_max, stream.outgoing.size()});
  const auto size = encode_header(out, {.stream = stream.id.number,
                                        .flag = stream.message_flag(),
                                        .length = static_cast<std::uint32_t>(count)});
  stream.outgoing.pop(out.subspan(size, count));
  if (stream.write_wanted && stream.outgoing.size() <= config_.send_buffer_bytes_max / 2) {
    stream.write_wanted = false;
    if (!stream.released) {
      emit(EventKind::writable, stream.id);
    }
  }
  return size + count;
}

}  // namespace vivim::libp2p::mplex
