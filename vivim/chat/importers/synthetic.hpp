#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

namespace vivim::chat {

/// What a made-up export looks like.
struct SyntheticOptions {
  std::uint64_t bytes = 1 << 20;  ///< about this many
  std::uint64_t seed = 1;
  bool claude = false;
  bool indented = false;  ///< as the newer exports of ChatGPT are
};

/// Writes an export of the shapes that real ones have (branches, code, browsing, thoughts,
/// pictures, hidden turns, words of several languages), piece by piece, the same for the same
/// options. For benches and tests of size.
void write_synthetic_export(const SyntheticOptions& options,
                            const std::function<void(std::string_view piece)>& write);

}  // namespace vivim::chat
