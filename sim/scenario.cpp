#include "scenario.hpp"

#include <fstream>
#include <iterator>

#include "scenario_files.hpp"

namespace vivim::sim {

namespace {

constexpr double k_ns_per_ms = 1e6;

}  // namespace

std::string_view name_of(SecurityKind kind) {
  return kind == SecurityKind::noise ? "noise" : "stand-in";
}

double Scenario::number(std::string_view key, double otherwise) const {
  const auto found = with.find(key);
  return found == with.end() ? otherwise : found->second;
}

std::string Scenario::word(std::string_view key, std::string otherwise) const {
  const auto found = words.find(key);
  return found == words.end() ? std::move(otherwise) : found->second;
}

rt::Duration Scenario::duration() const {
  return from_ms(seconds * 1000);
}

rt::Duration from_ms(double milliseconds) {
  return rt::Duration(static_cast<std::int64_t>(milliseconds * k_ns_per_ms));
}

double to_ms(rt::Duration duration) {
  return static_cast<double>(duration.count()) / k_ns_per_ms;
}

const std::map<std::string, std::string_view, std::less<>>& built_in_scenarios() {
  static const auto* const files = new std::map(scenario_files());
  return *files;
}

Outcome<Scenario> find_scenario(const std::string& name_or_path) {
  if (const auto found = built_in_scenarios().find(name_or_path);
      found != built_in_scenarios().end()) {
    return parse_scenario(found->second, name_or_path);
  }
  std::ifstream file(name_or_path, std::ios::binary);
  if (!name_or_path.ends_with(".toml") || !file) {
    return std::unexpected(Problem{.kind = ProblemKind::not_found,
                                   .code = "no_scenario",
                                   .message = "There is no scenario '" + name_or_path + "'.",
                                   .hint = "See them with: vivim sim list. A file's name must end "
                                           "in .toml"});
  }
  std::string text(std::istreambuf_iterator<char>(file), {});
  std::string name = name_or_path.substr(name_or_path.rfind('/') + 1);
  name.resize(name.size() - std::string_view(".toml").size());
  return parse_scenario(text, std::move(name));
}

}  // namespace vivim::sim
