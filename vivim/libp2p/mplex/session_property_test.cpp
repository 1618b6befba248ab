#include <algorithm>
#include <map>
#include <random>

#include <doctest/doctest.h>

#include "vivim/libp2p/mplex/session.hpp"

using namespace vivim;
using namespace vivim::libp2p::mplex;

namespace {

std::uint8_t byte_at(std::uint64_t stream, std::size_t position) {
  return static_cast<std::uint8_t>(stream * 31 + position * 7 + position / 251);
}

/// What the model knows of one direction of a stream: bytes written, in order, then its end. One is
/// reset at random: from then on nothing is promised but the order of what came.
struct Progress {
  std::size_t to_send = 0;
  std::size_t sent = 0;
  std::size_t received = 0;
  bool resets = false;
  bool closed = false;
  bool ended = false;
  bool broken = false;
};

struct End {
  explicit End(const Config& config) : session(config) {}

  Session session;
  Bytes wire;
  std::map<StreamId, Progress> streams;
  std::size_t whole = 0;  ///< streams that came to their end
};

Bytes piece_of(StreamId id, std::size_t from, std::size_t count) {
  Bytes piece(count);
  for (std::size_t i = 0; i < count; ++i) {
    piece[i] = byte_at(id.number, from + i);
  }
  return piece;
}

class Pipe {
 public:
  Pipe(std::uint64_t seed, const Config& config) : rng_(seed), ends_{End{config}, End{config}} {}

  /// Opens `streams_each` on both sides; each n-th stream is reset by a side.
  void run(std::size_t streams_each, std::size_t bytes_max, std::size_t reset_every) {
    bytes_max_ = bytes_max;
    reset_every_ = reset_every;
    std::size_t opened[2] = {0, 0};
    for (int round = 0;; ++round) {
      REQUIRE(round < 1'000'000);
      for (std::size_t side = 0; side < 2; ++side) {
        if (opened[side] < streams_each && random(3) == 0) {
          const auto id = ends_[side].session.open_stream(std::to_string(opened[side]));
          REQUIRE(id);
          start(ends_[side], *id);
          ++opened[side];
        }
        work(ends_[side]);
        carry(ends_[side], ends_[1 - side]);
      }
      if (opened[0] == streams_each && opened[1] == streams_each && over()) {
        break;
      }
    }
    for (const End& end : ends_) {
      CHECK(end.session.inbound_streams() == 0);
      CHECK(end.session.outbound_streams() == 0);
      CHECK(end.session.wants_input());
      if (reset_every_ == 0) {
        CHECK(end.whole == 2 * streams_each);
      }
    }
  }

 private:
  std::size_t random(std::size_t bound) { return rng_() % bound; }

  bool over() const {
    return std::ranges::all_of(ends_, [](const End& end) {
      return end.streams.empty() && end.wire.empty() && !end.session.wants_transmit();
    });
  }

  void start(End& end, StreamId id) {
    end.streams[id] = {.to_send = random(bytes_max_),
                       .resets = reset_every_ > 0 && random(reset_every_) == 0};
  }

  void work(End& end) {
    while (const auto event = end.session.poll_event()) {
      if (event->kind == EventKind::opened) {
        start(end, event->stream);
      }
    }
    for (auto it = end.streams.begin(); it != end.streams.end();) {
      auto& [id, progress] = *it;
      if (random(4) != 0) {
        send(end, id, progress);
        receive(end, id, progress);
      }
      const bool over = progress.broken || (progress.closed && progress.ended);
      if (over) {
        end.whole += progress.broken ? 0 : 1;
        end.session.release(id);
      }
      it = over ? end.streams.erase(it) : std::next(it);
    }
  }

  void send(End& end, StreamId id, Progress& progress) {
    if (progress.closed || progress.broken) {
      return;
    }
    if (progress.resets && progress.sent > progress.to_send / 2) {
      end.session.reset(id);
      progress.broken = true;
      return;
    }
    const auto count = std::min(progress.to_send - progress.sent, 1 + random(100'000));
    const auto accepted = end.session.write(id, piece_of(id, progress.sent, count));
    if (!accepted) {
      REQUIRE(reset_every_ > 0);
      progress.broken = true;
      return;
    }
    progress.sent += *accepted;
    if (progress.sent == progress.to_send) {
      REQUIRE(end.session.close_write(id));
      progress.closed = true;
    }
  }

  void receive(End& end, StreamId id, Progress& progress) {
    Bytes into(1 + random(80'000));
    const auto outcome = end.session.read(id, into);
    if (!outcome) {
      REQUIRE(reset_every_ > 0);
      progress.broken = true;
      return;
    }
    bool same = true;
    for (std::size_t i = 0; i < outcome->count; ++i) {
      same = same && into[i] == byte_at(id.number, progress.received + i);
    }
    REQUIRE(same);
    progress.received += outcome->count;
    progress.ended = progress.ended || outcome->at_end;
  }

  void carry(End& from, End& to) {
    Bytes out(k_header_bytes_max + random(70'000));
    out.resize(from.session.poll_transmit(out));
    append(from.wire, out);
    while (!from.wire.empty() && to.session.wants_input() && random(5) != 0) {
      const auto count = std::min(from.wire.size(), 1 + random(random(2) == 0 ? 20 : 60'000));
      REQUIRE(to.session.feed(BytesView(from.wire).first(count), {}));
      from.wire.erase(from.wire.begin(), from.wire.begin() + static_cast<std::ptrdiff_t>(count));
    }
  }

  std::mt19937_64 rng_;
  std::size_t bytes_max_ = 0;
  std::size_t reset_every_ = 0;
  End ends_[2];
};

}  // namespace

TEST_CASE("mplex: many streams over a pipe that cuts at random arrive whole, both ways") {
  for (std::uint64_t seed = 1; seed <= 6; ++seed) {
    CAPTURE(seed);
    Pipe(seed, {}).run(20, 300'000, 0);
  }
}

TEST_CASE("mplex: one byte and empty streams arrive") {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    CAPTURE(seed);
    Pipe(seed, {}).run(30, 3, 0);
  }
}

TEST_CASE("mplex: streams arrive with the smallest buffers") {
  Config config;
  config.receive_buffer_bytes_max = 100;
  config.send_buffer_bytes_max = 1000;
  config.message_bytes_max = 700;
  Pipe(7, config).run(3, 200'000, 0);
}

TEST_CASE("mplex: resets at random leave nothing behind") {
  for (std::uint64_t seed = 1; seed <= 10; ++seed) {
    CAPTURE(seed);
    Pipe(seed, {}).run(40, 100'000, 3);
  }
}
