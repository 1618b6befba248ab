#include "vivim/chat/document.hpp"

#include <algorithm>
#include <unordered_map>
#include <unordered_set>

#include "vivim/chat/json.hpp"
#include "vivim/chat/keys.hpp"
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
using crdt::Key;
using crdt::Map;
using crdt::root;
using crdt::Transaction;
using crdt::View;
using Keys = keys::Conversation;

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

/// Sets keys of a map that `Of` describes, and leaves out what is empty.
template <class Of, class AnyMap>
class Writer {
 public:
  explicit Writer(AnyMap map) : map_(map) {}

  void set(Key<Of, std::string> key, std::string_view value) { map_.set_string(key.name, value); }
  void set(Key<Of, double> key, double value) { map_.set(key.name, value); }
  void set(Key<Of, Any> key, const Any& value) { map_.set(key.name, value); }
  void set(Key<Of, crdt::Text> key, std::string_view value) { map_.set_text(key.name, value); }
  template <class T>
  void set_null(Key<Of, T> key) {
    map_.set(key.name, nullptr);
  }

  void put(Key<Of, std::string> key, const std::string& value) {
    if (!value.empty()) {
      set(key, value);
    }
  }
  void put(Key<Of, double> key, const std::optional<double>& value) {
    if (value) {
      set(key, *value);
    }
  }
  void put(Key<Of, bool> key, bool value) {
    if (value) {
      map_.set(key.name, true);
    }
  }

 private:
  AnyMap map_;
};

template <class Of, class AnyMap>
Writer<Of, AnyMap> writer_of(AnyMap map) {
  return Writer<Of, AnyMap>(map);
}

void write_provenance(const Provenance& provenance, auto map) {
  using Of = keys::Provenance;
  auto writer = writer_of<Of>(map);
  writer.put(Of::provider, provenance.provider);
  writer.put(Of::original_id, provenance.original_id);
  writer.put(Of::source, provenance.source);
  writer.put(Of::source_hash, provenance.source_hash);
  writer.put(Of::imported, provenance.imported);
  writer.put(Of::title, provenance.title);
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
  using Of = keys::Turn;
  auto writer = writer_of<Of>(turns.set_map(turn.id));
  turn.parent ? writer.set(Of::parent, *turn.parent) : writer.set_null(Of::parent);
  writer.set(Of::role, role_name(turn.role));
  writer.put(Of::time, turn.time);
  writer.put(Of::updated, turn.updated);
  writer.put(Of::index, turn.index);
  writer.put(Of::name, turn.name);
  writer.put(Of::model, turn.model);
  writer.put(Of::provider, turn.provider);
  writer.put(Of::hidden, turn.hidden);
  writer.put(Of::recipient, turn.recipient);
  writer.put(Of::channel, turn.channel);
  writer.put(Of::status, turn.status);
  writer.put(Of::content, turn.content);
  writer.set(Of::parts, any_of_parts(turn.parts));
  if (turn.role != Role::none) {
    writer.set(Of::text, turn.text);
  }
  writer.put(Of::deleted, turn.deleted);
}

void write_meta(const Conversation& conversation, auto map) {
  using Of = keys::Meta;
  auto writer = writer_of<Of>(map);
  writer.set(Of::schema, k_document_schema);
  writer.put(Of::created, conversation.created);
  writer.put(Of::updated, conversation.updated);
  writer.put(Of::current, conversation.current);
  writer.put(Of::model, conversation.model);
}

void write_participants(const Conversation& conversation, auto map) {
  using Of = keys::Participant;
  for (const auto& participant : conversation.participants) {
    map.set(participant.id, Any::Object{{std::string(Of::name), participant.name},
                                        {std::string(Of::colour), participant.colour}});
  }
}

