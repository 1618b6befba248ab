#pragma once

#include <array>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "vivim/crdt/attributes_detail.hpp"
#include "vivim/crdt/doc.hpp"
#include "vivim/crdt/engine_state_detail.hpp"
#include "vivim/crdt/equivocation_detail.hpp"
#include "vivim/crdt/event.hpp"
#include "vivim/crdt/inspect.hpp"
#include "vivim/crdt/item_detail.hpp"
#include "vivim/crdt/limits.hpp"
#include "vivim/crdt/observers_detail.hpp"
#include "vivim/crdt/sequence_detail.hpp"
#include "vivim/crdt/update.hpp"
#include "vivim/crdt/value.hpp"
#include "vivim/crdt/wire_detail.hpp"

namespace vivim::crdt::detail {

/// Items side by side that many clients put at one place at the same time: all with the same
/// origins, the first right behind that origin, in order of their clients. Where one more belongs
/// is found without passing them all.
struct ConflictZone {
  TypeRef type = k_none;
  DenseId origin;
  DenseId right_origin;
  ItemRef first = k_none;
  std::map<std::uint64_t, ItemRef> items;  ///< by client

  bool takes(const Items& all, const Item& item) const {
    return all.key(item) == k_none && all.parent(item) == type && all.origin(item) == origin &&
           all.right_origin(item) == right_origin;
  }
};

/// A list position as YText walks it.
struct TextPosition {
  TypeRef type = k_none;
  ItemRef left = k_none;
  ItemRef right = k_none;
  std::uint32_t index = 0;
  Attributes attributes;  ///< in force here
};

/// A document's insides: the struct store, the types, the transaction machinery. One file per
/// concern: engine.cpp (tables, lookups), engine_integrate.cpp (YATA, split, delete),
/// engine_transaction.cpp (observers, garbage, merging), engine_local.cpp and engine_text.cpp
/// (edits), engine_formatting.cpp (marks that say nothing), engine_apply.cpp, engine_place.cpp and
/// engine_pending.cpp (updates in: their order, where each struct goes, what has to wait),
/// engine_gaps.cpp (what is integrated over a gap), engine_encode.cpp (updates out),
/// engine_read.cpp and engine_xml.cpp (values), engine_events.cpp and engine_delta.cpp (observers,
/// what they are told).
class Engine {
 public:
  Engine(ClientId client, DocOptions options);

  ClientId client_id() const { return client_; }
  TypeRef root(std::string_view name, TypeKind kind);
  std::vector<std::string> root_names() const;
  Text text(TypeRef type) { return {*this, type}; }
  Map map(TypeRef type) { return {*this, type}; }
  Array array(TypeRef type) { return {*this, type}; }
  XmlFragment xml_fragment(TypeRef type) { return {*this, type}; }
  XmlElement xml_element(TypeRef type) { return {*this, type}; }
  XmlText xml_text(TypeRef type) { return {*this, type}; }
  template <class Handle>
  static TypeRef type_of(const Handle& handle) {
    return handle.type_;
  }
  /// The handle of a type, by its kind.
  Value value_of_type(TypeRef type);

  // Transactions (engine_transaction.cpp).
  void transact(const std::function<void(Transaction&)>& body, Origin origin);
  Subscription on_update(std::function<void(BytesView, Origin)> observer, UpdateFormat format);
  bool in_transaction() const { return current_ != nullptr; }
  Subscription after_transaction(std::function<void(TransactionState&)> observer) {
    track_all();
    return after_transaction_.add(std::move(observer));
  }

  // Updates (engine_apply.cpp, engine_encode.cpp).
  Result<void> apply(BytesView update, Origin origin, UpdateFormat format);
  Bytes encode(const StateVector& known, UpdateFormat format) const;
  /// Bytes of states that are kept for who asks next.
  std::size_t kept_state_bytes() const {
    return encoded_[0].bytes.capacity() + encoded_[1].bytes.capacity();
  }
  StateVector state_vector() const;
  bool has_pending() const { return !pending_.empty() || !pending_deletes_.empty(); }
  /// Clocks that have not come, of clients of whom later ones have.
  WireDeletes gaps() const;
  /// Whether the last update took all the steps it may, and something is left to do.
  bool postponed() const { return postponed_; }
  WireDeletes deletes() const;
  /// The structs up to `state`, and the deletions `deleted`, as an update. Error: not_restorable.
  Result<Bytes> encode_version(const StateVector& state, const WireDeletes& deleted);
  /// Per client, the clock that must be known before another try of what is parked makes sense.
  const std::unordered_map<std::uint64_t, std::uint64_t>& missing() const { return missing_; }
  Evidence& evidence() { return evidence_; }
  const Evidence& evidence() const { return evidence_; }
  const WireDeletes& pending_deletes() const { return pending_deletes_; }
  /// What is parked, as one v1 update without deletions; empty if nothing is.
  Bytes parked_structs() const;
  /// Deletions that wait for what they delete, as a v1 update without structs.
  Bytes parked_deletes() const;

