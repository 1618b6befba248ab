#include "vivim/chat/document.hpp"

#include <algorithm>
#include <unordered_map>
#include <unordered_set>

#include "vivim/chat/json.hpp"
#include "vivim/chat/part_any.hpp"
#include "vivim/chat/text_diff.hpp"
#include "vivim/chat/tree.hpp"
#include "vivim/crdt/array.hpp"
#include "vivim/crdt/first_update.hpp"
#include "vivim/crdt/map.hpp"
#include "vivim/crdt/text.hpp"
#include "vivim/crdt/update.hpp"
#include "vivim/crdt/value.hpp"
#include "vivim/multiformats/multibase.hpp"

namespace vivim::chat {

namespace {

using crdt::Any;
using crdt::Map;
using crdt::Transaction;

/// A document's map inside a transaction, with the functions of crdt::FirstUpdate::Map: what writes
/// to one can write to the other.
class DocMap {
 public:
  DocMap(Map map, Transaction& transaction) : map_(map), transaction_(transaction) {}

  void set(std::string_view key, Any value) { map_.set(transaction_, key, std::move(value)); }
  void set_string(std::string_view key, std::string_view utf8) { set(key, Any(utf8)); }
  void set_text(std::string_view key, std::string_view utf8) {
    map_.set_text(transaction_, key, utf8);
  }
  DocMap set_map(std::string_view key) { return {map_.set_map(transaction_, key), transaction_}; }

 private:
  Map map_;
  Transaction& transaction_;
};

/// Sets keys of a map, and leaves out what is empty.
template <class AnyMap>
class Writer {
 public:
  explicit Writer(AnyMap map) : map_(map) {}

  void text(std::string_view key, const std::string& value) {
    if (!value.empty()) {
      map_.set_string(key, value);
    }
  }
  void number(std::string_view key, const std::optional<double>& value) {
    if (value) {
      map_.set(key, *value);
    }
  }
  void flag(std::string_view key, bool value) {
    if (value) {
      map_.set(key, true);
    }
  }

