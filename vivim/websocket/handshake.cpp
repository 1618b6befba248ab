#include "vivim/websocket/handshake.hpp"

#include <algorithm>
#include <charconv>

#include "vivim/crypto/sha1.hpp"

namespace vivim::websocket {

namespace {

constexpr std::string_view k_base64 =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

std::string base64(BytesView bytes) {
  std::string text;
  for (std::size_t at = 0; at < bytes.size(); at += 3) {
    const std::size_t n = std::min<std::size_t>(3, bytes.size() - at);
    std::uint32_t group = 0;
    for (std::size_t i = 0; i < 3; ++i) {
      group = group << 8 | (i < n ? bytes[at + i] : 0u);
    }
    for (std::size_t i = 0; i < 4; ++i) {
      text += i <= n ? k_base64[group >> (18 - 6 * i) & 63] : '=';
    }
  }
  return text;
}

/// The part of a request line between method and version; empty when it is not GET over HTTP/1.1.
std::string_view target_of(std::string_view line) {
  constexpr std::string_view k_get = "GET ";
  constexpr std::string_view k_version = " HTTP/1.1";
  if (!line.starts_with(k_get) || !line.ends_with(k_version) ||
      line.size() <= k_get.size() + k_version.size()) {
    return {};
  }
  line.remove_prefix(k_get.size());
  line.remove_suffix(k_version.size());
  return line.contains(' ') ? std::string_view{} : line;
}

/// The status of "HTTP/1.1 101 Switching Protocols"; none for another line.
std::optional<unsigned> status_of(std::string_view line) {
  constexpr std::string_view k_version = "HTTP/1.";
  unsigned status = 0;
  if (!line.starts_with(k_version) || line.size() < 12 || line[8] != ' ' ||
      std::from_chars(line.data() + 9, line.data() + 12, status).ptr != line.data() + 12 ||
      (line.size() > 12 && line[12] != ' ')) {
    return std::nullopt;
  }
  return status;
}

}  // namespace

std::string accept_of(std::string_view key) {
  constexpr std::string_view k_guid = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
  return base64(crypto::sha1(as_bytes(std::string(key) + std::string(k_guid))));
}

bool is_valid_key(std::string_view key) {
  return key.size() == 24 && key.ends_with("==") &&
         std::ranges::all_of(key.substr(0, 22), [](char c) { return k_base64.contains(c); });
}

ClientHandshake::ClientHandshake(const UpgradeRequest& request)
    : key_(base64(request.nonce)),
      request_("GET " + request.target + " HTTP/1.1\r\nHost: " + request.host +
               "\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: " + key_ +
               "\r\nSec-WebSocket-Version: 13\r\n\r\n") {}

Result<std::size_t> ClientHandshake::feed(BytesView in) {
  VIVIM_TRY(const std::size_t used, head_.feed(in));
  if (head_.done()) {
    VIVIM_TRYV(check());
  }
  return used;
}

Result<void> ClientHandshake::check() const {
  const auto status = status_of(head_.start_line());
  if (!status) {
    return fail(WebSocketError::bad_head);
  }
  if (*status != 101) {
    return fail(WebSocketError::refused, *status);
  }
  const bool agreed = head_.has_token("Upgrade", "websocket") &&
                      head_.has_token("Connection", "upgrade") &&
                      head_.find("Sec-WebSocket-Accept") == accept_of(key_);
  const bool unasked = !head_.find("Sec-WebSocket-Extensions").value_or("").empty() ||
                       !head_.find("Sec-WebSocket-Protocol").value_or("").empty();
  return agreed && !unasked ? Result<void>{} : fail(WebSocketError::bad_answer);
}

Result<std::size_t> ServerHandshake::feed(BytesView in) {
  VIVIM_TRY(const std::size_t used, head_.feed(in));
  if (head_.done()) {
    VIVIM_TRYV(check());
  }
  return used;
}

Result<void> ServerHandshake::check() const {
  if (head_.start_line().find(" HTTP/1.") == std::string_view::npos || head_.count("Host") > 1) {
    return fail(WebSocketError::bad_head);
  }
  const bool asks = !target().empty() && head_.has_token("Upgrade", "websocket") &&
                    head_.has_token("Connection", "upgrade") &&
                    head_.find("Sec-WebSocket-Version") == "13" &&
                    is_valid_key(head_.find("Sec-WebSocket-Key").value_or("")) &&
                    head_.count("Sec-WebSocket-Key") == 1;
  return asks ? Result<void>{} : fail(WebSocketError::not_an_upgrade);
}

std::string_view ServerHandshake::target() const {
  return target_of(head_.start_line());
}

std::string ServerHandshake::response() const {
  return "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
         "Sec-WebSocket-Accept: " +
         accept_of(head_.find("Sec-WebSocket-Key").value_or("")) + "\r\n\r\n";
}

std::string ServerHandshake::refusal(const Error& error) {
  std::string status = "400 Bad Request";
  std::string fields;
  if (error.is(WebSocketError::not_an_upgrade)) {
    status = "426 Upgrade Required";
    fields = "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n";
  } else if (error.is(WebSocketError::head_too_large)) {
    status = "431 Request Header Fields Too Large";
  }
  return "HTTP/1.1 " + status + "\r\n" + fields + "Connection: close\r\nContent-Length: 0\r\n\r\n";
}

}  // namespace vivim::websocket
