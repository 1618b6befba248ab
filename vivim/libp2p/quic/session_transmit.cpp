// Packets out.
#include <algorithm>
#include <cstring>

#include "vivim/libp2p/quic/session_detail.hpp"

namespace vivim::libp2p::quic {

namespace {

// What one call offers the library: more than fits into a packet, in few pieces.
constexpr std::size_t k_offer_bytes = 4096;
constexpr std::size_t k_offer_pieces = 4;
// The initial congestion window (RFC 9002, 7.2).
constexpr std::size_t k_unpaced_bytes = 10 * k_datagram_sent_bytes_max;

}  // namespace

ngtcp2_ssize Session::Impl::write_stream(StreamState& stream, ngtcp2_path_storage& path,
                                         MutableBytes into, Time now) {
  std::array<BytesView, k_offer_pieces> pieces;
  std::array<ngtcp2_vec, k_offer_pieces> vectors{};
  const std::size_t count = stream.sending.unsent(pieces, k_offer_bytes);
  std::size_t offered = 0;
  for (std::size_t i = 0; i < count; ++i) {
    vectors[i] = {.base = const_cast<std::uint8_t*>(pieces[i].data()), .len = pieces[i].size()};
    offered += pieces[i].size();
  }
  std::uint32_t flags = NGTCP2_WRITE_STREAM_FLAG_MORE;
  if (stream.fin_wanted && offered == stream.sending.unsent_bytes()) {
    flags |= NGTCP2_WRITE_STREAM_FLAG_FIN;
  }
  ngtcp2_pkt_info info{};
  ngtcp2_ssize taken = -1;
  const ngtcp2_ssize result =
      ngtcp2_conn_writev_stream(conn, &path.path, &info, into.data(), into.size(), &taken, flags,
                                stream.id, vectors.data(), count, stamp(now));
  const bool all = taken >= 0 && static_cast<std::size_t>(taken) == offered;
  if (all && (flags & NGTCP2_WRITE_STREAM_FLAG_FIN) != 0) {
    stream.fin_sent = true;
  }
  after_stream_write(stream, result, taken);
  return result;
}

void Session::Impl::after_stream_write(StreamState& stream, ngtcp2_ssize result,
                                       ngtcp2_ssize taken) {
  if (taken > 0) {
    stream.sending.mark_sent(static_cast<std::size_t>(taken));
  }
  bool again = stream.sending.unsent_bytes() > 0 || (stream.fin_wanted && !stream.fin_sent);
  if (result == NGTCP2_ERR_STREAM_SHUT_WR || result == NGTCP2_ERR_STREAM_NOT_FOUND) {
    again = false;
    if (!stream.reset_here) {
      stream.write_refused = true;
      tell_writable(stream);
    }
  } else if (result == NGTCP2_ERR_STREAM_DATA_BLOCKED && again) {
    again = false;
    stream.blocked = true;
    blocked.push_back(&stream);
  }
  // Round robin: who wrote a piece goes to the end.
  const bool wrote = taken >= 0 || !again;
  if (wrote && !sendable.empty() && sendable.front() == &stream) {
    sendable.pop_front();
    stream.queued = again;
    if (again) {
      sendable.push_back(&stream);
    }
  }
}

ngtcp2_ssize Session::Impl::write_packet(ngtcp2_path_storage& path, MutableBytes into, Time now) {
  while (!sendable.empty() && state == SessionState::connected) {
    const ngtcp2_ssize result = write_stream(*sendable.front(), path, into, now);
    if (result >= 0) {
      return result;
    }
    if (result != NGTCP2_ERR_WRITE_MORE && result != NGTCP2_ERR_STREAM_DATA_BLOCKED &&
        result != NGTCP2_ERR_STREAM_SHUT_WR && result != NGTCP2_ERR_STREAM_NOT_FOUND) {
      return result;
    }
  }
  ngtcp2_pkt_info info{};
  return ngtcp2_conn_writev_stream(conn, &path.path, &info, into.data(), into.size(), nullptr,
                                   NGTCP2_WRITE_STREAM_FLAG_NONE, -1, nullptr, 0, stamp(now));
}

// When the next packets may leave. Nothing waits while what is under way is little: a question and
// its answer would take longer for a pace that spares the network nothing (RFC 9002, 7.7: a burst
// of the initial window may leave at once). That holds for a handshake, whose round-trip time the
// library takes to be 333 ms until it has measured one.
void Session::Impl::pace(Time now) {
  ngtcp2_conn_stat stat;
  ngtcp2_conn_get_conn_stat(conn, &stat);
  if (stat.first_rtt_sample_ts == UINT64_MAX || stat.bytes_in_flight <= k_unpaced_bytes) {
    paced = false;
    return;
  }
  // The library counts what has left since it was last asked: not what was not to be paced.
  ngtcp2_conn_update_pkt_tx_time(conn, std::exchange(paced, true) ? stamp(now) : 0);
}

std::optional<Transmit> Session::Impl::write_packets(MutableBytes buffer, Time now) {
  Transmit transmit{.path = current_path};
  const std::size_t room = std::min(buffer.size(), k_transmit_bytes_max);
  while (transmit.bytes + k_datagram_sent_bytes_max <= room) {
    ngtcp2_path_storage storage;
    ngtcp2_path_storage_zero(&storage);
    const MutableBytes into = buffer.subspan(transmit.bytes, k_datagram_sent_bytes_max);
    const ngtcp2_ssize written = write_packet(storage, into, now);
    if (written < 0) {
      on_library_error(static_cast<int>(written), now);
      break;
    }
    if (written == 0) {
      break;
    }
    const auto bytes = static_cast<std::size_t>(written);
    const Path path = to_path(storage.path);
    if (transmit.bytes == 0) {
      transmit.path = path;
      transmit.segment_bytes = bytes;
    } else if (path != transmit.path || bytes > transmit.segment_bytes) {
      held.assign(into.begin(), into.begin() + written);
      held_path = path;
      break;
    }
    transmit.bytes += bytes;
    if (bytes < transmit.segment_bytes) {
      break;
    }
  }
  if (conn != nullptr) {
    pace(now);
  }
  return transmit.bytes > 0 ? std::optional(transmit) : std::nullopt;
}

std::optional<Transmit> Session::poll_transmit(MutableBytes buffer, Time now) {
  Impl& impl = *impl_;
  const auto one = [&buffer](const Bytes& packet, const Path& path) {
    std::memcpy(buffer.data(), packet.data(), packet.size());
    return Transmit{.path = path, .bytes = packet.size(), .segment_bytes = packet.size()};
  };
  if (!impl.held.empty()) {
    const Bytes held = std::exchange(impl.held, {});
    return one(held, impl.held_path);
  }
  if (impl.conn != nullptr) {
    const auto transmit = impl.write_packets(buffer, now);
    impl.sweep();
    if (impl.conn != nullptr) {
      impl.current_path = to_path(*ngtcp2_conn_get_path(impl.conn));
    }
    if (transmit) {
      return transmit;
    }
  }
  if (impl.state == SessionState::closing && std::exchange(impl.resend_close, false)) {
    return one(impl.close_packet, impl.current_path);
  }
  return std::nullopt;
}

}  // namespace vivim::libp2p::quic
