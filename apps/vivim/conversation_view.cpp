#include "apps/vivim/conversation_view.hpp"

#include <algorithm>
#include <unordered_map>
#include <vector>

#include "apps/vivim/text.hpp"
#include "apps/vivim/units.hpp"

namespace vivim::cli {

namespace {

/// Longer lines are tiring to read.
constexpr std::size_t k_text_columns_max = 100;
constexpr std::size_t k_indent = 2;

/// Which turns have siblings: by parent, in the order of docs/protocol/conversation.md#branches.
class Siblings {
 public:
  explicit Siblings(const Json& whole) {
    for (const auto& turn : items_at(whole, "turns")) {
      children_[text_at(turn, "parent")].push_back(&turn);
    }
    for (auto& [parent, turns] : children_) {
      std::ranges::sort(turns, [](const Json* a, const Json* b) { return before(*a, *b); });
    }
  }

  const std::vector<const Json*>& of(const Json& turn) const {
    return children_.at(text_at(turn, "parent"));
  }

 private:
  static bool before(const Json& a, const Json& b) {
    for (const std::string_view name : {"index", "time"}) {
      const auto left = number_at(a, name);
      const auto right = number_at(b, name);
      if (left != right) {
        return left.value_or(INT64_MAX) < right.value_or(INT64_MAX);
      }
    }
    return text_at(a, "id") < text_at(b, "id");
  }

  std::unordered_map<std::string, std::vector<const Json*>> children_;
};

class View {
 public:
  View(const Terminal& terminal, const Json& whole)
      : terminal_(terminal),
        siblings_(whole),
        columns_(std::min(terminal.columns, k_text_columns_max)) {}

  void heading(const Json& conversation, std::size_t turns);
  void turn(const Json& turn);
  void note(const std::string& text) { out_ += styled(terminal_, Style::dim, text) + "\n"; }
  std::string take() { return std::move(out_); }

 private:
  void indented(std::string_view text, Style style = Style::plain);
  void part(const Json& turn, const Json& part);
  void branches(const Json& turn);
  std::string file_line(const Json& part) const;

