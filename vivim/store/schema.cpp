#include <array>
#include <string>

#include "vivim/store/database.hpp"
#include "vivim/store/schema_messages_detail.hpp"

namespace vivim::store {
namespace {

/// Version 1; docs/protocol/store.md explains each table. Never edited: a change is a new
/// migration.
constexpr const char* k_version_1 = R"sql(
PRAGMA application_id = 0x5649564d;
CREATE TABLE meta(key TEXT PRIMARY KEY, value ANY) STRICT, WITHOUT ROWID;
CREATE TABLE settings(key TEXT PRIMARY KEY, value BLOB NOT NULL) STRICT, WITHOUT ROWID;

CREATE TABLE blobs(
  id INTEGER PRIMARY KEY,
  key INTEGER NOT NULL,
  digest BLOB NOT NULL CHECK(length(digest) = 32),
  codec INTEGER NOT NULL CHECK(codec IN (0, 1)),
  size INTEGER NOT NULL,
  bytes BLOB NOT NULL) STRICT;
CREATE INDEX blobs_by_key ON blobs(key);

CREATE TABLE documents(
  id INTEGER PRIMARY KEY,
  doc BLOB NOT NULL UNIQUE CHECK(length(doc) = 16),
  kind INTEGER NOT NULL,
  created INTEGER NOT NULL) STRICT;
CREATE TABLE updates(
  doc INTEGER NOT NULL REFERENCES documents(id) ON DELETE CASCADE,
  seq INTEGER NOT NULL CHECK(seq > 0),
  bytes BLOB NOT NULL,
  PRIMARY KEY(doc, seq)) STRICT, WITHOUT ROWID;
CREATE TABLE snapshots(
  doc INTEGER PRIMARY KEY REFERENCES documents(id) ON DELETE CASCADE,
  seq INTEGER NOT NULL CHECK(seq >= 0),
  codec INTEGER NOT NULL CHECK(codec IN (0, 1)),
  size INTEGER NOT NULL,
  bytes BLOB NOT NULL) STRICT;
CREATE TABLE document_blobs(
  doc INTEGER NOT NULL REFERENCES documents(id) ON DELETE CASCADE,
  blob INTEGER NOT NULL REFERENCES blobs(id),
  PRIMARY KEY(doc, blob)) STRICT, WITHOUT ROWID;
CREATE INDEX document_blobs_by_blob ON document_blobs(blob);

CREATE TABLE conversations(
  doc INTEGER PRIMARY KEY REFERENCES documents(id) ON DELETE CASCADE,
  title TEXT NOT NULL,
  provider TEXT,
  original_id TEXT,
  source_hash BLOB,
  model TEXT NOT NULL,
  created INTEGER NOT NULL,
  updated INTEGER NOT NULL,
  turns INTEGER NOT NULL,
  flags INTEGER NOT NULL) STRICT;
CREATE UNIQUE INDEX conversations_by_origin ON conversations(provider, original_id)
  WHERE provider IS NOT NULL;
CREATE INDEX conversations_by_updated ON conversations(updated, doc);
CREATE INDEX conversations_by_title ON conversations(title COLLATE NOCASE, doc);

CREATE TABLE turn_texts(
  id INTEGER PRIMARY KEY,
  doc INTEGER NOT NULL REFERENCES documents(id) ON DELETE CASCADE,
  turn TEXT NOT NULL,
  role TEXT NOT NULL,
  time INTEGER,
  text TEXT NOT NULL) STRICT;
CREATE UNIQUE INDEX turn_texts_by_turn ON turn_texts(doc, turn);
CREATE VIRTUAL TABLE turn_index USING fts5(
  text, content='turn_texts', content_rowid='id', tokenize='unicode61 remove_diacritics 2');
INSERT INTO turn_index(turn_index, rank) VALUES('hashsize', 8388608);
CREATE TRIGGER turn_texts_inserted AFTER INSERT ON turn_texts BEGIN
  INSERT INTO turn_index(rowid, text) VALUES(new.id, new.text);
END;
CREATE TRIGGER turn_texts_deleted AFTER DELETE ON turn_texts BEGIN
  INSERT INTO turn_index(turn_index, rowid, text) VALUES('delete', old.id, old.text);
END;
CREATE TABLE index_queue(
  doc INTEGER PRIMARY KEY REFERENCES documents(id) ON DELETE CASCADE) STRICT;

CREATE TABLE grants(
  id BLOB PRIMARY KEY CHECK(length(id) = 16),
  doc INTEGER NOT NULL REFERENCES documents(id) ON DELETE CASCADE,
  secret BLOB NOT NULL CHECK(length(secret) IN (0, 32)),
  joined INTEGER NOT NULL CHECK(joined IN (0, 1)),
  addresses BLOB NOT NULL,
  created INTEGER NOT NULL,
  revoked INTEGER) STRICT, WITHOUT ROWID;
CREATE INDEX grants_by_doc ON grants(doc);

CREATE TABLE peers(
  id BLOB PRIMARY KEY,
  addresses BLOB NOT NULL,
  agent TEXT NOT NULL,
  first_seen INTEGER NOT NULL,
  last_seen INTEGER NOT NULL) STRICT, WITHOUT ROWID;
CREATE INDEX peers_by_last_seen ON peers(last_seen);

CREATE TABLE imports(
  id INTEGER PRIMARY KEY,
  source TEXT NOT NULL,
  started INTEGER NOT NULL,
  finished INTEGER,
  bytes INTEGER NOT NULL,
  report TEXT NOT NULL) STRICT;
)sql";

/// Version 2: what a share permits, who came by it, and signed updates.
constexpr const char* k_version_2 = R"sql(
ALTER TABLE grants ADD COLUMN access INTEGER NOT NULL DEFAULT 1;
CREATE TABLE members(
  share BLOB NOT NULL REFERENCES grants(id) ON DELETE CASCADE,
  peer BLOB NOT NULL,
  first_seen INTEGER NOT NULL,
  PRIMARY KEY(share, peer)) STRICT, WITHOUT ROWID;

CREATE TABLE authors(id INTEGER PRIMARY KEY, key BLOB NOT NULL UNIQUE) STRICT;
CREATE TABLE envelopes(
  doc INTEGER NOT NULL REFERENCES documents(id) ON DELETE CASCADE,
  seq INTEGER NOT NULL CHECK(seq > 0),
  author INTEGER NOT NULL REFERENCES authors(id),
  deletes INTEGER NOT NULL CHECK(deletes IN (0, 1)),
  bytes BLOB NOT NULL,
  PRIMARY KEY(doc, seq)) STRICT, WITHOUT ROWID;
CREATE INDEX envelopes_by_author ON envelopes(author);
CREATE TABLE envelope_ranges(
  doc INTEGER NOT NULL,
  client INTEGER NOT NULL,
  clock INTEGER NOT NULL,
  seq INTEGER NOT NULL,
  until INTEGER NOT NULL CHECK(until > clock),
  PRIMARY KEY(doc, client, clock, seq),
  FOREIGN KEY(doc, seq) REFERENCES envelopes(doc, seq) ON DELETE CASCADE) STRICT, WITHOUT ROWID;
CREATE INDEX envelope_ranges_by_seq ON envelope_ranges(doc, seq);
CREATE TABLE bindings(
  doc INTEGER NOT NULL REFERENCES documents(id) ON DELETE CASCADE,
  client INTEGER NOT NULL,
  clock INTEGER NOT NULL,
  author INTEGER NOT NULL REFERENCES authors(id),
  PRIMARY KEY(doc, client)) STRICT, WITHOUT ROWID;
CREATE INDEX bindings_by_author ON bindings(author);
)sql";

constexpr std::array k_migrations{Migration{.version = 1, .sql = k_version_1},
                                  Migration{.version = 2, .sql = k_version_2},
                                  Migration{.version = 3, .sql = detail::k_messages_schema},
                                  Migration{.version = 4, .sql = detail::k_circle_log_schema},
                                  Migration{.version = 5, .sql = detail::k_said_schema},
                                  Migration{.version = 6, .sql = detail::k_strangers_schema}};
static_assert(k_migrations.back().version == k_schema_version);

}  // namespace

std::span<const Migration> migrations() {
  return k_migrations;
}

Result<void> apply_migrations(Database& database, std::span<const Migration> list, int from,
                              int to) {
  for (const Migration& migration : list) {
    if (migration.version <= from || migration.version > to) {
      continue;
    }
    VIVIM_TRYV(database.atomically([&]() -> Result<void> {
      VIVIM_TRYV(database.execute(migration.sql));
      return database.execute("PRAGMA user_version=" + std::to_string(migration.version));
    }));
  }
  return {};
}

}  // namespace vivim::store
