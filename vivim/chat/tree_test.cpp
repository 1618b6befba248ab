#include "vivim/chat/tree.hpp"

#include <doctest/doctest.h>

using namespace vivim;
using namespace vivim::chat;

namespace {

Turn turn(std::string id, std::optional<std::string> parent, std::optional<double> index = {},
          std::optional<Time> time = {}) {
  return {.id = std::move(id),
          .parent = std::move(parent),
          .role = Role::user,
          .time = time,
          .index = index};
}

std::string ids(const Conversation& conversation, const std::vector<std::size_t>& path) {
  std::string out;
  for (const auto i : path) {
    out += conversation.turns[i].id;
  }
  return out;
}

}  // namespace

TEST_CASE("branches: order of children, main branch, branch through a turn") {
  Conversation conversation{.turns = {turn("r", std::nullopt, 0), turn("b", "r", 1),
                                      turn("a", "r", 0), turn("c", "b", std::nullopt, 5),
                                      turn("d", "b", std::nullopt, 4), turn("e", "a")}};
  const Tree tree(conversation);
  CHECK(tree.roots().size() == 1);
  CHECK(ids(conversation, {tree.children(0).begin(), tree.children(0).end()}) == "ab");
  CHECK(ids(conversation, {tree.children(1).begin(), tree.children(1).end()}) == "dc");
  CHECK(ids(conversation, tree.main_branch()) == "rbc");
  CHECK(ids(conversation, tree.branch_through(2)) == "rae");
  CHECK(ids(conversation, tree.branch_through(0)) == "rbc");
  CHECK(ids(conversation, tree.leaves()) == "edc");
  conversation.current = "e";
  CHECK(ids(conversation, Tree(conversation).main_branch()) == "rae");
  CHECK(tree.parent(0) == std::nullopt);
  CHECK(tree.parent(5) == 2);
  CHECK(tree.find("zzz") == std::nullopt);
}

TEST_CASE("missing parents and circles end in roots") {
  const Conversation conversation{.turns = {turn("x", "gone"), turn("m", "k"), turn("k", "z"),
                                            turn("z", "m"), turn("tail", "m"),
                                            turn("self", "self")}};
  const Tree tree(conversation);
  CHECK(ids(conversation, {tree.roots().begin(), tree.roots().end()}) == "kselfx");
  CHECK(ids(conversation, tree.branch_through(4)) == "kmtail");
  CHECK(Tree(Conversation{}).main_branch().empty());
}

TEST_CASE("strings are ordered as JavaScript orders them") {
  CHECK(utf16_less("a", "b"));
  CHECK(utf16_less("a", "aa"));
  CHECK(utf16_less("\xf0\x9f\x98\x80", "\xef\xbf\xbd"));  // U+1F600 is D83D DE00, before FFFD
  CHECK(utf16_less("\xed\x9f\xbf", "\xf0\x90\x80\x80"));
}

TEST_CASE("roles, parts, ids") {
  for (const auto role : {Role::none, Role::user, Role::assistant, Role::system, Role::tool}) {
    CHECK(parse_role(role_name(role)) == role);
  }
  CHECK_FALSE(parse_role("critic").has_value());
  for (const auto* type : {"text", "code", "execution_output", "image", "audio", "video", "file",
                           "thoughts", "reasoning_recap", "quote", "browsing", "tool_call",
                           "tool_result", "citation", "error", "context", "unknown"}) {
    REQUIRE(make_part(type).has_value());
    CHECK(part_type(*make_part(type)) == type);
  }
  CHECK_FALSE(make_part("hologram").has_value());
  // the published CID of the empty raw block
  CHECK(ContentId::of({}).to_text() ==
        "bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku");
}

TEST_CASE("what can be searched in a turn") {
  const Turn value{
      .id = "a",
      .parts = {TextPart{}, CodePart{.language = "py", .text = "print(1)"},
                MediaPart{.asset = "file-1", .name = "cat.png", .text = "a transcript"},
                ThoughtsPart{.thoughts = {{.summary = "sum", .content = "con"}}},
                UnknownPart{.kind = "x", .raw = "{}"}},
      .text = "words"};
  CHECK(searchable_text(value) == "words\nprint(1)\ncat.png\na transcript\nsum\ncon");
}
