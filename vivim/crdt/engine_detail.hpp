#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "vivim/crdt/doc.hpp"
#include "vivim/crdt/inspect.hpp"
#include "vivim/crdt/item_detail.hpp"
#include "vivim/crdt/observers_detail.hpp"
#include "vivim/crdt/sequence_detail.hpp"
#include "vivim/crdt/update.hpp"
#include "vivim/crdt/value.hpp"
#include "vivim/crdt/wire_detail.hpp"

namespace vivim::crdt::detail {

/// Strings that occur often (map keys, root names), numbered.
class KeyTable {
 public:
  KeyRef intern(std::string_view key);
  /// k_none if it was never interned.
  KeyRef find(std::string_view key) const;
  const std::string& name(KeyRef key) const { return *names_[key]; }

 private:
  struct Hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const {
      return std::hash<std::string_view>{}(text);
    }
  };
  std::unordered_map<std::string, KeyRef, Hash, std::equal_to<>> refs_;
  std::vector<const std::string*> names_;
};

/// From keys to the last item of each key's list, in order of first appearance.
class KeyMap {
 public:
  struct Entry {
    KeyRef key = k_none;
    ItemRef item = k_none;
  };
  ItemRef find(KeyRef key) const;
  void set(KeyRef key, ItemRef item);
  void clear();
  const std::vector<Entry>& entries() const { return entries_; }

 private:
  static constexpr std::size_t k_scanned_max = 12;
  std::vector<Entry> entries_;
  std::unique_ptr<std::unordered_map<KeyRef, std::uint32_t>> index_;
};

/// A shared type: root or nested.
struct Type {
  TypeKind kind = TypeKind::unknown;
  bool has_formatting = false;
  bool dead = false;      ///< deleted and its content forgotten
  ItemRef item = k_none;  ///< the item that holds it; none for roots
  KeyRef root_name = k_none;
  ItemRef start = k_none;
  ItemRef tail = k_none;           ///< last of the list
  std::uint32_t length = 0;        ///< visible units of the list
  ItemRef cursor = k_none;         ///< where the last local edit was,
  std::uint32_t cursor_start = 0;  ///< and the visible units before it
  KeyMap map;
  std::unique_ptr<Sequence> sequence;
  Content name;  ///< of XML elements and hooks, as encoded
  std::unique_ptr<Observers<const TextEvent&>> text_observers;
  std::unique_ptr<Observers<const MapEvent&>> map_observers;
  std::unique_ptr<Observers<const ArrayEvent&>> array_observers;

  bool observed() const { return text_observers || map_observers || array_observers; }
};

/// What is known of a writer.
struct Client {
  std::uint64_t id = 0;
  std::uint32_t state = 0;  ///< the next clock
  RunList runs;
  mutable std::vector<ClockRange>
      deleted;  ///< grows with each deletion, put in order when it is read
};

/// A transaction that is running or waiting for its clean-up.
struct TransactionState {
  struct Changed {
    TypeRef type = k_none;
    bool list = false;
    std::vector<KeyRef> keys;
  };
  Origin origin;
  bool local = true;
  std::vector<std::uint32_t> before;  ///< by client: state at the begin + 1; 0: unchanged since
  std::vector<std::uint32_t> after;   ///< by client, when clean-up began
  std::vector<ClientIndex> touched;
  std::size_t settled = 0;  ///< how many of `touched` were when clean-up began
  std::vector<std::pair<ClientIndex, std::vector<ClockRange>>> deleted;
  std::vector<std::uint32_t> deleted_slots;  ///< by client: index into `deleted` + 1
  std::vector<DenseId> to_merge;             ///< Yjs: _mergeStructs
  std::vector<Changed> changed;
};

/// A list position as YText walks it.
struct TextPosition {
  ItemRef left = k_none;
  ItemRef right = k_none;
  std::uint32_t index = 0;
};

/// Format marks in force, key to value, both as encoded strings.
using Attributes = std::map<std::string, std::string, std::less<>>;

/// A document's insides: the struct store, the types, the transaction machinery. One file per
/// concern: engine.cpp (tables, lookups), engine_integrate.cpp (YATA, split, delete),
/// engine_transaction.cpp (observers, garbage, merging), engine_local.cpp and engine_text.cpp
/// (edits), engine_apply.cpp (updates in), engine_encode.cpp (updates out), engine_read.cpp
/// (values), engine_events.cpp (deltas).
class Engine {
 public:
  Engine(ClientId client, DocOptions options);

  ClientId client_id() const { return client_; }
  TypeRef root(std::string_view name, TypeKind kind);
  std::vector<std::string> root_names() const;
  Text text(TypeRef type) { return {*this, type}; }
  Map map(TypeRef type) { return {*this, type}; }
  Array array(TypeRef type) { return {*this, type}; }
  static TypeRef type_of(const Text& handle) { return handle.type_; }

