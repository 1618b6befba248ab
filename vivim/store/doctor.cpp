#include "vivim/store/doctor.hpp"

#include <cstdint>

#include "vivim/store/error.hpp"
#include "vivim/store/packer.hpp"

namespace vivim::store {
namespace {

/// How many findings a check lists.
constexpr int k_findings_max = 5;

/// Counts what was looked at and lists what was wrong.
class Findings {
 public:
  void seen() { ++seen_; }
  void wrong(std::string_view what) {
    if (wrong_++ < k_findings_max) {
      text_ += (text_.empty() ? "" : "; ") + std::string(what);
    }
  }

  Check check(std::string name, std::string_view noun, const Result<void>& done) const {
    if (!done) {
      return {.name = std::move(name), .ok = false, .detail = done.error().message()};
    }
    std::string detail = std::to_string(seen_) + " " + std::string(noun);
    if (wrong_ > 0) {
      detail += ", " + std::to_string(wrong_) + " wrong: " + text_;
    }
    return {.name = std::move(name), .ok = wrong_ == 0, .detail = std::move(detail)};
  }

 private:
  std::int64_t seen_ = 0;
  std::int64_t wrong_ = 0;
  std::string text_;
};

/// Calls `body(query)` for every row.
template <class Body>
Result<void> for_each(Query query, Body body) {
  for (;;) {
    VIVIM_TRY(const bool more, query.step());
    if (!more) {
      return {};
    }
    body(query);
  }
}

Check check_integrity(Database& db) {
  Findings findings;
  const auto done = for_each(db.query("PRAGMA integrity_check(20)"), [&](const Query& row) {
    if (row.text_view(0) != "ok") {
      findings.wrong(row.text_view(0));
    }
  });
  Check check = findings.check("database", "pages", done);
  if (check.ok) {
    const auto size = db.file_bytes();
    check.detail = size ? std::to_string(*size / 1024) + " KiB" : std::string();
  }
  return check;
}

Check check_foreign_keys(Database& db) {
  Findings findings;
  const auto done = for_each(db.query("PRAGMA foreign_key_check"), [&](const Query& row) {
    findings.wrong(row.text(0) + " row " + row.text(1));
  });
  Check check = findings.check("references", "broken", done);
  check.detail = check.ok ? "all resolve" : check.detail;
  return check;
}

/// FTS5 compares its index with the texts in turn_texts (rank 1: with the content table too).
Check check_search(Database& db) {
  const auto done = db.run("INSERT INTO turn_index(turn_index, rank) VALUES('integrity-check', 1)");
  if (!done) {
    return {.name = "search", .ok = false, .detail = done.error().message()};
  }
  Query texts = db.query("SELECT count(*) FROM turn_texts");
  Query queue = db.query("SELECT count(*) FROM index_queue");
  if (!texts.row() || !queue.row()) {
    return {.name = "search", .ok = false, .detail = "cannot be counted"};
  }
  return {.name = "search",
          .ok = true,
          .detail = std::to_string(texts.integer(0)) + " texts, " +
                    std::to_string(queue.integer(0)) + " conversations to index"};
}

Check check_blobs(Database& db) {
  Findings findings;
  Packer packer;
  const auto done = for_each(
      db.query("SELECT key, digest, codec, size, bytes, "
               "(SELECT count(*) FROM blobs o WHERE o.key = b.key AND o.digest = b.digest) "
               "FROM blobs b"),
      [&](const Query& row) {
        findings.seen();
        BlobId id;
        if (row.bytes_view(1).size() != id.digest.size()) {
          findings.wrong("an id of the wrong size");
          return;
        }
        std::ranges::copy(row.bytes_view(1), id.digest.begin());
        const auto content =
            packer.unpack(static_cast<Codec>(row.integer(2)), row.bytes_view(4),
                          static_cast<std::uint64_t>(row.integer(3)), k_blob_bytes_max);
        const auto key = static_cast<std::int64_t>(load_be64(id.digest));
        if (!content || BlobId::of(*content) != id || row.integer(0) != key ||
            row.integer(5) != 1) {
          findings.wrong(id.to_text());
        }
      });
  return findings.check("blobs", "blobs", done);
}

std::string document_text(const Query& row, int column) {
  const auto id = DocumentId::from_bytes(row.bytes_view(column));
  return id ? id->to_text() : "?";
}

Check check_logs(Database& db) {
  Findings findings;
  const auto done =
      for_each(db.query("SELECT d.doc, min(u.seq), max(u.seq), count(u.seq), coalesce(s.seq, 0) "
                        "FROM documents d LEFT JOIN updates u ON u.doc = d.id "
                        "LEFT JOIN snapshots s ON s.doc = d.id GROUP BY d.id"),
               [&](const Query& row) {
                 findings.seen();
                 const std::int64_t count = row.integer(3);
                 const bool starts_well = count == 0 || row.integer(1) == row.integer(4) + 1;
                 if (!starts_well || (count > 0 && row.integer(2) - row.integer(1) + 1 != count)) {
                   findings.wrong(document_text(row, 0));
                 }
               });
  return findings.check("logs", "documents", done);
}

Check check_updates(Database& db, const UpdateReader& reader) {
  Findings findings;
  Packer packer;
  const auto look = [&](const Query& row) {
    findings.seen();
    const auto bytes =
        packer.unpack(static_cast<Codec>(row.integer(1)), row.bytes_view(3),
                      static_cast<std::uint64_t>(row.integer(2)), k_update_bytes_max);
    if (!bytes || (reader && !reader(*bytes))) {
      findings.wrong(document_text(row, 0));
    }
  };
  Result<void> done = for_each(db.query("SELECT d.doc, s.codec, s.size, s.bytes FROM snapshots s "
                                        "JOIN documents d ON d.id = s.doc"),
                               look);
  if (done) {
    done = for_each(db.query("SELECT d.doc, 0, length(u.bytes), u.bytes FROM updates u "
                             "JOIN documents d ON d.id = u.doc"),
                    look);
  }
  return findings.check("updates", "updates and snapshots", done);
}

}  // namespace

std::vector<Check> examine(Database& database, const UpdateReader& reader) {
  return {check_integrity(database), check_foreign_keys(database), check_search(database),
          check_blobs(database),     check_logs(database),         check_updates(database, reader)};
}

}  // namespace vivim::store
