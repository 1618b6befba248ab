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

TEST_CASE(
    "fifo: gives back the memory of many items when it is empty, and of all when it is cleared") {
  Fifo<int> fifo;
  const auto fill = [&](int count) {
    for (int i = 0; i < count; ++i) {
      fifo.push_back(i);
    }
  };
  fill(1000);
  CHECK(fifo.capacity() >= 1000);
  while (!fifo.empty()) {
    fifo.pop_front();
  }
  CHECK(fifo.capacity() == 0);
  fill(10);
  fifo.clear();
  CHECK(fifo.capacity() == 0);
}
