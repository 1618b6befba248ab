#include "vivim/message/stream_counter.hpp"

#include <vector>

#include <doctest/doctest.h>

#include "vivim/message/members_test_detail.hpp"

using namespace vivim::message;
using namespace vivim::message::test;

TEST_CASE("stream counter: of one peer and of all, and places come back") {
  StreamCounter counter({.all = 3, .per_peer = 2});
  std::vector<StreamCounter::Place> places;
  const auto enter = [&](std::uint64_t number) {
    auto place = counter.enter(peer(number));
    const bool entered = place.has_value();
    if (entered) {
      places.push_back(std::move(*place));
    }
    return entered;
  };
  CHECK(enter(1));
  CHECK(enter(1));
  CHECK_FALSE(enter(1));
  CHECK(enter(2));
  CHECK_FALSE(enter(3));
  CHECK(counter.total() == 3);
  CHECK(counter.refused() == 2);
  places.pop_back();
  CHECK(enter(3));
  places.clear();
  CHECK(counter.total() == 0);
}
