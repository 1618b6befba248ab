#include <algorithm>
#include <map>
#include <random>
#include <utility>

#include <doctest/doctest.h>

#include "vivim/libp2p/yamux/session.hpp"

using namespace vivim;
using namespace vivim::libp2p::yamux;

namespace {

std::uint8_t byte_at(std::uint32_t stream, std::size_t position) {
  return static_cast<std::uint8_t>(stream * 31 + position * 7 + position / 251);
}

// One end of the pipe: writes and reads every stream until both directions are over.
struct End {
  struct Progress {
    std::size_t to_send = 0;
    std::size_t sent = 0;
    std::size_t received = 0;
    Bytes lent;  // what the session may still send from
    Bytes into;  // what it may fill
    bool closed = false;
    bool ended = false;
  };

  End(Role role, Config config, Time now) : session(role, config, now) {}

  Session session;
  Bytes wire;
  std::map<std::uint32_t, Progress> streams;
  std::size_t finished = 0;
};

Bytes piece_of(std::uint32_t id, std::size_t from, std::size_t count) {
  Bytes piece(count);
  for (std::size_t i = 0; i < count; ++i) {
    piece[i] = byte_at(id, from + i);
  }
  return piece;
}

class Pipe {
 public:
  Pipe(std::uint64_t seed, Config config)
      : rng_(seed), ends_{End{Role::dialer, config, now_}, End{Role::listener, config, now_}} {}

  void run(std::size_t streams_each, std::size_t bytes_max) {
    bytes_max_ = bytes_max;
    std::size_t opened[2] = {0, 0};
    for (int round = 0; !all_over(streams_each); ++round) {
      REQUIRE(round < 2'000'000);
      now_ += std::chrono::microseconds(50);
      for (std::size_t side = 0; side < 2; ++side) {
        if (opened[side] < streams_each && random(3) == 0) {
          const auto id = ends_[side].session.open_stream();
          REQUIRE(id);
          start(ends_[side], *id);
          ++opened[side];
        }
        work(ends_[side]);
        carry(ends_[side], ends_[1 - side]);
      }
    }
    CHECK(ends_[0].session.inbound_streams() == 0);
    CHECK(ends_[0].session.outbound_streams() == 0);
    CHECK(ends_[1].session.outbound_streams() == 0);
  }

 private:
  std::size_t random(std::size_t bound) { return rng_() % bound; }

  bool all_over(std::size_t streams_each) const {
    return ends_[0].finished == 2 * streams_each && ends_[1].finished == 2 * streams_each;
  }

  void start(End& end, StreamId id) {
    end.streams[static_cast<std::uint32_t>(id)] = {.to_send = random(bytes_max_)};
  }

  // Whether streams make progress does not depend on events here, but each must have been told of.
  void work(End& end) {
    while (const auto event = end.session.poll_event()) {
      if (event->kind == EventKind::opened) {
        start(end, event->stream);
      }
      REQUIRE(event->kind != EventKind::reset);
    }
    for (auto it = end.streams.begin(); it != end.streams.end();) {
      if (random(4) != 0) {
        send(end, it->first, it->second);
        receive(end, it->first, it->second);
      }
      const bool over = it->second.closed && it->second.ended;
      if (over) {
        end.session.release(StreamId{it->first});
        ++end.finished;
      }
      it = over ? end.streams.erase(it) : std::next(it);
    }
  }

  // By lending or by copies; nothing is written before all that was lent has left.
  void send(End& end, std::uint32_t id, End::Progress& progress) {
    if (!progress.lent.empty() && end.session.lent(StreamId{id}).value() > 0) {
      return;
    }
    progress.lent.clear();
    const auto count = std::min(progress.to_send - progress.sent, 1 + random(100'000));
    if (!progress.closed && count > 0 && random(2) == 0) {
      progress.lent = piece_of(id, progress.sent, count);
      REQUIRE(end.session.lend(StreamId{id}, progress.lent));
      progress.sent += count;
      return;
    }
    const auto accepted = end.session.write(StreamId{id}, piece_of(id, progress.sent, count));
    if (!progress.closed) {
      REQUIRE(accepted);
      progress.sent += *accepted;
      if (progress.sent == progress.to_send) {
        REQUIRE(end.session.close_write(StreamId{id}));
        progress.closed = true;
      }
    }
  }

  void receive(End& end, std::uint32_t id, End::Progress& progress) {
    if (progress.into.empty()) {
      progress.into.resize(1 + random(80'000));
    }
    const auto outcome = end.session.read(StreamId{id}, progress.into);
    REQUIRE(outcome);
    if (outcome->count == 0 && !outcome->at_end && random(2) == 0) {
      end.session.expect(StreamId{id}, progress.into);
      return;
    }
    const Bytes into = std::exchange(progress.into, Bytes());
    bool same = true;
    for (std::size_t i = 0; i < outcome->count; ++i) {
      same = same && into[i] == byte_at(id, progress.received + i);
    }
    REQUIRE(same);
    progress.received += outcome->count;
    progress.ended = progress.ended || outcome->at_end;
  }

  void carry(End& from, End& to) {
    Bytes out(k_header_bytes + random(70'000));
    out.resize(from.session.poll_transmit(out, now_));
    append(from.wire, out);
    while (!from.wire.empty() && random(5) != 0) {
      const auto count = std::min(from.wire.size(), 1 + random(random(2) == 0 ? 20 : 60'000));
      REQUIRE(to.session.feed(BytesView(from.wire).first(count), now_));
      from.wire.erase(from.wire.begin(), from.wire.begin() + static_cast<std::ptrdiff_t>(count));
    }
  }

  std::mt19937_64 rng_;
  Time now_{};
  std::size_t bytes_max_ = 0;
  End ends_[2];
};

}  // namespace

// Windows are never exceeded: feed() fails with window_exceeded if they were, and the pipe requires
// that it does not.
TEST_CASE("yamux: many streams over a pipe that cuts at random arrive whole, both ways") {
  for (std::uint64_t seed = 1; seed <= 6; ++seed) {
    CAPTURE(seed);
    Pipe(seed, {}).run(20, 300'000);
  }
}

TEST_CASE("yamux: one byte and empty streams arrive") {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    CAPTURE(seed);
    Pipe(seed, {}).run(30, 3);
  }
}

TEST_CASE("yamux: streams larger than their windows arrive with the smallest buffers") {
  Config config;
  config.window_bytes_max = k_initial_window_bytes;
  config.send_buffer_bytes_max = 1000;
  config.frame_payload_bytes_max = 700;
  Pipe(7, config).run(3, 900'000);
}
