#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <unordered_set>

#include "vivim/chat/exporters/page_detail.hpp"

namespace vivim::chat::detail {

namespace {

bool is_shown(const Turn& turn, const ExportOptions& options) {
  return !turn.deleted && turn.role != Role::none && (options.hidden || !turn.hidden) &&
         (!turn.text.empty() || !turn.parts.empty());
}

/// Everything below `turn` in order, then its next sibling: as the walk has it.
std::vector<std::size_t> subtree(const Tree& tree, std::size_t turn) {
  std::vector<std::size_t> found;
  std::vector<std::size_t> open{turn};
  while (!open.empty()) {
    const auto at = open.back();
    open.pop_back();
    found.push_back(at);
    const auto children = tree.children(at);
    open.insert(open.end(), children.rbegin(), children.rend());
  }
  return found;
}

}  // namespace

std::vector<Branch> branches(const Conversation& conversation, const Tree& tree,
                             const ExportOptions& options) {
  const auto shown = [&](std::size_t turn) { return is_shown(conversation.turns[turn], options); };
  const auto main = tree.main_branch();
  const std::unordered_set<std::size_t> on_main(main.begin(), main.end());
  std::vector<Branch> found{{.from = std::nullopt, .turns = main}};
  for (const auto turn : tree.walk()) {
    const auto parent = tree.parent(turn);
    if (!on_main.contains(turn) && (!parent || on_main.contains(*parent))) {
      found.push_back({.from = parent, .turns = subtree(tree, turn)});
    }
  }
  for (auto& branch : found) {
    std::erase_if(branch.turns, [&](std::size_t turn) { return !shown(turn); });
  }
  std::erase_if(found, [](const Branch& branch) { return branch.turns.empty(); });
  return found;
}

std::string speaker(const Turn& turn) {
  constexpr std::array<std::string_view, 5> k_names = {"Note", "You", "Assistant", "System",
                                                       "Tool"};
  std::string name(k_names.at(static_cast<std::size_t>(turn.role)));
  if (!turn.name.empty()) {
    name += " (" + turn.name + ")";
  } else if (!turn.model.empty()) {
    name += " (" + turn.model + ")";
  }
  return name;
}

std::string time_text(std::optional<Time> time) {
  constexpr double k_year_10000 = 253'402'300'800'000;
  if (!time || !std::isfinite(*time) || *time < 0 || *time >= k_year_10000) {
    return {};
  }
  const auto seconds = static_cast<std::int64_t>(*time / 1000);
  const std::chrono::sys_seconds when{std::chrono::seconds(seconds)};
  const auto day = std::chrono::floor<std::chrono::days>(when);
  const std::chrono::year_month_day date(day);
  const auto rest = static_cast<int>((when - day).count());
  std::array<char, 64> text{};
  std::snprintf(text.data(), text.size(), "%04d-%02u-%02u %02d:%02d:%02d UTC",
                static_cast<int>(date.year()), static_cast<unsigned>(date.month()),
                static_cast<unsigned>(date.day()), rest / 3600, rest / 60 % 60, rest % 60);
  return text.data();
}

bool is_web_address(std::string_view url) {
  return url.starts_with("https://") || url.starts_with("http://");
}

namespace {

/// The field that names a part best.
struct Naming {
  std::string& name;
  void operator()(std::string_view field, const std::string& value) const {
    const bool says = field == "name" || field == "title" || field == "language" ||
                      field == "kind" || field == "url" || field == "asset";
    if (says && !value.empty() && (name.empty() || field == "name" || field == "title")) {
      name = value;
    }
  }
  template <class Other>
  void operator()(std::string_view, const Other&) const {}
};

struct Telling {
  std::string& text;
  void add(const std::string& more) const {
    if (!more.empty()) {
      text += text.empty() ? "" : "\n\n";
      text += more;
    }
  }
  void operator()(std::string_view field, const std::string& value) const {
    if (field == "text" || field == "summary" || field == "prompt" || field == "raw") {
      add(value);
    }
  }
  void operator()(std::string_view, const Json& value) const { add(value.text); }
  void operator()(std::string_view, const std::vector<Thought>& thoughts) const {
    for (const auto& thought : thoughts) {
      add(thought.summary);
      add(thought.content);
    }
  }
  template <class Other>
  void operator()(std::string_view, const Other&) const {}
};

}  // namespace

std::string part_label(const Part& part) {
  std::string label(part_type(part));
  std::ranges::replace(label, '_', ' ');
  std::string name;
  std::visit([&]<class Type>(const Type& value) { Type::fields(value, Naming{name}); }, part);
  return name.empty() ? label : label + ": " + name;
}

std::string part_text(const Part& part) {
  std::string text;
  std::visit([&]<class Type>(const Type& value) { Type::fields(value, Telling{text}); }, part);
  return text;
}

}  // namespace vivim::chat::detail
