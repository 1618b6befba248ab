#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdlib>
#include <map>

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

// An application that answers on each stream, by a copy or from its own memory, reads into memory
// of its own, and closes at the end.
struct Application {
  Bytes zeros = Bytes(200);
  std::map<StreamId, std::array<std::uint8_t, 64>> rooms;

  void answer(Session& session, StreamId stream);
  void read(Session& session, StreamId stream);
  void react(Session& session, const Event& event, Time now);
};

void Application::answer(Session& session, StreamId stream) {
  const auto id = static_cast<std::uint32_t>(stream);
  const auto lent = session.lent(stream);
  if (!lent || *lent > 0) {
    return;
  }
  if (id % 3 == 0) {
    (void)session.lend(stream, BytesView(zeros).first(1 + id % 200));
  } else {
    (void)session.write(stream, BytesView(zeros).first(id % 200));
  }
}

void Application::read(Session& session, StreamId stream) {
  auto& room = rooms[stream];
  const auto outcome = session.read(stream, room);
  if (outcome && outcome->at_end) {
    if (session.lent(stream) == std::size_t{0}) {
      (void)session.close_write(stream);
    }
  } else if (outcome && outcome->count == 0) {
    session.expect(stream, room);
  }
}

void Application::react(Session& session, const Event& event, Time now) {
  switch (event.kind) {
    case EventKind::opened:
    case EventKind::writable:
      answer(session, event.stream);
      break;
    case EventKind::readable:
      read(session, event.stream);
      read(session, event.stream);  // finds nothing, mostly: what comes next is expected
      break;
    case EventKind::closed:
    case EventKind::reset:
      session.release(event.stream);
      rooms.erase(event.stream);
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
  Application application;
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
      application.react(session, *event, now);
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
