#include "vivim/websocket/handshake.hpp"

#include <doctest/doctest.h>

using namespace vivim;
using namespace vivim::websocket;

namespace {

constexpr std::string_view k_key_field = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
const std::string k_request =
    "GET /any/path?x=1 HTTP/1.1\r\nhost: example.com:8080\r\nUpgrade: WebSocket\r\n"
    "Connection: keep-alive, upgrade\r\nOrigin: http://elsewhere\r\n" +
    std::string(k_key_field) + "Sec-WebSocket-Version: 13\r\n";

std::optional<WebSocketError> refusal_of(std::string text) {
  ServerHandshake server;
  const auto used = server.feed(as_bytes(text));
  return used ? std::nullopt : std::optional(static_cast<WebSocketError>(used.error().code()));
}

std::string replaced(std::string text, std::string_view from, std::string_view to) {
  const auto at = text.find(from);
  REQUIRE(at != std::string::npos);
  return text.replace(at, from.size(), to);
}

/// What a client says to an answer.
std::optional<WebSocketError> answered(std::string text) {
  ClientHandshake client({.host = "h"});
  const auto used = client.feed(as_bytes(text));
  return used ? std::nullopt : std::optional(static_cast<WebSocketError>(used.error().code()));
}

}  // namespace

TEST_CASE("handshake: the example of RFC 6455 section 1.3") {
  CHECK(accept_of("dGhlIHNhbXBsZSBub25jZQ==") == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
  CHECK(is_valid_key("dGhlIHNhbXBsZSBub25jZQ=="));
  CHECK_FALSE(is_valid_key("dGhlIHNhbXBsZSBub25jZQ="));
  CHECK_FALSE(is_valid_key("dGhlIHNhbXBsZSBub25j*Q=="));
}

TEST_CASE("handshake: client and server agree, in pieces of any size, bytes behind stay") {
  UpgradeRequest wanted{.host = "127.0.0.1:4001"};
  wanted.nonce.fill(7);
  for (std::size_t step : {1u, 2u, 3u, 50u, 4096u}) {
    ClientHandshake client(wanted);
    ServerHandshake server;
    const std::string request = client.request() + "frames";
    std::size_t taken = 0;
    while (!server.done()) {
      const auto used = server.feed(as_bytes(std::string_view(request).substr(taken, step)));
      REQUIRE(used);
      taken += *used;
    }
    CHECK(taken == client.request().size());
    CHECK(server.target() == "/");
    CHECK(server.host() == "127.0.0.1:4001");
    const std::string response = server.response() + "more";
    taken = 0;
    while (!client.done()) {
      const auto used = client.feed(as_bytes(std::string_view(response).substr(taken, step)));
      REQUIRE(used);
      taken += *used;
    }
    CHECK(taken == server.response().size());
  }
}

TEST_CASE("handshake: a server takes any path, host, origin and case") {
  ServerHandshake server;
  const std::string text = k_request + "\r\n";
  CHECK(server.feed(as_bytes(text)).value() == text.size());
  CHECK(server.done());
  CHECK(server.target() == "/any/path?x=1");
  CHECK(server.response().contains("s3pPLMBiTxaQ9kYGzzhZRbK+xOo="));
  CHECK_FALSE(refusal_of(replaced(text, "host: example.com:8080\r\n", "")));
}

TEST_CASE("handshake: requests that are refused") {
  const std::string text = k_request + "\r\n";
  using enum WebSocketError;
  CHECK(refusal_of(replaced(text, "GET", "POST")) == not_an_upgrade);
  CHECK(refusal_of(replaced(text, "Version: 13", "Version: 8")) == not_an_upgrade);
  CHECK(refusal_of(replaced(text, "Upgrade: WebSocket", "Upgrade: h2c")) == not_an_upgrade);
  CHECK(refusal_of(replaced(text, "keep-alive, upgrade", "close")) == not_an_upgrade);
  CHECK(refusal_of(replaced(text, "dGhl", "dGh")) == not_an_upgrade);
  CHECK(refusal_of(k_request + std::string(k_key_field) + "\r\n") == not_an_upgrade);
  CHECK(refusal_of(k_request + "Host: again\r\n\r\n") == bad_head);
  CHECK(refusal_of("nonsense\r\n\r\n") == bad_head);
  CHECK(refusal_of(k_request + "no colon\r\n\r\n") == bad_head);
  CHECK(refusal_of(k_request + " folded: x\r\n\r\n") == bad_head);
  CHECK(refusal_of(k_request + "x: \x01\r\n\r\n") == bad_head);
  CHECK(refusal_of(k_request + "x: a\nb: c\r\n\r\n") == bad_head);
  CHECK(ServerHandshake::refusal(Error(not_an_upgrade)).starts_with("HTTP/1.1 426"));
  CHECK(ServerHandshake::refusal(Error(head_too_large)).starts_with("HTTP/1.1 431"));
  CHECK(ServerHandshake::refusal(Error(bad_head)).starts_with("HTTP/1.1 400"));
}

TEST_CASE("handshake: limits on the bytes and fields of a head") {
  CHECK(refusal_of(k_request + "x: " + std::string(k_head_bytes_max, 'y')) ==
        WebSocketError::head_too_large);
  ServerHandshake drip;
  std::size_t fed = 0;
  while (drip.feed(as_bytes("x"))) {
    ++fed;
  }
  CHECK(fed == k_head_bytes_max);
  std::string fields = k_request;
  for (std::size_t i = 0; i < k_head_fields_max; ++i) {
    fields += "x: y\r\n";
  }
  CHECK(refusal_of(fields + "\r\n") == WebSocketError::head_too_large);
}

TEST_CASE("handshake: answers that are refused") {
  const std::string accept = accept_of("AAAAAAAAAAAAAAAAAAAAAA==");
  const std::string text =
      "HTTP/1.1 101 Switching Protocols\r\nupgrade: WebSocket\r\nconnection: UPGRADE\r\n"
      "sec-websocket-accept: " +
      accept + "\r\n\r\n";
  using enum WebSocketError;
  CHECK_FALSE(answered(text));
  CHECK(answered(replaced(text, accept, "x" + accept)) == bad_answer);
  CHECK(answered(replaced(text, "WebSocket", "other")) == bad_answer);
  CHECK(answered(replaced(text, "UPGRADE", "close")) == bad_answer);
  CHECK(answered(replaced(text, "\r\n\r\n", "\r\nSec-WebSocket-Extensions: x\r\n\r\n")) ==
        bad_answer);
  CHECK(answered(replaced(text, "\r\n\r\n", "\r\nSec-WebSocket-Protocol: x\r\n\r\n")) ==
        bad_answer);
  CHECK(answered("HTTP/1.1 403 Forbidden\r\n\r\n") == refused);
  CHECK(answered("SSH-2.0-x\r\n\r\n") == bad_head);
  CHECK(answered("HTTP/1.1 1x1 y\r\n\r\n") == bad_head);
}
