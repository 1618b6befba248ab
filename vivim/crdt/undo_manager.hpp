#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "vivim/crdt/any.hpp"
#include "vivim/crdt/doc.hpp"
#include "vivim/crdt/id.hpp"
#include "vivim/crdt/subscription.hpp"
#include "vivim/crdt/value.hpp"

namespace vivim::crdt {

namespace detail {
class UndoState;
}

/// Most steps that can be undone, and redone; older ones are forgotten.
inline constexpr std::size_t k_undo_steps_max = 10'000;

/// Something that an undo or redo would delete.
struct UndoItem {
  Id id;
  std::uint32_t length = 0;
  Value parent;
  std::optional<std::string> key;  ///< if the parent holds it by key
  Value content;                   ///< the first of what it holds
};

struct UndoOptions {
  /// Edits that follow each other within this time form one step.
  std::uint64_t capture_timeout_ms = 500;
  /// Transactions of these origins can be undone. Updates applied with no origin never can.
  std::vector<Origin> tracked_origins{Origin{}};
  /// Undo writes over what others have set meanwhile in maps.
  bool ignore_remote_map_changes = false;
  /// False: a transaction of this origin is not captured.
  std::function<bool(Origin)> capture_transaction;
  /// False: an undo or redo leaves this alone.
  std::function<bool(const UndoItem&)> delete_filter;
  std::size_t steps_max = k_undo_steps_max;
};

/// What happened to the steps.
struct UndoEvent {
  enum class Kind : std::uint8_t {
    added,    ///< a step is new
    updated,  ///< a step took in one more transaction
    popped    ///< a step was undone or redone
  };
  enum class Stack : std::uint8_t { undo, redo };
  Kind kind = Kind::added;
  Stack stack = Stack::undo;
  /// The application's own notes on the step, such as where the cursor was. May be changed.
  Any::Object& meta;
  std::vector<Value> changed;  ///< every type that changed, and those above
  Origin origin;
};

/// Takes back what was done to some types of a document, as Yjs' UndoManager does and with the same
/// bytes: it deletes what was inserted, and inserts anew what was deleted. What others did stays.
/// Content that a step could bring back is not forgotten by the document. No clock inside. Must not
/// outlive the document.
class UndoManager {
 public:
  /// `scope` holds types of `doc`; their children belong to them. Empty: the whole document.
  explicit UndoManager(Doc& doc, const std::vector<Value>& scope = {}, UndoOptions options = {});
  ~UndoManager();
  UndoManager(const UndoManager&) = delete;
  UndoManager& operator=(const UndoManager&) = delete;

  /// The time of what follows: any monotonic time in milliseconds.
  void set_time(std::uint64_t now_ms);
  /// The next transaction begins a step of its own.
  void stop_capturing();

  /// Takes back the last step that still changes something. False: there was none. Not inside a
  /// transaction.
  bool undo();
  /// Does again what was undone last.
  bool redo();
  std::size_t undo_steps() const;
  std::size_t redo_steps() const;
  bool can_undo() const { return undo_steps() > 0; }
  bool can_redo() const { return redo_steps() > 0; }
  void clear();
  void clear_undo();
  void clear_redo();

  /// In an observer that hears of an undo or redo of ours: the notes on that step; else null.
  const Any::Object* step_under_way() const;

  void add_to_scope(const Value& type);
  void track(Origin origin);
  void untrack(Origin origin);

  Subscription observe(std::function<void(const UndoEvent&)> observer);

 private:
  std::unique_ptr<detail::UndoState> state_;
};

}  // namespace vivim::crdt
