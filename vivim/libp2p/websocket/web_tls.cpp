#include "vivim/libp2p/websocket/web_tls.hpp"

#include "vivim/crypto/secret.hpp"
#include "vivim/libp2p/tls/session.hpp"
#include "vivim/libp2p/tls/stream.hpp"
#include "vivim/libp2p/websocket/error.hpp"
#include "vivim/rt/error.hpp"

namespace vivim::libp2p::websocket {

namespace {

using StreamPtr = std::unique_ptr<rt::Stream>;

Result<crypto::SecretBytes> read_file(rt::Disk& disk, std::string_view path) {
  VIVIM_TRY(const auto file, disk.open(path, rt::OpenMode::read));
  VIVIM_TRY(const auto size, file->size());
  if (size > k_pem_bytes_max) {
    return fail(rt::RtError::limit, k_pem_bytes_max);
  }
  crypto::SecretBytes bytes(size);
  VIVIM_TRY(const auto count, file->read_at(0, bytes.writable()));
  if (count != size) {
    return fail(rt::RtError::io);
  }
  return bytes;
}

rt::Co<Result<StreamPtr>> shake(StreamPtr transport, tls::Session session) {
  VIVIM_CO_TRY(auto stream, co_await tls::shake_hands(std::move(transport), std::move(session)));
  co_return StreamPtr(std::move(stream));
}

}  // namespace

Result<std::unique_ptr<WebTls>> WebTls::make(const WebTlsOptions& options, rt::Clock& clock) {
  std::unique_ptr<WebTls> made(new WebTls(clock));
  VIVIM_TRY(made->client_, tls::Context::client(options.trust));
  if (!options.chain_pem.empty()) {
    VIVIM_TRY(made->server_, tls::Context::server(options.chain_pem, options.key_pem));
  }
  return made;
}

Result<std::unique_ptr<WebTls>> WebTls::from_files(rt::Disk& disk, std::string_view chain_path,
                                                   std::string_view key_path, tls::Trust trust,
                                                   rt::Clock& clock) {
  VIVIM_TRY(const auto chain, read_file(disk, chain_path));
  VIVIM_TRY(const auto key, read_file(disk, key_path));
  return make({.chain_pem = as_text(chain.view()),
               .key_pem = as_text(key.view()),
               .trust = std::move(trust)},
              clock);
}

rt::Co<Result<StreamPtr>> WebTls::connect(StreamPtr transport, std::string server_name) {
  tls::Session session(client_, {.role = tls::Role::client,
                                 .now = clock_.wall_now_ms(),
                                 .server_name = std::move(server_name)});
  co_return co_await shake(std::move(transport), std::move(session));
}

rt::Co<Result<StreamPtr>> WebTls::serve(StreamPtr transport) {
  if (server_ == nullptr) {
    co_return fail(WsError::no_tls);
  }
  tls::Session session(
      server_, {.role = tls::Role::server, .protocols = {"http/1.1"}, .now = clock_.wall_now_ms()});
  co_return co_await shake(std::move(transport), std::move(session));
}

}  // namespace vivim::libp2p::websocket