  // Local edits (engine_local.cpp, engine_text.cpp).
  void text_insert(TypeRef type, std::uint32_t index, std::string_view utf8,
                   const TextAttributes* attributes);
  bool type_on(TypeRef type, std::uint32_t index, std::string_view utf8);
  void text_embed(TypeRef type, std::uint32_t index, const Any& embed,
                  const TextAttributes& attributes);
  TypeRef text_insert_type(TypeRef type, std::uint32_t index, const NewType& fresh,
                           const TextAttributes& attributes);
  void text_remove(TypeRef type, std::uint32_t index, std::uint32_t length);
  void text_format(TypeRef type, std::uint32_t index, std::uint32_t length,
                   const TextAttributes& attributes);
  void text_apply(TypeRef type, const TextDelta& delta, FinalNewline final_newline);
  void list_insert(TypeRef type, std::uint32_t index, std::vector<Any> values);
  void list_push(TypeRef type, std::vector<Any> values);
  TypeRef list_insert_type(TypeRef type, std::uint32_t index, const NewType& fresh);
  /// Right behind the item of `child`; k_none: at the begin.
  TypeRef list_insert_type_after(TypeRef type, TypeRef child, const NewType& fresh);
  void list_remove(TypeRef type, std::uint32_t index, std::uint32_t length);
  void map_set(TypeRef type, std::string_view key, const Any& value);
  TypeRef map_set_type(TypeRef type, std::string_view key, const NewType& fresh);
  void map_erase(TypeRef type, std::string_view key);
  void map_clear(TypeRef type);

  /// Yjs followRedone: where what `id` was made anew as is now, and at which offset in its item.
  std::pair<ItemRef, std::uint32_t> follow_redone(DenseId id) const;

  // Documents within (engine_subdocuments.cpp).
  Id list_insert_document(TypeRef type, std::uint32_t index, const SubdocumentOptions& options);
  Id map_set_document(TypeRef type, std::string_view key, const SubdocumentOptions& options);
  const SubdocumentEntry* subdocument(Id id) const;
  Subdocument subdocument_handle(Id id) { return {*this, id}; }
  void load_subdocument(Id id);
  void unload_subdocument(Id id);
  std::vector<Subdocument> subdocuments();
  Subscription on_subdocuments(std::function<void(const SubdocumentEvent&)> observer) {
    return subdocument_observers_.add(std::move(observer));
  }

  // Reading (engine_read.cpp).
  bool alive(TypeRef type) const;
  std::uint32_t length(TypeRef type) const { return alive(type) ? types_[type].length : 0; }
  std::string text_string(TypeRef type) const;
  TextDelta text_delta(TypeRef type);
  std::vector<Value> list_slice(TypeRef type, std::int64_t start, std::int64_t end);
  Any::Object map_values(TypeRef type);
  std::optional<Value> list_get(TypeRef type, std::uint32_t index);
  void list_each(TypeRef type, const std::function<void(const Value&)>& visit);
  std::optional<Value> map_get(TypeRef type, std::string_view key);
  std::size_t map_size(TypeRef type) const;
  void map_each(TypeRef type, const std::function<void(std::string_view, const Value&)>& visit);
  Any to_any(TypeRef type, std::uint32_t depth = 0);

  // XML (engine_xml.cpp).
  std::string xml_string(TypeRef type, std::uint32_t depth = 0);
  std::string xml_name(TypeRef type) const;
  std::optional<Value> xml_first_child(TypeRef type);
  enum class Direction : std::uint8_t { next, previous };
  std::optional<Value> xml_sibling(TypeRef type, Direction direction);
  std::optional<Value> xml_parent(TypeRef type);
  std::vector<Value> xml_walk(TypeRef type, const XmlFilter& filter);

