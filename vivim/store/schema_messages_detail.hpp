#pragma once

namespace vivim::store::detail {

/// The tables of messages: received, on their way, and kept for others (docs/protocol/store.md).
/// Never edited once released. What triggers keep in message_totals is what the
/// limits of messages.hpp are held against: counting rows would read them all.
inline constexpr const char* k_messages_schema = R"sql(
CREATE TABLE message_totals(
  name TEXT PRIMARY KEY, items INTEGER NOT NULL, bytes INTEGER NOT NULL) STRICT, WITHOUT ROWID;
INSERT INTO message_totals VALUES('received', 0, 0), ('marks', 0, 0), ('mail', 0, 0);

CREATE TABLE messages(
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  sender BLOB NOT NULL,
  id BLOB NOT NULL CHECK(length(id) = 16),
  topic TEXT,
  priority INTEGER NOT NULL,
  delivery INTEGER NOT NULL,
  sent INTEGER NOT NULL,
  received INTEGER NOT NULL,
  payload BLOB NOT NULL,
  UNIQUE(sender, id)) STRICT;
CREATE TRIGGER messages_inserted AFTER INSERT ON messages BEGIN
  UPDATE message_totals SET items = items + 1, bytes = bytes + length(new.payload)
  WHERE name = 'received';
END;
CREATE TRIGGER messages_deleted AFTER DELETE ON messages BEGIN
  UPDATE message_totals SET items = items - 1, bytes = bytes - length(old.payload)
  WHERE name = 'received';
END;

CREATE TABLE message_marks(
  sender BLOB NOT NULL,
  id BLOB NOT NULL CHECK(length(id) = 16),
  expires INTEGER NOT NULL,
  PRIMARY KEY(sender, id)) STRICT, WITHOUT ROWID;
CREATE INDEX message_marks_by_expiry ON message_marks(expires);
CREATE TRIGGER message_marks_inserted AFTER INSERT ON message_marks BEGIN
  UPDATE message_totals SET items = items + 1 WHERE name = 'marks';
END;
CREATE TRIGGER message_marks_deleted AFTER DELETE ON message_marks BEGIN
  UPDATE message_totals SET items = items - 1 WHERE name = 'marks';
END;

CREATE TABLE outgoing(
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  recipient BLOB NOT NULL,
  id BLOB NOT NULL CHECK(length(id) = 16),
  stored INTEGER NOT NULL CHECK(stored IN (0, 1)),
  expires INTEGER NOT NULL,
  envelope BLOB NOT NULL,
  UNIQUE(recipient, id)) STRICT;

CREATE TABLE circles(
  id BLOB PRIMARY KEY CHECK(length(id) = 16),
  secret BLOB NOT NULL CHECK(length(secret) = 32),
  name TEXT NOT NULL,
  clock BLOB NOT NULL,
  joined INTEGER NOT NULL) STRICT, WITHOUT ROWID;

CREATE TABLE mail(
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  recipient BLOB NOT NULL,
  item BLOB NOT NULL CHECK(length(item) = 16),
  sender BLOB NOT NULL,
  expires INTEGER NOT NULL,
  sealed BLOB NOT NULL,
  UNIQUE(recipient, item)) STRICT;
CREATE INDEX mail_by_sender ON mail(sender);
CREATE INDEX mail_by_expiry ON mail(expires);
CREATE TRIGGER mail_inserted AFTER INSERT ON mail BEGIN
  UPDATE message_totals SET items = items + 1, bytes = bytes + length(new.sealed)
  WHERE name = 'mail';
END;
CREATE TRIGGER mail_deleted AFTER DELETE ON mail BEGIN
  UPDATE message_totals SET items = items - 1, bytes = bytes - length(old.sealed)
  WHERE name = 'mail';
END;
)sql";

/// What was said in circles, for members who were away.
inline constexpr const char* k_circle_log_schema = R"sql(
CREATE TABLE circle_log(
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  circle BLOB NOT NULL REFERENCES circles(id) ON DELETE CASCADE,
  sender BLOB NOT NULL,
  number INTEGER NOT NULL,
  expires INTEGER NOT NULL,
  envelope BLOB NOT NULL,
  UNIQUE(circle, sender, number)) STRICT;
CREATE INDEX circle_log_by_expiry ON circle_log(expires);
)sql";

/// How much of what came was said in circles, and in each: a topic's first 47 characters name its
/// circle, what follows is a subtopic.
inline constexpr const char* k_said_schema = R"sql(
CREATE INDEX messages_to_us ON messages(sender) WHERE topic IS NULL;
CREATE INDEX messages_by_circle ON messages(substr(topic, 1, 47), seq) WHERE topic IS NOT NULL;
INSERT INTO message_totals
  SELECT 'said', count(*), coalesce(sum(length(payload)), 0) FROM messages WHERE topic IS NOT NULL;
INSERT INTO message_totals
  SELECT substr(topic, 1, 47), count(*), sum(length(payload)) FROM messages
  WHERE topic IS NOT NULL GROUP BY 1;
CREATE TRIGGER messages_said_inserted AFTER INSERT ON messages WHEN new.topic IS NOT NULL BEGIN
  UPDATE message_totals SET items = items + 1, bytes = bytes + length(new.payload)
  WHERE name = 'said';
  INSERT INTO message_totals VALUES(substr(new.topic, 1, 47), 1, length(new.payload))
  ON CONFLICT(name) DO UPDATE SET items = items + 1, bytes = bytes + excluded.bytes;
END;
CREATE TRIGGER messages_said_deleted AFTER DELETE ON messages WHEN old.topic IS NOT NULL BEGIN
  UPDATE message_totals SET items = items - 1, bytes = bytes - length(old.payload)
  WHERE name IN ('said', substr(old.topic, 1, 47));
  DELETE FROM message_totals WHERE name = substr(old.topic, 1, 47) AND items = 0;
END;
)sql";

/// Whom this node wrote to, and how much of what came is from others.
inline constexpr const char* k_strangers_schema = R"sql(
CREATE TABLE correspondents(
  seq INTEGER PRIMARY KEY AUTOINCREMENT, peer BLOB NOT NULL UNIQUE) STRICT;
ALTER TABLE messages ADD COLUMN stranger INTEGER NOT NULL DEFAULT 0;
CREATE INDEX messages_of_members ON messages(sender) WHERE topic IS NOT NULL;
INSERT INTO message_totals VALUES('strangers', 0, 0);
CREATE TRIGGER messages_stranger_inserted AFTER INSERT ON messages WHEN new.stranger = 1 BEGIN
  UPDATE message_totals SET items = items + 1, bytes = bytes + length(new.payload)
  WHERE name = 'strangers';
END;
CREATE TRIGGER messages_stranger_deleted AFTER DELETE ON messages WHEN old.stranger = 1 BEGIN
  UPDATE message_totals SET items = items - 1, bytes = bytes - length(old.payload)
  WHERE name = 'strangers';
END;
CREATE TRIGGER messages_stranger_known AFTER UPDATE OF stranger ON messages
  WHEN old.stranger = 1 AND new.stranger = 0 BEGIN
  UPDATE message_totals SET items = items - 1, bytes = bytes - length(old.payload)
  WHERE name = 'strangers';
END;
)sql";

}  // namespace vivim::store::detail
