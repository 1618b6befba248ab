#pragma once

#include <memory>
#include <utility>

#include <doctest/doctest.h>

#include "vivim/libp2p/websocket/stream.hpp"
#include "vivim/libp2p/websocket/upgrade.hpp"
#include "vivim/rt/error.hpp"
#include "vivim/rt/sim/stream_pair.hpp"
#include "vivim/rt/sim/world.hpp"
#include "vivim/rt/task_group.hpp"
#include "vivim/websocket/message_decoder.hpp"

namespace vivim::libp2p::websocket::test {

using StreamPtr = std::unique_ptr<rt::Stream>;

/// Everything until the other side closes.
inline rt::Co<Result<Bytes>> read_to_end(rt::Stream& stream, std::size_t read_bytes = 5000) {
  Bytes all;
  Bytes buffer(read_bytes);
  for (;;) {
    VIVIM_CO_TRY(const auto count, co_await stream.read_some(buffer));
    if (count == 0) {
      co_return all;
    }
    append(all, BytesView(buffer).first(count));
  }
}

inline rt::Co<void> write_in_pieces(rt::Stream& stream, const Bytes& bytes, std::size_t piece) {
  for (std::size_t at = 0; at < bytes.size(); at += piece) {
    const auto part = BytesView(bytes).subspan(at, std::min(piece, bytes.size() - at));
    if (!co_await stream.write(part)) {
      co_return;
    }
  }
  (void)co_await stream.close_write();
}

inline rt::Co<void> echo(rt::Stream& stream) {
  Bytes buffer(3000);
  for (;;) {
    const auto count = co_await stream.read_some(buffer);
    if (!count || *count == 0) {
      break;
    }
    if (!co_await stream.write(BytesView(buffer).first(*count))) {
      co_return;
    }
  }
  (void)co_await stream.close_write();
}

/// A TLS that is none: two bytes that say who is there.
class FakeTls final : public TlsLayer {
 public:
  bool can_serve() const override { return serves; }
  rt::Co<Result<StreamPtr>> connect(StreamPtr transport, std::string server_name) override {
    name = std::move(server_name);
    VIVIM_CO_TRYV(co_await transport->write(as_bytes("C")));
    co_return co_await finish(std::move(transport), 'S');
  }
  rt::Co<Result<StreamPtr>> serve(StreamPtr transport) override {
    VIVIM_CO_TRYV(co_await transport->write(as_bytes("S")));
    co_return co_await finish(std::move(transport), 'C');
  }

  std::string name;
  bool serves = true;

 private:
  static rt::Co<Result<StreamPtr>> finish(StreamPtr transport, char expected) {
    Bytes hello(1);
    VIVIM_CO_TRYV(co_await rt::read_exactly(*transport, hello));
    if (hello.front() != static_cast<std::uint8_t>(expected)) {
      co_return fail(rt::RtError::reset);
    }
    co_return std::move(transport);
  }
};

}  // namespace vivim::libp2p::websocket::test
