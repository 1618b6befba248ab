#include "vivim/base/fifo.hpp"

#include <deque>

#include <doctest/doctest.h>

using vivim::Fifo;

TEST_CASE("fifo: gives what it got, in order, whatever the turns") {
  Fifo<int> fifo;
  std::deque<int> expected;
  int next = 0;
  CHECK(fifo.empty());
  // Grows to some hundreds, then shrinks to nothing, twice.
  for (int round = 0; round < 2000; ++round) {
    const int pushes = round % 1000 < 500 ? 2 : 0;
    for (int i = 0; i < pushes; ++i) {
      fifo.push_back(next);
      expected.push_back(next++);
    }
    if (!expected.empty()) {
      REQUIRE(fifo.front() == expected.front());
      fifo.pop_front();
      expected.pop_front();
    }
    REQUIRE(fifo.size() == expected.size());
    REQUIRE(fifo.empty() == expected.empty());
  }
  fifo.push_back(1);
  fifo.clear();
  CHECK(fifo.empty());
}
