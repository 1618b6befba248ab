#pragma once

#include <string_view>

#include <doctest/doctest.h>

#include "vivim/base/bytes.hpp"
#include "vivim/multiformats/multibase.hpp"

namespace vivim::multiformats::test {

/// The bytes that a vector of a specification spells.
inline Bytes hex(std::string_view text) {
  const auto bytes = decode(Base::base16, text);
  REQUIRE(bytes);
  return *bytes;
}

}  // namespace vivim::multiformats::test