  // Transactions (engine_transaction.cpp).
  void transact(const std::function<void(Transaction&)>& body, Origin origin);
  Subscription on_update(std::function<void(BytesView, Origin)> observer, UpdateFormat format);
  bool in_transaction() const { return current_ != nullptr; }

  // Updates (engine_apply.cpp, engine_encode.cpp).
  Result<void> apply(BytesView update, Origin origin, UpdateFormat format);
  Bytes encode(const StateVector& known, UpdateFormat format) const;
  StateVector state_vector() const;
  bool has_pending() const { return !pending_.empty() || !pending_deletes_.empty(); }
  WireDeletes deletes() const;
  /// The structs up to `state`, and the deletions `deleted`, as an update. Error: not_restorable.
  Result<Bytes> encode_version(const StateVector& state, const WireDeletes& deleted);
  /// Per client, the clock that must be known before another try of what is parked makes sense.
  const std::unordered_map<std::uint64_t, std::uint64_t>& missing() const { return missing_; }
  const WireDeletes& pending_deletes() const { return pending_deletes_; }
  /// What is parked, as one v1 update without deletions; empty if nothing is.
  Bytes parked_structs() const;
  /// Deletions that wait for what they delete, as a v1 update without structs.
  Bytes parked_deletes() const;

  // Local edits (engine_local.cpp, engine_text.cpp).
  void text_insert(TypeRef type, std::uint32_t index, std::string_view utf8);
  void text_remove(TypeRef type, std::uint32_t index, std::uint32_t length);
  void list_insert(TypeRef type, std::uint32_t index, std::vector<Any> values);
  void list_push(TypeRef type, std::vector<Any> values);
  TypeRef list_insert_type(TypeRef type, std::uint32_t index, TypeKind kind);
  void list_remove(TypeRef type, std::uint32_t index, std::uint32_t length);
  void map_set(TypeRef type, std::string_view key, const Any& value);
  TypeRef map_set_type(TypeRef type, std::string_view key, TypeKind kind);
  void map_erase(TypeRef type, std::string_view key);

  // Reading (engine_read.cpp).
  bool alive(TypeRef type) const;
  std::uint32_t length(TypeRef type) const { return alive(type) ? types_[type].length : 0; }
  std::string text_string(TypeRef type) const;
  std::optional<Value> list_get(TypeRef type, std::uint32_t index);
  void list_each(TypeRef type, const std::function<void(const Value&)>& visit);
  std::optional<Value> map_get(TypeRef type, std::string_view key);
  std::size_t map_size(TypeRef type) const;
  void map_each(TypeRef type, const std::function<void(std::string_view, const Value&)>& visit);
  Any to_any(TypeRef type, std::uint32_t depth = 0);

  Type& type(TypeRef ref) { return types_[ref]; }

  // Every struct, for inspection (inspect.cpp).
  std::vector<StructInfo> structs() const;

  /// Checks every invariant that the structures have; for tests. False: broken.
  bool consistent() const;

 private:
  friend struct EngineTest;

  // engine.cpp
  ClientIndex client_index(std::uint64_t id);
  std::uint32_t state_of(std::uint64_t id) const;
  TypeRef make_type(TypeKind kind);
  ItemRef item_at(DenseId id) const;
  ItemRef clean_start(DenseId id);
  ItemRef clean_end(DenseId id);
  void add_run(ItemRef ref);

  // engine_integrate.cpp
  void integrate(ItemRef ref);
  ItemRef first_conflict(const Item& item) const;
  void find_place(Item& item);
  bool before_origin(const Item& other, std::uint64_t scan, ItemRef& origin) const;
  void link(ItemRef ref);
  ItemRef split(ClientIndex client, RunList::Position position, std::uint32_t offset);
  void erase(ItemRef ref);
  void erase_children(const Type& type, std::vector<ItemRef>& todo);
  void note_change(TypeRef type, KeyRef key);
  void note_deleted(ClientIndex client, std::uint32_t clock, std::uint32_t len);
  void touch(ClientIndex client);
  std::uint32_t before(const TransactionState& state, ClientIndex client) const;
  bool is_new(const TransactionState& state, const Item& item) const {
    return item.clock >= before(state, item.client);
  }
  bool deletes(const TransactionState& state, const Item& item) const;

  // engine_transaction.cpp
  TransactionState& begin(Origin origin, bool local);
  void end(TransactionState& state);
  void clean_up(TransactionState& state);
  void collect_garbage(const TransactionState& state);
  void collect(ItemRef ref, bool parent_collected, std::vector<std::pair<ItemRef, bool>>& todo);
  void merge_deleted(const TransactionState& state);
  void merge_new(const TransactionState& state);
  void merge_split(const TransactionState& state);
  bool can_merge(const Item& left, const Item& right, ItemRef right_ref) const;
  std::size_t merge_with_lefts(Client& client, RunList::Position position,
                               RunList::Position& merged_at);
  void absorb(ItemRef left, ItemRef right);
  void emit(const TransactionState& state);

