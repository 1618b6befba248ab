#include "vivim/crdt/engine_detail.hpp"

namespace vivim::crdt::detail {

/// Where a struct goes.
struct Engine::Spot {
  ItemRef left = k_none;
  ItemRef right = k_none;
  Shape shape;
};

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
  const bool own = (!wire.has_origin || value_of(wire.origin.client) == wire.client) &&
                   (!wire.has_right_origin || value_of(wire.right_origin.client) == wire.client);
  if (!(own ? find_own_spot(client, wire, spot) : find_any_spot(client, wire, spot))) {
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

// Whether `wire` is what its writer typed on.
bool Engine::extend_remote(ClientIndex client, const WireStruct& wire) {
  if (!wire.has_origin || value_of(wire.origin.client) != wire.client ||
      wire.origin.clock + 1 != wire.clock) {
    return false;
  }
  const DenseId right = wire.has_right_origin ? dense(wire.right_origin) : DenseId{};
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
  if (offset == 0 && place(client, wire)) {
    return;
  }
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
