#include "vivim/chat/document.hpp"

#include <doctest/doctest.h>

#include "vivim/chat/part_any.hpp"
#include "vivim/chat/tree.hpp"
#include "vivim/crdt/map.hpp"
#include "vivim/crdt/text.hpp"
#include "vivim/crdt/update.hpp"
#include "vivim/crdt/value.hpp"

using namespace vivim;
using namespace vivim::chat;

namespace {

std::vector<Part> every_part() {
  return {TextPart{},
          CodePart{.language = "py", .text = "x = 1"},
          OutputPart{.text = "1"},
          MediaPart{.kind = MediaKind::image,
                    .asset = "file-1",
                    .cid = "bafk",
                    .mime = "image/png",
                    .name = "n",
                    .prompt = "p",
                    .text = "t",
                    .width = 3,
                    .height = 4.5,
                    .bytes = 0},
          MediaPart{.kind = MediaKind::audio},
          MediaPart{.kind = MediaKind::video},
          MediaPart{.kind = MediaKind::file},
          ThoughtsPart{.thoughts = {{"s", "c"}, {"", "only"}}, .text = "t"},
          RecapPart{.text = "r"},
          QuotePart{"u", "d", "t", "x"},
          BrowsingPart{"t", "s"},
          ToolCallPart{.name = "n", .id = "i", .input = {R"({"a":[1,null,true,"x"]})"}},
          ToolResultPart{.name = "n", .id = "i", .output = {R"("text")"}, .error = true},
          CitationPart{.url = "u", .title = "t", .text = "x", .start = 1, .end = 2},
          ErrorPart{"t", "n"},
          ContextPart{"c"},
          UnknownPart{.kind = "k", .raw = R"({"verbatim": 1.50})"}};
}

Conversation sample() {
  return {.title = "T \xf0\x9f\x98\x80",
          .created = 1000.5,
          .updated = 2000,
          .current = "b",
          .model = "gpt",
          .provenance = {.provider = "chatgpt",
                         .original_id = "o",
                         .source = "bafksource",
                         .source_hash = "00ff",
                         .imported = 3000,
                         .title = "T \xf0\x9f\x98\x80"},
          .participants = {{.id = "p", .name = "Ann", .colour = "#fff"}},
          .turns = {{.id = "r", .content = "bafkr"},
                    {.id = "a",
                     .parent = "r",
                     .role = Role::user,
                     .time = 1.25,
                     .updated = 2.5,
                     .index = 0,
                     .name = "Ann",
                     .provider = "chatgpt",
                     .text = "hello\nworld",
                     .hidden = true,
                     .deleted = true},
                    {.id = "b",
                     .parent = "a",
                     .role = Role::assistant,
                     .model = "gpt-9",
                     .recipient = "python",
                     .channel = "final",
                     .status = "in_progress",
                     .content = "bafkb",
                     .parts = every_part(),
                     .text = "words"}}};
}

void copy(crdt::Doc& from, crdt::Doc& to) {
  REQUIRE(crdt::apply_update(to, crdt::encode_state_as_update(from)).has_value());
}

void meet(crdt::Doc& a, crdt::Doc& b) {
  copy(a, b);
  copy(b, a);
}

std::string title(crdt::Doc& doc) {
  return from_document(doc).title;
}
std::string text(crdt::Doc& doc, std::string_view turn) {
  return turn_from_document(doc, turn).value().text;
}

}  // namespace

TEST_CASE("document: everything of the model survives the document and its update") {
  crdt::Doc doc(crdt::ClientId{1});
  to_document(sample(), doc);
  CHECK(from_document(doc) == sample());
  crdt::Doc other(crdt::ClientId{2});
  copy(doc, other);
  CHECK(from_document(other) == sample());
  CHECK(turn_from_document(other, "b").value() == sample().turns[2]);
  CHECK(turn_from_document(other, "x").error().is(ChatError::no_such_turn));
}

TEST_CASE("document: first_update is what the document of the conversation gives") {
  const auto both_ways = [](const Conversation& conversation, std::uint64_t client) {
    crdt::Doc doc{crdt::ClientId{client}};
    to_document(conversation, doc);
    CHECK(first_update(conversation, crdt::ClientId{client}) == crdt::encode_state_as_update(doc));
  };
  both_ways(sample(), 1);
  both_ways(sample(), 0xffff'ffff'ffff);
  both_ways({}, 7);
  auto odd = sample();
  odd.title = "caf\xc3\xa9 \xf0\x9f\x98\x80 not UTF-8: \xff";
  odd.turns[1].text =
      std::string(300, 'a') + "\xe6\x97\xa5 \xc3\xa9" + std::string(9, 'b') + "\xc3";
  odd.turns[2].text.clear();
  odd.turns[2].model = "\xff";
  odd.turns[2].id.clear();
  both_ways(odd, 2);
  odd.turns.push_back(odd.turns[1]);  // the same id twice: the last one counts
  both_ways(odd, 3);
  odd.participants.push_back(odd.participants[0]);
  both_ways(odd, 4);
}