  // engine_events.cpp
  void call_observers(const TransactionState& state);
  void call_observers(const TransactionState& state, const TransactionState::Changed& changed);
  TextDelta text_delta(const TransactionState& state, const Type& type) const;
  ArrayDelta array_delta(const TransactionState& state, const Type& type) const;
  std::optional<MapAction> map_action(const TransactionState& state, ItemRef ref) const;

  // engine_local.cpp
  ItemRef make_local(Kind kind, std::uint32_t len);
  ItemRef insert_local(TypeRef type, ItemRef left, ItemRef right, ItemRef fresh);
  ItemRef insert_values(TypeRef type, ItemRef left, ItemRef right, const std::vector<Any>& values);
  TypeRef fill_type(ItemRef fresh, TypeKind kind);
  /// The visible item that covers unit `index - 1`, cut so that it ends at `index`; k_none for 0.
  /// Beyond the end: the last.
  ItemRef locate(TypeRef type, std::uint32_t index);
  struct Place {
    ItemRef item = k_none;
    std::uint32_t start = 0;  ///< visible units before the item
  };
  /// The visible item that covers unit `index - 1`, 0 < index <= length.
  Place seek(Type& type, std::uint32_t index);
  std::optional<Place> walk(Place from, std::uint32_t index, std::uint32_t steps_max) const;
  void set_cursor(TypeRef type, ItemRef item, std::uint32_t start);

  // engine_text.cpp
  Attributes attributes_until(TypeRef type, ItemRef end) const;
  void skip_redundant(TypeRef type, TextPosition& position);
  void clean_format_gap(ItemRef start, const Attributes& attributes);

  // engine_apply.cpp
  friend class Integration;
  void apply_decoded(const DecodedUpdate& update);
  std::optional<std::uint64_t> missing_client(const WireStruct& item) const;
  void integrate_wire(const WireStruct& wire, std::uint32_t offset);
  void resolve(const WireStruct& wire, Item& item);
  void resolve_parent(const WireStruct& wire, Item& item);
  void fill_content(Item& item, const WireStruct& wire, std::uint32_t offset);
  DenseId dense(const Id& id) {
    return {client_index(value_of(id.client)), static_cast<std::uint32_t>(id.clock)};
  }
  WireDeletes apply_deletes(const WireDeletes& deletes);
  void apply_range(ClientIndex client, ClockRange range);
  bool should_retry() const;
  void note_missing(std::uint64_t client, std::uint64_t clock);
  bool would_park(const DecodedUpdate& update) const;
  Result<void> check_room(const DecodedUpdate& update, std::size_t bytes);
  void park(Bytes update);
  void compact_pending();

  // engine_encode.cpp
  template <class Out>
  void write_state(Out& out, const StateVector& known) const;
  template <class Out>
  void write_transaction(Out& out, const TransactionState& state) const;
  template <class Out>
  void write_runs(Out& out, const Client& client, std::uint32_t from) const;
  template <class Out>
  void write_item(Out& out, const Item& item, std::uint32_t offset) const;
  template <class Out>
  void write_content(Out& out, const Item& item, std::uint32_t offset) const;
  void write_runs_until(UpdateEncoderV1& out, ClientIndex client, std::uint32_t end);
  Bytes encode_event(const TransactionState& state, UpdateFormat format) const;
  Bytes with_pending(Bytes state, const StateVector& known, UpdateFormat format) const;

  // inspect.cpp
  StructInfo info(const Item& item) const;

  // engine_read.cpp
  Value value_of_type(TypeRef type);
  Value value_at(const Item& item, std::uint32_t offset);
  void each_value(const Item& item, const std::function<void(const Value&)>& visit);

  ClientId client_;
  ClientIndex self_ = 0;
  DocOptions options_;
  std::vector<Client> clients_;
  std::unordered_map<std::uint64_t, ClientIndex> client_indexes_;
  KeyTable keys_;
  ItemSlab items_;
  std::deque<Type> types_;
  std::unordered_map<KeyRef, TypeRef> roots_;
  std::vector<TypeRef> root_order_;

  TransactionState* current_ = nullptr;
  std::deque<std::unique_ptr<TransactionState>>
      queue_;  ///< transactions whose clean-up is running or to come
  std::unique_ptr<TransactionState> spare_;
  bool cleaning_ = false;
  Observers<BytesView, Origin> update_observers_;
  Observers<BytesView, Origin> update_v2_observers_;

  // Parked structs, as updates, and per client the clock that must be passed before another try
  // makes sense.
  std::vector<Bytes> pending_;
  std::size_t pending_bytes_ = 0;
  std::size_t pending_compacted_bytes_ = 0;
  std::unordered_map<std::uint64_t, std::uint64_t> missing_;
  WireDeletes pending_deletes_;

  // Marks of the conflict scan: by item, the number of the scan (or of its current set).
  std::vector<std::uint64_t> before_mark_;
  std::vector<std::uint64_t> conflict_mark_;
  std::uint64_t mark_ = 0;
};

}  // namespace vivim::crdt::detail
