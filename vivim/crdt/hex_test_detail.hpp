#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "vivim/base/bytes.hpp"

namespace vivim::crdt {

/// For tests: the bytes that `hex` spells.
inline Bytes unhex(std::string_view hex) {
  Bytes bytes;
  for (std::size_t i = 0; i + 1 < hex.size(); i += 2) {
    bytes.push_back(
        static_cast<std::uint8_t>(std::stoi(std::string(hex.substr(i, 2)), nullptr, 16)));
  }
  return bytes;
}

}  // namespace vivim::crdt