  Type& type(TypeRef ref) { return types_[ref]; }
  TypeObservers& observers(TypeRef ref);
  /// From now on changes are noted of types that nobody observes, too.
  void track_all() { tracks_all_ = true; }

  // Every struct, for inspection (inspect.cpp).
  std::vector<StructInfo> structs() const;

  /// Checks every invariant that the structures have; for tests. False: broken.
  bool consistent() const;

 private:
  friend struct EngineTest;
  friend class UndoState;
  friend struct Positions;

  // engine.cpp
  ClientIndex client_index(std::uint64_t id);
  /// k_none if nothing of this client was heard of.
  ClientIndex find_client(std::uint64_t id) const;
  /// The next clock. With gaps, not all below it has come.
  std::uint32_t state_of(std::uint64_t id) const;
  TypeRef make_type(TypeKind kind);
  ItemRef item_at(DenseId id) const;
  ItemRef clean_start(DenseId id);
  ItemRef clean_end(DenseId id);
  void add_run(ItemRef ref);

  // engine_integrate.cpp
  void integrate(ItemRef ref);
  /// Lets the client's last run grow by `text`, if an item of its own would be merged into that run
  /// when the transaction ends, and nobody is told of items. False: it would not.
  bool extend(ClientIndex client, DenseId right_origin, std::string_view text, std::size_t units);
  ItemRef first_conflict(const Item& item) const;
  void find_place(Item& item);
  std::uint32_t scan_conflicts(Item& item);
  bool find_in_zone(Item& item) const;
  void begin_zone(const Item& item);
  void join_zone(ItemRef ref);
  void end_zone();
  /// Something came to stand left of `right`, or took its place.
  void break_zone(ItemRef right) {
    if (right != k_none && items_[right].zoned()) {
      end_zone();
    }
  }
  bool before_origin(const Item& other, std::uint32_t scan, ItemRef& origin) const;
  void link(ItemRef ref);
  /// Keeps nothing of where the item was.
  void make_bare(Item& item) {
    item.origin_clock = item.right_origin_clock = 0;
    items_.set_shape(item, {.client = items_.client(item)});
  }
  ItemRef split(ClientIndex client, RunList::Position position, std::uint32_t offset);
  void erase(ItemRef ref);
  void erase_children(const Type& type, std::vector<ItemRef>& todo);
  bool tracked(const Type& type) const;
  void note_change(TypeRef type, KeyRef key);
  void note_deleted(ClientIndex client, std::uint32_t clock, std::uint32_t len);
  void touch(ClientIndex client);
  std::uint32_t before(const TransactionState& state, ClientIndex client) const;
  bool is_new(const TransactionState& state, const Item& item) const {
    return item.clock >= before(state, items_.client(item)) ||
           (state.gaps && state.gaps->filled.contains(items_.id(item)));
  }
  bool deletes(const TransactionState& state, const Item& item) const;

  // Yjs iterateStructs: every item of `range`, cut at both ends, in order; `visit` may cut and add.
  template <class Visit>
  void each_struct(TransactionState& state, ClientIndex client, ClockRange range, Visit&& visit);
  template <class Visit>
  void each_deleted(TransactionState& state, const std::vector<ClientRanges>& ranges,
                    Visit&& visit);
  void cut(TransactionState& state, DenseId id);

  // engine_subdocuments.cpp
  ItemRef make_document(const SubdocumentOptions& options);
  void note_subdocument(ItemRef item);
  void forget_subdocument(ItemRef item);
  void tell_subdocuments(TransactionState& state);
  void let_go(Id id);
  Id wire_id(DenseId id) const { return {ClientId{clients_[id.client].id}, id.clock}; }

  // engine_transaction.cpp
  TransactionState& begin(Origin origin, bool local);
  void end(TransactionState& state);
  void clean_up(TransactionState& state);
  void collect_garbage(TransactionState& state);
  void collect(ItemRef ref, bool parent_collected, std::vector<std::pair<ItemRef, bool>>& todo);
  void merge_deleted(const TransactionState& state);
  void merge_range(ClientIndex client, ClockRange range);
  void merge_new(const TransactionState& state);
  void merge_split(const TransactionState& state);
  static bool alike(const Item& left, const Item& right, ItemRef right_ref);
  bool can_merge(const Item& left, const Item& right, ItemRef right_ref) const;
  std::size_t merge_with_lefts(Client& client, RunList::Position position,
                               RunList::Position& merged_at);
  void absorb(ItemRef left, ItemRef right);
  void emit(const TransactionState& state);

