#include <algorithm>
#include <cstdint>
#include <cstdlib>

#include "vivim/libp2p/yamux/session.hpp"

using namespace vivim;
using namespace vivim::libp2p::yamux;

namespace {

Config small_config() {
  Config config;
  config.inbound_streams_max = 8;
  config.outbound_streams_max = 8;
  config.send_buffer_bytes_max = 100;
  return config;
}

// An application that answers a byte on each stream and closes by the stream's number.
void react(Session& session, const Event& event, Time now) {
  const auto id = static_cast<std::uint32_t>(event.stream);
  std::uint8_t into[64];
  switch (event.kind) {
    case EventKind::opened:
    case EventKind::writable:
      (void)session.write(event.stream, Bytes(id % 200));
      break;
    case EventKind::readable: {
      const auto outcome = session.read(event.stream, into);
      if (outcome && outcome->at_end) {
        (void)session.close_write(event.stream);
      }
      break;
    }
    case EventKind::closed:
    case EventKind::reset:
      session.release(event.stream);
      break;
    case EventKind::can_open:
      (void)session.open_stream();
      break;
    case EventKind::pong:
    case EventKind::go_away:
      session.ping(now);
      break;
  }
}

}  // namespace

// What leaves is always whole frames that the decoder accepts, and limits hold.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) {
    return 0;
  }
  Time now{};
  Session session(data[0] % 2 == 0 ? Role::dialer : Role::listener, small_config(), now);
  for (int i = 0; i < data[0] % 5; ++i) {
    (void)session.open_stream();
  }
  const std::size_t piece = 1 + data[1];
  Bytes out(4096);
  for (BytesView in(data + 2, size - 2); !in.empty();) {
    const auto part = in.first(std::min(piece, in.size()));
    in = in.subspan(part.size());
    now += std::chrono::milliseconds(1);
    const auto fed = session.feed(part, now);
    while (const auto event = session.poll_event()) {
      react(session, *event, now);
    }
    if (session.inbound_streams() > 8 || session.outbound_streams() > 8) {
      std::abort();
    }
    for (BytesView sent = BytesView(out).first(session.poll_transmit(out, now)); !sent.empty();) {
      const auto header = decode_header(sent);
      if (!header) {
        std::abort();
      }
      sent = sent.subspan(k_header_bytes + (header->type == FrameType::data ? header->length : 0));
    }
    if (!fed) {
      break;
    }
  }
  (void)session.on_deadline(now + std::chrono::hours(1));
  return 0;
}
