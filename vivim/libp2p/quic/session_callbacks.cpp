// What the library calls.
#include <gnutls/x509.h>

#include "vivim/base/assert.hpp"
#include "vivim/libp2p/quic/session_detail.hpp"

namespace vivim::libp2p::quic {

namespace {

using Impl = Session::Impl;

Impl& self(void* user_data) {
  return *static_cast<Impl*>(user_data);
}

int handshake_completed(ngtcp2_conn*, void* user_data) {
  return self(user_data).on_handshake_completed();
}

int recv_stream_data(ngtcp2_conn*, std::uint32_t flags, StreamId, std::uint64_t,
                     const std::uint8_t* data, std::size_t size, void* user_data,
                     void* stream_user_data) {
  self(user_data).on_stream_data(static_cast<StreamState*>(stream_user_data), BytesView(data, size),
                                 (flags & NGTCP2_STREAM_DATA_FLAG_FIN) != 0);
  return 0;
}

int acked_stream_data(ngtcp2_conn*, StreamId, std::uint64_t, std::uint64_t size, void* user_data,
                      void* stream_user_data) {
  auto* const stream = static_cast<StreamState*>(stream_user_data);
  if (stream == nullptr || size == 0) {
    return 0;
  }
  Impl& session = self(user_data);
  if (size > stream->sending.size() - stream->sending.unsent_bytes()) {
    return 0;  // was dropped by a reset
  }
  stream->sending.acknowledge(size);
  session.unacknowledged -= size;
  if (stream->wants_room && session.room(*stream) >= stream->sending.size() / 2) {
    session.tell_writable(*stream);
  }
  if (session.wants_flushed && session.unacknowledged == 0) {
    session.wants_flushed = false;
    session.push(EventKind::flushed);
  }
  return 0;
}

int stream_open(ngtcp2_conn* conn, StreamId id, void* user_data) {
  Impl& session = self(user_data);
  StreamState& stream = session.add_stream(id);
  session.push(EventKind::opened, id);
  return ngtcp2_conn_set_stream_user_data(conn, id, &stream) == 0 ? 0 : NGTCP2_ERR_CALLBACK_FAILURE;
}

int stream_close(ngtcp2_conn*, std::uint32_t flags, StreamId, std::uint64_t code, void* user_data,
                 void* stream_user_data) {
  std::optional<std::uint64_t> reset_code;
  if ((flags & NGTCP2_STREAM_CLOSE_FLAG_APP_ERROR_CODE_SET) != 0) {
    reset_code = code;
  }
  self(user_data).on_stream_ended(static_cast<StreamState*>(stream_user_data), reset_code);
  return 0;
}

int stream_reset(ngtcp2_conn*, StreamId, std::uint64_t, std::uint64_t code, void* user_data,
                 void* stream_user_data) {
  if (auto* const stream = static_cast<StreamState*>(stream_user_data)) {
    stream->read_reset = true;
    stream->reset_code = code;
    Impl& session = self(user_data);
    session.tell_readable(*stream);
    // Most reset both directions at once: a writer that waits is told to try.
    session.tell_writable(*stream);
  }
  return 0;
}

int recv_stateless_reset(ngtcp2_conn*, const ngtcp2_pkt_stateless_reset*, void* user_data) {
  self(user_data).was_reset = true;
  return 0;
}

int extend_max_streams(ngtcp2_conn*, std::uint64_t, void* user_data) {
  self(user_data).push(EventKind::can_open);
  return 0;
}

int extend_max_stream_data(ngtcp2_conn*, StreamId, std::uint64_t, void* user_data,
                           void* stream_user_data) {
  if (auto* const stream = static_cast<StreamState*>(stream_user_data)) {
    self(user_data).queue(*stream);
  }
  return 0;
}

void random_bytes(std::uint8_t* into, std::size_t size, const ngtcp2_rand_ctx* context) {
  static_cast<rt::Rng*>(context->native_handle)->fill(MutableBytes(into, size));
}

int get_new_connection_id(ngtcp2_conn*, ngtcp2_cid* cid, std::uint8_t* token, std::size_t size,
                          void* user_data) {
  Impl& session = self(user_data);
  cid->datalen = size;
  session.context.rng.fill(MutableBytes(cid->data, size));
  const BytesView secret = session.context.reset_secret;
  if (ngtcp2_crypto_generate_stateless_reset_token(token, secret.data(), secret.size(), cid) != 0) {
    return NGTCP2_ERR_CALLBACK_FAILURE;
  }
  session.add_cid(Cid::from(*cid));
  return 0;
}

int remove_connection_id(ngtcp2_conn*, const ngtcp2_cid* cid, void* user_data) {
  Impl& session = self(user_data);
  session.context.cids.remove_cid(Cid::from(*cid), session.id);
  std::erase(session.cids, Cid::from(*cid));
  return 0;
}

}  // namespace

ngtcp2_callbacks Session::Impl::callbacks(bool is_server) {
  ngtcp2_callbacks table{};
  if (is_server) {
    table.recv_client_initial = ngtcp2_crypto_recv_client_initial_cb;
  } else {
    table.client_initial = ngtcp2_crypto_client_initial_cb;
    table.recv_retry = ngtcp2_crypto_recv_retry_cb;
  }
  table.recv_crypto_data = ngtcp2_crypto_recv_crypto_data_cb;
  table.encrypt = ngtcp2_crypto_encrypt_cb;
  table.decrypt = ngtcp2_crypto_decrypt_cb;
  table.hp_mask = ngtcp2_crypto_hp_mask_cb;
  table.update_key = ngtcp2_crypto_update_key_cb;
  table.delete_crypto_aead_ctx = ngtcp2_crypto_delete_crypto_aead_ctx_cb;
  table.delete_crypto_cipher_ctx = ngtcp2_crypto_delete_crypto_cipher_ctx_cb;
  table.get_path_challenge_data = ngtcp2_crypto_get_path_challenge_data_cb;
  table.version_negotiation = ngtcp2_crypto_version_negotiation_cb;
  table.handshake_completed = handshake_completed;
  table.recv_stream_data = recv_stream_data;
  table.acked_stream_data_offset = acked_stream_data;
  table.stream_open = stream_open;
  table.stream_close = stream_close;
  table.stream_reset = stream_reset;
  table.recv_stateless_reset = recv_stateless_reset;
  table.extend_max_local_streams_bidi = extend_max_streams;
  table.extend_max_stream_data = extend_max_stream_data;
  table.rand = random_bytes;
  table.get_new_connection_id = get_new_connection_id;
  table.remove_connection_id = remove_connection_id;
  return table;
}

int Session::Impl::on_handshake_completed() {
  gnutls_datum_t alpn{};
  if (gnutls_alpn_get_selected_protocol(tls, &alpn) != GNUTLS_E_SUCCESS) {
    handshake_error = QuicError::wrong_protocol;
  } else if (!peer) {
    handshake_error = QuicError::no_certificate;
  }
  if (handshake_error) {
    return NGTCP2_ERR_CALLBACK_FAILURE;
  }
  state = SessionState::connected;
  ngtcp2_conn_set_keep_alive_timeout(
      conn, static_cast<ngtcp2_duration>(context.config.keep_alive.count()));
  push(EventKind::connected);
  return 0;
}

Result<PeerId> Session::Impl::check_certificate() const {
  unsigned count = 0;
  const gnutls_datum_t* const certificates = gnutls_certificate_get_peers(tls, &count);
  if (certificates == nullptr || count != 1) {
    return fail(QuicError::no_certificate);
  }
  VIVIM_TRY(const auto who, context.verify(BytesView(certificates->data, certificates->size)));
  if (expected && *expected != who) {
    return fail(QuicError::wrong_peer);
  }
  return who;
}

int Session::Impl::verify_certificate(gnutls_session_t handle) {
  auto* const reference = static_cast<ngtcp2_crypto_conn_ref*>(gnutls_session_get_ptr(handle));
  Impl& session = self(reference->user_data);
  const auto checked = session.check_certificate();
  if (!checked) {
    session.handshake_error = checked.error();
    return GNUTLS_E_CERTIFICATE_ERROR;
  }
  session.peer = *checked;
  return 0;
}

void Session::Impl::on_stream_data(StreamState* stream, BytesView data, bool fin) {
  if (stream == nullptr) {
    ngtcp2_conn_extend_max_offset(conn, data.size());
    return;
  }
  if (stream->reset_here || stream->released) {
    ngtcp2_conn_extend_max_offset(conn, data.size());
  } else {
    stream->received.push(data);
  }
  stream->fin_received |= fin;
  tell_readable(*stream);
}

void Session::Impl::on_stream_ended(StreamState* stream, std::optional<std::uint64_t> code) {
  if (stream == nullptr) {
    return;
  }
  stream->ended = true;
  if (code && !stream->fin_sent) {
    stream->write_refused = true;
    stream->reset_code = *code;
  }
  unacknowledged -= stream->sending.size();
  stream->sending.clear();
  tell_readable(*stream);
  tell_writable(*stream);
  note_if_done(*stream);
}

}  // namespace vivim::libp2p::quic
