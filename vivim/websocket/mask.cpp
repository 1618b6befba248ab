#include "vivim/websocket/mask.hpp"

#include <cstring>

#include "vivim/base/assert.hpp"

namespace vivim::websocket {

void copy_masked(MutableBytes out, BytesView in, Mask mask, std::uint64_t position) {
  VIVIM_ASSERT(out.size() >= in.size());
  std::array<std::uint8_t, 8> pattern{};
  for (std::size_t i = 0; i < pattern.size(); ++i) {
    pattern[i] = mask[(position + i) & 3];
  }
  std::uint64_t wide = 0;
  std::memcpy(&wide, pattern.data(), sizeof(wide));
  const std::uint8_t* from = in.data();
  std::uint8_t* to = out.data();
  std::size_t left = in.size();
  // Eight words at a time: the compiler makes vector instructions of it.
  for (; left >= 64; left -= 64, from += 64, to += 64) {
    std::array<std::uint64_t, 8> words{};
    std::memcpy(words.data(), from, sizeof(words));
    for (auto& word : words) {
      word ^= wide;
    }
    std::memcpy(to, words.data(), sizeof(words));
  }
  for (std::size_t i = 0; i < left; ++i) {
    to[i] = from[i] ^ pattern[i & 7];
  }
}

}  // namespace vivim::websocket
