#include "vivim/base/recent.hpp"

#include <algorithm>
#include <random>
#include <string>
#include <vector>

#include <doctest/doctest.h>

using namespace vivim;

TEST_CASE("recent: the least recently used makes room") {
  Recent<int, std::string> recent(2);
  CHECK(recent.find(1) == nullptr);
  recent.put(1, "one");
  recent.put(2, "two");
  REQUIRE(recent.find(1) != nullptr);
  CHECK(*recent.find(1) == "one");
  recent.put(3, "three");
  CHECK(recent.size() == 2);
  CHECK(recent.find(2) == nullptr);
  CHECK(*recent.find(1) == "one");
  recent.put(1, "uno");
  CHECK(recent.size() == 2);
  CHECK(*recent.find(1) == "uno");
  recent.erase(1);
  recent.erase(1);
  CHECK(recent.find(1) == nullptr);
  CHECK(*recent.find(3) == "three");
}

TEST_CASE("recent property: as a list searched from its front") {
  std::mt19937 random(7);
  Recent<unsigned, unsigned> recent(5);
  std::vector<std::pair<unsigned, unsigned>> model;  // last used first
  for (unsigned step = 0; step < 5000; ++step) {
    const unsigned key = random() % 9;
    auto at = std::ranges::find(model, key, [](const auto& each) { return each.first; });
    switch (random() % 3) {
      case 0: {
        const unsigned* const found = recent.find(key);
        REQUIRE((found != nullptr) == (at != model.end()));
        if (found != nullptr) {
          CHECK(*found == at->second);
          std::rotate(model.begin(), at, at + 1);
        }
        break;
      }
      case 1:
        recent.put(key, step);
        if (at != model.end()) {
          model.erase(at);
        }
        model.emplace(model.begin(), key, step);
        model.resize(std::min<std::size_t>(model.size(), 5));
        break;
      default:
        recent.erase(key);
        if (at != model.end()) {
          model.erase(at);
        }
    }
    REQUIRE(recent.size() == model.size());
  }
}
