#include "vivim/base/roll.hpp"

#include <array>

#include <doctest/doctest.h>

using namespace vivim;

TEST_CASE("roll: in the order in which they came, wherever they lie") {
  std::array<int, 4> numbers{0, 1, 2, 3};
  Roll<int> roll;
  CHECK(roll.empty());
  for (const std::size_t index : {2U, 0U, 3U, 1U}) {
    roll.insert(numbers[index]);
  }
  roll.erase(numbers[0]);
  roll.erase(numbers[0]);
  std::vector<int> seen;
  for (const int* number : roll) {
    seen.push_back(*number);
  }
  CHECK(seen == std::vector<int>{2, 3, 1});
  CHECK(roll.size() == 3);
  CHECK(roll.contains(numbers[3]));
  CHECK_FALSE(roll.contains(numbers[0]));
}
