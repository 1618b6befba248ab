#include <algorithm>

#include "vivim/chat/exporters/page_detail.hpp"

namespace vivim::chat::detail {

namespace {

/// One line, without characters that would end it or begin something else.
std::string inline_text(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '\n' || c == '\r') {
      out += ' ';
      continue;
    }
    if (std::string_view("\\`*_[]<>#|").find(c) != std::string_view::npos) {
      out += '\\';
    }
    out += c;
  }
  return out;
}

/// A fence that is longer than every run of backticks inside.
std::string fence_for(std::string_view text) {
  std::size_t longest = 2;
  std::size_t run = 0;
  for (const char c : text) {
    run = c == '`' ? run + 1 : 0;
    longest = std::max(longest, run);
  }
  return std::string(longest + 1, '`');
}

void fenced(std::string_view language, std::string_view text, std::string& out) {
  const auto fence = fence_for(text);
  out += fence;
  for (const char c : language) {
    const bool word = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                      c == '+' || c == '-' || c == '#';
    if (word) {
      out += c;
    }
  }
  out += '\n';
  out += text;
  out += '\n' + fence + "\n\n";
}

std::string link(const std::string& url, const std::string& title) {
  if (!is_web_address(url)) {
    return inline_text(title.empty() ? url : title);
  }
  std::string target;
  for (const char c : url) {
    if (static_cast<std::uint8_t>(c) > 0x20 && c != '<' && c != '>') {
      target += c;
    }
  }
  return "[" + inline_text(title.empty() ? url : title) + "](<" + target + ">)";
}

void write_part(const Part& part, const std::string& words, std::string& out) {
  if (std::holds_alternative<TextPart>(part)) {
    out += words + (words.empty() ? "" : "\n\n");
    return;
  }
  if (const auto* citation = std::get_if<CitationPart>(&part)) {
    out += "- Source: " + link(citation->url, citation->title) + "\n\n";
    return;
  }
  if (const auto* code = std::get_if<CodePart>(&part)) {
    fenced(code->language, code->text, out);
    return;
  }
  out += "*" + inline_text(part_label(part)) + "*\n\n";
  if (const auto text = part_text(part); !text.empty()) {
    fenced("", text, out);
  }
}

void write_section(const Turn& turn, std::string& out) {
  out += "## " + inline_text(speaker(turn));
  if (const auto time = time_text(turn.time); !time.empty()) {
    out += ", " + time;
  }
  out += "\n\n";
  const auto is_text = [](const Part& part) { return std::holds_alternative<TextPart>(part); };
  if (std::ranges::none_of(turn.parts, is_text) && !turn.text.empty()) {
    out += turn.text + "\n\n";
  }
  for (const auto& part : turn.parts) {
    write_part(part, turn.text, out);
  }
}

}  // namespace

void write_markdown(const Conversation& conversation, const TextSink& sink,
                    const ExportOptions& options) {
  const Tree tree(conversation);
  std::string out =
      "# " + inline_text(conversation.title.empty() ? "Untitled" : conversation.title) + "\n\n";
  if (!conversation.provenance.provider.empty()) {
    out += "From " + inline_text(conversation.provenance.provider) + ". ";
  }
  if (const auto time = time_text(conversation.created); !time.empty()) {
    out += "Begun " + time + ".";
  }
  out += "\n\n";
  std::size_t number = 1;
  for (const auto& branch : branches(conversation, tree, options)) {
    if (number > 1) {
      out += "---\n\n# Branch " + std::to_string(number);
      out += branch.from ? ", after: " + inline_text(speaker(conversation.turns[*branch.from])) +
                               " " + time_text(conversation.turns[*branch.from].time)
                         : "";
      out += "\n\n";
    }
    ++number;
    for (const auto turn : branch.turns) {
      write_section(conversation.turns[turn], out);
      sink(out);
      out.clear();
    }
  }
  sink(out);
}

}  // namespace vivim::chat::detail