  const Terminal& terminal_;
  Siblings siblings_;
  std::size_t columns_;
  std::string out_;
};

std::string role_heading(const Json& turn) {
  const std::string role = text_at(turn, "role");
  if (role == "user") {
    return "You";
  }
  if (role == "assistant") {
    return "Assistant";
  }
  if (role == "system") {
    return "System";
  }
  if (role == "tool") {
    const auto name = one_line(text_at(turn, "name"));
    return name.empty() ? "Tool" : "Tool " + name;
  }
  return "(no message)";
}

void View::heading(const Json& conversation, std::size_t turns) {
  const auto title = one_line(text_at(conversation, "title"));
  out_ += styled(terminal_, Style::bold, title.empty() ? "(untitled)" : title) + "\n";
  std::vector<std::string> facts;
  facts.push_back(one_line(text_at(member(conversation, "provenance"), "provider")));
  facts.push_back(one_line(text_at(member(conversation, "meta"), "model")));
  facts.push_back(format_count_of(turns, "turn"));
  if (const auto created = number_at(member(conversation, "meta"), "created")) {
    facts.push_back(format_time(*created));
  }
  facts.push_back(one_line(text_at(conversation, "id")));
  std::string line;
  for (const auto& fact : facts) {
    if (!fact.empty()) {
      line += (line.empty() ? "" : " · ") + fact;
    }
  }
  note(line);
}

void View::indented(std::string_view text, Style style) {
  if (text.empty()) {
    return;
  }
  for (const auto& line : wrap(sanitize(text), columns_ - k_indent)) {
    if (!line.empty()) {
      out_ += std::string(k_indent, ' ') + styled(terminal_, style, line);
    }
    out_ += "\n";
  }
}

/// "[image holiday.jpg 1024 x 768 bafkrei...]"
std::string View::file_line(const Json& part) const {
  std::string line = "[" + one_line(text_at(part, "type"));
  if (const auto name = one_line(text_at(part, "name")); !name.empty()) {
    line += " " + name;
  }
  if (const auto width = number_at(part, "width"), height = number_at(part, "height");
      width && height) {
    line += " " + std::to_string(*width) + " x " + std::to_string(*height);
  }
  if (const auto bytes = number_at(part, "bytes")) {
    line += " " + format_bytes(static_cast<std::uint64_t>(std::max<std::int64_t>(*bytes, 0)));
  }
  const auto cid = one_line(text_at(part, "cid"));
  return line + (cid.empty() ? ", not in the export]" : " " + cid + "]");
}

void View::part(const Json& turn, const Json& part) {
  const std::string type = text_at(part, "type");
  if (type == "text") {
    indented(text_at(turn, "text"));
  } else if (type == "code" || type == "execution_output") {
    const auto language = one_line(text_at(part, "language"));
    indented("[" + type + (language.empty() ? "" : " " + language) + "]", Style::dim);
    indented(text_at(part, "text"), Style::green);
  } else if (type == "image" || type == "audio" || type == "video" || type == "file") {
    indented(file_line(part), Style::cyan);
  } else if (type == "tool_call" || type == "tool_result") {
    const Json& value = member(part, type == "tool_call" ? "input" : "output");
    const auto* text = value.if_string();
    indented("[" + type + " " + text_at(part, "name") + "]", Style::dim);
    indented(text != nullptr ? std::string(text->data(), text->size()) : to_text(value),
             Style::green);
  } else if (type == "citation" || type == "quote") {
    const auto title = one_line(text_at(part, "title"));
    indented("[" + type + "] " + (title.empty() ? "" : title + " ") + text_at(part, "url"),
             Style::cyan);
  } else if (type == "thoughts") {
    for (const auto& thought : items_at(part, "thoughts")) {
      indented("[thought] " + text_at(thought, "summary"), Style::dim);
    }
  } else {
    std::string text = text_at(part, "text");
    for (const std::string_view name : {"summary", "kind"}) {
      text = text.empty() ? text_at(part, name) : text;
    }
    indented("[" + type + (text.empty() ? "]" : "] " + text), Style::dim);
  }
}

/// Where the branch could have gone another way.
void View::branches(const Json& turn) {
  const auto& siblings = siblings_.of(turn);
  if (siblings.size() < 2) {
    return;
  }
  std::string line = "branches:";
  for (const auto* sibling : siblings) {
    const auto id = one_line(text_at(*sibling, "id"));
    line += id == text_at(turn, "id") ? " [this]" : " " + id;
  }
  indented(line, Style::yellow);
}

void View::turn(const Json& turn) {
  std::string facts;
  for (const auto& fact :
       {one_line(text_at(turn, "model")),
        number_at(turn, "time") ? format_time(*number_at(turn, "time")) : std::string(),
        std::string(flag_at(turn, "hidden") ? "hidden" : ""),
        std::string(flag_at(turn, "deleted") ? "deleted" : "")}) {
    facts += fact.empty() ? "" : "  " + fact;
  }
  const Style style = text_at(turn, "role") == "user" ? Style::green : Style::bold;
  out_ += "\n" + styled(terminal_, style, role_heading(turn)) +
          styled(terminal_, Style::dim, facts) + "\n";
  branches(turn);
  if (flag_at(turn, "deleted")) {
    return;
  }
  bool text_shown = false;
  for (const auto& item : items_at(turn, "parts")) {
    text_shown = text_shown || text_at(item, "type") == "text";
    part(turn, item);
  }
  if (!text_shown && !text_at(turn, "text").empty()) {
    indented(text_at(turn, "text"));
  }
}

bool is_to_be_shown(const Json& turn, HiddenTurns hidden) {
  if (hidden == HiddenTurns::shown) {
    return true;
  }
  return !flag_at(turn, "hidden") && !flag_at(turn, "deleted") && text_at(turn, "role") != "none";
}

}  // namespace

std::string render_conversation(const Terminal& terminal, const Json& branch, const Json& whole,
                                HiddenTurns hidden) {
  View view(terminal, whole);
  view.heading(branch, items_at(whole, "turns").size());
  std::size_t left_out = 0;
  for (const auto& turn : items_at(branch, "turns")) {
    if (is_to_be_shown(turn, hidden)) {
      view.turn(turn);
    } else {
      ++left_out;
    }
  }
  if (left_out > 0) {
    view.note("\n" + format_count_of(left_out, "turn") +
              " left out: hidden by the provider, or deleted. See all with: --hidden");
  }
  return view.take();
}

}  // namespace vivim::cli
