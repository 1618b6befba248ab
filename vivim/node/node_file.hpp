#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "vivim/base/problem.hpp"
#include "vivim/node/home.hpp"

namespace vivim::node {

/// What a running node tells commands about itself: `node.json` in its home, from when it listens
/// to when it stops. A killed node leaves it behind; the home's lock says whether it is still true.
struct NodeFile {
  std::int64_t pid = 0;
  std::string http;  ///< "http://127.0.0.1:8470/"
  std::string peer_id;

  std::string to_json() const;
  /// Nothing when it is not such a text.
  static std::optional<NodeFile> parse(std::string_view json);

  Outcome<void> write(const HomePaths& paths) const;
  static std::optional<NodeFile> read(const HomePaths& paths);
  static void remove(const HomePaths& paths);
};

}  // namespace vivim::node
