#include "vivim/store/search.hpp"

#include <algorithm>

#include "vivim/store/error.hpp"
#include "vivim/store/fts_query.hpp"

namespace vivim::store {
namespace {

/// A row's id is its time in ms and a counter, so that FTS5, which walks ids in order, gives the
/// newest first without looking at every hit.
constexpr int k_counter_bits = 20;
constexpr std::int64_t k_counter_max = (1LL << k_counter_bits) - 1;
constexpr rt::WallMs k_time_max = (1LL << 42) - 1;  // the year 2109

/// Around a match in FTS5's snippet(); clean() keeps them out of the text.
constexpr char k_match_begin = '\x01';
constexpr char k_match_end = '\x02';

/// What is indexed of a text: no control characters, at most k_indexed_bytes_max.
std::string clean(std::string_view text) {
  if (text.size() > k_indexed_bytes_max) {
    std::size_t end = k_indexed_bytes_max;
    while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80) {
      --end;
    }
    text = text.substr(0, end);
  }
  std::string out(text);
  for (char& c : out) {
    if (static_cast<unsigned char>(c) < ' ' && c != '\n' && c != '\t') {
      c = ' ';
    }
  }
  return out;
}

std::vector<SnippetSegment> split_snippet(std::string_view snippet) {
  std::vector<SnippetSegment> segments;
  std::string text;
  bool match = false;
  const auto flush = [&](bool next) {
    if (!text.empty()) {
      segments.push_back({.text = std::exchange(text, {}), .match = match});
    }
    match = next;
  };
  for (const char c : snippet) {
    if (c == k_match_begin || c == k_match_end) {
      flush(c == k_match_begin);
    } else {
      text.push_back(c);
    }
  }
  flush(false);
  return segments;
}

struct PlannedTurn {
  rt::WallMs time;
  std::size_t order;
  std::int64_t document_row;
  const IndexedTurn* turn;
  rt::WallMs updated;
};

rt::WallMs time_of(const IndexedTurn& turn, rt::WallMs updated) {
  return std::clamp<rt::WallMs>(turn.time.value_or(updated), 0, k_time_max);
}

#define VIVIM_STORE_HITS                                                             \
  "SELECT t.doc, t.turn, t.role, t.time, "                                           \
  "snippet(turn_index, 0, char(1), char(2), '…', 24), d.doc, coalesce(c.title, '') " \
  "FROM turn_index JOIN turn_texts t ON t.id = turn_index.rowid "                    \
  "JOIN documents d ON d.id = t.doc LEFT JOIN conversations c ON c.doc = t.doc "     \
  "WHERE turn_index MATCH ? "

}  // namespace

Result<SearchHit> Search::read_hit(const Query& query) {
  SearchHit hit;
  VIVIM_TRY(hit.document, DocumentId::from_bytes(query.bytes_view(5)));
  hit.turn = query.text(1);
  hit.role = query.text(2);
  if (!query.is_null(3)) {
    hit.time = query.integer(3);
  }
  hit.snippet = split_snippet(query.text_view(4));
  hit.title = query.text(6);
  return hit;
}

Result<SearchResult> Search::find(const SearchRequest& request) {
  SearchResult result;
  VIVIM_TRY(result.pending, pending());
  const std::string words = fts_query(request.text);
  const std::size_t limit = std::min(request.limit, k_search_hits_max);
  if (words.empty() || request.offset > k_search_offset_max) {
    return result;
  }
  Query query =
      request.sort == SearchSort::best
          ? db_.query(VIVIM_STORE_HITS "ORDER BY rank, turn_index.rowid DESC LIMIT ? OFFSET ?",
                      words, limit, request.offset)
          : db_.query(VIVIM_STORE_HITS "ORDER BY turn_index.rowid DESC LIMIT ? OFFSET ?", words,
                      limit, request.offset);
  for (;;) {
    VIVIM_TRY(const bool more, query.step());
    if (!more) {
      return result;
    }
    VIVIM_TRY(result.hits.emplace_back(), read_hit(query));
  }
}

Result<std::int64_t> Search::free_row(rt::WallMs time) {
  const std::int64_t first = time << k_counter_bits;
  Query query = db_.query("SELECT max(id) FROM turn_texts WHERE id BETWEEN ? AND ?", first,
                          first | k_counter_max);
  VIVIM_TRYV(query.row());
  if (query.is_null(0)) {
    return first;
  }
  if (query.integer(0) == (first | k_counter_max)) {
    return fail(StoreError::too_large, static_cast<std::uint64_t>(k_counter_max));
  }
  return query.integer(0) + 1;
}

