#include "vivim/libp2p/tls/session.hpp"

#include <algorithm>
#include <cstring>

#include <openssl/err.h>
#include <openssl/x509v3.h>

#include "vivim/base/assert.hpp"
#include "vivim/libp2p/tls/context_detail.hpp"
#include "vivim/libp2p/tls/session_detail.hpp"
#include "vivim/rt/network.hpp"

namespace vivim::libp2p::tls {

namespace {

constexpr std::size_t k_plaintext_bytes_max = std::size_t{64} * 1024;
/// Header, content type and tag of a record.
constexpr std::size_t k_record_overhead = 5 + 1 + 16;
/// RFC 8446 section 6.2.
constexpr int k_alert_no_application_protocol = 120;

std::uint64_t records_of(std::size_t size) {
  return (size + k_record_plaintext_max - 1) / k_record_plaintext_max;
}

/// The wire form of an ALPN list: each name behind its length.
Bytes protocol_list(const std::vector<std::string>& protocols) {
  Bytes out;
  for (const auto& protocol : protocols) {
    VIVIM_ASSERT(!protocol.empty() && protocol.size() <= 255);
    out.push_back(static_cast<std::uint8_t>(protocol.size()));
    append(out, as_bytes(protocol));
  }
  return out;
}

void expect_server(SSL* ssl, const std::string& name, bool checks_name) {
  const bool is_ip = rt::IpAddress::parse(name).has_value();
  if (!is_ip) {
    VIVIM_ASSERT(SSL_set_tlsext_host_name(ssl, name.c_str()) == 1);
  }
  if (checks_name) {
    SSL_set_hostflags(ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    VIVIM_ASSERT((is_ip ? X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), name.c_str())
                        : SSL_set1_host(ssl, name.c_str())) == 1);
  }
}

}  // namespace

Session::Session(std::shared_ptr<const Context> context, SessionOptions options)
    : state_(std::make_unique<State>()) {
  state_->context = std::move(context);
  state_->options = std::move(options);
  state_->ssl.reset(SSL_new(state_->context->state_->openssl.get()));
  SSL* ssl = state_->ssl.get();
  VIVIM_ASSERT(ssl != nullptr);
  SSL_set_app_data(ssl, state_.get());
  BIO* bio = Callbacks::make_bio(*state_).release();
  SSL_set_bio(ssl, bio, bio);
  const auto& chosen = state_->options;
  X509_VERIFY_PARAM_set_time(SSL_get0_param(ssl), static_cast<std::time_t>(chosen.now / 1000));
  if (chosen.role == Role::server) {
    SSL_set_accept_state(ssl);
    return;
  }
  SSL_set_connect_state(ssl);
  const Bytes list = protocol_list(chosen.protocols);
  if (!list.empty()) {
    VIVIM_ASSERT(SSL_set_alpn_protos(ssl, list.data(), static_cast<unsigned>(list.size())) == 0);
  }
  if (!chosen.server_name.empty()) {
    expect_server(ssl, chosen.server_name, state_->context->state_->checks_name);
  }
}
Session::Session(Session&&) noexcept = default;
Session& Session::operator=(Session&&) noexcept = default;
Session::~Session() = default;

/// What OpenSSL's errors mean here; empties its queue.
Error Session::State::take_error() {
  const auto reason = detail::take_reason();
  const auto verify_result = SSL_get_verify_result(ssl.get());
  if (refused) {
    return *refused;
  }
  if (reason == SSL_AD_REASON_OFFSET + k_alert_no_application_protocol) {
    return TlsError::no_application_protocol;
  }
  if (reason > SSL_AD_REASON_OFFSET && reason < SSL_AD_REASON_OFFSET + 256) {
    return Error(TlsError::alert, reason - SSL_AD_REASON_OFFSET);
  }
  switch (reason) {
    case SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE:
      return TlsError::certificate_missing;
    case SSL_R_NO_APPLICATION_PROTOCOL:
      return TlsError::no_application_protocol;
    case SSL_R_CERTIFICATE_VERIFY_FAILED:
      return Error(TlsError::untrusted, static_cast<std::uint64_t>(verify_result));
    default:
      return Error(established ? TlsError::bad_record : TlsError::handshake_failed, reason);
  }
}

Result<void> Session::State::check_protocol() const {
  const unsigned char* name = nullptr;
  unsigned size = 0;
  SSL_get0_alpn_selected(ssl.get(), &name, &size);
  const auto& ours = options.protocols;
  const bool known =
      size == 0 || std::ranges::find(ours, as_text(BytesView(name, size))) != ours.end();
  return known ? Result<void>{} : fail(TlsError::no_application_protocol);
}

Result<void> Session::State::shake() {
  ERR_clear_error();
  const int outcome = SSL_do_handshake(ssl.get());
  if (outcome == 1) {
    established = true;
    return check_protocol();
  }
  if (SSL_get_error(ssl.get(), outcome) != SSL_ERROR_WANT_READ) {
    return fail(take_error());
  }
  if (handshake_bytes > k_handshake_bytes_max) {
    return fail(TlsError::handshake_too_large, handshake_bytes);
  }
  return {};
}

Result<void> Session::advance() {
  if (!state_->failed && !state_->established) {
    if (const auto outcome = state_->shake(); !outcome) {
      state_->failed = outcome.error();
    }
  }
  return state_->failed ? fail(*state_->failed) : Result<void>{};
}

