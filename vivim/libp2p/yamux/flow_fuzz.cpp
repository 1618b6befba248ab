#include <algorithm>
#include <cstdint>
#include <cstdlib>

#include "vivim/libp2p/yamux/session.hpp"

using namespace vivim;
using namespace vivim::libp2p::yamux;

namespace {

constexpr StreamId k_stream{1};

// A peer that keeps to its credit, and an application that reads when it likes.
struct Transfer {
  Session session;
  std::uint64_t credit = k_initial_window_bytes;  // what the peer may still send
  std::uint64_t arriving = 0;                     // of the frame that it has begun
  std::uint64_t unread = 0;
  Time now{};

  explicit Transfer(const Config& config) : session(Role::listener, config, Time{}) {
    feed_header(k_flag_syn, 0);
  }

  void feed(BytesView bytes) {
    if (!session.feed(bytes, now)) {
      std::abort();  // an honest peer is never refused
    }
    while (session.poll_event()) {
    }
  }

  void feed_header(std::uint16_t flags, std::uint32_t length) {
    Bytes header(k_header_bytes);
    encode_header(header, {.type = FrameType::data, .flags = flags, .stream = 1, .length = length});
    feed(header);
    credit -= length;
    arriving = length;
  }

  void arrive(std::uint64_t most) {
    const auto count = std::min(most, arriving);
    arriving -= count;
    unread += count;
    feed(Bytes(count));
  }

  void read(std::uint64_t most) {
    Bytes into(most);
    const auto outcome = session.read(k_stream, into);
    if (!outcome || outcome->count != std::min(most, unread)) {
      std::abort();
    }
    unread -= outcome->count;
  }

  // The window is never more than its maximum, however reads and grants fall between bytes.
  void take_grants(std::uint64_t window_bytes_max) {
    Bytes out(1024);
    for (BytesView sent = BytesView(out).first(session.poll_transmit(out, now)); !sent.empty();) {
      const auto header = decode_header(sent);
      if (!header || header->type == FrameType::data) {
        std::abort();
      }
      credit += header->type == FrameType::window_update ? header->length : 0;
      sent = sent.subspan(k_header_bytes);
    }
    if (credit + arriving + unread > window_bytes_max) {
      std::abort();
    }
  }
};

}  // namespace

// Two bytes a step: what happens, and how much of it.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Config config;
  config.window_bytes_max = 4 * k_initial_window_bytes;
  config.keep_alive_interval = Time::zero();
  Transfer transfer(config);
  for (std::size_t at = 0; at + 1 < std::min<std::size_t>(size, 512); at += 2) {
    const std::uint64_t amount = (std::uint64_t{data[at + 1]} + 1) * 1024;
    transfer.now += std::chrono::milliseconds(data[at] >> 4);
    switch (data[at] % 4) {
      case 0:
        if (transfer.arriving == 0) {
          transfer.feed_header(0, static_cast<std::uint32_t>(std::min(amount, transfer.credit)));
        }
        break;
      case 1:
        transfer.arrive(amount);
        break;
      case 2:
        transfer.read(amount);
        break;
      default:
        transfer.take_grants(config.window_bytes_max);
        break;
    }
  }
  transfer.take_grants(config.window_bytes_max);
  return 0;
}