  // engine_events.cpp
  void call_observers(TransactionState& state);
  void call_observers(TransactionState& state, std::uint32_t index);
  void call_deep_observers(TransactionState& state);
  void call_deep_observers(TransactionState& state, TypeRef type,
                           const std::vector<std::uint32_t>& indexes);
  const TransactionState::Told& tell(TransactionState& state, std::uint32_t index);
  void note_parents(TransactionState& state, TypeRef type, std::uint32_t index);
  void notify(const TransactionState& state, TypeObservers& observers,
              const TransactionState::Changed& changed, const TransactionState::Told& told);
  Path path_between(TypeRef from, TypeRef to) const;
  TextDelta text_delta(const TransactionState& state, TypeRef type);
  ArrayDelta array_delta(const TransactionState& state, const Type& type);
  std::optional<MapChange> map_change(const TransactionState& state, const Type& type, KeyRef key);

  // engine_local.cpp
  ItemRef make_local(Kind kind, std::uint32_t len);
  ItemRef insert_local(TypeRef type, ItemRef left, ItemRef right, ItemRef fresh,
                       KeyRef key = k_none);
  ItemRef insert_values(TypeRef type, ItemRef left, ItemRef right, const std::vector<Any>& values);
  TypeRef fill_type(ItemRef item, const NewType& fresh);
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
  TextPosition text_position(TypeRef type, std::uint32_t index);
  TextPosition edit_position(TypeRef type, std::uint32_t index);
  void forward(TextPosition& position) const;
  FormatValue format_value(ItemRef mark, std::string_view json) const;
  void skip_equal(TextPosition& position, const Attributes& attributes) const;
  void insert_mark(TextPosition& position, std::string_view key, const FormatValue& value);
  Attributes insert_marks(TextPosition& position, const Attributes& attributes);
  void negate_marks(TextPosition& position, Attributes negated);
  void insert_content(TextPosition& position, ItemRef fresh, Attributes attributes);
  ItemRef make_text(std::string_view utf8);
  ItemRef make_embed(const Any& embed);
  void format_range(TextPosition& position, std::uint32_t length, const Attributes& attributes);
  bool format_item(TextPosition& position, std::uint32_t& length, const Attributes& attributes,
                   Attributes& negated);
  void remove_range(TextPosition& position, std::uint32_t length);

  // engine_formatting.cpp
  std::size_t clean_format_gap(ItemRef start, ItemRef current, const Attributes& start_attributes,
                               Attributes& attributes);
  void clean_gap_around(ItemRef item);
  void clean_formatting(TypeRef type);
  void clean_formatting_after(TransactionState& state);

  // engine_apply.cpp
  friend class Integration;
  friend class Surveyor;
  void apply_expected();
  void apply_decoded(const DecodedUpdate& update);
  std::size_t apply_in_order(std::span<const WireStruct> items);
  std::optional<std::uint64_t> missing_client(const WireStruct& item) const;
  bool too_deep(const WireStruct& wire);
  bool all_deleted(std::uint64_t client, const std::vector<ClockRange>& ranges);
  WireDeletes apply_deletes(const WireDeletes& deletes);
  void apply_range(ClientIndex client, ClockRange range);
  DenseId dense(const Id& id) {
    return {client_index(value_of(id.client)), static_cast<std::uint32_t>(id.clock)};
  }

  // engine_gaps.cpp
  bool over_gaps() const { return options_.gap_mode == GapMode::v14; }
  bool in_gap(DenseId id) const {
    return clients_[id.client].gaps > 0 && items_[item_at(id)].kind() == Kind::skip;
  }
  /// Whether the operation is here.
  bool knows(const Id& id) const;
  /// The first part of `range` that is not here; empty at its end if all of it is.
  ClockRange next_unknown(std::uint64_t client, ClockRange range) const;
  /// Calls `known(part)` for each part of `range` that is here and `unknown(part)` for the others,
  /// in order. `known` may cut runs.
  template <class Known, class Unknown>
  void each_part(std::uint64_t client, ClockRange range, Known&& known, Unknown&& unknown) const;
  void leave_gap(ClientIndex client, std::uint32_t to);
  void fill_gap(ClientIndex writer, ItemRef ref);
  GapChanges& gap_changes();
  /// What the transaction inserted of a client, in order.
  std::vector<ClockRange> inserted(const TransactionState& state, ClientIndex client,
                                   std::uint32_t before, std::uint32_t after) const;
  bool stands_with_its_begin(const WireStruct& wire, std::uint64_t clock);
  void integrate_part(const WireStruct& wire, ClockRange part);
  bool would_park_over_gaps(const DecodedUpdate& update) const;
  struct Elements;
  template <class Out>
  void write_part(Out& out, const Item& item, ClockRange part, Elements& elements) const;
  template <class Out>
  void write_parts(Out& out, ClientIndex client, const std::vector<ClockRange>& parts) const;

