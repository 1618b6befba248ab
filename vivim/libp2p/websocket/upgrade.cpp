#include "vivim/libp2p/websocket/upgrade.hpp"

#include "vivim/libp2p/transport/early_bytes.hpp"
#include "vivim/libp2p/websocket/stream.hpp"
#include "vivim/websocket/handshake.hpp"

namespace vivim::libp2p::websocket {

namespace {

using vivim::websocket::ClientHandshake;
using vivim::websocket::ServerHandshake;

constexpr std::size_t k_read_bytes = 2048;

/// Feeds a handshake until it is done; returns what arrived behind it.
template <class Handshake>
rt::Co<Result<Bytes>> read_head(rt::Stream& stream, Handshake& handshake) {
  Bytes buffer(k_read_bytes);
  for (;;) {
    VIVIM_CO_TRY(const auto count, co_await stream.read_some(buffer));
    if (count == 0) {
      co_return fail(WsError::closed_in_handshake);
    }
    const BytesView in = BytesView(buffer).first(count);
    VIVIM_CO_TRY(const auto used, handshake.feed(in));
    if (handshake.done()) {
      co_return to_bytes(in.subspan(used));
    }
  }
}

}  // namespace

rt::Co<Result<std::unique_ptr<rt::Stream>>> upgrade_client(std::unique_ptr<rt::Stream> transport,
                                                           Address address,
                                                           UpgradeContext context) {
  if (address.secure == Secure::yes) {
    if (context.tls == nullptr) {
      co_return fail(WsError::no_tls);
    }
    VIVIM_CO_TRY(transport, co_await context.tls->connect(std::move(transport), address.host()));
  }
  vivim::websocket::UpgradeRequest request{.host = address.host_field()};
  context.rng.fill(request.nonce);
  ClientHandshake handshake(request);
  VIVIM_CO_TRYV(co_await transport->write(as_bytes(handshake.request())));
  VIVIM_CO_TRY(Bytes early, co_await read_head(*transport, handshake));
  co_return std::make_unique<WebSocketStream>(
      with_early_bytes(std::move(transport), std::move(early)), Role::client, context.loop,
      context.rng);
}

rt::Co<Result<std::unique_ptr<rt::Stream>>> upgrade_server(std::unique_ptr<rt::Stream> transport,
                                                           Secure secure, UpgradeContext context) {
  if (secure == Secure::yes) {
    if (context.tls == nullptr) {
      co_return fail(WsError::no_tls);
    }
    VIVIM_CO_TRY(transport, co_await context.tls->serve(std::move(transport)));
  }
  ServerHandshake handshake;
  auto early = co_await read_head(*transport, handshake);
  if (!early) {
    if (early.error().domain().name == error_domain(vivim::websocket::WebSocketError{}).name) {
      const std::string refusal = ServerHandshake::refusal(early.error());
      if (co_await transport->write(as_bytes(refusal))) {
        (void)co_await transport->close_write();
      }
    }
    co_return fail(early.error());
  }
  const std::string response = handshake.response();
  VIVIM_CO_TRYV(co_await transport->write(as_bytes(response)));
  co_return std::make_unique<WebSocketStream>(
      with_early_bytes(std::move(transport), std::move(*early)), Role::server, context.loop,
      context.rng);
}

}  // namespace vivim::libp2p::websocket
