#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "vivim/base/bytes.hpp"
#include "vivim/base/result.hpp"
#include "vivim/rt/clock.hpp"
#include "vivim/store/database.hpp"
#include "vivim/store/ids.hpp"
#include "vivim/store/packer.hpp"

namespace vivim::store {

/// Most rows that one page of a list gives.
inline constexpr std::size_t k_page_rows_max = 1000;

/// What lists show of a conversation without opening its document.
struct ConversationRow {
  DocumentId id;
  std::string title;
  std::optional<std::string> provider;     ///< none: begun here
  std::optional<std::string> original_id;  ///< unique together with the provider
  Bytes source_hash;                       ///< SHA-256 of the imported source object, or empty
  std::string model;
  rt::WallMs created = 0;
  rt::WallMs updated = 0;
  std::uint64_t turns = 0;
  std::uint32_t flags = 0;  ///< k_conversation_*
};

/// At least one grant that was not revoked names it.
inline constexpr std::uint32_t k_conversation_shared = 1;

/// A short key of an origin for sets in memory: equal origins have equal keys, and very few others.
std::uint64_t origin_key(std::string_view provider, std::string_view original_id);

enum class ConversationSort : std::uint8_t { newest, oldest, title };

struct ConversationPage {
  std::vector<ConversationRow> rows;
  std::optional<std::string> next;  ///< pass as `after`; none: this was the last page
};

/// A whole new conversation, for import: everything that its first transaction writes.
struct NewConversation {
  ConversationRow row;
  BytesView snapshot;  ///< its document's first state, as one update: number 1
  /// The snapshot by Packer, if that was done elsewhere; with pack_into(), `snapshot` is what that
  /// wrote.
  std::optional<Packed> packed;
  std::span<const PackedBlob> blobs;  ///< stored and linked to the document
};

/// The table of conversations beside their documents. The document is the truth; this is what lists
/// need of it.
class Conversations {
 public:
  explicit Conversations(Database& database) : db_(database) {}

  /// Inserts or replaces the row of a document. Errors: not_found (the document); exists, if
  /// another document has its (provider, original id).
  Result<void> put(const ConversationRow& row);
  /// Errors: not_found.
  Result<ConversationRow> get(const DocumentId& id);
  Result<std::optional<ConversationRow>> find_original(std::string_view provider,
                                                       std::string_view original_id);
  Result<bool> has_original(std::string_view provider, std::string_view original_id);
  /// origin_key() of all that have an origin, sorted; nothing if they are more than `rows_max`.
  Result<std::optional<std::vector<std::uint64_t>>> origin_keys(std::size_t rows_max);
  /// At most min(limit, k_page_rows_max) rows after the page that gave `after`. Errors: malformed
  /// (`after`).
  Result<ConversationPage> list(ConversationSort sort, std::size_t limit,
                                const std::optional<std::string>& after = std::nullopt);
  Result<std::int64_t> count();

  /// Import: creates documents with their snapshots, blobs and rows, and queues them for indexing;
  /// all or nothing. Other writers wait meanwhile: about 5 ms of processor time for each MB of the
  /// export. Errors: exists.
  Result<void> insert_many(std::span<const NewConversation> batch);
  /// The same for one, as part of a transaction of the caller's: after an error some of it may be
  /// there.
  Result<void> insert(const NewConversation& conversation);

 private:
  Result<void> insert_row(std::int64_t document_row, const ConversationRow& row);

  Database& db_;
};

}  // namespace vivim::store