  // engine_place.cpp
  struct Spot;
  bool find_own_spot(ClientIndex client, const WireStruct& wire, Spot& spot) const;
  bool find_any_spot(ClientIndex client, const WireStruct& wire, Spot& spot) const;
  bool find_spot(ClientIndex client, const WireStruct& wire, Spot& spot) const;
  bool extend_remote(ClientIndex client, const WireStruct& wire);
  /// Places most of what comes, at little expense. False: it is for integrate_wire() in full.
  bool place(ClientIndex client, const WireStruct& wire);
  struct Row;
  std::size_t place_row(ClientIndex client, std::span<const WireStruct> items);
  bool may_extend(const Row& row, const WireStruct& wire) const;
  bool enter(Row& row, const WireStruct& wire, Spot& spot);
  void put_in(Row& row, const WireStruct& wire, const Spot& spot);
  void note_deleted(const Row& row);
  void leave(Row& row);
  void integrate_wire(const WireStruct& wire, std::uint32_t offset);
  void integrate_in_full(const WireStruct& wire, std::uint32_t offset);
  void resolve(const WireStruct& wire, Item& item, Shape& shape);
  void cut_at_origins(const WireStruct& wire);
  void resolve_parent(const WireStruct& wire, const Item& item, Shape& shape);
  void fill_content(Item& item, const WireStruct& wire, std::uint32_t offset);

  // engine_pending.cpp
  bool should_retry() const { return !pending_.empty() && heard_of_missing(); }
  bool heard_of_missing() const;
  void note_missing(std::uint64_t client, std::uint64_t clock);
  bool would_park(const DecodedUpdate& update) const;
  Result<void> check_room(const DecodedUpdate& update, std::size_t bytes);
  void park(Bytes update);
  void compact_pending();
  Result<Bytes> merge_parked() const;

  // equivocation.cpp
  void find_equivocations(const DecodedUpdate& update, std::size_t bytes, Origin origin);
  std::size_t compare(std::span<const WireStruct> theirs, ClockRange range, std::size_t budget,
                      Origin origin);
  void note_senders(const TransactionState& state);

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
  void write_place(Out& out, const Item& item, std::uint32_t offset) const;
  struct ShapeBytes;
  void write_runs(UpdateEncoderV1& out, const RunList& runs, RunList::Position from) const;
  void write_runs(UpdateEncoderV2& out, const RunList& runs, RunList::Position from) const;
  template <class Out>
  void reserve(Out& out, const ClientOrder& order) const;
  template <class Out>
  void write_content(Out& out, const Item& item, std::uint32_t offset) const;
  void write_runs_until(UpdateEncoderV1& out, ClientIndex client, std::uint32_t end);
  Bytes encode_anew(const StateVector& known, UpdateFormat format) const;
  Bytes encode_range(ClientIndex client, ClockRange range) const;
  Bytes with_pending(Bytes state, const StateVector& known, UpdateFormat format) const;

  // inspect.cpp
  StructInfo info(const Item& item) const;

  // engine_read.cpp
  Value value_at(const Item& item, std::uint32_t offset);
  void each_value(const Item& item, const std::function<void(const Value&)>& visit);

  ClientId client_;
  ClientIndex self_ = 0;
  ShapeRef own_shape_ = 0;  ///< of what this client writes, until it has a place
  DocOptions options_;
  std::vector<Client> clients_;
  std::uint32_t arrivals_ = 0;  ///< how many of them have written something
  std::unordered_map<std::uint64_t, ClientIndex> client_indexes_;
  mutable std::array<ClientIndex, 4> recent_clients_{k_none, k_none, k_none, k_none};
  KeyTable keys_;
  Items items_;
  std::deque<Type> types_;
  std::unordered_map<KeyRef, TypeRef> roots_;
  std::vector<TypeRef> root_order_;