 private:
  AnyMap map_;
};

void write_provenance(const Provenance& provenance, auto map) {
  Writer writer(map);
  writer.text("provider", provenance.provider);
  writer.text("original_id", provenance.original_id);
  writer.text("source", provenance.source);
  writer.text("source_hash", provenance.source_hash);
  writer.number("imported", provenance.imported);
  writer.text("title", provenance.title);
}

Any any_of_parts(const std::vector<Part>& parts) {
  Any::Array list;
  list.reserve(parts.size());
  for (const auto& part : parts) {
    list.push_back(any_of_part(part));
  }
  return list;
}

void write_turn(const Turn& turn, auto turns) {
  auto map = turns.set_map(turn.id);
  turn.parent ? map.set_string("parent", *turn.parent) : map.set("parent", nullptr);
  map.set_string("role", role_name(turn.role));
  Writer writer(map);
  writer.number("time", turn.time);
  writer.number("updated", turn.updated);
  writer.number("index", turn.index);
  writer.text("name", turn.name);
  writer.text("model", turn.model);
  writer.text("provider", turn.provider);
  writer.flag("hidden", turn.hidden);
  writer.text("recipient", turn.recipient);
  writer.text("channel", turn.channel);
  writer.text("status", turn.status);
  writer.text("content", turn.content);
  map.set("parts", any_of_parts(turn.parts));
  if (turn.role != Role::none) {
    map.set_text("text", turn.text);
  }
  writer.flag("deleted", turn.deleted);
}

void write_meta(const Conversation& conversation, auto meta) {
  meta.set("schema", k_document_schema);
  Writer writer(meta);
  writer.number("created", conversation.created);
  writer.number("updated", conversation.updated);
  writer.text("current", conversation.current);
  writer.text("model", conversation.model);
}

void write_participants(const Conversation& conversation, auto map) {
  for (const auto& participant : conversation.participants) {
    map.set(participant.id,
            Any::Object{{"name", participant.name}, {"colour", participant.colour}});
  }
}

/// Everything but the title. `root` gives the map of a name.
void write_maps(const Conversation& conversation, const auto& root) {
  write_meta(conversation, root("meta"));
  write_provenance(conversation.provenance, root("provenance"));
  write_participants(conversation, root("participants"));
  auto turns = root("turns");
  for (const auto& turn : conversation.turns) {
    write_turn(turn, turns);
  }
}

/// True if no two have the same id.
template <class Entry>
bool ids_differ(const std::vector<Entry>& entries) {
  std::unordered_set<std::string_view> seen;
  seen.reserve(entries.size());
  return std::ranges::all_of(entries,
                             [&](const Entry& entry) { return seen.insert(entry.id).second; });
}

std::optional<double> read_number(const Map& map, std::string_view key) {
  const auto any = map.get_any(key);
  return any && any->if_number() != nullptr ? std::optional(*any->if_number()) : std::nullopt;
}

std::string read_text(const Map& map, std::string_view key) {
  return map.get_string(key).value_or(std::string());
}

bool read_flag(const Map& map, std::string_view key) {
  const auto any = map.get_any(key);
  return any && any->if_bool() != nullptr && *any->if_bool();
}

std::vector<Part> read_parts(const Map& map) {
  std::vector<Part> parts;
  const auto any = map.get_any("parts");
  const auto* list = any ? any->if_array() : nullptr;
  for (std::size_t i = 0; list != nullptr && i < list->size(); ++i) {
    parts.push_back(part_of_any((*list)[i]));
  }
  return parts;
}

Turn read_turn(std::string_view id, const Map& map) {
  Turn turn{.id = std::string(id),
            .parent = map.get_string("parent"),
            .role = parse_role(read_text(map, "role")).value_or(Role::none),
            .time = read_number(map, "time"),
            .updated = read_number(map, "updated"),
            .index = read_number(map, "index"),
            .name = read_text(map, "name"),
            .model = read_text(map, "model"),
            .provider = read_text(map, "provider"),
            .recipient = read_text(map, "recipient"),
            .channel = read_text(map, "channel"),
            .status = read_text(map, "status"),
            .content = read_text(map, "content"),
            .parts = read_parts(map),
            .hidden = read_flag(map, "hidden"),
            .deleted = read_flag(map, "deleted")};
  if (const auto text = map.get_text("text")) {
    turn.text = text->to_string();
  }
  return turn;
}

Provenance read_provenance(const Map& map) {
  return {.provider = read_text(map, "provider"),
          .original_id = read_text(map, "original_id"),
          .source = read_text(map, "source"),
          .source_hash = read_text(map, "source_hash"),
          .imported = read_number(map, "imported"),
          .title = read_text(map, "title")};
}

std::string member_text(const Any& object, std::string_view key) {
  const auto* value = object.find(key);
  return value != nullptr && value->if_string() != nullptr ? *value->if_string() : std::string();
}

void edit_text(crdt::Text text, std::string_view after, Transaction& transaction) {
  for (const auto& edit : diff_text(text.to_string(), after)) {
    if (edit.remove > 0) {
      text.remove(transaction, edit.index, edit.remove);
    }
    if (!edit.insert.empty()) {
      text.insert(transaction, edit.index, edit.insert);
    }
  }
}

/// True if `ancestor` is on the way from `turn` to its root, in `newer`.
bool leads_to(const Conversation& newer, const std::string& ancestor, const std::string& turn) {
  std::unordered_map<std::string_view, const Turn*> by_id;
  for (const auto& each : newer.turns) {
    by_id.emplace(each.id, &each);
  }
  std::unordered_set<std::string_view> seen;
  for (auto at = by_id.find(turn); at != by_id.end() && seen.insert(at->first).second;) {
    if (at->first == ancestor) {
      return true;
    }
    at = at->second->parent ? by_id.find(*at->second->parent) : by_id.end();
  }
  return false;
}

/// Sets a key only if that changes something.
bool update(Map map, std::string_view key, const Any& value, Transaction& transaction) {
  if (map.get_any(key) == value) {
    return false;
  }
  map.set(transaction, key, value);
  return true;
}

}  // namespace

void to_document(const Conversation& conversation, crdt::Doc& doc, crdt::Origin origin) {
  doc.transact(
      [&](Transaction& transaction) {
        doc.text("title").insert(transaction, 0, conversation.title);
        write_maps(conversation,
                   [&](std::string_view name) { return DocMap(doc.map(name), transaction); });
      },
      origin);
}

Bytes first_update(const Conversation& conversation, crdt::ClientId client) {
  if (!ids_differ(conversation.turns) || !ids_differ(conversation.participants)) {
    crdt::Doc doc(client);
    to_document(conversation, doc);
    return crdt::encode_state_as_update(doc);
  }
  crdt::FirstUpdate update(client);
  update.text("title", conversation.title);
  write_maps(conversation, [&](std::string_view name) { return update.map(name); });
  return update.take();
}

Conversation from_document(crdt::Doc& doc) {
  const auto meta = doc.map("meta");
  Conversation conversation{.title = doc.text("title").to_string(),
                            .created = read_number(meta, "created"),
                            .updated = read_number(meta, "updated"),
                            .current = read_text(meta, "current"),
                            .model = read_text(meta, "model"),
                            .provenance = read_provenance(doc.map("provenance"))};
  doc.map("participants").for_each([&](std::string_view id, const crdt::Value& value) {
    if (const auto* any = value.if_any()) {
      conversation.participants.push_back({.id = std::string(id),
                                           .name = member_text(*any, "name"),
                                           .colour = member_text(*any, "colour")});
    }
  });
  doc.map("turns").for_each([&](std::string_view id, const crdt::Value& value) {
    if (const auto* map = value.if_map()) {
      conversation.turns.push_back(read_turn(id, *map));
    }
  });
  std::vector<Turn> ordered;
  ordered.reserve(conversation.turns.size());
  const auto order = Tree(conversation).walk();
  for (const auto turn : order) {
    ordered.push_back(std::move(conversation.turns[turn]));
  }
  conversation.turns = std::move(ordered);
  return conversation;
}

Result<Turn> turn_from_document(crdt::Doc& doc, std::string_view id) {
  const auto map = doc.map("turns").get_map(id);
  if (!map) {
    return fail(ChatError::no_such_turn);
  }
  return read_turn(id, *map);
}

namespace {

/// The parts of merge_newer, inside its transaction.
class Merger {
 public:
  Merger(const Conversation& newer, crdt::Doc& doc, Transaction& transaction)
      : newer_(newer), doc_(doc), transaction_(transaction) {}

