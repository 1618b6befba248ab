#include <clocale>
#include <cstdlib>
#include <ctime>

#include <doctest/doctest.h>

#include "apps/vivim/conversation_view.hpp"
#include "apps/vivim/import_view.hpp"

namespace vivim::cli {
namespace {

constexpr const char* k_conversation = R"json({"id":"abcdefghij","title":"Holiday\u001b[2J plans",
 "meta":{"created":1714744920000,"model":"gpt-4"},"provenance":{"provider":"chatgpt"},
 "turns":[
  {"id":"r","parent":null,"role":"system","hidden":true,"text":"secret","parts":[{"type":"text"}]},
  {"id":"u1","parent":"r","role":"user","index":0,"text":"Where to?","parts":[{"type":"text"},
    {"type":"image","name":"map.png","width":10,"height":20,"bytes":1234,"cid":"bafkx"}]},
  {"id":"u2","parent":"r","role":"user","index":1,"text":"Where else?","parts":[{"type":"text"}]},
  {"id":"a1","parent":"u1","role":"assistant","model":"gpt-4o","text":"North.",
   "parts":[{"type":"thoughts","thoughts":[{"summary":"Weighing"}]},{"type":"text"},
    {"type":"code","language":"python","text":"print(1)"},
    {"type":"tool_call","name":"search","input":{"q":"north"}},
    {"type":"citation","title":"Atlas","url":"https://example.org"},
    {"type":"unknown","kind":"hologram"},{"type":"file","asset":"x"}]}]})json";

std::string render(HiddenTurns hidden) {
  std::setlocale(LC_CTYPE, "C.UTF-8");
  ::setenv("TZ", "UTC", 1);
  ::tzset();
  const auto whole = parse_json(k_conversation).value();
  auto branch = whole;
  auto& turns = branch.as_object()["turns"].as_array();
  turns.erase(turns.begin() + 2);
  return render_conversation({.columns = 60}, branch, whole, hidden);
}

TEST_CASE("show: headings, text, parts and where other branches leave") {
  CHECK(render(HiddenTurns::counted) == R"text(Holiday␛[2J plans
chatgpt · gpt-4 · 4 turns · 2024-05-03 14:02 · abcdefghij

You
  branches: [this] u2
  Where to?
  [image map.png 10 x 20 1.2 kB bafkx]

Assistant  gpt-4o
  [thought] Weighing
  North.
  [code python]
  print(1)
  [tool_call search]
  {"q":"north"}
  [citation] Atlas https://example.org
  [unknown] hologram
  [file, not in the export]

1 turn left out: hidden by the provider, or deleted. See all with: --hidden
)text");
  CHECK(render(HiddenTurns::shown).find("System  hidden\n  secret\n") != std::string::npos);
}

TEST_CASE("import report: counts, what was not understood, and what could not be read") {
  const auto report = parse_json(R"({"providers":["chatgpt"],"conversations":1234,"added":1200,
    "updated":4,"unchanged":30,"turns":20000,"hidden_turns":300,
    "parts_by_type":{"text":19000,"image":2},
    "unknown_kinds":{"hologram":2},"attachments":2,"attachment_bytes":5000000,
    "attachments_missing":1,
    "failed":2,"failures":[{"file":"conversations.json","byte":1000,"line":7,
    "message":"ends early"}]})")
                          .value();
  CHECK(render_import_report({}, report) ==
        R"text(Imported        1,234 conversations: 1,200 added, 4 updated, 30 unchanged
From            chatgpt
Turns           20,000 turns, 300 of them hidden by the provider
Parts           text 19,000, image 2
Attachments     2 kept (5.0 MB), 1 not in the export
Not understood  hologram 2 (kept as they are)
Could not read conversations.json, line 7, byte 1,000: ends early
In all 2 could not be read; what was readable is kept.
)text");
}

}  // namespace
}  // namespace vivim::cli