  /// Marks whose object is that of another mark, by their ids, packed.
  std::unordered_map<std::uint64_t, std::uint64_t> shared_values_;
  /// What undo managers made anew: from the first id of an item, packed, to that of its successor.
  std::unordered_map<std::uint64_t, DenseId> redone_;
  std::map<std::uint64_t, SubdocumentEntry> subdocuments_;  ///< by id, packed
  Observers<const SubdocumentEvent&> subdocument_observers_;
  Observers<TransactionState&> after_transaction_;
  bool tracks_all_ = false;

  TransactionState* current_ = nullptr;
  std::uint64_t transactions_ = 0;
  std::deque<std::unique_ptr<TransactionState>>
      queue_;  ///< transactions whose clean-up is running or to come
  std::unique_ptr<TransactionState> spare_;
  bool cleaning_ = false;
  DecodedUpdate decoded_;  ///< the update that is being applied
  std::vector<ClockRange> spare_ranges_;
  Observers<BytesView, Origin> update_observers_;
  Observers<BytesView, Origin> update_v2_observers_;
  UpdateEncoderV1 event_;  ///< the update of the transaction that is told of

  /// Everything as bytes, as it was at change `at`; empty unless it was asked for twice.
  struct EncodedState {
    std::uint64_t at = 0;
    Bytes bytes;
  };
  std::uint64_t changes_ = 1;                    ///< grows with every transaction
  mutable std::array<EncodedState, 2> encoded_;  ///< v1, v2

  // Parked structs, as updates, and per client the clock that must be passed before another try
  // makes sense.
  std::vector<Bytes> pending_;
  std::size_t pending_bytes_ = 0;
  std::size_t pending_compacted_bytes_ = 0;
  std::unordered_map<std::uint64_t, std::uint64_t> missing_;
  WireDeletes pending_deletes_;
  bool postponed_ = false;
  Evidence evidence_;
  Senders senders_;
  mutable std::int64_t steps_left_ = 0;  ///< of the update that is applied (limits.hpp)

  /// Of the update that is applied: runs that grew, and runs that were cut. Text that was put
  /// together before it came has something between its runs, so that growing them is in vain.
  struct TypedOn {
    std::uint32_t extended = 0;
    std::uint32_t cut = 0;
    bool worth_it() const {
      constexpr std::uint32_t k_few = 8;
      return extended < k_few || cut < extended / 4;
    }
  };
  TypedOn typed_on_;

  // Marks of the conflict scan: by item, the number of the scan (or of its current set).
  std::vector<std::uint32_t> before_mark_;
  std::vector<std::uint32_t> conflict_mark_;
  std::uint32_t mark_ = 0;
  std::unique_ptr<ConflictZone> zone_;  ///< the last one that was found
};

template <class Visit>
void Engine::each_struct(TransactionState& state, ClientIndex client, ClockRange range,
                         Visit&& visit) {
  const std::uint64_t end = std::min<std::uint64_t>(range.to, clients_[client].state);
  if (range.from >= end) {
    return;
  }
  cut(state, {client, static_cast<std::uint32_t>(range.from)});
  for (std::uint64_t clock = range.from; clock < end;) {
    const ItemRef ref = item_at({client, static_cast<std::uint32_t>(clock)});
    if (range.to < items_[ref].end()) {
      cut(state, {client, static_cast<std::uint32_t>(range.to)});
    }
    visit(ref);
    clock = items_[ref].end();
  }
}

template <class Known, class Unknown>
void Engine::each_part(std::uint64_t client, ClockRange range, Known&& known,
                       Unknown&& unknown) const {
  while (range.from < range.to) {
    const ClockRange gap = next_unknown(client, range);
    if (range.from < gap.from) {
      known(ClockRange{range.from, gap.from});
    }
    if (gap.from < gap.to) {
      unknown(gap);
    }
    range.from = gap.to;
  }
}

template <class Visit>
void Engine::each_deleted(TransactionState& state, const std::vector<ClientRanges>& ranges,
                          Visit&& visit) {
  for (const auto& [client, clocks] : ranges) {
    for (const ClockRange& range : clocks) {
      each_struct(state, client, range, visit);
    }
  }
}

}  // namespace vivim::crdt::detail
