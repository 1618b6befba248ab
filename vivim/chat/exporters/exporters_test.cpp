#include <doctest/doctest.h>

#include "vivim/chat/exporters/exporter.hpp"
#include "vivim/chat/json.hpp"

using namespace vivim;
using namespace vivim::chat;

namespace {

std::string write(const Conversation& conversation, ExportFormat format,
                  const ExportOptions& options = {}) {
  std::string out;
  export_conversation(conversation, format, [&](std::string_view piece) { out += piece; }, options);
  return out;
}

bool has(std::string_view text, std::string_view piece) {
  return text.find(piece) != std::string_view::npos;
}

Conversation sample() {
  return {
      .title = "A title",
      .created = 1772692034706.8,
      .current = "c",
      .provenance = {.provider = "chatgpt", .original_id = "o"},
      .participants = {{.id = "p", .name = "Ann", .colour = "#fff"}},
      .turns = {{.id = "r"},
                {.id = "a",
                 .parent = "r",
                 .role = Role::user,
                 .time = 0,
                 .index = 0,
                 .parts = {TextPart{}},
                 .text = "question"},
                {.id = "b",
                 .parent = "a",
                 .role = Role::assistant,
                 .index = 0,
                 .parts = {TextPart{}},
                 .text = "first answer"},
                {.id = "c",
                 .parent = "a",
                 .role = Role::assistant,
                 .index = 1,
                 .model = "gpt-9",
                 .content = "bafk",
                 .parts = {ThoughtsPart{.thoughts = {{"s", "hidden thoughts"}}}, TextPart{},
                           CodePart{.language = "py", .text = "print('```')"},
                           CitationPart{.url = "https://example.org/?a=1&b=\"", .title = "Site"},
                           ToolCallPart{.name = "t", .input = {R"({"q":1})"}}},
                 .text = "# Head\nsecond **answer** with `code`\n\n```py\nx < 1\n```"},
                {.id = "h",
                 .parent = "c",
                 .role = Role::system,
                 .index = 0,
                 .text = "secret prompt",
                 .hidden = true},
                {.id = "d",
                 .parent = "b",
                 .role = Role::user,
                 .index = 0,
                 .text = "gone",
                 .deleted = true},
                {.id = "e", .parent = "d", .role = Role::user, .text = "below what is gone"}}};
}

}  // namespace

TEST_CASE("formats have names") {
  CHECK(parse_export_format("json") == ExportFormat::json);
  CHECK(parse_export_format("md") == ExportFormat::markdown);
  CHECK(parse_export_format("html") == ExportFormat::html);
  CHECK_FALSE(parse_export_format("pdf").has_value());
  CHECK(file_extension(ExportFormat::markdown) == "md");
  CHECK(media_type(ExportFormat::html) == "text/html; charset=utf-8");
}

TEST_CASE("JSON has everything") {
  const auto text = write(sample(), ExportFormat::json);
  JsonIndex index;
  REQUIRE(index.parse(text));
  const auto root = index.root();
  CHECK(root["vivim_export"].number() == 1);
  CHECK(root["title"].equals("A title"));
  CHECK(root["meta"]["created"].number() == 1772692034706.8);
  CHECK(root["meta"]["current"].equals("c"));
  CHECK(root["provenance"]["original_id"].equals("o"));
  CHECK(root["participants"].size() == 1);
  CHECK(root["turns"].size() == 7);
  std::vector<JsonValue> turns;
  root["turns"].for_each_element([&](JsonValue turn) { turns.push_back(turn); });
  CHECK(turns[0].raw() == R"({"id":"r","parent":null,"role":"none","text":"","parts":[]})");
  CHECK(
      turns[3].raw() ==
      R"({"id":"c","parent":"a","role":"assistant","index":1,"model":"gpt-9","content":"bafk",)"
      R"("text":"# Head\nsecond **answer** with `code`\n\n```py\nx < 1\n```","parts":[)"
      R"({"type":"thoughts","thoughts":[{"summary":"s","content":"hidden thoughts"}]},{"type":"text"},)"
      "{\"type\":\"code\",\"language\":\"py\",\"text\":\"print('```')\"},"
      R"({"type":"citation","url":"https://example.org/?a=1&b=\"","title":"Site"},)"
      R"({"type":"tool_call","name":"t","input":{"q":1}}]})");
  CHECK(turns[4]["hidden"].is_true());
  CHECK(turns[5]["deleted"].is_true());
}

