#include "kinds.hpp"

#include <algorithm>
#include <array>

namespace vivim::sim {

namespace {

constexpr std::array k_kinds{
    Kind{.name = "streams",
         .about = "hosts open streams to hosts they are connected with, and echo",
         .play = play_streams},
};

}  // namespace

std::span<const Kind> kinds() {
  return k_kinds;
}

const Kind* find_kind(std::string_view name) {
  const auto* const found = std::ranges::find(k_kinds, name, &Kind::name);
  return found == k_kinds.end() ? nullptr : found;
}

}  // namespace vivim::sim
