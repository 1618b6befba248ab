#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace vivim::interop::conformance {

/// A random session that can be told in a few lines: the seed makes the replicas, and each step's
/// number makes all that the step chooses. A step that is left out changes what the others meet,
/// not what they are: so a failing program can be shrunk.
struct Program {
  std::uint64_t seed = 0;
  std::vector<std::uint64_t> steps;
};

/// The session of that seed: 30 to 150 steps.
Program generate(std::uint64_t seed);

/// Lines of hexadecimal numbers, the seed first; lines that begin with # are comments.
std::optional<Program> parse(const std::string& text);
std::string print(const Program& program, const std::string& comment);

}  // namespace vivim::interop::conformance