TEST_CASE("Markdown reads from top to bottom, branches after") {
  const auto text = write(sample(), ExportFormat::markdown);
  CHECK(
      text.starts_with("# A title\n\nFrom chatgpt. Begun 2026-03-05 06:27:14 UTC.\n\n## You, "
                       "1970-01-01 00:00:00 UTC\n\nquestion\n\n## Assistant (gpt-9)\n\n"));
  CHECK(text.find("second **answer**") < text.find("first answer"));
  CHECK(has(text, "````py\nprint('```')\n````"));
  CHECK(has(text, "[Site](<https://example.org/?a=1&b=\">)"));
  CHECK(has(text, "# Branch 2, after: You"));
  CHECK(has(text, "below what is gone"));
  CHECK_FALSE(has(text, "secret prompt"));
  CHECK_FALSE(has(text, "\ngone\n"));
  CHECK(has(write(sample(), ExportFormat::markdown, {.hidden = true}), "secret prompt"));
}

TEST_CASE("HTML is one page with all branches") {
  const auto text = write(sample(), ExportFormat::html);
  CHECK(text.starts_with("<!doctype html>"));
  CHECK(text.ends_with("</html>\n"));
  CHECK(has(text, "<h3>Head</h3>"));
  CHECK(has(text, "second <strong>answer</strong> with <code>code</code>"));
  CHECK(has(text, "<pre><code>x &lt; 1\n</code></pre>"));
  CHECK(has(text, "href=\"https://example.org/?a=1&amp;b=&quot;\""));
  CHECK(has(text, "<a href=\"#branch-2\">2</a>"));
  CHECK(has(text, "prefers-color-scheme"));
  CHECK_FALSE(has(text, "<script"));
}

TEST_CASE("HTML: nothing in a conversation becomes markup") {
  const std::string evil =
      "</code></pre></style></title><script>alert(1)</script><img src=x onerror='a()'>\"'&\x01";
  Conversation conversation{.title = evil,
                            .provenance = {.provider = evil},
                            .turns = {{.id = evil,
                                       .role = Role::tool,
                                       .name = evil,
                                       .model = evil,
                                       .text = evil + "\n# " + evil + "\n```" + evil + "\n" + evil +
                                               "\n```\n`" + evil + "` **" + evil + "**"}}};
  for (const auto* type : {"text", "code", "execution_output", "image", "audio", "thoughts",
                           "reasoning_recap", "quote", "browsing", "tool_call", "tool_result",
                           "citation", "error", "context", "unknown"}) {
    auto part = *make_part(type);
    std::visit(
        [&]<class Type>(Type& value) {
          Type::fields(value, [&](std::string_view, auto& field) {
            if constexpr (std::is_same_v<decltype(field), std::string&>) {
              field = evil;
            } else if constexpr (std::is_same_v<decltype(field), Json&>) {
              field.text = evil;
            } else if constexpr (std::is_same_v<decltype(field), std::vector<Thought>&>) {
              field.push_back({evil, evil});
            }
          });
        },
        part);
    conversation.turns[0].parts.push_back(part);
  }
  conversation.turns[0].parts.emplace_back(
      CitationPart{.url = "javascript:alert(1)", .title = "x"});
  conversation.turns[0].parts.emplace_back(
      CitationPart{.url = "https://x/\"onclick=\"a()", .title = "x"});
  const auto text = write(conversation, ExportFormat::html);
  CHECK_FALSE(has(text, "<script"));
  CHECK_FALSE(has(text, "<img"));
  CHECK_FALSE(has(text, "href=\"javascript"));
  CHECK_FALSE(has(text, "\"onclick"));
  CHECK_FALSE(has(text, "\x01"));
  std::size_t styles = 0;
  for (auto at = text.find("</style>"); at != std::string::npos;
       at = text.find("</style>", at + 1)) {
    ++styles;
  }
  CHECK(styles == 1);
}

TEST_CASE("empty and odd conversations") {
  for (const auto format : {ExportFormat::json, ExportFormat::markdown, ExportFormat::html}) {
    CHECK_FALSE(write(Conversation{}, format).empty());
    CHECK_FALSE(
        write({.created = 1e300,
               .turns = {{.id = "a", .parent = "a", .role = Role::user, .time = -5, .text = "x"}}},
              format)
            .empty());
  }
  CHECK(has(write({.title = "# *evil*\n# second"}, ExportFormat::markdown),
            "# \\# \\*evil\\* \\# second\n"));
}
