#include "vivim/libp2p/metrics/metrics.hpp"

#include <algorithm>

#include "vivim/base/assert.hpp"

namespace vivim::libp2p::metrics {

namespace {

/// A label's value: cut, and with what the format gives a meaning escaped.
std::string escape(std::string_view value) {
  std::string escaped;
  for (const char c : value.substr(0, k_label_bytes_max)) {
    if (c == '\\' || c == '"') {
      escaped += '\\';
      escaped += c;
    } else if (c == '\n') {
      escaped += "\\n";
    } else {
      const auto byte = static_cast<unsigned char>(c);
      escaped += byte < 0x20 || byte >= 0x7f ? '?' : c;
    }
  }
  return escaped;
}

std::string render_labels(const Labels& labels, bool as_other) {
  std::string text;
  for (const auto& [name, value] : labels) {
    text += text.empty() ? "{" : ",";
    text += std::string(name) + "=\"" + (as_other ? "other" : escape(value)) + "\"";
  }
  return text.empty() ? text : text + "}";
}

}  // namespace

void Registry::declare(std::string_view name, Type type, std::string_view help) {
  families_.try_emplace(std::string(name), Family{.type = type, .help = std::string(help)});
}

Series& Registry::series(std::string_view name, const Labels& labels) {
  const auto found = families_.find(name);
  VIVIM_ASSERT(found != families_.end());
  auto& all = found->second.series;
  std::string key = render_labels(labels, false);
  if (!all.contains(key) && all.size() >= k_series_max) {
    key = render_labels(labels, true);
  }
  return all[std::move(key)];
}

void Registry::clear(std::string_view name) {
  if (const auto found = families_.find(name); found != families_.end()) {
    found->second.series.clear();
  }
}

std::string Registry::render() const {
  std::string text;
  for (const auto& [name, family] : families_) {
    text += "# HELP " + name + " " + family.help + "\n";
    text += "# TYPE " + name + (family.type == Type::counter ? " counter\n" : " gauge\n");
    for (const auto& [labels, series] : family.series) {
      text += name + labels + " " + std::to_string(series.value) + "\n";
    }
  }
  return text;
}

}  // namespace vivim::libp2p::metrics
