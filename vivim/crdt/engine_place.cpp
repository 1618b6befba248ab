#include <array>
#include <string>
#include <utility>

#include "vivim/crdt/engine_detail.hpp"

namespace vivim::crdt::detail {

/// Where a struct goes.
struct Engine::Spot {
  ItemRef left = k_none;
  ItemRef right = k_none;
  Shape shape;
  ShapeRef shape_ref = k_none;  ///< once it is known
};

namespace {

// No origin is another writer's.
bool is_own(const WireStruct& wire) {
  return (!wire.has_origin || value_of(wire.origin.client) == wire.client) &&
         (!wire.has_right_origin || value_of(wire.right_origin.client) == wire.client);
}

// It stands behind what its writer wrote right before.
bool typed_on(const WireStruct& wire) {
  return wire.has_origin && value_of(wire.origin.client) == wire.client &&
         wire.origin.clock + 1 == wire.clock;
}

}  // namespace

// Both origins are the struct's own writer's, which is what most of a large update has. The items
// of both are looked up, whether they are there or not (clock 0 is): what does not depend on what
// cannot be foreseen goes on beside it.
[[gnu::always_inline]] inline bool Engine::find_own_spot(ClientIndex client, const WireStruct& wire,
                                                         Spot& spot) const {
  const RunList& runs = clients_[client].runs;
  const auto left_clock = static_cast<std::uint32_t>(wire.origin.clock);
  const auto right_clock = static_cast<std::uint32_t>(wire.right_origin.clock);
  const ItemRef left = runs.item_at(items_, left_clock);
  const ItemRef right = runs.item_at(items_, right_clock);
  const Item& left_item = items_[left];
  const Item& right_item = items_[right];
  spot.left = wire.has_origin ? left : k_none;
  spot.right = wire.has_right_origin ? right : k_none;
  spot.shape.origin = wire.has_origin ? client : k_none;
  spot.shape.right_origin = wire.has_right_origin ? client : k_none;
  const auto cuts =
      static_cast<unsigned>(wire.has_origin & (left_item.end() != left_clock + 1)) |
      static_cast<unsigned>(wire.has_right_origin & (right_item.clock != right_clock));
  const ItemRef beside = wire.has_origin ? left_item.right() : right_item.left();
  const ItemRef wanted = wire.has_origin ? spot.right : k_none;
  return (cuts | static_cast<unsigned>(beside != wanted)) == 0;
}

[[gnu::always_inline]] inline bool Engine::find_any_spot(ClientIndex client, const WireStruct& wire,
                                                         Spot& spot) const {
  const auto run_of = [&](const Id& id, ClientIndex& writer) {
    writer = value_of(id.client) == wire.client ? client : find_client(value_of(id.client));
    const bool known = writer != k_none && id.clock < clients_[writer].state;
    return known ? item_at({writer, static_cast<std::uint32_t>(id.clock)}) : k_none;
  };
  if (wire.has_origin) {
    spot.left = run_of(wire.origin, spot.shape.origin);
    if (spot.left == k_none || items_[spot.left].end() != wire.origin.clock + 1) {
      return false;
    }
  }
  if (wire.has_right_origin) {
    spot.right = run_of(wire.right_origin, spot.shape.right_origin);
    if (spot.right == k_none || items_[spot.right].clock != wire.right_origin.clock) {
      return false;
    }
  }
  return spot.left == k_none ? items_[spot.right].left() == k_none
                             : items_[spot.left].right() == spot.right;
}

// Where text, or what is left of it, goes if that needs neither a cut nor a look at what others put
// there at the same time, and nobody wants to hear of it. False: all else.
[[gnu::always_inline]] inline bool Engine::find_spot(ClientIndex client, const WireStruct& wire,
                                                     Spot& spot) const {
  if (!(is_own(wire) ? find_own_spot(client, wire, spot) : find_any_spot(client, wire, spot))) {
    return false;
  }
  const Shape& beside = items_.shape(items_[wire.has_origin ? spot.left : spot.right]);
  if (beside.parent == k_none || beside.key != k_none) {
    return false;
  }
  spot.shape.client = client;
  spot.shape.parent = beside.parent;
  const Type& parent = types_[beside.parent];
  return !tracked(parent) && (parent.item == k_none || !items_[parent.item].deleted());
}

/// What place_row() knows of where it is.
struct Engine::Row {
  ClientIndex client = k_none;
  std::uint32_t clock = 0;   ///< of the next struct
  TypeRef list = k_none;     ///< in which the last one was,
  std::uint32_t length = 0;  ///< and what came to its length
  ItemRef last = k_none;     ///< what was placed last
  ClockRange deleted{};      ///< what was deleted and is not noted yet
  /// Of what is placed there, by whether it has a left and a right origin.
  std::array<ShapeRef, 4> shapes{k_none, k_none, k_none, k_none};
};

// Whether the last run may grow by `wire`: place() looks closer.
[[gnu::always_inline]] inline bool Engine::may_extend(const Row& row,
                                                      const WireStruct& wire) const {
  if (!typed_on(wire) || !typed_on_.worth_it()) {
    return false;
  }
  return row.last == k_none || (items_[row.last].kind() == Kind::string &&
                                items_[row.last].right_origin_clock ==
                                    static_cast<std::uint32_t>(wire.right_origin.clock));
}

// False: nothing can be placed there without more ado.
[[gnu::always_inline]] inline bool Engine::enter(Row& row, const WireStruct& wire, Spot& spot) {
  const Shape& beside = items_.shape(items_[wire.has_origin ? spot.left : spot.right]);
  if (beside.key != k_none || beside.parent == k_none) {
    return false;
  }
  if (beside.parent != row.list) {
    const Type& list = types_[beside.parent];
    if (tracked(list) || list.sequence || (list.item != k_none && items_[list.item].deleted())) {
      return false;
    }
    leave(row);
    row.list = beside.parent;
    row.shapes.fill(k_none);
  }
  ShapeRef& shape = row.shapes[(wire.has_origin ? 2 : 0) + (wire.has_right_origin ? 1 : 0)];
  if (shape == k_none) {
    spot.shape.client = row.client;
    spot.shape.parent = row.list;
    shape = items_.intern(spot.shape);
  }
  spot.shape_ref = shape;
  return true;
}

[[gnu::always_inline]] inline void Engine::put_in(Row& row, const WireStruct& wire,
                                                  const Spot& spot) {
  const ItemRef ref = items_.make();
  Item& item = items_[ref];
  const bool text = wire.kind == Kind::string;
  const auto len = static_cast<std::uint32_t>(wire.len);
  item.clock = row.clock;
  item.len = len;
  item.origin_clock = static_cast<std::uint32_t>(wire.origin.clock);
  item.right_origin_clock = static_cast<std::uint32_t>(wire.right_origin.clock);
  item.left_and_kind = spot.left;
  item.set_kind(wire.kind);
  item.right_and_flags = spot.right | (text ? 0 : Item::k_deleted);
  item.shape_and_wide = spot.shape_ref;
  if (spot.left == k_none) {
    types_[row.list].start = ref;
  } else {
    items_[spot.left].set_right(ref);
  }
  if (spot.right == k_none) {
    types_[row.list].tail = ref;
  } else {
    items_[spot.right].set_left(ref);
  }
  if (text) {
    items_.set_text(item, as_text(wire.content), len);
    row.length += len;
  } else if (row.deleted.to == row.clock) {
    row.deleted.to += len;
  } else {
    note_deleted(row);
    row.deleted = {row.clock, std::uint64_t{row.clock} + len};
  }
  clients_[row.client].runs.push_back(ref, row.clock, row.clock + len);
  row.clock += len;
  row.last = ref;
}

void Engine::note_deleted(const Row& row) {
  if (row.deleted.to > row.deleted.from) {
    note_deleted(row.client, static_cast<std::uint32_t>(row.deleted.from),
                 static_cast<std::uint32_t>(row.deleted.to - row.deleted.from));
  }
}

// Tells all else what was placed.
void Engine::leave(Row& row) {
  note_deleted(row);
  row.deleted = {};
  clients_[row.client].state = row.clock;
  if (row.list != k_none) {
    types_[row.list].cursor = k_none;
    types_[row.list].length += std::exchange(row.length, 0);
  }
}

// Places the first of `items`, of which more are to come, as place() would: as long as they are
// text, or what is left of it, between others of their writer, in one list. What does not change on
// the way is looked up once. How many that were.
std::size_t Engine::place_row(ClientIndex client, std::span<const WireStruct> items) {
  Client& writer = clients_[client];
  if (zone_ || writer.state == 0) {
    return 0;
  }
  Row row{.client = client, .clock = writer.state};
  std::size_t placed = 0;
  for (; placed < items.size() && steps_left_ > 0; ++placed) {
    const WireStruct& wire = items[placed];
    const bool text = wire.kind == Kind::string;
    Spot spot;
    if ((!text && wire.kind != Kind::deleted) || wire.parent != ParentRef::from_neighbour ||
        wire.clock != row.clock || !is_own(wire) || (text && may_extend(row, wire)) ||
        !find_own_spot(client, wire, spot) || !enter(row, wire, spot)) {
      break;
    }
    if (placed == 0) {
      touch(client);
    }
    put_in(row, wire, spot);
    --steps_left_;
  }
  leave(row);
  return placed;
}

// Whether `wire` is what its writer typed on.
bool Engine::extend_remote(ClientIndex client, const WireStruct& wire) {
  if (!typed_on(wire)) {
    return false;
  }
  DenseId right;
  if (wire.has_right_origin) {
    const bool own = value_of(wire.right_origin.client) == wire.client;
    right = own ? DenseId{client, static_cast<std::uint32_t>(wire.right_origin.clock)}
                : dense(wire.right_origin);
  }
  return extend(client, right, as_text(wire.content), wire.len);
}

bool Engine::place(ClientIndex client, const WireStruct& wire) {
  const bool text = wire.kind == Kind::string;
  if ((!text && wire.kind != Kind::deleted) || wire.parent != ParentRef::from_neighbour ||
      clients_[client].state == 0 || zone_) {
    return false;
  }
  if (text && typed_on_.worth_it() && extend_remote(client, wire)) {
    ++typed_on_.extended;
    return true;
  }
  Spot spot;
  if (!find_spot(client, wire, spot)) {
    return false;
  }
  const ItemRef ref = items_.make();
  Item& item = items_[ref];
  item.clock = static_cast<std::uint32_t>(wire.clock);
  item.len = static_cast<std::uint32_t>(wire.len);
  item.origin_clock = static_cast<std::uint32_t>(wire.origin.clock);
  item.right_origin_clock = static_cast<std::uint32_t>(wire.right_origin.clock);
  item.set_kind(wire.kind);
  items_.set_shape(item, spot.shape);
  item.set_left(spot.left);
  item.set_right(spot.right);
  Type& parent = types_[spot.shape.parent];
  if (spot.left == k_none) {
    parent.start = ref;
  } else {
    items_[spot.left].set_right(ref);
  }
  if (spot.right == k_none) {
    parent.tail = ref;
  } else {
    items_[spot.right].set_left(ref);
  }
  parent.cursor = k_none;
  if (text) {
    items_.set_text(item, as_text(wire.content), item.len);
    parent.length += item.len;
  }
  if (parent.sequence) {
    parent.sequence->inserted(ref);
  }
  add_run(ref);
  if (!text) {
    note_deleted(client, item.clock, item.len);
    item.set_deleted(true);
  }
  return true;
}

void Engine::integrate_wire(const WireStruct& wire, std::uint32_t offset) {
  const ClientIndex client = client_index(wire.client);
  if (offset > 0 || !place(client, wire)) {
    integrate_in_full(wire, offset);
  }
}

void Engine::integrate_in_full(const WireStruct& wire, std::uint32_t offset) {
  const ClientIndex client = client_index(wire.client);
  const ItemRef ref = items_.make();
  Item& item = items_[ref];
  Shape shape{.client = client};
  item.clock = static_cast<std::uint32_t>(wire.clock) + offset;
  item.len = static_cast<std::uint32_t>(wire.len) - offset;
  item.set_kind(wire.kind);
  if (wire.kind != Kind::gc) {
    resolve(wire, item, shape);
    if (offset > 0) {
      item.set_left(clean_end({client, item.clock - 1}));
      item.origin_clock = item.clock - 1;
      shape.origin = client;
      // What follows it in its struct stands where it stands. If not, a client has made two things
      // of one id: this one is kept as a gap, for no order would be the same everywhere.
      const Item& first_part = items_[item.left()];
      if (first_part.kind() == Kind::gc || items_.parent(first_part) != shape.parent ||
          items_.key(first_part) != shape.key) {
        shape.parent = k_none;
      }
    }
    if (shape.parent != k_none) {
      fill_content(item, wire, offset);
    }
  }
  items_.set_shape(item, shape);
  integrate(ref);
}

// Finds the neighbours, cutting runs where needed, and the parent; without a parent the item will
// be a GC struct.
void Engine::resolve(const WireStruct& wire, Item& item, Shape& shape) {
  if (wire.has_origin) {
    const DenseId origin = dense(wire.origin);
    shape.origin = origin.client;
    item.origin_clock = origin.clock;
    item.set_left(clean_end(origin));
  }
  if (wire.has_right_origin) {
    const DenseId origin = dense(wire.right_origin);
    shape.right_origin = origin.client;
    item.right_origin_clock = origin.clock;
    item.set_right(clean_start(origin));
  }
  const bool collected = (item.left() != k_none && items_[item.left()].kind() == Kind::gc) ||
                         (item.right() != k_none && items_[item.right()].kind() == Kind::gc);
  if (!collected) {
    resolve_parent(wire, item, shape);
  }
}

// Yjs looks for the neighbours of what it knows already, too, and cuts there: halves of a surrogate
// pair become U+FFFD, and what the cut leaves behind is merged in its order.
void Engine::cut_at_origins(const WireStruct& wire) {
  if (wire.has_origin) {
    clean_end(dense(wire.origin));
  }
  if (wire.has_right_origin) {
    clean_start(dense(wire.right_origin));
  }
}

void Engine::resolve_parent(const WireStruct& wire, const Item& item, Shape& shape) {
  switch (wire.parent) {
    case ParentRef::from_neighbour: {
      const Item& neighbour = items_[item.left() != k_none ? item.left() : item.right()];
      shape.parent = items_.parent(neighbour);
      shape.key = items_.key(neighbour);
      return;
    }
    case ParentRef::root:
      shape.parent = root(wire.root, TypeKind::unknown);
      break;
    case ParentRef::item: {
      const Item& parent = items_[item_at(dense(wire.parent_item))];
      if (parent.kind() == Kind::type) {
        shape.parent = parent.content;
      }
      break;
    }
  }
  if (wire.has_key) {
    shape.key = keys_.intern(wire.key);
  }
}

void Engine::fill_content(Item& item, const WireStruct& wire, std::uint32_t offset) {
  switch (wire.kind) {
    case Kind::string: {
      const Utf8Position at = utf8_position(as_text(wire.content), offset);
      const std::string_view tail = as_text(wire.content).substr(at.offset);
      if (at.inside_pair) {  // the other half is ours already: U+FFFD on both sides
        items_.set_text(item, "\xef\xbf\xbd" + std::string(tail), item.len);
      } else {
        items_.set_text(item, tail, item.len);
      }
      return;
    }
    case Kind::json:
    case Kind::any:
      items_.set_bytes(item, wire.content.subspan(element_offset(wire.kind, wire.content, offset)));
      return;
    case Kind::type: {
      const TypeRef type = make_type(wire.type);
      types_[type].name = to_bytes(wire.content);
      item.content = type;
      return;
    }
    case Kind::deleted:
      return;
    default:
      items_.set_bytes(item, wire.content);
  }
}

}  // namespace vivim::crdt::detail