  Merged run() {
    add_turns();
    follow_title();
    follow_current();
    auto meta = doc_.map("meta");
    if (newer_.updated && read_number(meta, "updated").value_or(0) < *newer_.updated) {
      note(update(meta, "updated", *newer_.updated, transaction_));
    }
    if (!newer_.model.empty()) {
      note(update(meta, "model", newer_.model, transaction_));
    }
    auto provenance = doc_.map("provenance");
    if (read_text(provenance, "source_hash") != newer_.provenance.source_hash) {
      write_provenance(newer_.provenance, DocMap(provenance, transaction_));
      note(true);
    }
    return merged_;
  }

 private:
  void note(bool changed) { merged_.changed = merged_.changed || changed; }

  void add_turns() {
    auto turns = doc_.map("turns");
    for (const auto& turn : newer_.turns) {
      if (!turns.contains(turn.id)) {
        write_turn(turn, DocMap(turns, transaction_));
        ++merged_.turns_added;
        note(true);
      }
    }
  }

  void follow_title() {
    auto title = doc_.text("title");
    const auto ours = title.to_string();
    if (ours != newer_.title && ours == read_text(doc_.map("provenance"), "title")) {
      edit_text(title, newer_.title, transaction_);
      merged_.title_changed = true;
      note(true);
    }
  }

