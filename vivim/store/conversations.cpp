#include "vivim/store/conversations.hpp"

#include <algorithm>
#include <charconv>
#include <limits>

#include "vivim/store/blobs.hpp"
#include "vivim/store/documents.hpp"
#include "vivim/store/error.hpp"
#include "vivim/store/search.hpp"

namespace vivim::store {
namespace {

#define VIVIM_STORE_COLUMNS                                                                 \
  "SELECT d.doc, c.title, c.provider, c.original_id, c.source_hash, c.model, c.created, "   \
  "c.updated, c.turns, EXISTS(SELECT 1 FROM grants g WHERE g.doc = c.doc AND g.revoked IS " \
  "NULL) | (c.flags & ~1), c.doc FROM conversations c JOIN documents d ON d.id = c.doc "

/// Where a page ended: the sort key and row of its last conversation.
struct Cursor {
  std::int64_t row = 0;
  std::int64_t time = 0;
  std::string title;
};

/// "row.time.title": titles may hold anything, so they come last.
std::string format_cursor(const Cursor& cursor) {
  return std::to_string(cursor.row) + "." + std::to_string(cursor.time) + "." + cursor.title;
}

Result<std::int64_t> take_integer(std::string_view& text) {
  std::int64_t value = 0;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (code != std::errc() || end == text.data() + text.size() || *end != '.') {
    return fail(StoreError::malformed);
  }
  text.remove_prefix(static_cast<std::size_t>(end - text.data()) + 1);
  return value;
}

Result<Cursor> parse_cursor(std::string_view text) {
  Cursor cursor;
  VIVIM_TRY(cursor.row, take_integer(text));
  VIVIM_TRY(cursor.time, take_integer(text));
  cursor.title = text;
  return cursor;
}

std::optional<std::string> optional_text(const Query& query, int column) {
  return query.is_null(column) ? std::nullopt : std::optional(query.text(column));
}

Result<ConversationRow> read_row(const Query& query) {
  ConversationRow row;
  VIVIM_TRY(row.id, DocumentId::from_bytes(query.bytes_view(0)));
  row.title = query.text(1);
  row.provider = optional_text(query, 2);
  row.original_id = optional_text(query, 3);
  row.source_hash = query.bytes(4);
  row.model = query.text(5);
  row.created = query.integer(6);
  row.updated = query.integer(7);
  row.turns = static_cast<std::uint64_t>(query.integer(8));
  row.flags = static_cast<std::uint32_t>(query.integer(9));
  return row;
}

/// The cursor before the first row of an order.
Cursor start_of(ConversationSort sort) {
  constexpr std::int64_t k_most = std::numeric_limits<std::int64_t>::max();
  return sort == ConversationSort::newest ? Cursor{.row = k_most, .time = k_most, .title = {}}
                                          : Cursor{.row = -1, .time = -k_most, .title = {}};
}

/// `after` must outlive the query.
Query list_query(Database& db, ConversationSort sort, const Cursor& after, std::size_t limit) {
  switch (sort) {
    case ConversationSort::oldest:
      return db.query(VIVIM_STORE_COLUMNS
                      "WHERE (c.updated, c.doc) > (?, ?) ORDER BY c.updated, c.doc LIMIT ?",
                      after.time, after.row, limit);
    case ConversationSort::title:
      return db.query(VIVIM_STORE_COLUMNS
                      "WHERE (c.title COLLATE NOCASE, c.doc) > (?, ?) "
                      "ORDER BY c.title COLLATE NOCASE, c.doc LIMIT ?",
                      after.title, after.row, limit);
    case ConversationSort::newest:
      break;
  }
  return db.query(VIVIM_STORE_COLUMNS
                  "WHERE (c.updated, c.doc) < (?, ?) ORDER BY c.updated DESC, c.doc DESC LIMIT ?",
                  after.time, after.row, limit);
}

}  // namespace

std::uint64_t origin_key(std::string_view provider, std::string_view original_id) {
  constexpr std::uint64_t k_odd = 0x9e37'79b9'7f4a'7c15;
  const std::hash<std::string_view> hash;
  return hash(provider) * k_odd + hash(original_id);
}

Result<void> Conversations::put(const ConversationRow& row) {
  Query find = db_.query("SELECT id FROM documents WHERE doc = ?", row.id);
  VIVIM_TRYV(find.row());
  return db_.run(
      "INSERT INTO conversations(doc, title, provider, original_id, source_hash, model, created, "
      "updated, turns, flags) VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?) "
      "ON CONFLICT(doc) DO UPDATE SET title = excluded.title, provider = excluded.provider, "
      "original_id = excluded.original_id, source_hash = excluded.source_hash, "
      "model = excluded.model, created = excluded.created, updated = excluded.updated, "
      "turns = excluded.turns, flags = excluded.flags",
      find.integer(0), row.title, row.provider, row.original_id, row.source_hash, row.model,
      row.created, row.updated, row.turns, row.flags);
}

Result<ConversationRow> Conversations::get(const DocumentId& id) {
  Query query = db_.query(VIVIM_STORE_COLUMNS "WHERE d.doc = ?", id);
  VIVIM_TRYV(query.row());
  return read_row(query);
}

Result<std::optional<ConversationRow>> Conversations::find_original(std::string_view provider,
                                                                    std::string_view original_id) {
  Query query = db_.query(VIVIM_STORE_COLUMNS "WHERE c.provider = ? AND c.original_id = ?",
                          provider, original_id);
  VIVIM_TRY(const bool found, query.step());
  if (!found) {
    return std::optional<ConversationRow>();
  }
  VIVIM_TRY(ConversationRow row, read_row(query));
  return std::optional(std::move(row));
}

Result<bool> Conversations::has_original(std::string_view provider, std::string_view original_id) {
  return db_
      .query("SELECT 1 FROM conversations WHERE provider = ? AND original_id = ?", provider,
             original_id)
      .step();
}

Result<std::optional<std::vector<std::uint64_t>>> Conversations::origin_keys(std::size_t rows_max) {
  Query query =
      db_.query("SELECT provider, original_id FROM conversations WHERE provider IS NOT NULL");
  std::optional<std::vector<std::uint64_t>> keys(std::in_place);
  for (;;) {
    VIVIM_TRY(const bool more, query.step());
    if (!more) {
      std::ranges::sort(*keys);
      return keys;
    }
    if (keys->size() == rows_max) {
      return std::optional<std::vector<std::uint64_t>>();
    }
    keys->push_back(origin_key(query.text_view(0), query.text_view(1)));
  }
}

Result<ConversationPage> Conversations::list(ConversationSort sort, std::size_t limit,
                                             const std::optional<std::string>& after) {
  Cursor cursor = start_of(sort);
  if (after) {
    VIVIM_TRY(cursor, parse_cursor(*after));
  }
  const std::size_t rows_max = std::clamp<std::size_t>(limit, 1, k_page_rows_max);
  Query query = list_query(db_, sort, cursor, rows_max + 1);
  ConversationPage page;
  Cursor last;
  for (;;) {
    VIVIM_TRY(const bool more, query.step());
    if (!more) {
      return page;
    }
    if (page.rows.size() == rows_max) {
      page.next = format_cursor(last);
      return page;
    }
    VIVIM_TRY(ConversationRow row, read_row(query));
    last = {.row = query.integer(10), .time = row.updated, .title = row.title};
    page.rows.push_back(std::move(row));
  }
}

Result<std::int64_t> Conversations::count() {
  Query query = db_.query("SELECT count(*) FROM conversations");
  VIVIM_TRYV(query.row());
  return query.integer(0);
}

/// Apart from put(): an upsert makes SQLite keep a journal for the statement.
Result<void> Conversations::insert_row(std::int64_t document_row, const ConversationRow& row) {
  return db_.run(
      "INSERT INTO conversations(doc, title, provider, original_id, source_hash, model, created, "
      "updated, turns, flags) VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
      document_row, row.title, row.provider, row.original_id, row.source_hash, row.model,
      row.created, row.updated, row.turns, row.flags);
}

Result<void> Conversations::insert(const NewConversation& conversation) {
  const DocumentRow document{.id = conversation.row.id,
                             .kind = DocumentKind::conversation,
                             .created = conversation.row.created};
  VIVIM_TRY(const std::int64_t row,
            Documents(db_).create_with_log(document, conversation.snapshot, conversation.packed));
  VIVIM_TRYV(insert_row(row, conversation.row));
  VIVIM_TRYV(Blobs(db_).put_many(conversation.blobs, row));
  return Search(db_).enqueue_row(row);
}

Result<void> Conversations::insert_many(std::span<const NewConversation> batch) {
  return db_.atomically([&]() -> Result<void> {
    for (const NewConversation& conversation : batch) {
      VIVIM_TRYV(insert(conversation));
    }
    return {};
  });
}

#undef VIVIM_STORE_COLUMNS

}  // namespace vivim::store
