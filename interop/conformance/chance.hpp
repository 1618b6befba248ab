#pragma once

#include <cstddef>
#include <cstdint>
#include <random>
#include <string>

#include "vivim/crdt/any.hpp"
#include "vivim/crdt/text.hpp"

namespace vivim::interop::conformance {

/// What a step chooses.
class Chance {
 public:
  void seed(std::uint64_t seed) { rng_.seed(seed); }
  std::uint64_t number() { return rng_(); }
  /// 0 to below - 1; 0 if there is nothing to choose.
  std::size_t pick(std::size_t below) { return below == 0 ? 0 : rng_() % below; }
  bool one_in(std::size_t count) { return pick(count) == 0; }
  std::mt19937_64& rng() { return rng_; }

  /// Words of one to four bytes a character, sometimes long.
  std::string text();
  /// Without those of four bytes, no edit cuts a surrogate pair.
  void use_emoji(bool emoji) { emoji_ = emoji; }
  /// A value as JavaScript could hold it: numbers around 2^31 and 2^53, -0, NaN, nesting.
  crdt::Any any(std::size_t depth = 0);
  /// Formats of text: plain values, null, and objects that are equal by their members only, or only
  /// themselves.
  crdt::TextAttributes formats();

 private:
  crdt::Any plain();
  crdt::Any format();
  std::mt19937_64 rng_;
  bool emoji_ = true;
};

}  // namespace vivim::interop::conformance
