// What arrives: frames, their rules, and what they do to streams.

#include <algorithm>
#include <cstring>
#include <limits>

#include "vivim/base/assert.hpp"
#include "vivim/libp2p/yamux/session.hpp"
#include "vivim/libp2p/yamux/stream_detail.hpp"

namespace vivim::libp2p::yamux {

Error Session::fail_session(Error error) {
  end(error);
  farewell_.reset();
  if (error.blame() == Blame::peer && !error.is(YamuxError::control_flood)) {
    push_control({.type = FrameType::go_away,
                  .length = static_cast<std::uint32_t>(GoAwayCode::protocol_error)});
  }
  return error;
}

Result<void> Session::feed(BytesView in, Time now) {
  if (failure_) {
    return fail(*failure_);
  }
  now_ = now;
  if (active_ping_ && !in.empty()) {
    active_ping_->heard = true;
  }
  while (!in.empty()) {
    if (payload_left_ > 0) {
      in = take_payload(in);
      continue;
    }
    auto rest = feed_header(in, now);
    if (!rest) {
      return fail(fail_session(rest.error()));
    }
    in = *rest;
  }
  return {};
}

// Returns what is behind the header, or nothing when it is not complete.
Result<BytesView> Session::feed_header(BytesView in, Time now) {
  if (header_size_ == 0 && in.size() >= k_header_bytes) {
    VIVIM_TRY(const auto header, decode_header(in));
    VIVIM_TRYV(on_header(header, now));
    return in.subspan(k_header_bytes);
  }
  const auto count = std::min(in.size(), k_header_bytes - header_size_);
  std::memcpy(header_ + header_size_, in.data(), count);
  header_size_ += count;
  if (header_size_ == k_header_bytes) {
    header_size_ = 0;
    VIVIM_TRY(const auto header, decode_header(header_));
    VIVIM_TRYV(on_header(header, now));
  }
  return in.subspan(count);
}

Result<void> Session::on_header(const Header& header, Time now) {
  switch (header.type) {
    case FrameType::data:
    case FrameType::window_update:
      VIVIM_TRYV(on_stream_frame(header));
      break;
    case FrameType::ping:
      on_ping(header, now);
      break;
    case FrameType::go_away:
      if (!remote_go_away_) {
        remote_go_away_ = true;
        emit({.kind = EventKind::go_away, .code = header.length});
      }
      break;
  }
  if (control_.size() - control_sent_ > k_control_bytes_max) {
    return fail(YamuxError::control_flood, control_.size());
  }
  return {};
}

Result<void> Session::on_stream_frame(const Header& header) {
  StreamState* stream = nullptr;
  if (header.has(k_flag_syn)) {
    VIVIM_TRY(stream, accept_stream(header));
  } else {
    stream = find(header.stream);
  }
  if (header.type == FrameType::data) {
    return on_data(stream, header);
  }
  if (stream == nullptr || stream->is_reset()) {
    return {};
  }
  on_acknowledged(*stream);
  return on_window_update(*stream, header);
}

// Null when the stream is refused.
Result<StreamState*> Session::accept_stream(const Header& header) {
  if (!is_inbound(header.stream)) {
    return fail(YamuxError::bad_stream_id, header.stream);
  }
  if (find(header.stream) != nullptr) {
    return fail(YamuxError::duplicate_stream, header.stream);
  }
  if (local_go_away_ || inbound_ >= config_.inbound_streams_max) {
    last_refused_ = 0;
    ++refused_;
    refuse(header.stream, local_go_away_ || !config_.send_reset_codes ? 0 : config_.refused_code);
    return nullptr;
  }
  auto& stream = add(header.stream);
  stream.opening = Opening::ack_due;
  emit({.kind = EventKind::opened, .stream = StreamId{stream.id}});
  schedule_control(stream);
  return &stream;
}

Result<void> Session::on_data(StreamState* stream, const Header& header) {
  payload_stream_ = 0;
  payload_left_ = header.length;
  payload_fin_ = false;
  if (stream != nullptr && !stream->is_reset()) {
    return admit_data(*stream, header);
  }
  if (header.length > config_.window_bytes_max) {
    return fail(YamuxError::frame_too_large, header.length);
  }
  if (stream == nullptr && header.length > 0 && !header.has(k_flag_rst)) {
    refuse(header.stream);
  }
  return {};
}

Result<void> Session::admit_data(StreamState& stream, const Header& header) {
  on_acknowledged(stream);
  if (header.length > 0 && stream.fin_received) {
    return fail(YamuxError::data_after_fin, header.stream);
  }
  if (header.length > stream.receive_credit) {
    return fail(YamuxError::window_exceeded, header.length);
  }
  stream.receive_credit -= header.length;
  if (header.has(k_flag_rst)) {
    on_peer_reset(stream, 0);
  } else if (header.length > 0) {
    payload_stream_ = header.stream;
    payload_fin_ = header.has(k_flag_fin);
  } else if (header.has(k_flag_fin)) {
    on_fin(stream);
  }
  return {};
}

// Returns what is behind the payload.
BytesView Session::take_payload(BytesView in) {
  const auto count = std::min<std::size_t>(in.size(), payload_left_);
  payload_left_ -= static_cast<std::uint32_t>(count);
  auto* stream = payload_stream_ == 0 ? nullptr : find(payload_stream_);
  if (stream != nullptr && !stream->is_reset()) {
    if (!stream->released) {
      const auto at_once = in.first(std::min(count, stream->expected.size()));
      std::ranges::copy(at_once, stream->expected.begin());
      stream->expected = stream->expected.subspan(at_once.size());
      stream->put += at_once.size();
      stream->received.push(in.first(count).subspan(at_once.size()));
      emit_readable(*stream);
    }
    if (payload_left_ == 0 && payload_fin_) {
      on_fin(*stream);
    }
  }
  return in.subspan(count);
}

Result<void> Session::on_window_update(StreamState& stream, const Header& header) {
  if (header.has(k_flag_rst)) {
    on_peer_reset(stream, header.length);
    return {};
  }
  if (header.length > std::numeric_limits<std::uint32_t>::max() - stream.send_credit) {
    return fail(YamuxError::credit_overflow, header.length);
  }
  stream.send_credit += header.length;
  schedule_data(stream);
  if (header.has(k_flag_fin)) {
    on_fin(stream);
  }
  return {};
}

// Any frame of the peer shows that it has the stream, so peers that never send ACK do not fill the
// backlog.
void Session::on_acknowledged(StreamState& stream) {
  if (stream.opening == Opening::syn_sent) {
    stream.opening = Opening::established;
    --unacknowledged_;
    offer_open();
  }
}

void Session::on_fin(StreamState& stream) {
  if (stream.fin_received) {
    return;
  }
  stream.fin_received = true;
  emit_readable(stream);
  settle(stream);
}

void Session::on_peer_reset(StreamState& stream, std::uint32_t code) {
  stream.reset_by = ResetBy::peer;
  stream.reset_code = code;
  drop(stream);
  if (stream.released) {
    erase(stream.id);
    return;
  }
  emit({.kind = EventKind::reset, .stream = StreamId{stream.id}, .code = code});
}

void Session::on_ping(const Header& header, Time now) {
  if (header.has(k_flag_syn)) {
    push_control({.type = FrameType::ping, .flags = k_flag_ack, .length = header.length});
    return;
  }
  if (header.has(k_flag_ack) && active_ping_ && active_ping_->value == header.length) {
    rtt_ = now - active_ping_->sent;
    active_ping_.reset();
    keep_alive_at_ = now + config_.keep_alive_interval;
    emit({.kind = EventKind::pong, .rtt = *rtt_});
  }
}

// Once for a row of frames of one stream: what was under way when it ended needs no answer each.
void Session::refuse(std::uint32_t id, std::uint32_t code) {
  if (id != last_refused_) {
    last_refused_ = id;
    push_control(
        {.type = FrameType::window_update, .flags = k_flag_rst, .stream = id, .length = code});
  }
}

}  // namespace vivim::libp2p::yamux
