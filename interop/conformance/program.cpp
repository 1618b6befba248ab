#include "interop/conformance/program.hpp"

#include <charconv>
#include <random>
#include <sstream>

namespace vivim::interop::conformance {

Program generate(std::uint64_t seed) {
  std::mt19937_64 rng(seed);
  Program program{.seed = seed, .steps = std::vector<std::uint64_t>(30 + rng() % 121)};
  for (std::uint64_t& step : program.steps) {
    step = rng();
  }
  return program;
}

std::optional<Program> parse(const std::string& text) {
  std::vector<std::uint64_t> numbers;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    if (line.empty() || line.starts_with('#')) {
      continue;
    }
    std::uint64_t number = 0;
    const auto [end, error] = std::from_chars(line.data(), line.data() + line.size(), number, 16);
    if (error != std::errc{} || end != line.data() + line.size()) {
      return std::nullopt;
    }
    numbers.push_back(number);
  }
  if (numbers.empty()) {
    return std::nullopt;
  }
  return Program{.seed = numbers.front(), .steps = {numbers.begin() + 1, numbers.end()}};
}

std::string print(const Program& program, const std::string& comment) {
  std::ostringstream out;
  out << "# " << comment << "\n" << std::hex << program.seed << "\n";
  for (const std::uint64_t step : program.steps) {
    out << step << "\n";
  }
  return out.str();
}

}  // namespace vivim::interop::conformance