Result<void> Search::insert_turn(std::int64_t document_row, const IndexedTurn& turn,
                                 rt::WallMs updated) {
  VIVIM_TRY(const std::int64_t row, free_row(time_of(turn, updated)));
  const std::string text = clean(turn.text);
  return db_.run(
      "INSERT INTO turn_texts(id, doc, turn, role, time, text) VALUES(?, ?, ?, ?, ?, ?) "
      "ON CONFLICT(doc, turn) DO NOTHING",
      row, document_row, turn.turn, turn.role, turn.time, text);
}

Result<void> Search::replace(std::span<const IndexedDocument> documents) {
  return db_.atomically([&]() -> Result<void> {
    std::vector<PlannedTurn> plan;
    std::vector<IndexedTurn> titles(documents.size());
    for (std::size_t i = 0; i < documents.size(); ++i) {
      const IndexedDocument& document = documents[i];
      Query find = db_.query("SELECT id FROM documents WHERE doc = ?", document.id);
      VIVIM_TRY(const bool found, find.step());
      if (!found) {
        continue;
      }
      const std::int64_t row = find.integer(0);
      VIVIM_TRYV(db_.run("DELETE FROM turn_texts WHERE doc = ?", row));
      VIVIM_TRYV(db_.run("DELETE FROM index_queue WHERE doc = ?", row));
      titles[i] = {.turn = {}, .role = "title", .time = {}, .text = document.title};
      plan.push_back({document.updated, plan.size(), row, &titles[i], document.updated});
      for (const IndexedTurn& turn : document.turns) {
        plan.push_back(
            {time_of(turn, document.updated), plan.size(), row, &turn, document.updated});
      }
    }
    // FTS5 writes a new segment whenever ids go down: so upwards.
    std::ranges::sort(plan, {}, [](const PlannedTurn& p) { return std::pair(p.time, p.order); });
    for (const PlannedTurn& planned : plan) {
      VIVIM_TRYV(insert_turn(planned.document_row, *planned.turn, planned.updated));
    }
    return {};
  });
}

Result<void> Search::replace_turn(const DocumentId& document, const IndexedTurn& turn,
                                  rt::WallMs updated) {
  return db_.atomically([&]() -> Result<void> {
    Query find = db_.query("SELECT id FROM documents WHERE doc = ?", document);
    VIVIM_TRYV(find.row());
    VIVIM_TRYV(
        db_.run("DELETE FROM turn_texts WHERE doc = ? AND turn = ?", find.integer(0), turn.turn));
    return insert_turn(find.integer(0), turn, updated);
  });
}

Result<void> Search::remove_turn(const DocumentId& document, std::string_view turn) {
  return db_.run(
      "DELETE FROM turn_texts WHERE doc = (SELECT id FROM documents WHERE doc = ?) AND turn = ?",
      document, turn);
}

Result<void> Search::enqueue(const DocumentId& document) {
  Query find = db_.query("SELECT id FROM documents WHERE doc = ?", document);
  VIVIM_TRYV(find.row());
  return enqueue_row(find.integer(0));
}

Result<void> Search::enqueue_row(std::int64_t document_row) {
  return db_.run("INSERT INTO index_queue(doc) VALUES(?) ON CONFLICT DO NOTHING", document_row);
}

Result<std::vector<DocumentId>> Search::queued(std::size_t limit) {
  Query query = db_.query(
      "SELECT d.doc FROM index_queue q JOIN documents d ON d.id = q.doc ORDER BY q.doc LIMIT ?",
      limit);
  std::vector<DocumentId> ids;
  for (;;) {
    VIVIM_TRY(const bool more, query.step());
    if (!more) {
      return ids;
    }
    VIVIM_TRY(ids.emplace_back(), DocumentId::from_bytes(query.bytes_view(0)));
  }
}

Result<void> Search::dequeue(const DocumentId& document) {
  return db_.run("DELETE FROM index_queue WHERE doc = (SELECT id FROM documents WHERE doc = ?)",
                 document);
}

Result<std::int64_t> Search::pending() {
  Query query = db_.query("SELECT count(*) FROM index_queue");
  VIVIM_TRYV(query.row());
  return query.integer(0);
}

#undef VIVIM_STORE_HITS

}  // namespace vivim::store
