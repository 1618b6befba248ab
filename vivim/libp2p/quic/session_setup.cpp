// Making a session: the library's connection and its TLS.
#include <algorithm>
#include <cstring>

#include <malloc.h>
#include <netinet/in.h>
#include <ngtcp2/ngtcp2_crypto_gnutls.h>

#include "vivim/base/assert.hpp"
#include "vivim/libp2p/quic/credentials_detail.hpp"
#include "vivim/libp2p/quic/session_detail.hpp"

namespace vivim::libp2p::quic {

namespace {

constexpr std::string_view k_alpn = "libp2p";

socklen_t store(const rt::Endpoint& endpoint, sockaddr_storage& into) {
  if (endpoint.ip.is_v6) {
    auto& v6 = reinterpret_cast<sockaddr_in6&>(into);
    v6.sin6_family = AF_INET6;
    v6.sin6_port = htons(endpoint.port);
    std::memcpy(&v6.sin6_addr, endpoint.ip.bytes.data(), 16);
    return sizeof(v6);
  }
  auto& v4 = reinterpret_cast<sockaddr_in&>(into);
  v4.sin_family = AF_INET;
  v4.sin_port = htons(endpoint.port);
  std::memcpy(&v4.sin_addr, endpoint.ip.bytes.data(), 4);
  return sizeof(v4);
}

rt::Endpoint load(const ngtcp2_addr& address) {
  rt::Endpoint endpoint;
  if (address.addr->sa_family == AF_INET6) {
    const auto* const v6 = reinterpret_cast<const sockaddr_in6*>(address.addr);
    endpoint.ip.is_v6 = true;
    endpoint.port = ntohs(v6->sin6_port);
    std::memcpy(endpoint.ip.bytes.data(), &v6->sin6_addr, 16);
  } else {
    const auto* const v4 = reinterpret_cast<const sockaddr_in*>(address.addr);
    endpoint.port = ntohs(v4->sin_port);
    std::memcpy(endpoint.ip.bytes.data(), &v4->sin_addr, 4);
  }
  return endpoint;
}

ngtcp2_settings make_settings(const SessionContext& context, Time now) {
  ngtcp2_settings settings;
  ngtcp2_settings_default(&settings);
  settings.initial_ts = stamp(now);
  settings.handshake_timeout = static_cast<ngtcp2_duration>(context.config.handshake_max.count());
  // The library's own growth begins late and sends a window's update when half of it is left.
  settings.max_stream_window = 0;
  settings.max_window = 0;
  settings.max_tx_udp_payload_size = k_datagram_sent_bytes_max;
  settings.rand_ctx.native_handle = &context.rng;
  return settings;
}

ngtcp2_transport_params make_parameters(const Session::Impl& session) {
  const SessionConfig& config = session.context.config;
  ngtcp2_transport_params parameters;
  ngtcp2_transport_params_default(&parameters);
  parameters.initial_max_stream_data_bidi_local = session.first_stream_window;
  parameters.initial_max_stream_data_bidi_remote = session.first_stream_window;
  parameters.initial_max_data = session.first_window;
  parameters.initial_max_streams_bidi = config.inbound_streams_max;
  parameters.initial_max_streams_uni = 0;  // libp2p's streams go both ways
  parameters.max_idle_timeout = static_cast<ngtcp2_duration>(config.idle_max.count());
  parameters.active_connection_id_limit = 4;
  parameters.grease_quic_bit = 0;
  return parameters;
}

/// The connection's window to begin with: from what all share, if there is enough of it.
std::uint64_t take_first_window(const SessionContext& context) {
  const std::uint64_t wanted = context.config.connection_window_bytes;
  const std::uint64_t least = std::min(wanted, k_window_bytes_min);
  const std::uint64_t more = std::min(wanted - least, context.windows_left / k_window_part);
  context.windows_left -= more;
  return least + more;
}

/// What a connection's window has of what all share.
std::uint64_t shared_part(std::uint64_t window) {
  return window - std::min(window, k_window_bytes_min);
}

// Allocations in front of which no size is kept: the allocator knows it.
void* count_allocated(void* memory, void* counter) {
  *static_cast<std::size_t*>(counter) += malloc_usable_size(memory);
  return memory;
}
void count_freed(void* memory, void* counter) {
  *static_cast<std::size_t*>(counter) -= malloc_usable_size(memory);
}

ngtcp2_conn* get_connection(ngtcp2_crypto_conn_ref* reference) {
  return static_cast<Session::Impl*>(reference->user_data)->conn;
}

}  // namespace

LibraryMemory::LibraryMemory()
    : functions_{
          .user_data = &bytes_,
          .malloc = [](std::size_t size,
                       void* counter) { return count_allocated(std::malloc(size), counter); },
          .free =
              [](void* memory, void* counter) {
                count_freed(memory, counter);
                std::free(memory);
              },
          .calloc =
              [](std::size_t count, std::size_t size, void* counter) {
                return count_allocated(std::calloc(count, size), counter);
              },
          .realloc =
              [](void* memory, std::size_t size, void* counter) {
                const std::size_t before = malloc_usable_size(memory);
                void* const moved = std::realloc(memory, size);
                if (moved != nullptr) {
                  *static_cast<std::size_t*>(counter) -= before;
                  count_allocated(moved, counter);
                }
                return moved;
              }} {}

Cid Cid::from(BytesView view) {
  Cid cid;
  cid.size = static_cast<std::uint8_t>(std::min(view.size(), cid.bytes.size()));
  std::copy_n(view.begin(), cid.size, cid.bytes.begin());
  return cid;
}

ngtcp2_cid Cid::to_ngtcp2() const {
  ngtcp2_cid cid;
  ngtcp2_cid_init(&cid, bytes.data(), size);
  return cid;
}

PathStorage::PathStorage(const Path& path) {
  path_.local.addrlen = store(path.local, local_);
  path_.local.addr = reinterpret_cast<sockaddr*>(&local_);
  path_.remote.addrlen = store(path.remote, remote_);
  path_.remote.addr = reinterpret_cast<sockaddr*>(&remote_);
}

Path to_path(const ngtcp2_path& path) {
  return {.local = load(path.local), .remote = load(path.remote)};
}

Session::Impl::Impl(const SessionContext& context_, SessionId id_, const Path& path, Time now)
    : context(context_),
      id(id_),
      current_path(path),
      first_remote(path.remote),
      first_window(take_first_window(context_)),
      first_stream_window(std::min(context_.config.stream_window_bytes, first_window / 3 * 2)),
      window(first_window, now),
      last_now(now) {
  conn_ref = {.get_conn = get_connection, .user_data = this};
}

Session::Impl::~Impl() {
  if (conn != nullptr) {
    ngtcp2_conn_del(conn);
  }
  if (tls != nullptr) {
    gnutls_deinit(tls);
  }
  context.windows_left += shared_part(window.bytes());
  for (const Cid& cid : cids) {
    context.cids.remove_cid(cid, id);
  }
}

Cid Session::Impl::random_cid() {
  std::array<std::uint8_t, k_cid_bytes> bytes{};
  context.rng.fill(bytes);
  return Cid::from(bytes);
}

void Session::Impl::add_cid(const Cid& cid) {
  if (context.cids.add_cid(cid, id)) {
    cids.push_back(cid);
  }
}

Result<void> Session::Impl::start_tls(bool is_server) {
  // One key share is enough: everybody knows the first group.
  const unsigned role =
      is_server ? GNUTLS_SERVER : GNUTLS_CLIENT | GNUTLS_FORCE_CLIENT_CERT | GNUTLS_KEY_SHARE_TOP;
  int result = gnutls_init(
      &tls, role | GNUTLS_NO_TICKETS | GNUTLS_NO_AUTO_SEND_TICKET | GNUTLS_NO_END_OF_EARLY_DATA);
  if (result == GNUTLS_E_SUCCESS) {
    result = gnutls_priority_set(tls, context.credentials.handle().priorities);
  }
  if (result == GNUTLS_E_SUCCESS) {
    result = gnutls_credentials_set(tls, GNUTLS_CRD_CERTIFICATE,
                                    context.credentials.handle().certificate);
  }
  if (result == GNUTLS_E_SUCCESS) {
    const gnutls_datum_t alpn{
        .data = reinterpret_cast<unsigned char*>(const_cast<char*>(k_alpn.data())),
        .size = k_alpn.size()};
    result = gnutls_alpn_set_protocols(tls, &alpn, 1, GNUTLS_ALPN_MANDATORY);
  }
  if (result == GNUTLS_E_SUCCESS) {
    result = is_server ? ngtcp2_crypto_gnutls_configure_server_session(tls)
                       : ngtcp2_crypto_gnutls_configure_client_session(tls);
  }
  if (result != GNUTLS_E_SUCCESS) {
    return fail(QuicError::internal, static_cast<std::uint64_t>(-result));
  }
  gnutls_session_set_ptr(tls, &conn_ref);
  gnutls_session_set_verify_function(tls, verify_certificate);
  if (is_server) {
    gnutls_certificate_server_set_request(tls, GNUTLS_CERT_REQUIRE);
  }
  return {};
}

Result<void> Session::Impl::start_client(std::optional<PeerId> peer_expected, Time now) {
  expected = peer_expected;
  VIVIM_TRYV(start_tls(false));
  const Cid source = random_cid();
  std::array<std::uint8_t, 16> destination_bytes{};
  context.rng.fill(destination_bytes);
  const ngtcp2_cid scid = source.to_ngtcp2();
  const ngtcp2_cid dcid = Cid::from(destination_bytes).to_ngtcp2();
  const auto table = callbacks(false);
  const auto settings = make_settings(context, now);
  const auto parameters = make_parameters(*this);
  const PathStorage storage(current_path);
  const int result =
      ngtcp2_conn_client_new(&conn, &dcid, &scid, storage.get(), NGTCP2_PROTO_VER_V1, &table,
                             &settings, &parameters, library.functions(), this);
  if (result != 0) {
    return fail(QuicError::internal, static_cast<std::uint64_t>(-result));
  }
  ngtcp2_conn_set_tls_native_handle(conn, tls);
  add_cid(source);
  return {};
}

Result<void> Session::Impl::start_server(const InboundStart& start, Time now) {
  server = true;
  VIVIM_TRYV(start_tls(true));
  const Cid source = random_cid();
  const ngtcp2_cid scid = source.to_ngtcp2();
  const ngtcp2_cid dcid = start.source.to_ngtcp2();
  const auto table = callbacks(true);
  auto settings = make_settings(context, now);
  auto parameters = make_parameters(*this);
  parameters.original_dcid = (start.retried ? start.original : start.destination).to_ngtcp2();
  if (start.retried) {
    parameters.retry_scid = start.destination.to_ngtcp2();
    parameters.retry_scid_present = 1;
    settings.token = {.base = const_cast<std::uint8_t*>(start.token.data()),
                      .len = start.token.size()};
  }
  parameters.stateless_reset_token_present =
      ngtcp2_crypto_generate_stateless_reset_token(parameters.stateless_reset_token,
                                                   context.reset_secret.data(),
                                                   context.reset_secret.size(), &scid) == 0
          ? 1
          : 0;
  const PathStorage storage(current_path);
  const int result =
      ngtcp2_conn_server_new(&conn, &dcid, &scid, storage.get(), start.version, &table, &settings,
                             &parameters, library.functions(), this);
  if (result != 0) {
    return fail(QuicError::internal, static_cast<std::uint64_t>(-result));
  }
  ngtcp2_conn_set_tls_native_handle(conn, tls);
  add_cid(source);
  add_cid(start.destination);
  return {};
}

}  // namespace vivim::libp2p::quic
