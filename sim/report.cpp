#include "report.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <numeric>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

namespace vivim::sim {

namespace {

constexpr std::size_t k_notes_shown = 20;

std::string hex(std::uint64_t value) {
  std::array<char, 17> text{};
  std::snprintf(text.data(), text.size(), "%016llx", static_cast<unsigned long long>(value));
  return text.data();
}

std::string padded(std::string text, std::size_t width) {
  text.resize(std::max(width, text.size()), ' ');
  return text;
}

/// "connect p95 ms" of "connect ms".
std::string with_word(const std::string& name, const std::string& word) {
  const auto space = name.rfind(' ');
  return space == std::string::npos ? name + " " + word
                                    : name.substr(0, space) + " " + word + name.substr(space);
}

}  // namespace

const std::vector<double>& Distribution::sorted() const {
  if (!sorted_) {
    std::ranges::sort(values_);
    sorted_ = true;
  }
  return values_;
}

double Distribution::percentile(double share) const {
  if (values_.empty()) {
    return 0;
  }
  const auto rank =
      static_cast<std::size_t>(std::ceil(share * static_cast<double>(values_.size())));
  return sorted()[std::clamp<std::size_t>(rank, 1, values_.size()) - 1];
}

double Distribution::mean() const {
  return values_.empty() ? 0
                         : std::accumulate(values_.begin(), values_.end(), 0.0) /
                               static_cast<double>(values_.size());
}

void Report::set(std::string name, double value) {
  metrics.push_back({.name = std::move(name), .value = value});
}

std::optional<double> Report::find(std::string_view name) const {
  const auto found = std::ranges::find(metrics, name, &Metric::name);
  return found == metrics.end() ? std::nullopt : std::optional(found->value);
}

void Report::finish(const std::vector<Expectation>& expect) {
  for (const auto& [name, distribution] : distributions) {
    set(with_word(name, "count"), static_cast<double>(distribution.count()));
    set(with_word(name, "mean"), distribution.mean());
    set(with_word(name, "p50"), distribution.percentile(0.5));
    set(with_word(name, "p95"), distribution.percentile(0.95));
    set(with_word(name, "p99"), distribution.percentile(0.99));
    set(with_word(name, "max"), distribution.percentile(1));
  }
  for (const auto& each : expect) {
    const auto value = find(each.metric);
    if (!value) {
      failures.push_back("there is no figure '" + each.metric + "'");
    } else if (each.at_most && !(*value <= *each.at_most)) {
      failures.push_back(each.metric + " is " + short_number(*value) + ", expected at most " +
                         short_number(*each.at_most));
    } else if (each.at_least && !(*value >= *each.at_least)) {
      failures.push_back(each.metric + " is " + short_number(*value) + ", expected at least " +
                         short_number(*each.at_least));
    }
  }
}

std::string short_number(double value) {
  std::array<char, 64> text{};
  const double size = std::abs(value);
  const int decimals = size == 0 || size >= 1000 || value == std::round(value) ? 0
                       : size >= 100                                           ? 1
                       : size >= 1                                             ? 2
                                                                               : 4;
  std::snprintf(text.data(), text.size(), "%.*f", decimals, value);
  std::string out = text.data();
  const auto end = out.find('.') == std::string::npos ? out.size() : out.find('.');
  const std::size_t begin = out.front() == '-' ? 1 : 0;
  for (std::size_t at = end; at > begin + 3;) {
    at -= 3;
    out.insert(at, ",");
  }
  return out;
}

std::string to_text(const Report& report) {
  std::string out =
      report.scenario + ": " + std::to_string(report.nodes) + " nodes, seed " +
      std::to_string(report.seed) + ", security " + std::string(name_of(report.security)) +
      (report.security == SecurityKind::noise ? "" : " (proved, not enciphered)") + "\n";
  if (!report.about.empty()) {
    out += "  " + report.about + "\n";
  }
  out += "  " + short_number(report.virtual_seconds) + " s of virtual time in " +
         short_number(report.cpu_seconds) + " s of processor time (" +
         short_number(report.virtual_seconds / std::max(report.cpu_seconds, 1e-9)) +
         " times real time), " + short_number(static_cast<double>(report.events)) + " events, " +
         short_number(static_cast<double>(report.memory_peak_bytes) / 1e6) + " MB at most\n";
  if (report.faults_planned > 0) {
    out += "  " + std::to_string(report.faults_applied) + " of " +
           std::to_string(report.faults_planned) + " faults happened\n";
  }
  out += "  trace " + hex(report.trace_hash) + "\n";
  std::size_t width = 0;
  for (const auto& metric : report.metrics) {
    width = std::max(width, metric.name.size());
  }
  for (const auto& metric : report.metrics) {
    out += "  " + padded(metric.name, width) + "  " + short_number(metric.value) + "\n";
  }
  for (std::size_t i = 0; i < std::min(report.notes.size(), k_notes_shown); ++i) {
    out += "  note: " + report.notes[i] + "\n";
  }
  if (report.notes.size() > k_notes_shown) {
    out += "  and " + std::to_string(report.notes.size() - k_notes_shown) + " more notes\n";
  }
  for (const auto& failure : report.failures) {
    out += "  FAILED: " + failure + "\n";
  }
  return out + (report.failures.empty() ? "  passed\n" : "");
}

std::string to_json(const Report& report) {
  boost::json::object metrics;
  for (const auto& metric : report.metrics) {
    metrics[metric.name] = metric.value;
  }
  boost::json::object distributions;
  constexpr int k_steps = 100;
  for (const auto& [name, distribution] : report.distributions) {
    boost::json::array percentiles;
    for (int i = 0; i <= k_steps; ++i) {
      percentiles.push_back(distribution.percentile(static_cast<double>(i) / k_steps));
    }
    distributions[name] = {{"count", distribution.count()}, {"percentiles", percentiles}};
  }
  boost::json::object series;
  for (const auto& [name, points] : report.series) {
    boost::json::array list;
    for (const auto& point : points) {
      list.push_back(boost::json::array{point.seconds, point.value});
    }
    series[name] = std::move(list);
  }
  const auto texts = [](const std::vector<std::string>& lines) {
    return boost::json::array(lines.begin(), lines.end());
  };
  return boost::json::serialize(boost::json::object{
      {"scenario", report.scenario},
      {"about", report.about},
      {"seed", report.seed},
      {"nodes", report.nodes},
      {"security", name_of(report.security)},
      {"virtual_seconds", report.virtual_seconds},
      {"cpu_seconds", report.cpu_seconds},
      {"memory_peak_bytes", report.memory_peak_bytes},
      {"events", report.events},
      {"trace", hex(report.trace_hash)},
      {"faults_planned", report.faults_planned},
      {"faults_applied", report.faults_applied},
      {"metrics", std::move(metrics)},
      {"distributions", std::move(distributions)},
      {"series", std::move(series)},
      {"notes", texts(report.notes)},
      {"failures", texts(report.failures)},
      {"passed", report.failures.empty()},
  });
}

}  // namespace vivim::sim