TEST_CASE("document: the keys are those of the schema page") {
  crdt::Doc doc(crdt::ClientId{1});
  to_document(sample(), doc);
  CHECK(doc.map("meta").get_any("schema") == crdt::Any(1));
  CHECK(doc.map("turns").get_map("r")->get_any("parent")->is_null());
  CHECK(doc.map("turns").get_map("r")->get_string("role") == "none");
  CHECK_FALSE(doc.map("turns").get_map("r")->contains("text"));
  CHECK(doc.map("turns").get_map("a")->get_text("text").has_value());
  CHECK(doc.map("turns").get_map("b")->get_any("parts")->if_array()->front().to_json() ==
        R"({"type":"text"})");
  CHECK(doc.map("participants").get_any("p")->to_json() == R"({"name":"Ann","colour":"#fff"})");
}

TEST_CASE("document: an empty one, and one that somebody else filled with nonsense") {
  crdt::Doc doc(crdt::ClientId{1});
  CHECK(from_document(doc) == Conversation{});
  doc.transact([&](crdt::Transaction& transaction) {
    doc.map("meta").set(transaction, "created", "yesterday");
    doc.map("turns").set(transaction, "x", 5);
    auto turn = doc.map("turns").set_map(transaction, "y");
    turn.set(transaction, "role", "emperor");
    turn.set(transaction, "parts",
             crdt::Any::Array{7, crdt::Any::Object{{"type", "hologram"}, {"z", 1}},
                              crdt::Any::Object{{"type", "quote"}, {"url", 9}}});
    turn.set(transaction, "text", "not a Text");
  });
  const auto conversation = from_document(doc);
  CHECK_FALSE(conversation.created.has_value());
  REQUIRE(conversation.turns.size() == 1);
  CHECK(conversation.turns[0].role == Role::none);
  REQUIRE(conversation.turns[0].parts.size() == 3);
  CHECK(std::get<UnknownPart>(conversation.turns[0].parts[0]).raw == "7");
  CHECK(std::get<UnknownPart>(conversation.turns[0].parts[1]).kind == "hologram");
  CHECK(std::get<QuotePart>(conversation.turns[0].parts[2]).url.empty());
}

TEST_CASE("document: deep or broken JSON of a tool is kept as text") {
  const auto deep = std::string(40, '[') + std::string(40, ']');
  CHECK(*any_of_json(deep).if_string() == deep);
  CHECK(*any_of_json("{broken").if_string() == "{broken");
  CHECK(any_of_json(R"({"a":{"b":[]}})").to_json() == R"({"a":{"b":[]}})");
}

TEST_CASE("edits: title and text") {
  crdt::Doc doc(crdt::ClientId{1});
  to_document(sample(), doc);
  CHECK(set_title(doc, "Better").has_value());
  CHECK(title(doc) == "Better");
  CHECK(set_title(doc, std::string(k_title_bytes_max + 1, 'x'))
            .error()
            .is(ChatError::text_too_large));
  CHECK(set_text(doc, "a", "hello brave world").has_value());
  CHECK(text(doc, "a") == "hello brave world");
  CHECK(set_text(doc, "zzz", "x").error().is(ChatError::no_such_turn));
  CHECK(set_text(doc, "a", std::string(k_text_bytes_max + 1, 'x'))
            .error()
            .is(ChatError::text_too_large));
  CHECK(set_text(doc, "r", "a node without a message may get words").has_value());
  CHECK(text(doc, "r") == "a node without a message may get words");
}

TEST_CASE("edits: two people change one text at the same time") {
  crdt::Doc a(crdt::ClientId{1});
  crdt::Doc b(crdt::ClientId{2});
  to_document(sample(), a);
  copy(a, b);
  REQUIRE(set_text(a, "a", "HELLO\nworld").has_value());
  REQUIRE(set_text(b, "a", "hello\nworld!").has_value());
  REQUIRE(set_title(b, "T \xf0\x9f\x98\x81").has_value());
  meet(a, b);
  CHECK(text(a, "a") == "HELLO\nworld!");
  CHECK(from_document(a) == from_document(b));
  CHECK(title(a) == "T \xf0\x9f\x98\x81");
}

TEST_CASE("edits: who adds a turn replaces nothing of others but what is common") {
  crdt::Doc a(crdt::ClientId{1});
  crdt::Doc b(crdt::ClientId{2});
  to_document(sample(), a);
  copy(a, b);
  REQUIRE(add_turn(a, {.id = "one", .parent = "b", .time = 5000}));
  copy(a, b);
  const Bytes before = crdt::encode_state_vector(b);
  REQUIRE(add_turn(b, {.id = "two", .parent = "one", .time = 6000}));
  const auto effects = crdt::effects_of(a, crdt::encode_state_as_update(b, before).value()).value();
  std::set<crdt::Place> replaced;
  for (const auto& [place, what] : effects.places) {
    CHECK(what.keyed.empty());
    if (!what.deleted.empty()) {
      replaced.insert(place);
    }
  }
  CHECK(replaced == common_places());
}

TEST_CASE("edits: turns come, go and branch") {
  crdt::Doc a(crdt::ClientId{1});
  crdt::Doc b(crdt::ClientId{2});
  to_document(sample(), a);
  copy(a, b);
  const NewTurn mine{.id = turn_id(Bytes(16, 1)), .parent = "b", .text = "mine \xff", .time = 5000};
  CHECK(mine.id.size() == 26);
  REQUIRE(add_turn(a, mine).has_value());
  CHECK(add_turn(a, mine).error().is(ChatError::turn_exists));
  CHECK(add_turn(a, {.id = "n", .parent = "gone"}).error().is(ChatError::no_such_parent));
  CHECK(
      add_turn(a, {.id = "n", .parent = "b", .role = Role::none}).error().is(ChatError::bad_role));
  CHECK(add_turn(a, {.id = "n", .text = std::string(k_text_bytes_max + 1, 'x')})
            .error()
            .is(ChatError::text_too_large));
  REQUIRE(add_turn(b, {.id = "theirs", .parent = "b", .role = Role::assistant, .time = 4000})
              .has_value());
  REQUIRE(delete_turn(b, "b").has_value());
  CHECK(delete_turn(b, "zzz").error().is(ChatError::no_such_turn));
  CHECK(set_current(b, "zzz").error().is(ChatError::no_such_turn));
  meet(a, b);
  REQUIRE(set_current(b, mine.id).has_value());
  copy(b, a);
  const auto conversation = from_document(a);
  CHECK(conversation == from_document(b));
  CHECK(conversation.turns.size() == 5);
  CHECK(conversation.current == mine.id);
  CHECK(text(a, mine.id) == "mine \xef\xbf\xbd");
  CHECK(turn_from_document(a, "b").value().deleted);
  const Tree tree(conversation);
  CHECK(tree.children(*tree.find("b")).size() == 2);
  CHECK(tree.children(*tree.find("b")).front() == *tree.find("theirs"));
}

TEST_CASE("merge: the same export again changes nothing") {
  crdt::Doc doc(crdt::ClientId{1});
  to_document(sample(), doc);
  std::size_t updates = 0;
  const auto subscription = doc.on_update([&](BytesView, crdt::Origin) { ++updates; });
  const auto merged = merge_newer(sample(), doc);
  CHECK_FALSE(merged.changed);
  CHECK(merged.turns_added == 0);
  CHECK(updates == 0);
}

TEST_CASE("merge: a newer export adds what is new; what people wrote stays") {
  crdt::Doc doc(crdt::ClientId{1});
  to_document(sample(), doc);
  REQUIRE(set_text(doc, "a", "my words").has_value());
  auto newer = sample();
  newer.title = "Renamed there";
  newer.provenance.title = newer.title;
  newer.provenance.source_hash = "11";
  newer.updated = 9000;
  newer.current = "c";
  newer.turns[1].text = "their words";
  newer.turns.push_back({.id = "c", .parent = "b", .role = Role::user, .text = "more"});
  auto merged = merge_newer(newer, doc);
  CHECK(merged.turns_added == 1);
  CHECK(merged.title_changed);
  auto conversation = from_document(doc);
  CHECK(conversation.title == "Renamed there");
  CHECK(conversation.current == "c");
  CHECK(conversation.updated == 9000);
  CHECK(conversation.provenance.source_hash == "11");
  CHECK(text(doc, "a") == "my words");
  // a title that a person chose, and a branch that a person is on, are not changed by an export
  REQUIRE(set_title(doc, "Mine").has_value());
  REQUIRE(add_turn(doc, {.id = "own", .parent = "a", .time = 1}).has_value());
  newer.title = newer.provenance.title = "Renamed again";
  newer.provenance.source_hash = "22";
  newer.turns.push_back({.id = "d", .parent = "c"});
  newer.current = "d";
  merged = merge_newer(newer, doc);
  CHECK(merged.turns_added == 1);
  CHECK_FALSE(merged.title_changed);
  conversation = from_document(doc);
  CHECK(conversation.title == "Mine");
  CHECK(conversation.current == "own");
  CHECK(conversation.provenance.title == "Renamed again");
}

TEST_CASE("merge: circles in a hostile export end") {
  crdt::Doc doc(crdt::ClientId{1});
  to_document(sample(), doc);
  auto newer = sample();
  newer.current = "y";
  newer.turns.push_back({.id = "x", .parent = "y"});
  newer.turns.push_back({.id = "y", .parent = "x"});
  CHECK(merge_newer(newer, doc).turns_added == 2);
  CHECK(from_document(doc).current == "b");
}
