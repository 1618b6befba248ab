#include <algorithm>

#include "vivim/base/assert.hpp"
#include "vivim/libp2p/mplex/session.hpp"
#include "vivim/libp2p/mplex/stream_detail.hpp"

namespace vivim::libp2p::mplex {

namespace {

/// The stream that a message of the peer is about.
StreamId stream_of(const Header& header) {
  const bool sender_opened =
      header.flag == Flag::new_stream || header.flag == Flag::message_initiator ||
      header.flag == Flag::close_initiator || header.flag == Flag::reset_initiator;
  return {.number = header.stream, .ours = !sender_opened};
}

bool carries_data(Flag flag) {
  return flag == Flag::message_initiator || flag == Flag::message_receiver;
}

}  // namespace

Result<void> Session::feed(BytesView in, Time now) {
  if (failure_) {
    return fail(*failure_);
  }
  auto fed = feed_all(in, now);
  if (fed && control_.size() > k_control_bytes_max) {
    fed = fail(MplexError::control_flood, control_.size());
  }
  if (!fed) {
    failure_ = fed.error();
  }
  return fed;
}

Result<void> Session::feed_all(BytesView in, Time now) {
  while (!in.empty()) {
    if (data_left_ > 0) {
      const BytesView data = in.first(std::min(in.size(), data_left_));
      in = in.subspan(data.size());
      data_left_ -= data.size();
      if (current_.flag == Flag::new_stream) {
        append(name_, data);
        if (data_left_ == 0) {
          VIVIM_TRYV(on_name());
        }
      } else if (carries_data(current_.flag)) {
        if (auto* const stream = find(stream_of(current_))) {
          on_data(*stream, data, now);
        }
      }
      continue;
    }
    // A header is short: byte by byte only when it is cut.
    const bool whole = header_.empty();
    if (!whole) {
      header_.push_back(in[0]);
      in = in.subspan(1);
    }
    VIVIM_TRY(const auto decoded, decode_header(whole ? in : BytesView(header_)));
    if (decoded.size > 0) {
      in = whole ? in.subspan(decoded.size) : in;
      header_.clear();
      VIVIM_TRYV(on_header(decoded.header));
    } else if (whole) {
      header_ = to_bytes(in);
      in = {};
    }
  }
  return {};
}

Result<void> Session::on_header(const Header& header) {
  current_ = header;
  data_left_ = header.length;
  if (header.flag == Flag::new_stream) {
    return on_new_stream(header);
  }
  StreamState* const stream = find(stream_of(header));
  if (stream == nullptr || stream->ended) {
    return {};  // it was reset or released here while this was on its way
  }
  if (header.flag == Flag::close_initiator || header.flag == Flag::close_receiver) {
    on_close(*stream);
  } else if (!carries_data(header.flag)) {
    on_peer_reset(*stream);
  } else if (stream->close_received) {
    //= mplex#closing-a-stream
    // # Writing to a stream after it has been closed is a protocol violation.
    end_by_us(*stream, MplexError::stream_reset);
    stream->released ? erase(stream->id) : emit(EventKind::reset, stream->id);
  }
  return {};
}

Result<void> Session::on_new_stream(const Header& header) {
  if (header.length > k_name_bytes_max) {
    return fail(MplexError::name_too_long, header.length);
  }
  name_.clear();
  return header.length == 0 ? on_name() : Result<void>{};
}

/// The peer opened current_ with name_.
Result<void> Session::on_name() {
  const StreamId id = stream_of(current_);
  if (find(id) != nullptr) {
    return fail(MplexError::duplicate_stream, id.number);
  }
  if (inbound_ >= config_.inbound_streams_max) {
    ++refused_;
    push_reset(id);
    return {};
  }
  add(id, std::string(as_text(name_)));
  emit(EventKind::opened, id);
  return {};
}

void Session::on_data(StreamState& stream, BytesView data, Time now) {
  if (stream.ended || stream.released) {
    return;
  }
  stream.received.push(data);
  emit_readable(stream);
  if (stream.received.size() >= config_.receive_buffer_bytes_max && !stream.full_since) {
    mark_full(stream, now);
  }
}

void Session::on_close(StreamState& stream) {
  stream.close_received = true;
  emit_readable(stream);
  settle(stream);
}

void Session::on_peer_reset(StreamState& stream) {
  stream.ended = MplexError::stream_reset;
  stream.outgoing.clear();
  if (!stream.close_received) {
    stream.received.clear();
    mark_full(stream, std::nullopt);
  }
  if (stream.released) {
    erase(stream.id);
    return;
  }
  emit(EventKind::reset, stream.id);
}

}  // namespace vivim::libp2p::mplex
