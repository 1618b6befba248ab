#include <doctest/doctest.h>

#include "vivim/libp2p/quic/receive_window_detail.hpp"

using namespace vivim::libp2p::quic;
using namespace std::chrono_literals;

TEST_CASE("quic: a receive window grows to what is read in eight round trips") {
  ReceiveWindow window(1000, 0s);
  CHECK(!window.note_read(249));
  REQUIRE(window.note_read(1));
  // 250 bytes in a round trip.
  CHECK(window.wanted(100ms, 100ms) == 2000);
  window.grow(1000);
  CHECK(window.bytes() == 2000);
  // Slower, and it stays as it is.
  REQUIRE(window.note_read(500));
  CHECK(window.wanted(301ms, 100ms) == 2000);
  // A little more than it has is worth twice as much, a burst not more than eight times.
  REQUIRE(window.note_read(500));
  CHECK(window.wanted(480ms, 100ms) == 4000);
  REQUIRE(window.note_read(500));
  CHECK(window.wanted(480ms, 100ms) == 16000);
  // Nothing is known of the path.
  REQUIRE(window.note_read(500));
  CHECK(window.wanted(500ms, 0s) == 2000);
}