bool Session::established() const {
  return state_->established && !state_->failed;
}

std::optional<std::string> Session::protocol() const {
  const unsigned char* name = nullptr;
  unsigned size = 0;
  SSL_get0_alpn_selected(state_->ssl.get(), &name, &size);
  if (size == 0) {
    return std::nullopt;
  }
  return std::string(as_text(BytesView(name, size)));
}

const std::optional<multiformats::PublicKey>& Session::peer_key() const {
  return state_->peer_key;
}

MutableBytes Session::prepare(std::size_t wanted) {
  auto& state = *state_;
  if (std::exchange(state.shrink, false) && buffered() == 0) {
    state.sealed = Bytes();  // "= {}" would keep its memory
    state.begin = 0;
    state.end = 0;
  }
  if (state.begin > 0) {
    std::memmove(state.sealed.data(), state.sealed.data() + state.begin, buffered());
    state.end -= state.begin;
    state.begin = 0;
  }
  wanted = std::min(wanted, k_receive_buffer_max - state.end);
  if (state.sealed.size() < state.end + wanted) {
    state.sealed.resize(state.end + wanted);
  }
  return MutableBytes(state.sealed).subspan(state.end, wanted);
}

void Session::commit(std::size_t size) {
  VIVIM_ASSERT(size <= state_->sealed.size() - state_->end);
  state_->end += size;
  state_->handshake_bytes += state_->established ? 0 : size;
}

std::size_t Session::feed(BytesView chunk) {
  const MutableBytes room = prepare(chunk.size());
  const std::size_t size = std::min(room.size(), chunk.size());
  std::ranges::copy(chunk.first(size), room.begin());
  commit(size);
  return size;
}

Bytes Session::poll_transmit() {
  return std::exchange(state_->transmit, {});
}

/// Opens records until there is no more, or `plaintext` is full; says how much there is.
std::size_t Session::State::open_records() {
  std::size_t total = 0;
  while (total < plaintext.size() && !peer_closed && !failed) {
    std::size_t count = 0;
    const MutableBytes room = MutableBytes(plaintext).subspan(total);
    if (SSL_read_ex(ssl.get(), room.data(), room.size(), &count) == 1) {
      total += count;
      continue;
    }
    const int error = SSL_get_error(ssl.get(), 0);
    if (error == SSL_ERROR_WANT_READ) {
      break;
    }
    if (error == SSL_ERROR_ZERO_RETURN) {
      peer_closed = true;
    } else {
      failed = take_error();
    }
  }
  return total;
}

Result<std::optional<BytesView>> Session::next() {
  auto& state = *state_;
  VIVIM_ASSERT(state.established);
  if (state.plaintext.size() < state.plaintext_wanted) {
    state.plaintext.resize(state.plaintext_wanted);
  }
  ERR_clear_error();
  const std::size_t count = state.failed ? 0 : state.open_records();
  if (count == 0) {
    if (state.failed) {
      return fail(*state.failed);
    }
    return std::nullopt;
  }
  state.plaintext_wanted =
      count == state.plaintext.size() ? k_plaintext_bytes_max : k_record_plaintext_max;
  return BytesView(state.plaintext).first(count);
}

bool Session::peer_closed() const {
  return state_->peer_closed;
}

Result<void> Session::seal(BytesView plaintext, Bytes& out) {
  auto& state = *state_;
  VIVIM_ASSERT(state.established);
  if (state.failed || state.closed) {
    return fail(state.failed ? *state.failed : Error(TlsError::closed));
  }
  append(out, poll_transmit());
  if (plaintext.empty()) {
    return {};
  }
  const auto records = records_of(plaintext.size());
  out.reserve(out.size() + plaintext.size() + records * k_record_overhead);
  ERR_clear_error();
  if (state.records + records > state.options.records_per_key) {
    VIVIM_ASSERT(SSL_key_update(state.ssl.get(), SSL_KEY_UPDATE_NOT_REQUESTED) == 1);
    state.records = 0;
  }
  state.records += records;
  state.sink = &out;
  std::size_t written = 0;
  const int outcome = SSL_write_ex(state.ssl.get(), plaintext.data(), plaintext.size(), &written);
  state.sink = &state.transmit;
  if (outcome != 1) {
    state.failed = state.take_error();
    return fail(*state.failed);
  }
  VIVIM_ASSERT(written == plaintext.size());
  return {};
}

void Session::close(Bytes& out) {
  auto& state = *state_;
  append(out, poll_transmit());
  if (!state.established || state.failed || std::exchange(state.closed, true)) {
    return;
  }
  ERR_clear_error();
  state.sink = &out;
  static_cast<void>(SSL_shutdown(state.ssl.get()));
  state.sink = &state.transmit;
}

void Session::release() {
  auto& state = *state_;
  state.plaintext = Bytes();
  state.plaintext_wanted = k_record_plaintext_max;
  state.shrink = true;
  static_cast<void>(SSL_free_buffers(state.ssl.get()));
}

std::size_t Session::held_bytes() const {
  return state_->sealed.capacity() + state_->plaintext.capacity() + state_->transmit.capacity();
}

std::size_t Session::buffered() const {
  return state_->end - state_->begin;
}

}  // namespace vivim::libp2p::tls
