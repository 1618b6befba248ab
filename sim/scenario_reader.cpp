#include <array>
#include <cmath>
#include <utility>

#include <toml++/toml.h>

#include "kinds.hpp"
#include "scenario.hpp"
#include "vivim/base/result.hpp"

namespace vivim::sim {

namespace {

Problem bad_scenario(const std::string& name, const toml::source_region& at,
                     const std::string& why) {
  return {
      .kind = ProblemKind::bad_input,
      .code = "bad_scenario",
      .message = "Scenario " + name + ", line " + std::to_string(at.begin.line) + ": " + why + ".",
      .hint = "docs/simulator.md lists what a scenario can say"};
}

/// Reads one file, member by member: a name that nobody knows is an error.
class Reader {
 public:
  explicit Reader(std::string name) { scenario_.name = std::move(name); }

  Outcome<Scenario> read(const toml::table& table) {
    for (const auto& [key, value] : table) {
      VIVIM_TRYV(member(key.str(), value));
    }
    if (find_kind(scenario_.kind) == nullptr) {
      return std::unexpected(bad_scenario(scenario_.name, table.source(),
                                          scenario_.kind.empty()
                                              ? "it has no 'kind'"
                                              : "there is no kind '" + scenario_.kind + "'"));
    }
    return std::move(scenario_);
  }

 private:
  struct Number {
    std::string_view key;
    double* place;
    double least;
    double most;
  };

  Outcome<void> member(std::string_view key, const toml::node& value) {
    if (key == "about" || key == "kind" || key == "security") {
      VIVIM_TRY(auto words, text(key, value));
      return word(key, std::move(words), value);
    }
    if (key == "nodes") {
      double nodes = 0;
      VIVIM_TRYV(number({key, &nodes, 1, k_nodes_max}, value));
      scenario_.nodes = static_cast<std::uint32_t>(nodes);
      return {};
    }
    if (key == "seconds") {
      return number({key, &scenario_.seconds, 0, 1e9}, value);
    }
    if (key == "network") {
      return members(key, value, &Reader::network);
    }
    if (key == "faults") {
      return members(key, value, &Reader::faults);
    }
    if (key == "with") {
      return members(key, value, &Reader::with);
    }
    return key == "expect" ? expectations(value) : unknown(key, value);
  }

  Outcome<void> word(std::string_view key, std::string words, const toml::node& value) {
    if (key == "about") {
      scenario_.about = std::move(words);
    } else if (key == "kind") {
      scenario_.kind = std::move(words);
    } else if (words == "noise" || words == "stand-in") {
      scenario_.security = words == "noise" ? SecurityKind::noise : SecurityKind::stand_in;
    } else {
      return std::unexpected(
          bad_scenario(scenario_.name, value.source(), "'security' is noise or stand-in"));
    }
    return {};
  }

