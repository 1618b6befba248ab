#include "vivim/libp2p/quic/session.hpp"

#include <algorithm>

#include "vivim/base/assert.hpp"
#include "vivim/libp2p/quic/session_detail.hpp"
#include "vivim/libp2p/transport/memory_account.hpp"

namespace vivim::libp2p::quic {

namespace {

// A stream's own share of what may wait to be acknowledged, whatever the others use.
constexpr std::size_t k_stream_room_min = std::size_t{16} * 1024;
constexpr std::size_t k_stream_room = std::size_t{256} * 1024;
// A stream without its bytes, and its place in the table.
constexpr std::size_t k_stream_bytes = sizeof(StreamState) + 64;
constexpr std::uint64_t k_crypto_error = 0x100;
constexpr std::uint8_t k_alert_bad_certificate = 42;
constexpr std::uint8_t k_alert_certificate_required = 116;
constexpr std::uint8_t k_alert_no_application_protocol = 120;

}  // namespace

Session::Session(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Session::~Session() = default;

SessionId Session::id() const {
  return impl_->id;
}
bool Session::inbound() const {
  return impl_->server;
}
bool Session::connected() const {
  return impl_->state == SessionState::connected;
}
bool Session::closed() const {
  return impl_->state >= SessionState::closing;
}
const Error& Session::error() const {
  return impl_->error;
}
const PeerId& Session::peer() const {
  VIVIM_ASSERT(impl_->peer.has_value());
  return *impl_->peer;
}
const Path& Session::path() const {
  return impl_->current_path;
}
bool Session::has_events() const {
  return !impl_->events.empty();
}
bool Session::gone() const {
  return impl_->state == SessionState::gone;
}
std::size_t Session::unacknowledged() const {
  return impl_->unacknowledged;
}

std::size_t Session::held_bytes() const {
  return impl_->held_bytes();
}

void Session::drop_received() {
  VIVIM_ASSERT(closed());
  for (const auto& [stream_id, stream] : impl_->streams) {
    stream->read_reset |= !stream->received.empty();
    stream->received.clear();
  }
}

std::optional<rt::IpAddress> Session::asked() const {
  return impl_->asked;
}

bool Session::flush() {
  impl_->wants_flushed = impl_->unacknowledged > 0 && !closed();
  return !impl_->wants_flushed;
}

std::optional<std::chrono::nanoseconds> Session::rtt() const {
  if (impl_->conn == nullptr) {
    return std::nullopt;
  }
  ngtcp2_conn_stat stat;
  ngtcp2_conn_get_conn_stat(impl_->conn, &stat);
  if (stat.first_rtt_sample_ts == UINT64_MAX) {
    return std::nullopt;
  }
  return std::chrono::nanoseconds(stat.smoothed_rtt);
}

Result<StreamId> Session::open_stream() {
  if (closed()) {
    return fail(QuicError::closed);
  }
  if (!connected()) {
    return fail(QuicError::not_connected);
  }
  StreamId id = -1;
  if (const int result = ngtcp2_conn_open_bidi_stream(impl_->conn, &id, nullptr); result != 0) {
    return fail(QuicError::too_many_streams);
  }
  ngtcp2_conn_set_stream_user_data(impl_->conn, id, &impl_->add_stream(id));
  return id;
}

Result<ReadOutcome> Session::read(StreamId id, MutableBytes into) {
  StreamState* const stream = impl_->find(id);
  VIVIM_ASSERT(stream != nullptr && !stream->released);
  if (stream->reset_here) {
    return fail(QuicError::stream_closed);
  }
  if (stream->read_reset) {
    return fail(QuicError::stream_reset, stream->reset_code);
  }
  ReadOutcome outcome{.count = stream->received.pop(into)};
  if (outcome.count > 0 && impl_->conn != nullptr) {
    impl_->note_read(*stream, outcome.count);
  }
  outcome.at_end = stream->fin_received && stream->received.empty();
  if (outcome.count == 0 && !outcome.at_end && closed()) {
    return fail(QuicError::closed);
  }
  return outcome;
}

Result<std::size_t> Session::write(StreamId id, BytesView bytes) {
  StreamState* const stream = impl_->find(id);
  VIVIM_ASSERT(stream != nullptr && !stream->released);
  if (closed()) {
    return fail(QuicError::closed);
  }
  if (stream->reset_here || stream->fin_wanted) {
    return fail(QuicError::stream_closed);
  }
  if (stream->write_refused || stream->ended) {
    return fail(QuicError::stream_reset, stream->reset_code);
  }
  const std::size_t count = std::min(bytes.size(), impl_->room(*stream));
  stream->wants_room = count < bytes.size();
  if (count > 0) {
    stream->sending.push(bytes.first(count));
    impl_->unacknowledged += count;
    impl_->queue(*stream);
  }
  return count;
}

Result<void> Session::close_write(StreamId id) {
  StreamState* const stream = impl_->find(id);
  VIVIM_ASSERT(stream != nullptr && !stream->released);
  if (closed()) {
    return fail(QuicError::closed);
  }
  if (stream->reset_here) {
    return fail(QuicError::stream_closed);
  }
  if (stream->write_refused) {
    return fail(QuicError::stream_reset, stream->reset_code);
  }
  if (!std::exchange(stream->fin_wanted, true)) {
    impl_->queue(*stream);
  }
  return {};
}

void Session::reset(StreamId id, std::uint64_t code) {
  StreamState* const stream = impl_->find(id);
  VIVIM_ASSERT(stream != nullptr);
  if (!std::exchange(stream->reset_here, true)) {
    impl_->drop_received(*stream);
    impl_->shut(*stream, code, true, true);
  }
}

void Session::release(StreamId id) {
  StreamState* const stream = impl_->find(id);
  VIVIM_ASSERT(stream != nullptr && !stream->released);
  if (!stream->reset_here) {
    const bool read_all = stream->fin_received && stream->received.empty();
    impl_->drop_received(*stream);
    impl_->shut(*stream, 0, !read_all, !stream->fin_wanted);
  }
  stream->released = true;
  impl_->note_if_done(*stream);
  impl_->sweep();
}

std::optional<Event> Session::poll_event() {
  if (impl_->events.empty()) {
    return std::nullopt;
  }
  const Event event = impl_->events.front();
  impl_->events.pop_front();
  if (StreamState* const stream = impl_->find(event.stream)) {
    if (event.kind == EventKind::readable) {
      stream->told_readable = false;
    } else if (event.kind == EventKind::writable) {
      stream->told_writable = false;
    }
  }
  return event;
}

void Session::close(std::uint64_t code, Time now) {
  if (closed()) {
    return;
  }
  ngtcp2_connection_close_error close;
  ngtcp2_connection_close_error_default(&close);
  ngtcp2_connection_close_error_set_application_error(&close, code, nullptr, 0);
  impl_->fail_with(close, QuicError::closed, now);
  impl_->sweep();
}

void Session::feed(const Path& path, BytesView datagram, Time now) {
  impl_->last_now = now;
  if (impl_->state == SessionState::closing) {
    // Answered ever more rarely (RFC 9000, 10.2.1).
    ++impl_->late_datagrams;
    impl_->resend_close |= (impl_->late_datagrams & (impl_->late_datagrams - 1)) == 0;
    return;
  }
  if (impl_->conn == nullptr) {
    return;
  }
  const PathStorage storage(path);
  const ngtcp2_pkt_info info{};
  const int result = ngtcp2_conn_read_pkt(impl_->conn, storage.get(), &info, datagram.data(),
                                          datagram.size(), stamp(now));
  if (result != 0) {
    impl_->on_library_error(result, now);
  } else {
    impl_->unblock();
  }
  impl_->sweep();
}

std::optional<Time> Session::next_deadline() const {
  if (impl_->state == SessionState::gone) {
    return std::nullopt;
  }
  if (impl_->conn == nullptr) {
    return impl_->gone_at;
  }
  const ngtcp2_tstamp expiry = ngtcp2_conn_get_expiry(impl_->conn);
  return expiry == UINT64_MAX ? std::nullopt : std::optional(unstamp(expiry));
}

void Session::on_deadline(Time now) {
  if (impl_->conn == nullptr) {
    if (now >= impl_->gone_at) {
      impl_->state = SessionState::gone;
    }
    return;
  }
  if (const int result = ngtcp2_conn_handle_expiry(impl_->conn, stamp(now)); result != 0) {
    impl_->on_library_error(result, now);
  }
  impl_->sweep();
}

void Session::Impl::tell_readable(StreamState& stream) {
  if (!stream.released && !std::exchange(stream.told_readable, true)) {
    push(EventKind::readable, stream.id);
  }
}

void Session::Impl::tell_writable(StreamState& stream) {
  stream.wants_room = false;
  if (!stream.released && !std::exchange(stream.told_writable, true)) {
    push(EventKind::writable, stream.id);
  }
}

StreamState& Session::Impl::add_stream(StreamId stream_id) {
  const ReceiveWindow receive_window(first_stream_window, last_now);
  auto stream = std::make_unique<StreamState>(stream_id, receive_window, queues_bytes);
  return *streams.emplace(stream_id, std::move(stream)).first->second;
}

StreamState* Session::Impl::find(StreamId stream_id) {
  const auto found = streams.find(stream_id);
  return found == streams.end() ? nullptr : found->second.get();
}

void Session::Impl::note_if_done(const StreamState& stream) {
  if (stream.released && (stream.ended || conn == nullptr)) {
    done.push_back(stream.id);
  }
}

void Session::Impl::sweep() {
  for (const StreamId stream_id : std::exchange(done, {})) {
    StreamState* const stream = find(stream_id);
    if (stream == nullptr) {
      continue;
    }
    std::erase(sendable, stream);
    std::erase(blocked, stream);
    const bool remote = (stream_id % 2 == 0) == server;
    streams.erase(stream_id);
    if (remote && conn != nullptr) {
      ngtcp2_conn_extend_max_streams_bidi(conn, 1);
    }
  }
  note_memory();
}

std::size_t Session::Impl::held_bytes() const {
  return queues_bytes + held.capacity() + streams.size() * k_stream_bytes + library.bytes() -
         std::min(library.bytes(), k_library_resting_bytes);
}

/// Where it moves by what others do. The connection itself asks after what it does.
void Session::Impl::note_memory() {
  if (const std::uint64_t steps = held_bytes() / k_memory_step_bytes; steps != told_steps) {
    told_steps = steps;
    push(EventKind::memory);
  }
}

void Session::Impl::drop_received(StreamState& stream) {
  if (conn != nullptr) {
    ngtcp2_conn_extend_max_offset(conn, stream.received.size());
  }
  stream.received.clear();
}

// What was read may be sent again, and more when the windows are to grow.
void Session::Impl::note_read(StreamState& stream, std::uint64_t count) {
  const bool due = window.note_read(count);
  const bool stream_due = stream.window.note_read(count);
  std::uint64_t growth = 0;
  std::uint64_t stream_growth = 0;
  if (due || stream_due) {
    ngtcp2_conn_stat stat;
    ngtcp2_conn_get_conn_stat(conn, &stat);
    const Time rtt(static_cast<std::int64_t>(stat.smoothed_rtt));
    if (due) {
      const std::uint64_t wanted =
          std::min(window.wanted(last_now, rtt), context.config.connection_window_bytes_max);
      growth = std::min(wanted - std::min(wanted, window.bytes()), context.windows_left);
      window.grow(growth);
      context.windows_left -= growth;
    }
    if (stream_due) {
      // More than the connection's would be of no use.
      const std::uint64_t wanted = std::min({stream.window.wanted(last_now, rtt), window.bytes(),
                                             context.config.stream_window_bytes_max});
      stream_growth = wanted - std::min(wanted, stream.window.bytes());
      stream.window.grow(stream_growth);
    }
  }
  if (!stream.ended) {
    (void)ngtcp2_conn_extend_max_stream_offset(conn, stream.id, count + stream_growth);
  }
  ngtcp2_conn_extend_max_offset(conn, count + growth);
}

void Session::Impl::shut(StreamState& stream, std::uint64_t code, bool reading, bool writing) {
  if (conn == nullptr || stream.ended) {
    return;
  }
  // What was sent stays: the library may still send it again until the stream ends.
  if (reading) {
    (void)ngtcp2_conn_shutdown_stream_read(conn, stream.id, code);
  }
  if (writing) {
    (void)ngtcp2_conn_shutdown_stream_write(conn, stream.id, code);
  }
}

void Session::Impl::queue(StreamState& stream) {
  const bool something =
      stream.sending.unsent_bytes() > 0 || (stream.fin_wanted && !stream.fin_sent);
  if (stream.blocked) {
    stream.blocked = false;
    std::erase(blocked, &stream);
  }
  if (something && !stream.queued && !stream.reset_here && !stream.write_refused) {
    stream.queued = true;
    sendable.push_back(&stream);
  }
}

void Session::Impl::unblock() {
  // The peer may have stopped a stream that waits for its window: trying tells.
  for (StreamState* const stream : std::exchange(blocked, {})) {
    stream->blocked = false;
    queue(*stream);
  }
}

std::size_t Session::Impl::room(const StreamState& stream) const {
  ngtcp2_conn_stat stat;
  ngtcp2_conn_get_conn_stat(conn, &stat);
  const std::size_t share = std::max<std::size_t>(k_stream_room, 2 * stat.cwnd);
  const std::size_t total = context.config.send_buffer_bytes_max;
  const std::size_t left = unacknowledged < total ? total - unacknowledged : 0;
  const std::size_t used = stream.sending.size();
  const std::size_t own = share > used ? share - used : 0;
  const std::size_t least = k_stream_room_min > used ? k_stream_room_min - used : 0;
  return std::max(std::min(own, left), least);
}

Time Session::Impl::after_probes(Time now) const {
  return now + Time(3 * ngtcp2_conn_get_pto(conn));
}

void Session::Impl::end(SessionState to, const Error& why, Time until) {
  error = why;
  state = to;
  gone_at = until;
  ngtcp2_conn_del(std::exchange(conn, nullptr));
  gnutls_deinit(std::exchange(tls, nullptr));
  held = Bytes();
  sendable.clear();
  blocked.clear();
  unacknowledged = 0;
  for (const auto& [stream_id, stream] : streams) {
    stream->sending.clear();
    stream->queued = stream->blocked = false;
    note_if_done(*stream);
  }
  push(EventKind::closed);
}

void Session::Impl::fail_with(const ngtcp2_connection_close_error& close, const Error& why,
                              Time now) {
  ngtcp2_path_storage storage;
  ngtcp2_path_storage_zero(&storage);
  ngtcp2_pkt_info info{};
  Bytes packet(k_datagram_sent_bytes_max);
  const ngtcp2_ssize written = ngtcp2_conn_write_connection_close(
      conn, &storage.path, &info, packet.data(), packet.size(), &close, stamp(now));
  if (written <= 0) {
    end(SessionState::gone, why, now);
    return;
  }
  packet.resize(static_cast<std::size_t>(written));
  close_packet = std::move(packet);
  resend_close = true;
  end(SessionState::closing, why, after_probes(now));
}

void Session::Impl::on_library_error(int code, Time now) {
  ngtcp2_connection_close_error close;
  ngtcp2_connection_close_error_default(&close);
  switch (code) {
    case NGTCP2_ERR_DRAINING:
    case NGTCP2_ERR_CLOSING:
      on_peer_close(now);
      return;
    case NGTCP2_ERR_IDLE_CLOSE:
      end(SessionState::gone, QuicError::idle_timeout, now);
      return;
    case NGTCP2_ERR_HANDSHAKE_TIMEOUT:
      end(SessionState::gone, QuicError::handshake_timeout, now);
      return;
    case NGTCP2_ERR_RECV_VERSION_NEGOTIATION:
      end(SessionState::gone, QuicError::no_common_version, now);
      return;
    case NGTCP2_ERR_DROP_CONN:
    case NGTCP2_ERR_RETRY:
      wants_retry = code == NGTCP2_ERR_RETRY;
      end(SessionState::gone, QuicError::protocol, now);
      return;
    default:
      break;
  }
  if (handshake_error) {
    std::uint8_t alert = k_alert_bad_certificate;
    if (handshake_error->is(QuicError::no_certificate)) {
      alert = k_alert_certificate_required;
    } else if (handshake_error->is(QuicError::wrong_protocol)) {
      alert = k_alert_no_application_protocol;
    }
    ngtcp2_connection_close_error_set_transport_error_tls_alert(&close, alert, nullptr, 0);
    fail_with(close, *handshake_error, now);
  } else if (code == NGTCP2_ERR_CRYPTO) {
    const std::uint8_t alert = ngtcp2_conn_get_tls_alert(conn);
    ngtcp2_connection_close_error_set_transport_error_tls_alert(&close, alert, nullptr, 0);
    const bool without = alert == k_alert_certificate_required;
    fail_with(
        close,
        without ? Error(QuicError::no_certificate) : Error(QuicError::handshake_failed, alert),
        now);
  } else {
    ngtcp2_connection_close_error_set_transport_error_liberr(&close, code, nullptr, 0);
    fail_with(close, Error(QuicError::protocol, close.error_code), now);
  }
}

Error Session::Impl::peer_close_reason() const {
  ngtcp2_connection_close_error close;
  ngtcp2_conn_get_connection_close_error(conn, &close);
  if (was_reset) {
    return QuicError::stateless_reset;
  }
  if (close.type == NGTCP2_CONNECTION_CLOSE_ERROR_CODE_TYPE_APPLICATION || close.error_code == 0) {
    return Error(QuicError::closed_by_peer, close.error_code);
  }
  if (close.error_code == k_connection_refused) {
    return QuicError::refused;
  }
  if (close.error_code >= k_crypto_error && close.error_code < 2 * k_crypto_error) {
    return Error(QuicError::handshake_failed, close.error_code - k_crypto_error);
  }
  return Error(QuicError::protocol, close.error_code);
}

void Session::Impl::on_peer_close(Time now) {
  const Error why = peer_close_reason();
  end(SessionState::draining, why, after_probes(now));
}

}  // namespace vivim::libp2p::quic
