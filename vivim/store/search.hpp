#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "vivim/base/result.hpp"
#include "vivim/rt/clock.hpp"
#include "vivim/store/database.hpp"
#include "vivim/store/ids.hpp"

namespace vivim::store {

/// Most hits that one search gives, and the furthest offset.
inline constexpr std::size_t k_search_hits_max = 200;
inline constexpr std::size_t k_search_offset_max = 10'000;
/// What is indexed of one turn; the rest of a longer one is not found by search.
inline constexpr std::size_t k_indexed_bytes_max = 1ULL << 20;

/// The words of one turn, for the index. The title is the turn with the empty id.
struct IndexedTurn {
  std::string turn;
  std::string role;
  std::optional<rt::WallMs> time;
  std::string text;
};

/// All that is to be found of one document.
struct IndexedDocument {
  DocumentId id;
  std::string title;
  rt::WallMs updated = 0;  ///< stands in for the time of the title and of turns without one
  std::vector<IndexedTurn> turns;
};

/// A piece of a snippet; those with `match` are the words that were found.
struct SnippetSegment {
  std::string text;
  bool match = false;
};

struct SearchHit {
  DocumentId document;
  std::string title;  ///< of the conversation; empty if it has no row
  std::string turn;   ///< empty: the title itself was found
  std::string role;
  std::optional<rt::WallMs> time;
  std::vector<SnippetSegment> snippet;
};

enum class SearchSort : std::uint8_t { newest, best };

struct SearchRequest {
  std::string text;  ///< as a person typed it, see fts_query()
  SearchSort sort = SearchSort::newest;
  std::size_t limit = 50;
  std::size_t offset = 0;
};

struct SearchResult {
  std::vector<SearchHit> hits;
  std::int64_t pending = 0;  ///< documents that wait for indexing, and so may be missing
};

/// Full-text search over turns and titles (FTS5, unicode61, diacritics ignored).
class Search {
 public:
  explicit Search(Database& database) : db_(database) {}

  /// Never an error for any text; nothing to look for finds nothing.
  Result<SearchResult> find(const SearchRequest& request);

  /// Replaces everything that is indexed of these documents and takes them off the queue; those
  /// that are gone are skipped. Many at once are much faster than one by one.
  Result<void> replace(std::span<const IndexedDocument> documents);
  /// Replaces one turn (an edit). Errors: not_found (the document).
  Result<void> replace_turn(const DocumentId& document, const IndexedTurn& turn,
                            rt::WallMs updated);
  Result<void> remove_turn(const DocumentId& document, std::string_view turn);

  /// Marks a document for indexing later; durable. Errors: not_found.
  Result<void> enqueue(const DocumentId& document);
  /// The same by documents.id, which must be there.
  Result<void> enqueue_row(std::int64_t document_row);
  /// The next ones to index. They stay queued until replace() or dequeue().
  Result<std::vector<DocumentId>> queued(std::size_t limit);
  Result<void> dequeue(const DocumentId& document);
  Result<std::int64_t> pending();

 private:
  Result<SearchHit> read_hit(const Query& query);
  Result<std::int64_t> free_row(rt::WallMs time);
  Result<void> insert_turn(std::int64_t document_row, const IndexedTurn& turn, rt::WallMs updated);

  Database& db_;
};

}  // namespace vivim::store
