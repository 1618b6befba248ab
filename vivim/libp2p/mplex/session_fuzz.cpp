#include <algorithm>
#include <cstdint>

#include "vivim/base/assert.hpp"
#include "vivim/libp2p/mplex/session.hpp"

using namespace vivim;
using namespace vivim::libp2p::mplex;

namespace {

Config small_config() {
  Config config;
  config.inbound_streams_max = 8;
  config.outbound_streams_max = 8;
  config.send_buffer_bytes_max = 100;
  config.receive_buffer_bytes_max = 200;
  return config;
}

// An application that answers on each stream and closes by the stream's number.
void react(Session& session, const Event& event) {
  std::uint8_t into[64];
  switch (event.kind) {
    case EventKind::opened:
    case EventKind::writable:
      (void)session.write(event.stream, Bytes(event.stream.number % 200));
      break;
    case EventKind::readable: {
      const auto outcome = session.read(event.stream, into);
      if (outcome && outcome->at_end) {
        (void)session.close_write(event.stream);
      } else if (event.stream.number % 7 == 3) {
        session.reset(event.stream);
      }
      break;
    }
    case EventKind::closed:
    case EventKind::reset:
      session.release(event.stream);
      break;
    case EventKind::can_open:
      (void)session.open_stream("again");
      break;
  }
}

/// What leaves is always messages that the decoder accepts.
void check_sent(BytesView sent) {
  while (!sent.empty()) {
    const auto decoded = decode_header(sent);
    VIVIM_ASSERT(decoded && decoded->size > 0);
    VIVIM_ASSERT(sent.size() >= decoded->size + decoded->header.length);
    sent = sent.subspan(decoded->size + decoded->header.length);
  }
}

}  // namespace

// Broken and valid input in turns, an application, time that passes: limits hold, and nothing
// leaks.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) {
    return 0;
  }
  Session session(small_config());
  for (int i = 0; i < data[0] % 5; ++i) {
    (void)session.open_stream();
  }
  const std::size_t piece = 1 + data[1];
  Bytes out(4096);
  Time now{};
  for (BytesView in(data + 2, size - 2); !in.empty();) {
    const auto part = in.first(std::min(piece, in.size()));
    in = in.subspan(part.size());
    now += std::chrono::seconds(1);
    const auto fed = session.feed(part, now);
    while (const auto event = session.poll_event()) {
      react(session, *event);
    }
    VIVIM_ASSERT(session.inbound_streams() <= 8 && session.outbound_streams() <= 8);
    VIVIM_ASSERT(session.wants_input() != session.next_deadline().has_value());
    session.on_deadline(now);
    check_sent(BytesView(out).first(session.poll_transmit(out)));
    if (!fed) {
      break;
    }
  }
  session.on_deadline(now + std::chrono::hours(1));
  VIVIM_ASSERT(session.wants_input());
  return 0;
}