/// Everything but the title. `map_of` gives the map of a root's name.
void write_maps(const Conversation& conversation, const auto& map_of) {
  write_meta(conversation, map_of(Keys::meta.name));
  write_provenance(conversation.provenance, map_of(Keys::provenance.name));
  write_participants(conversation, map_of(Keys::participants.name));
  auto turns = map_of(Keys::turns.name);
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

std::vector<Part> read_parts(const View<keys::Turn>& view) {
  std::vector<Part> parts;
  const auto any = view.get(keys::Turn::parts);
  const auto* list = any ? any->if_array() : nullptr;
  for (std::size_t i = 0; list != nullptr && i < list->size(); ++i) {
    parts.push_back(part_of_any((*list)[i]));
  }
  return parts;
}

template <class Of>
std::string text_of(const View<Of>& view, Key<Of, std::string> key) {
  return view.get_or(key, std::string());
}

Turn read_turn(std::string_view id, const View<keys::Turn>& view) {
  using Of = keys::Turn;
  Turn turn{.id = std::string(id),
            .parent = view.get(Of::parent),
            .role = parse_role(text_of(view, Of::role)).value_or(Role::none),
            .time = view.get(Of::time),
            .updated = view.get(Of::updated),
            .index = view.get(Of::index),
            .name = text_of(view, Of::name),
            .model = text_of(view, Of::model),
            .provider = text_of(view, Of::provider),
            .recipient = text_of(view, Of::recipient),
            .channel = text_of(view, Of::channel),
            .status = text_of(view, Of::status),
            .content = text_of(view, Of::content),
            .parts = read_parts(view),
            .hidden = view.get_or(Of::hidden, false),
            .deleted = view.get_or(Of::deleted, false)};
  if (const auto text = view.get(Of::text)) {
    turn.text = text->to_string();
  }
  return turn;
}

Provenance read_provenance(const View<keys::Provenance>& view) {
  using Of = keys::Provenance;
  return {.provider = text_of(view, Of::provider),
          .original_id = text_of(view, Of::original_id),
          .source = text_of(view, Of::source),
          .source_hash = text_of(view, Of::source_hash),
          .imported = view.get(Of::imported),
          .title = text_of(view, Of::title)};
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
template <class Of, class T>
bool update(View<Of> view, Key<Of, T> key, const T& value, Transaction& transaction) {
  if (view.get(key) == value) {
    return false;
  }
  view.set(transaction, key, value);
  return true;
}

}  // namespace

void to_document(const Conversation& conversation, crdt::Doc& doc, crdt::Origin origin) {
  doc.transact(
      [&](Transaction& transaction) {
        root(doc, Keys::title).insert(transaction, 0, conversation.title);
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
  update.text(Keys::title.name, conversation.title);
  write_maps(conversation, [&](std::string_view name) { return update.map(name); });
  return update.take();
}

Conversation from_document(crdt::Doc& doc) {
  using Of = keys::Meta;
  const auto meta = root(doc, Keys::meta);
  Conversation conversation{.title = root(doc, Keys::title).to_string(),
                            .created = meta.get(Of::created),
                            .updated = meta.get(Of::updated),
                            .current = text_of(meta, Of::current),
                            .model = text_of(meta, Of::model),
                            .provenance = read_provenance(root(doc, Keys::provenance))};
  root(doc, Keys::participants).for_each([&](std::string_view id, const Any& participant) {
    conversation.participants.push_back(
        {.id = std::string(id),
         .name = member_text(participant, keys::Participant::name),
         .colour = member_text(participant, keys::Participant::colour)});
  });
  root(doc, Keys::turns).for_each([&](std::string_view id, const View<keys::Turn>& turn) {
    conversation.turns.push_back(read_turn(id, turn));
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
  const auto turn = root(doc, Keys::turns).get(id);
  if (!turn) {
    return fail(ChatError::no_such_turn);
  }
  return read_turn(id, *turn);
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
    using Of = keys::Meta;
    const auto meta = root(doc_, Keys::meta);
    if (newer_.updated && meta.get_or(Of::updated, 0) < *newer_.updated) {
      note(update(meta, Of::updated, *newer_.updated, transaction_));
    }
    if (!newer_.model.empty()) {
      note(update(meta, Of::model, newer_.model, transaction_));
    }
    const auto provenance = root(doc_, Keys::provenance);
    if (text_of(provenance, keys::Provenance::source_hash) != newer_.provenance.source_hash) {
      write_provenance(newer_.provenance, DocMap(provenance.map(), transaction_));
      note(true);
    }
    return merged_;
  }

 private:
  void note(bool changed) { merged_.changed = merged_.changed || changed; }

  void add_turns() {
    const auto turns = root(doc_, Keys::turns).map();
    for (const auto& turn : newer_.turns) {
      if (!turns.contains(turn.id)) {
        write_turn(turn, DocMap(turns, transaction_));
        ++merged_.turns_added;
        note(true);
      }
    }
  }

  void follow_title() {
    const auto title = root(doc_, Keys::title);
    const auto ours = title.to_string();
    if (ours != newer_.title &&
        ours == text_of(root(doc_, Keys::provenance), keys::Provenance::title)) {
      edit_text(title, newer_.title, transaction_);
      merged_.title_changed = true;
      note(true);
    }
  }

  void follow_current() {
    const auto meta = root(doc_, Keys::meta);
    const auto ours = text_of(meta, keys::Meta::current);
    if (ours != newer_.current && !newer_.current.empty() &&
        (ours.empty() || leads_to(newer_, ours, newer_.current))) {
      note(update(meta, keys::Meta::current, newer_.current, transaction_));
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
  doc.transact(
      [&](Transaction& transaction) { edit_text(root(doc, Keys::title), title, transaction); },
      origin);
  return {};
}

Result<void> set_text(crdt::Doc& doc, std::string_view turn, std::string_view text,
                      crdt::Origin origin) {
  if (text.size() > k_text_bytes_max) {
    return fail(ChatError::text_too_large, text.size());
  }
  auto view = root(doc, Keys::turns).get(turn);
  if (!view) {
    return fail(ChatError::no_such_turn);
  }
  doc.transact(
      [&](Transaction& transaction) {
        edit_text(view->get_or_make(transaction, keys::Turn::text), text, transaction);
      },
      origin);
  return {};
}

std::set<crdt::Place> common_places() {
  const std::string meta(Keys::meta.name);
  return {{.root = meta, .key = std::string(keys::Meta::current.name)},
          {.root = meta, .key = std::string(keys::Meta::updated.name)}};
}

Result<void> add_turn(crdt::Doc& doc, const NewTurn& turn, crdt::Origin origin) {
  if (turn.text.size() > k_text_bytes_max) {
    return fail(ChatError::text_too_large, turn.text.size());
  }
  if (turn.role == Role::none) {
    return fail(ChatError::bad_role);
  }
  const auto turns = root(doc, Keys::turns).map();
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
        auto meta = root(doc, Keys::meta);
        meta.set(transaction, keys::Meta::current, turn.id);
        meta.set(transaction, keys::Meta::updated, turn.time);
      },
      origin);
  return {};
}

Result<void> delete_turn(crdt::Doc& doc, std::string_view turn, crdt::Origin origin) {
  auto view = root(doc, Keys::turns).get(turn);
  if (!view) {
    return fail(ChatError::no_such_turn);
  }
  if (!view->get_or(keys::Turn::deleted, false)) {
    doc.transact(
        [&](Transaction& transaction) { view->set(transaction, keys::Turn::deleted, true); },
        origin);
  }
  return {};
}

Result<void> set_current(crdt::Doc& doc, std::string_view turn, crdt::Origin origin) {
  if (!root(doc, Keys::turns).map().contains(turn)) {
    return fail(ChatError::no_such_turn);
  }
  doc.transact(
      [&](Transaction& transaction) {
        root(doc, Keys::meta).set(transaction, keys::Meta::current, std::string(turn));
      },
      origin);
  return {};
}

}  // namespace vivim::chat