  Outcome<void> network(std::string_view key, const toml::node& value) {
    auto& network = scenario_.network;
    if (key == "regions") {
      const auto flag = value.value_exact<bool>();
      if (!flag) {
        return std::unexpected(
            bad_scenario(scenario_.name, value.source(), "'regions' must be true or false"));
      }
      network.regions = *flag;
      return {};
    }
    if (key == "nat") {
      VIVIM_TRY(network.nat, text(key, value));
      for (const auto* known : {"full-cone", "restricted", "port-restricted", "symmetric"}) {
        if (network.nat == known) {
          return {};
        }
      }
      return std::unexpected(
          bad_scenario(scenario_.name, value.source(),
                       "'nat' is none of full-cone, restricted, port-restricted, symmetric"));
    }
    return one_of(key, value,
                  std::array{Number{"round_trip_ms", &network.round_trip_ms, 0, 10'000},
                             Number{"jitter_ms", &network.jitter_ms, 0, 10'000},
                             Number{"loss_percent", &network.loss_percent, 0, 50},
                             Number{"upload_mbit", &network.upload_mbit, 0, 1e6},
                             Number{"download_mbit", &network.download_mbit, 0, 1e6},
                             Number{"behind_nat_percent", &network.behind_nat_percent, 0, 100},
                             Number{"clock_skew_ms", &network.clock_skew_ms, 0, 1e9},
                             Number{"disk_ms", &network.disk_ms, 0.05, 10'000}});
  }

  Outcome<void> faults(std::string_view key, const toml::node& value) {
    if (key == "lie") {
      return lie(key, value);
    }
    auto& rates = scenario_.faults;
    double down_seconds = -1;
    double cut_seconds = -1;
    VIVIM_TRYV(one_of(key, value,
                      std::array{Number{"crashes_per_hour", &rates.crashes_per_hour, 0, 1e5},
                                 Number{"power_share", &rates.power_share, 0, 1},
                                 Number{"cuts_per_hour", &rates.cuts_per_hour, 0, 1e5},
                                 Number{"isolations_per_hour", &rates.isolations_per_hour, 0, 1e5},
                                 Number{"splits_per_hour", &rates.splits_per_hour, 0, 1e5},
                                 Number{"resets_per_hour", &rates.resets_per_hour, 0, 1e5},
                                 Number{"down_seconds", &down_seconds, 0, 1e6},
                                 Number{"cut_seconds", &cut_seconds, 0, 1e6}}));
    if (down_seconds >= 0) {
      rates.down_mean = from_ms(down_seconds * 1000);
    }
    if (cut_seconds >= 0) {
      rates.cut_mean = from_ms(cut_seconds * 1000);
    }
    return {};
  }

  Outcome<void> lie(std::string_view key, const toml::node& value) {
    using rt::sim::Lie;
    VIVIM_TRY(const auto name, text(key, value));
    for (const auto& [known, lie] :
         {std::pair{"none", Lie::none}, std::pair{"disk", Lie::disk},
          std::pair{"random", Lie::random}, std::pair{"clock", Lie::clock}}) {
      if (name == known) {
        scenario_.lie = lie;
        return {};
      }
    }
    return std::unexpected(
        bad_scenario(scenario_.name, value.source(), "'lie' is none of none, disk, random, clock"));
  }

  Outcome<void> with(std::string_view key, const toml::node& value) {
    if (value.is_string()) {
      VIVIM_TRY(auto words, text(key, value));
      scenario_.words.emplace(key, std::move(words));
      return {};
    }
    double given = 0;
    VIVIM_TRYV(number({key, &given, -1e12, 1e12}, value));
    scenario_.with.emplace(key, given);
    return {};
  }

  Outcome<void> expectations(const toml::node& value) {
    const auto* array = value.as_array();
    if (array == nullptr) {
      return std::unexpected(
          bad_scenario(scenario_.name, value.source(), "'expect' must be tables: [[expect]]"));
    }
    for (const auto& item : *array) {
      scenario_.expect.emplace_back();
      VIVIM_TRYV(members("expect", item, &Reader::expectation));
      const auto& read = scenario_.expect.back();
      if (read.metric.empty() || (!read.at_most && !read.at_least)) {
        return std::unexpected(
            bad_scenario(scenario_.name, item.source(),
                         "[[expect]] needs 'metric', and 'at_most' or 'at_least'"));
      }
    }
    return {};
  }

  Outcome<void> expectation(std::string_view key, const toml::node& value) {
    auto& last = scenario_.expect.back();
    if (key == "metric") {
      VIVIM_TRY(last.metric, text(key, value));
      return {};
    }
    double bound = 0;
    VIVIM_TRYV(one_of(key, value,
                      std::array{Number{"at_most", &bound, -1e15, 1e15},
                                 Number{"at_least", &bound, -1e15, 1e15}}));
    (key == "at_most" ? last.at_most : last.at_least) = bound;
    return {};
  }

  Outcome<void> members(std::string_view key, const toml::node& value,
                        Outcome<void> (Reader::*read)(std::string_view, const toml::node&)) {
    const auto* table = value.as_table();
    if (table == nullptr) {
      return std::unexpected(bad_scenario(scenario_.name, value.source(),
                                          "'" + std::string(key) + "' must be a table"));
    }
    for (const auto& [name, each] : *table) {
      VIVIM_TRYV((this->*read)(name.str(), each));
    }
    return {};
  }

  template <std::size_t N>
  Outcome<void> one_of(std::string_view key, const toml::node& value,
                       const std::array<Number, N>& numbers) {
    for (const auto& each : numbers) {
      if (each.key == key) {
        return number(each, value);
      }
    }
    return unknown(key, value);
  }

  Outcome<void> number(const Number& wanted, const toml::node& value) {
    const auto found = value.value<double>();
    if (!found || !value.is_number() || std::isnan(*found) || *found < wanted.least ||
        *found > wanted.most) {
      return std::unexpected(bad_scenario(scenario_.name, value.source(),
                                          "'" + std::string(wanted.key) +
                                              "' must be a number from " +
                                              std::to_string(std::llround(wanted.least)) + " to " +
                                              std::to_string(std::llround(wanted.most))));
    }
    *wanted.place = *found;
    return {};
  }

  Outcome<std::string> text(std::string_view key, const toml::node& value) {
    const auto found = value.value_exact<std::string>();
    if (!found) {
      return std::unexpected(bad_scenario(scenario_.name, value.source(),
                                          "'" + std::string(key) + "' must be a text in quotes"));
    }
    return *found;
  }

  Outcome<void> unknown(std::string_view key, const toml::node& value) {
    return std::unexpected(bad_scenario(scenario_.name, value.source(),
                                        "there is no setting '" + std::string(key) + "'"));
  }

  Scenario scenario_;
};

}  // namespace

Outcome<Scenario> parse_scenario(std::string_view text, std::string name) {
  if (text.size() > k_scenario_bytes_max) {
    return std::unexpected(Problem{.kind = ProblemKind::bad_input,
                                   .code = "bad_scenario",
                                   .message = "Scenario " + name + " has more than 64 KiB.",
                                   .hint = "Is it the right file?"});
  }
  try {
    return Reader(name).read(toml::parse(text));
  } catch (const toml::parse_error& error) {
    return std::unexpected(bad_scenario(name, error.source(), std::string(error.description())));
  }
}

}  // namespace vivim::sim
