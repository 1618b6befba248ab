#pragma once

#include <charconv>
#include <string>

#include "vivim/gateway/http.hpp"
#include "vivim/rt/error.hpp"
#include "vivim/rt/network.hpp"
#include "vivim/websocket/message_decoder.hpp"

namespace vivim::gateway::test {

using websocket::encode_close_payload;
using websocket::encode_frame;
using websocket::MessageEvent;
using websocket::Opcode;

/// What a gateway asks for.
inline const std::string k_token(64, 'a');

/// What came back.
struct Reply {
  unsigned status = 0;
  Headers headers;
  std::string body;
};

/// A small HTTP and WebSocket client over a stream, for tests only: it sends exactly what it is
/// told to.
class Client {
 public:
  explicit Client(rt::Connection connection) : stream_(std::move(connection.stream)) {}

  rt::Stream& stream() { return *stream_; }
  Co<Result<void>> send(std::string text) { co_return co_await stream_->write(as_bytes(text)); }

  /// Reads one response; HEAD's has no body.
  Co<Result<Reply>> receive(Method method = Method::get) {
    Reply reply;
    VIVIM_CO_TRY(const std::string status_line, co_await line());
    if (status_line.size() < 12) {
      co_return fail(rt::RtError::end_of_stream);
    }
    std::from_chars(status_line.data() + 9, status_line.data() + 12, reply.status);
    for (;;) {
      VIVIM_CO_TRY(const std::string text, co_await line());
      if (text.empty()) {
        break;
      }
      const auto colon = text.find(": ");
      reply.headers.add(text.substr(0, colon), text.substr(colon + 2));
    }
    if (method == Method::head || reply.status < 200 || reply.status == 204 ||
        reply.status == 304) {
      co_return std::move(reply);
    }
    if (iequals(reply.headers.get("Transfer-Encoding"), "chunked")) {
      VIVIM_CO_TRY(reply.body, co_await chunks());
    } else if (const auto length = reply.headers.find("Content-Length")) {
      std::size_t size = 0;
      std::from_chars(length->data(), length->data() + length->size(), size);
      VIVIM_CO_TRY(reply.body, co_await take(size));
    } else {
      VIVIM_CO_TRY(reply.body, co_await rest());
    }
    co_return std::move(reply);
  }

  Co<Result<Reply>> ask(std::string text) {
    VIVIM_CO_TRYV(co_await send(std::move(text)));
    co_return co_await receive();
  }

  /// Everything until the other side closes.
  Co<Result<std::string>> rest() {
    for (;;) {
      VIVIM_CO_TRY(const bool more, co_await fill());
      if (!more) {
        co_return std::exchange(buffer_, {});
      }
    }
  }

  /// Upgrades to WebSocket.
  Co<Result<Reply>> upgrade(std::string target, std::string fields = "") {
    co_return co_await ask("GET " + target +
                           " HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                           "Sec-WebSocket-Version: 13\r\n"
                           "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n" +
                           fields + "\r\n");
  }

  Co<Result<void>> send_frame(Opcode opcode, std::string payload) {
    constexpr std::array<std::uint8_t, 4> k_mask{1, 2, 3, 4};
    const Bytes frame = encode_frame(opcode, as_bytes(payload), k_mask);
    co_return co_await stream_->write(frame);
  }

  /// The next message or control frame.
  Co<Result<MessageEvent>> receive_frame() {
    for (;;) {
      if (auto event = decoder_.poll()) {
        co_return std::move(*event);
      }
      if (buffer_.empty()) {
        VIVIM_CO_TRY(const bool more, co_await fill());
        if (!more) {
          co_return fail(rt::RtError::end_of_stream);
        }
      }
      const std::string bytes = std::exchange(buffer_, {});
      VIVIM_CO_TRYV(decoder_.feed(as_bytes(bytes)));
    }
  }

 private:
  Co<Result<bool>> fill() {
    Bytes piece(16 * 1024);
    VIVIM_CO_TRY(const std::size_t n, co_await stream_->read_some(piece));
    buffer_ += as_text(BytesView(piece).first(n));
    co_return n > 0;
  }

  Co<Result<std::string>> take(std::size_t size) {
    while (buffer_.size() < size) {
      VIVIM_CO_TRY(const bool more, co_await fill());
      if (!more) {
        co_return fail(rt::RtError::end_of_stream);
      }
    }
    std::string taken = buffer_.substr(0, size);
    buffer_.erase(0, size);
    co_return std::move(taken);
  }

  Co<Result<std::string>> line() {
    for (;;) {
      const auto end = buffer_.find("\r\n");
      if (end != std::string::npos) {
        VIVIM_CO_TRY(std::string taken, co_await take(end + 2));
        taken.resize(end);
        co_return std::move(taken);
      }
      VIVIM_CO_TRY(const bool more, co_await fill());
      if (!more) {
        co_return fail(rt::RtError::end_of_stream);
      }
    }
  }

  Co<Result<std::string>> chunks() {
    std::string whole;
    for (;;) {
      VIVIM_CO_TRY(const std::string header, co_await line());
      std::size_t size = 0;
      std::from_chars(header.data(), header.data() + header.size(), size, 16);
      VIVIM_CO_TRY(const std::string piece, co_await take(size + 2));
      if (size == 0) {
        co_return std::move(whole);
      }
      whole += piece.substr(0, size);
    }
  }

  std::unique_ptr<rt::Stream> stream_;
  std::string buffer_;
  websocket::MessageDecoder decoder_{websocket::Masking::forbidden, std::size_t{64} << 20};
};

/// Connects to a server.
inline Co<Result<std::unique_ptr<Client>>> connect(rt::Network& network, rt::Endpoint to) {
  VIVIM_CO_TRY(auto connection, co_await network.dial(to, std::chrono::seconds(5)));
  co_return std::make_unique<Client>(std::move(connection));
}

}  // namespace vivim::gateway::test