  void follow_current() {
    auto meta = doc_.map("meta");
    const auto ours = read_text(meta, "current");
    if (ours != newer_.current && !newer_.current.empty() &&
        (ours.empty() || leads_to(newer_, ours, newer_.current))) {
      note(update(meta, "current", newer_.current, transaction_));
    }
  }

  const Conversation& newer_;
  crdt::Doc& doc_;
  Transaction& transaction_;
  Merged merged_;
};

}  // namespace

Merged merge_newer(const Conversation& newer, crdt::Doc& doc, crdt::Origin origin) {
  Merged merged;
  doc.transact([&](Transaction& transaction) { merged = Merger(newer, doc, transaction).run(); },
               origin);
  return merged;
}

std::string turn_id(BytesView random) {
  return multiformats::encode(multiformats::Base::base32, random);
}

Result<void> set_title(crdt::Doc& doc, std::string_view title, crdt::Origin origin) {
  if (title.size() > k_title_bytes_max) {
    return fail(ChatError::text_too_large, title.size());
  }
  doc.transact([&](Transaction& transaction) { edit_text(doc.text("title"), title, transaction); },
               origin);
  return {};
}

Result<void> set_text(crdt::Doc& doc, std::string_view turn, std::string_view text,
                      crdt::Origin origin) {
  if (text.size() > k_text_bytes_max) {
    return fail(ChatError::text_too_large, text.size());
  }
  auto map = doc.map("turns").get_map(turn);
  if (!map) {
    return fail(ChatError::no_such_turn);
  }
  doc.transact(
      [&](Transaction& transaction) {
        const auto existing = map->get_text("text");
        edit_text(existing ? *existing : map->set_text(transaction, "text"), text, transaction);
      },
      origin);
  return {};
}

Result<void> add_turn(crdt::Doc& doc, const NewTurn& turn, crdt::Origin origin) {
  if (turn.text.size() > k_text_bytes_max) {
    return fail(ChatError::text_too_large, turn.text.size());
  }
  if (turn.role == Role::none) {
    return fail(ChatError::bad_role);
  }
  auto turns = doc.map("turns");
  if (turns.contains(turn.id)) {
    return fail(ChatError::turn_exists);
  }
  if (turn.parent && !turns.contains(*turn.parent)) {
    return fail(ChatError::no_such_parent);
  }
  doc.transact(
      [&](Transaction& transaction) {
        write_turn({.id = turn.id,
                    .parent = turn.parent,
                    .role = turn.role,
                    .time = turn.time,
                    .name = turn.name,
                    .parts = {TextPart{}},
                    .text = sanitize_utf8(turn.text)},
                   DocMap(turns, transaction));
        doc.map("meta").set(transaction, "current", turn.id);
        doc.map("meta").set(transaction, "updated", turn.time);
      },
      origin);
  return {};
}

Result<void> delete_turn(crdt::Doc& doc, std::string_view turn, crdt::Origin origin) {
  auto map = doc.map("turns").get_map(turn);
  if (!map) {
    return fail(ChatError::no_such_turn);
  }
  if (!read_flag(*map, "deleted")) {
    doc.transact([&](Transaction& transaction) { map->set(transaction, "deleted", true); }, origin);
  }
  return {};
}

Result<void> set_current(crdt::Doc& doc, std::string_view turn, crdt::Origin origin) {
  if (!doc.map("turns").contains(turn)) {
    return fail(ChatError::no_such_turn);
  }
  doc.transact([&](Transaction& transaction) { doc.map("meta").set(transaction, "current", turn); },
               origin);
  return {};
}

}  // namespace vivim::chat
