// Attacks by peers whose connections are secured, in frames of yamux.
#include <array>

#include "stress/attack.hpp"
#include "vivim/libp2p/yamux/frame.hpp"

namespace vivim::stress {

namespace {

using std::chrono_literals::operator""ms;
using std::chrono_literals::operator""s;
namespace yamux = libp2p::yamux;
using yamux::FrameType;

constexpr std::uint32_t k_flood = 2000;

void add_frame(Bytes& out, const yamux::Header& header) {
  const auto at = out.size();
  out.resize(at + yamux::k_header_bytes);
  yamux::encode_header(MutableBytes(out).subspan(at), header);
}

// Sends frames and reads the answers, for so long at most.
rt::Co<void> send_and_drain(Ground& ground, Bytes frames, rt::Duration time) {
  const auto stream = co_await ground.secure();
  if (!stream) {
    co_return;
  }
  const auto guard = ground.fuse(*stream, time);
  rt::TaskGroup reading(ground.loop());
  rt::Stream* const raw = stream.get();
  reading.on_stop([raw] { raw->reset(); });
  reading.spawn("drain", drain(*raw));
  if (co_await stream->write(frames)) {
    co_await ground.linger(time);
  }
  co_await reading.stop();
}

rt::Co<void> window_overflow(Ground& ground) {
  Bytes frames;
  add_frame(frames, {.type = FrameType::data,
                     .flags = yamux::k_flag_syn,
                     .stream = 1,
                     .length = yamux::k_initial_window_bytes + 1});
  co_await send_and_drain(ground, std::move(frames), 200ms);
}

rt::Co<void> credit_overflow(Ground& ground) {
  Bytes frames;
  add_frame(frames, {.type = FrameType::window_update,
                     .flags = yamux::k_flag_syn,
                     .stream = 1,
                     .length = 0xffffffff});
  co_await send_and_drain(ground, std::move(frames), 200ms);
}

// Opens streams without end, and says nothing on them.
rt::Co<void> stream_flood(Ground& ground) {
  Bytes frames;
  for (std::uint32_t i = 0; i < k_flood; ++i) {
    add_frame(frames,
              {.type = FrameType::window_update, .flags = yamux::k_flag_syn, .stream = 2 * i + 1});
  }
  co_await send_and_drain(ground, std::move(frames), 500ms);
}

// Opens streams and resets them at once.
rt::Co<void> rapid_reset(Ground& ground) {
  Bytes frames;
  for (std::uint32_t i = 0; i < k_flood; ++i) {
    add_frame(frames,
              {.type = FrameType::window_update, .flags = yamux::k_flag_syn, .stream = 2 * i + 1});
    add_frame(frames,
              {.type = FrameType::window_update, .flags = yamux::k_flag_rst, .stream = 2 * i + 1});
  }
  co_await send_and_drain(ground, std::move(frames), 300ms);
}

// Questions whose answers nobody reads.
rt::Co<void> unread_pings(Ground& ground) {
  const auto stream = co_await ground.secure();
  if (!stream) {
    co_return;
  }
  const auto guard = ground.fuse(*stream, 500ms);
  Bytes frames;
  for (std::uint32_t i = 0; i < k_flood; ++i) {
    add_frame(frames, {.type = FrameType::ping, .flags = yamux::k_flag_syn, .length = i});
  }
  while (!ground.over() && co_await stream->write(frames)) {
  }
}

// Has what it sends echoed, and reads nothing of it.
rt::Co<void> unread_echo(Ground& ground) {
  const auto host = co_await ground.join();
  if (!host) {
    co_return;
  }
  const std::vector<std::string> protocols{std::string(k_echo_protocol)};
  const auto opened = co_await host->open_stream(ground.target().peer, protocols);
  if (opened) {
    const auto guard = ground.fuse(*opened->stream, 500ms);
    const Bytes bytes(std::size_t{64} * 1024, 1);
    while (!ground.over() && co_await opened->stream->write(bytes)) {
    }
  }
  co_await host->stop();
}

constexpr std::array<Attack, 6> k_muxer_attacks{{{"window overflow", window_overflow, 4},
                                                 {"credit overflow", credit_overflow, 4},
                                                 {"stream flood", stream_flood, 4},
                                                 {"rapid resets", rapid_reset, 4},
                                                 {"unread pings", unread_pings, 4},
                                                 {"unread echo", unread_echo, 4, Answer::borne}}};

}  // namespace

std::span<const Attack> muxer_attacks() {
  return k_muxer_attacks;
}

}  // namespace vivim::stress
