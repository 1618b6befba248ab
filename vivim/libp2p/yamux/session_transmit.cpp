// What leaves: queued control frames, then what streams owe, then data in turn.

#include <algorithm>
#include <cstring>
#include <utility>

#include "vivim/base/assert.hpp"
#include "vivim/libp2p/yamux/session.hpp"
#include "vivim/libp2p/yamux/stream_detail.hpp"
#include "vivim/libp2p/yamux/window_budget.hpp"

namespace vivim::libp2p::yamux {

namespace {

// No smaller frame is made at the end of an output buffer: the next one has room.
constexpr std::size_t k_room_bytes_min = k_header_bytes + 1024;

// A window doubles at least when half of it was consumed within so many round trips; it grows to
// what is consumed in twice as many. A burst tells little of that: one step is not larger than
// this.
constexpr int k_growth_round_trips = 4;
constexpr double k_growth_max = 8;

std::uint16_t opening_flag(Opening opening) {
  switch (opening) {
    case Opening::syn_due:
      return k_flag_syn;
    case Opening::ack_due:
      return k_flag_ack;
    default:
      return 0;
  }
}

}  // namespace

void Session::push_control(const Header& header) {
  const auto at = control_.size();
  control_.resize(at + k_header_bytes);
  encode_header(MutableBytes(control_).subspan(at), header);
}

void Session::schedule_control(StreamState& stream) {
  if (!stream.in_control_ready) {
    stream.in_control_ready = true;
    control_ready_.push_back(stream.id);
  }
}

void Session::schedule_data(StreamState& stream) {
  if (!stream.in_data_ready && (stream.has_payload() || stream.has_fin())) {
    stream.in_data_ready = true;
    data_ready_.push_back(stream.id);
  }
}

bool Session::wants_transmit() const {
  return control_sent_ < control_.size() || !control_ready_.empty() || !data_ready_.empty() ||
         farewell_.has_value();
}

std::size_t Session::poll_transmit(MutableBytes out, Time now) {
  VIVIM_ASSERT(out.size() >= k_header_bytes);
  now_ = now;
  std::size_t used = transmit_queued(out);
  used += transmit_control(out.subspan(used), now);
  used += transmit_data(out.subspan(used));
  used += transmit_farewell(out.subspan(used));
  return used;
}

// Some peers end at once when they read it: what can be sent goes before.
std::size_t Session::transmit_farewell(MutableBytes out) {
  if (!farewell_ || !data_ready_.empty() || out.size() < k_header_bytes) {
    return 0;
  }
  encode_header(out,
                {.type = FrameType::go_away, .length = static_cast<std::uint32_t>(*farewell_)});
  farewell_.reset();
  return k_header_bytes;
}

std::size_t Session::transmit_queued(MutableBytes out) {
  const auto count =
      std::min(control_.size() - control_sent_, out.size() / k_header_bytes * k_header_bytes);
  if (count > 0) {
    std::memcpy(out.data(), control_.data() + control_sent_, count);
    control_sent_ += count;
  }
  if (control_sent_ == control_.size()) {
    control_.clear();
    control_sent_ = 0;
  }
  return count;
}

std::size_t Session::transmit_control(MutableBytes out, Time now) {
  std::size_t used = 0;
  while (out.size() - used >= k_header_bytes && !control_ready_.empty()) {
    auto* stream = find(control_ready_.front());
    control_ready_.pop_front();
    if (stream == nullptr) {
      continue;
    }
    stream->in_control_ready = false;
    if (stream->is_reset()) {
      continue;
    }
    const auto credit = stream->update_due ? grant_credit(*stream, now) : 0;
    const bool flag_can_ride = stream->in_data_ready && stream->has_payload();
    if (credit == 0 && (opening_flag(stream->opening) == 0 || flag_can_ride)) {
      continue;
    }
    encode_header(out.subspan(used), {.type = FrameType::window_update,
                                      .flags = take_opening_flag(*stream),
                                      .stream = stream->id,
                                      .length = credit});
    used += k_header_bytes;
  }
  return used;
}

std::uint16_t Session::take_opening_flag(StreamState& stream) {
  const auto flag = opening_flag(stream.opening);
  if (stream.opening == Opening::syn_due) {
    stream.opening = Opening::syn_sent;
  } else if (stream.opening == Opening::ack_due) {
    stream.opening = Opening::established;
  }
  return flag;
}

std::size_t Session::transmit_data(MutableBytes out) {
  std::size_t used = 0;
  while (!data_ready_.empty() && (used == 0 || out.size() - used >= k_room_bytes_min)) {
    auto* stream = find(data_ready_.front());
    if (stream == nullptr || (!stream->has_payload() && !stream->has_fin())) {
      data_ready_.pop_front();
      if (stream != nullptr) {
        stream->in_data_ready = false;
      }
      continue;
    }
    const auto count = transmit_stream(*stream, out.subspan(used));
    if (count == 0) {
      break;
    }
    used += count;
    data_ready_.pop_front();
    stream->in_data_ready = false;
    schedule_data(*stream);
    settle(*stream);
  }
  return used;
}

// FIN never rides on data: some peers close the stream before they take the payload of the same
// frame.
std::size_t Session::transmit_stream(StreamState& stream, MutableBytes out) {
  if (stream.has_payload()) {
    return transmit_payload(stream, out);
  }
  if (out.size() < k_header_bytes) {
    return 0;
  }
  const auto flags = static_cast<std::uint16_t>(take_opening_flag(stream) | k_flag_fin);
  encode_header(out, {.type = FrameType::window_update, .flags = flags, .stream = stream.id});
  stream.fin_sent = true;
  return k_header_bytes;
}

std::size_t Session::transmit_payload(StreamState& stream, MutableBytes out) {
  if (out.size() <= k_header_bytes) {
    return 0;
  }
  const bool is_alone = data_ready_.size() == 1;
  const auto turn = is_alone ? config_.frame_payload_bytes_max
                             : std::min(config_.frame_payload_bytes_max, k_chunk_bytes);
  const auto payload = out.subspan(
      k_header_bytes,
      std::min({turn, out.size() - k_header_bytes, static_cast<std::size_t>(stream.send_credit)}));
  auto count = stream.outgoing.pop(payload);
  const auto lent = stream.lent.first(std::min(stream.lent.size(), payload.size() - count));
  std::ranges::copy(lent, payload.subspan(count).begin());
  stream.lent = stream.lent.subspan(lent.size());
  count += lent.size();
  stream.send_credit -= static_cast<std::uint32_t>(count);
  encode_header(out, {.type = FrameType::data,
                      .flags = take_opening_flag(stream),
                      .stream = stream.id,
                      .length = static_cast<std::uint32_t>(count)});
  if (stream.write_wanted && stream.lent.empty() &&
      stream.outgoing.size() <= config_.send_buffer_bytes_max / 2) {
    stream.write_wanted = false;
    if (!stream.released) {
      emit({.kind = EventKind::writable, .stream = StreamId{stream.id}});
    }
  }
  return k_header_bytes + count;
}

// The window is what the peer may send, what of a frame is still on its way, and what is buffered,
// together; it is restored when half is consumed.
std::size_t Session::held_of_window(const StreamState& stream) const {
  const std::size_t arriving = payload_stream_ == stream.id ? payload_left_ : 0;
  return stream.receive_credit + arriving + stream.unread();
}

void Session::note_consumed(StreamState& stream) {
  const auto held = held_of_window(stream);
  if (!stream.update_due && !stream.fin_received && !stream.is_reset() &&
      stream.receive_window - held >= stream.receive_window / 2) {
    stream.update_due = true;
    schedule_control(stream);
  }
}

std::uint32_t Session::grant_credit(StreamState& stream, Time now) {
  stream.update_due = false;
  if (stream.fin_received) {
    return 0;
  }
  const auto held = held_of_window(stream);
  VIVIM_ASSERT(held <= stream.receive_window);
  const Time passed = now - std::exchange(stream.epoch_start, now);
  if (rtt_ && passed < k_growth_round_trips * *rtt_) {
    const auto round_trips = static_cast<double>(2 * k_growth_round_trips * rtt_->count());
    const auto consumed = static_cast<double>(stream.receive_window - held);
    grow_window(stream,
                consumed * round_trips / static_cast<double>(std::max(passed, Time(1)).count()));
  }
  const auto credit = static_cast<std::uint32_t>(stream.receive_window - held);
  stream.receive_credit += credit;
  return credit;
}

void Session::grow_window(StreamState& stream, double wanted) {
  const double window = stream.receive_window;
  const double most = std::min<double>(k_growth_max * window, config_.window_bytes_max);
  const auto doubled = static_cast<std::uint32_t>(std::min(2 * window, most) - window);
  const auto growth =
      static_cast<std::uint32_t>(std::clamp(wanted, window + doubled, most) - window);
  if (!try_growth(stream, growth)) {
    try_growth(stream, doubled);
  }
}

bool Session::try_growth(StreamState& stream, std::uint32_t growth) {
  if (window_growth_ + growth > config_.window_growth_bytes_max ||
      (config_.windows != nullptr && !config_.windows->take(growth))) {
    return false;
  }
  window_growth_ += growth;
  stream.receive_window += growth;
  return true;
}

void Session::shrink_window(std::uint64_t growth) {
  window_growth_ -= growth;
  if (config_.windows != nullptr) {
    config_.windows->give(growth);
  }
}

// Tells that a stream is over, or forgets it when nobody wants to know.
void Session::settle(StreamState& stream) {
  if (stream.released && stream.fin_sent) {
    erase(stream.id);
    return;
  }
  if (stream.fin_sent && stream.fin_received && !stream.closed_told) {
    stream.closed_told = true;
    emit({.kind = EventKind::closed, .stream = StreamId{stream.id}});
  }
}

}  // namespace vivim::libp2p::yamux
