#include <algorithm>
#include <iterator>

#include "interop/conformance/session.hpp"
#include "vivim/crdt/relative_position.hpp"
#include "vivim/crdt/subdocument.hpp"

namespace vivim::interop::conformance {

using crdt::UpdateFormat;
using crdt::lib0::Encoder;

namespace {

constexpr std::size_t k_origins = 4;

/// As the worker numbers them.
enum UndoAction : std::uint8_t {
  k_undo_step,
  k_redo_step,
  k_stop,
  k_clear_both,
  k_clear_undo,
  k_clear_redo,
  k_track,
  k_untrack,
  k_add_to_scope,
};

}  // namespace

void Session::take_snapshot(std::size_t index) {
  Replica& replica = *replicas_[index];
  if (replica.snapshots.size() < 8) {
    replica.snapshots.push_back(encode_snapshot(snapshot(*replica.doc), UpdateFormat::v2));
  }
}

void Session::restore_version(std::size_t index) {
  Replica& replica = *replicas_[index];
  if (replica.snapshots.empty()) {
    return;
  }
  const Bytes& bytes = replica.snapshots[chance_.pick(replica.snapshots.size())];
  const auto version = crdt::decode_snapshot(bytes, UpdateFormat::v2).value();
  if (!log_.empty()) {
    const Bytes& update = log_[chance_.pick(log_.size())];
    out_.var_uint(k_contains);
    out_.var_bytes(bytes);
    out_.var_bytes(update);
    const Bytes contains{crdt::snapshot_contains_update(version, update).value() ? std::uint8_t{1}
                                                                                 : std::uint8_t{0}};
    expect(contains);
  }
  if (replica.collects) {
    return;
  }
  crdt::Doc old(crdt::ClientId{1});
  if (!create_doc_from_snapshot(*replica.doc, version, old)) {
    fail("a version cannot be restored");
  }
  out_.var_uint(k_version);
  out_.var_uint(index);
  out_.var_uint(static_cast<std::uint64_t>(UpdateFormat::v2));
  out_.var_bytes(bytes);
  expect(encode_state_as_update(old));
}

void Session::make_undo(std::size_t index) {
  Replica& replica = *replicas_[index];
  crdt::Doc& doc = *replica.doc;
  const std::size_t mask = chance_.one_in(3) ? 0 : 1 + chance_.pick(15);
  const std::size_t flags = chance_.pick(8) & chance_.pick(8);
  const std::size_t timeout_ms = chance_.pick(3) * 250;
  const std::size_t origins = chance_.one_in(2) ? 1 : chance_.pick(1U << k_origins);
  out_.var_uint(k_undo_make);
  for (const std::size_t number : {index, mask, flags, timeout_ms, origins}) {
    out_.var_uint(number);
  }
  std::vector<crdt::Value> scope;
  for (std::size_t i = 0; i < 4; ++i) {
    if ((mask & (1U << i)) != 0) {
      scope.push_back(root_of(doc, i));
    }
  }
  crdt::UndoOptions options{.capture_timeout_ms = timeout_ms,
                            .tracked_origins = {},
                            .ignore_remote_map_changes = (flags & 1) != 0,
                            .capture_transaction = {},
                            .delete_filter = {}};
  for (std::size_t i = 0; i < k_origins; ++i) {
    if ((origins & (1U << i)) != 0) {
      options.tracked_origins.push_back(crdt::Origin{i});
    }
  }
  if ((flags & 2) != 0) {
    options.capture_transaction = [](crdt::Origin origin) { return origin.id != 3; };
  }
  if ((flags & 4) != 0) {
    options.delete_filter = [](const crdt::UndoItem& item) {
      return (item.id.clock + item.length) % 5 != 0;
    };
  }
  auto manager = std::make_unique<crdt::UndoManager>(doc, scope, options);
  manager->set_time(now_ms_);
  replica.subscriptions.push_back(manager->observe([&replica](const crdt::UndoEvent& event) {
    static constexpr const char* k_words[] = {"added ", "updated ", "popped "};
    replica.told += k_words[static_cast<std::size_t>(event.kind)];
    replica.told += event.stack == crdt::UndoEvent::Stack::undo ? "undo\n" : "redo\n";
  }));
  replica.managers.push_back(std::move(manager));
}

void Session::undo(std::size_t index) {
  static constexpr UndoAction k_actions[] = {k_undo_step,  k_undo_step,   k_undo_step,  k_undo_step,
                                             k_redo_step,  k_redo_step,   k_redo_step,  k_stop,
                                             k_clear_both, k_clear_undo,  k_clear_redo, k_track,
                                             k_untrack,    k_add_to_scope};
  Replica& replica = *replicas_[index];
  if (content_ != Content::plain && replica.managers.size() < 2 && chance_.one_in(16)) {
    make_undo(index);
  }
  if (replica.managers.empty()) {
    return;
  }
  const std::size_t which = chance_.pick(replica.managers.size());
  const UndoAction action = k_actions[chance_.pick(chance_.one_in(4) ? std::size(k_actions) : 7)];
  const std::size_t argument = chance_.pick(k_origins);
  out_.var_uint(k_undo);
  for (const std::size_t number : {index, which, std::size_t{action}, argument}) {
    out_.var_uint(number);
  }
  const bool done = undo_action(replica, *replica.managers[which], action, argument);
  expect(Bytes{done ? std::uint8_t{1} : std::uint8_t{0}});
  check(index);
}

bool Session::undo_action(Replica& replica, crdt::UndoManager& manager, std::size_t action,
                          std::size_t argument) {
  switch (action) {
    case k_undo_step:
      return manager.undo();
    case k_redo_step:
      return manager.redo();
    case k_stop:
      manager.stop_capturing();
      return false;
    case k_clear_both:
      manager.clear();
      return false;
    case k_clear_undo:
      manager.clear_undo();
      return false;
    case k_clear_redo:
      manager.clear_redo();
      return false;
    case k_track:
      manager.track(crdt::Origin{argument});
      return false;
    case k_untrack:
      manager.untrack(crdt::Origin{argument});
      return false;
    default:
      manager.add_to_scope(root_of(*replica.doc, argument));
      return false;
  }
}

// In a text or list of that replica; everybody hears of it.
void Session::make_position(std::size_t index) {
  constexpr std::size_t k_positions_max = 16;
  crdt::Doc& doc = *replicas_[index]->doc;
  const Target target = editor_->choose(doc);
  const auto length = length_of(target.type);
  if (!length) {
    return;
  }
  const auto at = static_cast<std::uint32_t>(chance_.pick(*length + 1));
  const std::int64_t assoc = chance_.one_in(2) ? 0 : -1;
  const auto position = crdt::relative_position(doc, target.type, at, assoc);
  const Bytes bytes = encode_relative_position(position);
  out_.var_uint(k_position);
  out_.var_uint(index);
  out_.raw(target.path.view());
  out_.var_uint(at);
  out_.var_int(assoc);
  expect(bytes);
  expect(as_bytes(relative_position_to_any(position).to_json()));
  if (positions_.size() == k_positions_max) {
    positions_.erase(positions_.begin());
  }
  positions_.push_back(bytes);
}

void Session::load_documents(std::size_t index) {
  auto documents = replicas_[index]->doc->subdocuments();
  if (documents.empty()) {
    return;
  }
  std::ranges::sort(documents, {}, &crdt::Subdocument::guid);
  const bool load = !chance_.one_in(4);
  for (crdt::Subdocument& document : documents) {
    load ? document.load() : document.unload();
  }
  out_.var_uint(k_load);
  out_.var_uint(index);
  out_.var_uint(load ? 1 : 0);
  check(index);
}

void Session::wait() {
  now_ms_ += chance_.pick(1000);
  for (const auto& replica : replicas_) {
    for (const auto& manager : replica->managers) {
      manager->set_time(now_ms_);
    }
  }
  out_.var_uint(k_clock);
  out_.var_uint(now_ms_);
}

}  // namespace vivim::interop::conformance
