#include "vivim/store/search.hpp"

#include <doctest/doctest.h>

#include "vivim/store/conversations.hpp"
#include "vivim/store/error.hpp"
#include "vivim/store/fts_query.hpp"
#include "vivim/store/store_test_detail.hpp"

namespace vivim::store {
namespace {

using namespace testing;

TEST_CASE("fts query: words, phrases, the last word's beginning") {
  CHECK(fts_query("") == "");
  CHECK(fts_query("  \n ") == "");
  CHECK(fts_query("hello") == "\"hello\"*");
  CHECK(fts_query("hello ") == "\"hello\"");
  CHECK(fts_query("hello wor") == "\"hello\" \"wor\"*");
  CHECK(fts_query("\"two words\" x ") == "\"two words\" \"x\"");
  CHECK(fts_query("\"open phrase") == "\"open phrase\"");
  CHECK(fts_query("\"\"") == "");
  CHECK(fts_query("a\"b\"") == "\"a\" \"b\"");
  CHECK(fts_query("x AND NOT (y) NEAR:z*") == "\"x\" \"AND\" \"NOT\" \"(y)\" \"NEAR:z*\"*");
  CHECK(fts_query(std::string_view("a\0b", 3)) == "\"a\" \"b\"*");
}

TEST_CASE("fts query: limits on words and bytes") {
  std::string many;
  for (std::size_t i = 0; i < k_search_words_max + 10; ++i) {
    many += "w ";
  }
  CHECK(fts_query(many).size() == k_search_words_max * 4 - 1);
  const std::string query = fts_query(std::string(k_search_bytes_max - 1, 'a') + "é");
  CHECK(query == "\"" + std::string(k_search_bytes_max - 1, 'a') + "\"*");
}

IndexedTurn turn(std::string id, std::string text, std::optional<rt::WallMs> time) {
  return {.turn = std::move(id), .role = "user", .time = time, .text = std::move(text)};
}

IndexedDocument indexed(std::uint64_t number, std::string title, std::vector<IndexedTurn> turns) {
  return {.id = document_id(number),
          .title = std::move(title),
          .updated = 500,
          .turns = std::move(turns)};
}

std::vector<std::string> found(Search& search, std::string text,
                               SearchSort sort = SearchSort::newest) {
  std::vector<std::string> turns;
  for (const auto& hit : must(search.find({.text = std::move(text), .sort = sort})).hits) {
    turns.push_back(hit.turn);
  }
  return turns;
}

using Names = std::vector<std::string>;

struct SearchFixture : Fixture {
  SearchFixture() {
    for (std::uint64_t i = 1; i <= 3; ++i) {
      make_document(*db, i);
    }
    must(Conversations(*db).put({.id = document_id(1), .title = "Café plans", .updated = 500}));
    must(search.replace(
        std::vector{indexed(1, "Café plans",
                            {turn("old", "The quick brown fox jumps", 100),
                             turn("new", "a fox, a fox and another FOX in the snow", 900)}),
                    indexed(2, "Other", {turn("timeless", "the lazy dog", {})})}));
  }
  Search search{*db};
};

TEST_CASE("search: newest first and best first") {
  SearchFixture f;
  CHECK(found(f.search, "fox") == Names{"new", "old"});
  CHECK(found(f.search, "fox", SearchSort::best) == Names{"new", "old"});
  CHECK(found(f.search, "qui") == Names{"old"});
  CHECK(found(f.search, "qui ").empty());
  CHECK(found(f.search, "brown quick ") == Names{"old"});
  CHECK(found(f.search, "\"brown quick\"").empty());
  CHECK(found(f.search, "\"quick brown\"") == Names{"old"});
  CHECK(found(f.search, "cafe plans") == Names{""});
  CHECK(found(f.search, "CAFÉ") == Names{""});
  CHECK(found(f.search, "lazy") == Names{"timeless"});
  CHECK(found(f.search, "!!!").empty());
  CHECK(found(f.search, "fox !!! ") == Names{"new", "old"});
}

TEST_CASE("search: what a hit tells") {
  SearchFixture f;
  const auto hits = must(f.search.find({.text = "brown f"})).hits;
  REQUIRE(hits.size() == 1);
  CHECK(hits[0].document == document_id(1));
  CHECK(hits[0].title == "Café plans");
  CHECK(hits[0].role == "user");
  CHECK(hits[0].time == 100);
  std::string text;
  std::string matches;
  for (const auto& segment : hits[0].snippet) {
    text += segment.text;
    matches += segment.match ? segment.text + "|" : "";
  }
  CHECK(text == "The quick brown fox jumps");
  CHECK(matches.starts_with("brown"));
  CHECK(matches.find("fox") != std::string::npos);
}

TEST_CASE("search: markers and other control characters in a text cannot fake a match") {
  SearchFixture f;
  must(f.search.replace_turn(document_id(3), turn("x", std::string("\x01zebra\x02 \0 tail", 14), 1),
                             1));
  const auto hits = must(f.search.find({.text = "tail"})).hits;
  REQUIRE(hits.size() == 1);
  REQUIRE(hits[0].snippet.size() == 2);
  CHECK(hits[0].snippet[0].text == " zebra    ");
  CHECK(hits[0].snippet[1].match);
}

TEST_CASE("search: limit, offset and their bounds") {
  SearchFixture f;
  std::vector<IndexedTurn> turns;
  for (std::size_t i = 0; i < k_search_hits_max + 20; ++i) {
    turns.push_back(turn("t" + std::to_string(i), "same words", 1000));
  }
  must(f.search.replace(std::vector{indexed(3, "", turns)}));
  CHECK(must(f.search.find({.text = "same", .limit = 100'000})).hits.size() == k_search_hits_max);
  const auto hits = must(f.search.find({.text = "same", .limit = 2, .offset = 3})).hits;
  REQUIRE(hits.size() == 2);
  CHECK(hits[0].turn == "t216");  // of one time: the last one first
  CHECK(must(f.search.find({.text = "same", .offset = k_search_offset_max + 1})).hits.empty());
}

TEST_CASE("search: turns are replaced and removed, documents too") {
  SearchFixture f;
  must(f.search.replace_turn(document_id(1), turn("old", "a slow bear", 100), 500));
  CHECK(found(f.search, "quick ").empty());
  CHECK(found(f.search, "bear") == Names{"old"});
  must(f.search.remove_turn(document_id(1), "old"));
  CHECK(found(f.search, "bear").empty());
  must(f.search.replace(std::vector{indexed(1, "t", {})}));
  CHECK(found(f.search, "fox").empty());
  must(Documents(*f.db).remove(document_id(2)));
  CHECK(found(f.search, "lazy").empty());
  CHECK(fails(f.search.replace_turn(document_id(9), turn("a", "b", 1), 1), StoreError::not_found));
  must(f.search.replace(std::vector{indexed(9, "gone", {})}));
  must(f.db->run("INSERT INTO turn_index(turn_index, rank) VALUES('integrity-check', 1)"));
}

TEST_CASE("search: a long turn is indexed up to k_indexed_bytes_max") {
  SearchFixture f;
  std::string text = "beginning " + std::string(k_indexed_bytes_max, ' ') + " ending";
  must(f.search.replace_turn(document_id(3), turn("long", text, 1), 1));
  CHECK(found(f.search, "beginning") == Names{"long"});
  CHECK(found(f.search, "ending").empty());
}

TEST_CASE("search: times beyond what an id can hold") {
  SearchFixture f;
  must(f.search.replace_turn(document_id(3), turn("a", "strange", -5), 1));
  must(f.search.replace_turn(document_id(3), turn("b", "strange", INT64_MAX), 1));
  CHECK(found(f.search, "strange") == Names{"b", "a"});
}

TEST_CASE("search: the queue of documents to index is durable and drained by replace") {
  SearchFixture f;
  must(f.search.enqueue(document_id(1)));
  must(f.search.enqueue(document_id(1)));
  must(f.search.enqueue(document_id(3)));
  CHECK(fails(f.search.enqueue(document_id(9)), StoreError::not_found));
  f.crash_and_open();
  Search search(*f.db);
  CHECK(must(search.find({.text = "fox"})).pending == 2);
  CHECK(must(search.queued(1)) == std::vector{document_id(1)});
  must(search.replace(std::vector{indexed(1, "t", {})}));
  CHECK(must(search.queued(10)) == std::vector{document_id(3)});
  must(search.dequeue(document_id(3)));
  CHECK(must(search.pending()) == 0);
}

TEST_CASE("search: no text is an error") {
  SearchFixture f;
  rt::sim::SeededRng rng(3);
  constexpr std::string_view k_pieces[] = {"fox", "\"",    "*",    "(", ")", " ", "AND",
                                           "NOT", "^",     ":",    "-", "'", "{", "}",
                                           "+",   "NEAR(", "\xff", "é", ",", "\\"};
  for (int i = 0; i < 2000; ++i) {
    std::string text;
    for (std::uint64_t n = rng.below(8); n > 0; --n) {
      text += k_pieces[rng.below(std::size(k_pieces))];
    }
    CHECK(f.search.find({.text = text}).has_value());
  }
}

}  // namespace
}  // namespace vivim::store
