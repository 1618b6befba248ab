#include <algorithm>
#include <cstring>
#include <type_traits>
#include <utility>

#include "vivim/base/assert.hpp"
#include "vivim/crdt/engine_detail.hpp"

namespace vivim::crdt::detail {

StateVector Engine::state_vector() const {
  StateVector state;
  for (const Client& client : clients_) {
    if (client.state > 0) {
      state.emplace(ClientId{client.id}, client.gaps > 0 ? client.first_gap : client.state);
    }
  }
  return state;
}

WireDeletes Engine::deletes() const {
  WireDeletes deletes;
  for (const Client& client : clients_) {
    if (!client.deleted.empty()) {
      normalise(client.deleted);
      deletes[client.id] = client.deleted;
    }
  }
  return deletes;
}

// Yjs encodeStateAsUpdate: clients from the highest id down, each from where `known` ends, then
// every deletion. A state that is asked for again while nothing changes is kept as bytes until
// something does.
Bytes Engine::encode(const StateVector& known, UpdateFormat format) const {
  if (!known.empty() || has_pending() || !queue_.empty()) {
    return encode_anew(known, format);
  }
  EncodedState& kept = encoded_[format == UpdateFormat::v1 ? 0 : 1];
  if (kept.at == changes_ && !kept.bytes.empty()) {
    return kept.bytes;
  }
  Bytes state = encode_anew(known, format);
  const bool again = std::exchange(kept.at, changes_) == changes_;
  kept.bytes = again && state.size() <= k_kept_state_bytes_max ? state : Bytes();
  return state;
}

Bytes Engine::encode_anew(const StateVector& known, UpdateFormat format) const {
  const auto write = [&](auto out) {
    write_state(out, known);
    return out.take();
  };
  Bytes state = format == UpdateFormat::v1 ? write(UpdateEncoderV1()) : write(UpdateEncoderV2());
  return has_pending() ? with_pending(std::move(state), known, format) : state;
}

// About as many structs and bytes as these clients' runs will take.
template <class Out>
void Engine::reserve(Out& out, const ClientOrder& order) const {
  constexpr std::size_t k_run = 14;
  std::size_t runs = 0;
  std::size_t bytes = 256;
  for (const auto& [id, index] : order) {
    runs += clients_[index].runs.size();
    bytes += clients_[index].deleted.size() * k_run;
  }
  std::size_t text = 0;
  for (const Type& type : types_) {
    text += type.length;
  }
  out.reserve(runs, text + (std::is_same_v<Out, UpdateEncoderV1> ? bytes + runs * k_run : 0));
}

template <class Out>
void Engine::write_state(Out& out, const StateVector& known) const {
  ClientOrder order;
  for (ClientIndex i = 0; i < clients_.size(); ++i) {
    const auto it = known.find(ClientId{clients_[i].id});
    if (clients_[i].state > (it == known.end() ? 0 : it->second)) {
      order.emplace_back(clients_[i].id, i);
    }
  }
  std::ranges::sort(order, std::greater<>());
  reserve(out, order);
  out.rest().var_uint(order.size());
  for (const auto& [id, index] : order) {
    const auto it = known.find(ClientId{id});
    const std::uint64_t from = it == known.end() ? 0 : it->second;
    write_runs(out, clients_[index], static_cast<std::uint32_t>(from));
  }
  order.clear();
  for (ClientIndex i = 0; i < clients_.size(); ++i) {
    if (!clients_[i].deleted.empty()) {
      normalise(clients_[i].deleted);
      order.emplace_back(clients_[i].id, i);
    }
  }
  std::ranges::sort(order, std::greater<>());
  out.rest().var_uint(order.size());
  for (const auto& [id, index] : order) {
    write_client_deletes(out, id, clients_[index].deleted);
  }
}

// `state` and what is parked, as one update.
Bytes Engine::with_pending(Bytes state, const StateVector& known, UpdateFormat format) const {
  std::vector<UpdatePart> parts{{.bytes = std::move(state), .format = format}};
  if (!pending_deletes_.empty()) {
    parts.push_back({.bytes = parked_deletes(), .format = UpdateFormat::v1});
  }
  const auto parked = parked_structs();
  if (!parked.empty()) {
    if (auto missing = diff_update(parked, crdt::encode_state_vector(known))) {
      parts.push_back({.bytes = std::move(*missing), .format = UpdateFormat::v1});
    }
  }
  auto merged = merge_parts(parts, format, options_.gap_mode);
  return VIVIM_BUG(!merged.has_value()) ? std::move(parts.front().bytes) : std::move(*merged);
}

template <class Out>
void Engine::write_transaction(Out& out, const TransactionState& state) const {
  ClientOrder order;
  for (const auto& [client, before, after] : state.touched) {
    if (clients_[client].state > before || (state.gaps && state.gaps->filled.find(client))) {
      order.emplace_back(clients_[client].id, client);
    }
  }
  if (order.size() > 1) {
    std::ranges::sort(order, std::greater<>());
  }
  out.rest().var_uint(order.size());
  for (const auto& [id, client] : order) {
    if (state.gaps) {
      write_parts(out, client,
                  inserted(state, client, before(state, client), clients_[client].state));
    } else {
      write_runs(out, clients_[client], before(state, client));
    }
  }
  order.clear();
  for (ClientIndex i = 0; i < state.deleted.size(); ++i) {
    order.emplace_back(clients_[state.deleted[i].first].id, i);
  }
  if (order.size() > 1) {
    std::ranges::sort(order, std::greater<>());
  }
  out.rest().var_uint(order.size());
  for (const auto& [id, index] : order) {
    write_client_deletes(out, id, state.deleted[index].second);
  }
}

template void Engine::write_transaction(UpdateEncoderV1&, const TransactionState&) const;
template void Engine::write_transaction(UpdateEncoderV2&, const TransactionState&) const;

// Yjs createDocFromSnapshot. The cuts are healed when the transaction ends.
Result<Bytes> Engine::encode_version(const StateVector& state, const WireDeletes& deleted) {
  const StateVector here = state_vector();
  const auto known = [&](const auto& entry) {
    const auto it = here.find(entry.first);
    return entry.second <= (it == here.end() ? 0 : it->second);
  };
  if (options_.collect_garbage || !std::ranges::all_of(state, known)) {
    return fail(CrdtError::not_restorable);
  }
  TransactionState& transaction = begin({}, true);
  UpdateEncoderV1 out;
  out.rest().var_uint(static_cast<std::uint64_t>(
      std::ranges::count_if(state, [](const auto& entry) { return entry.second > 0; })));
  for (const auto& [id, clock] : state) {
    if (clock > 0) {
      write_runs_until(out, client_index(value_of(id)), static_cast<std::uint32_t>(clock));
    }
  }
  write_deletes(out, deleted);
  end(transaction);
  return out.take();
}

void Engine::write_runs_until(UpdateEncoderV1& out, ClientIndex client, std::uint32_t end) {
  if (end < clients_[client].state) {
    clean_start({client, end});
  }
  const RunList& runs = clients_[client].runs;
  const auto last = runs.find(items_, end - 1);
  std::size_t count = runs.size() - runs.count_from(last) + 1;
  out.rest().var_uint(count);
  out.client(clients_[client].id);
  out.rest().var_uint(0);
  for (auto position = runs.find(items_, 0);; position = runs.next(position)) {
    write_item(out, items_[runs.at(position)], 0);
    if (--count == 0) {
      return;
    }
  }
}

namespace {

std::uint8_t info_of(Kind kind, const Shape& shape) {
  return static_cast<std::uint8_t>(static_cast<std::uint8_t>(kind) |
                                   (shape.origin != k_none ? k_info_origin : 0) |
                                   (shape.right_origin != k_none ? k_info_right_origin : 0) |
                                   (shape.key != k_none ? k_info_key : 0));
}

}  // namespace

/// How every item of a shape begins in an update of v1.
struct alignas(64) Engine::ShapeBytes {
  static constexpr std::uint32_t k_unread = ~0U;
  std::uint32_t shape = k_unread;
  std::uint8_t info = 0;  ///< without the kind
  // Whose the origins are; nothing where there is none, and then no bit of the clock's size counts.
  lib0::Encoder::Short origin;
  lib0::Encoder::Short right_origin;
  std::uint32_t origin_mask = 0;
  std::uint32_t right_origin_mask = 0;

  /// False: its items have no origins, or origins whose clocks are too large for this, and it stays
  /// unread.
  bool read(const Engine& engine, ShapeRef ref) {
    const Shape& from = engine.items_.shape(ref);
    ShapeBytes fresh{.shape = ref, .info = info_of(Kind::gc, from)};
    bool small = from.has_origins();
    const auto read_origin = [&](ClientIndex client, lib0::Encoder::Short& id,
                                 std::uint32_t& mask) {
      if (client != k_none) {
        id = engine.clients_[client].wire_id;
        mask = ~0U;
        small = small && engine.clients_[client].state >> lib0::Encoder::k_pair_bits == 0;
      }
    };
    read_origin(from.origin, fresh.origin, fresh.origin_mask);
    read_origin(from.right_origin, fresh.right_origin, fresh.right_origin_mask);
    if (small) {
      *this = fresh;
    }
    return small;
  }
};

namespace {

std::uint8_t* put_word(std::uint8_t* at, std::uint32_t word, std::uint32_t size) {
  std::memcpy(at, &word, sizeof(word));
  return at + size;
}

// Text, or what is left of it when it was deleted.
bool is_text(Kind kind) {
  constexpr std::uint32_t k_texts = 1U << static_cast<std::uint32_t>(Kind::string) |
                                    1U << static_cast<std::uint32_t>(Kind::deleted);
  return (k_texts >> static_cast<std::uint32_t>(kind) & 1) != 0;
}

}  // namespace

// Most items are short texts, or what is left of them when they were deleted. Which of them, and
// which origins they have, follows no pattern: so both origins are written, and what is not there
// is written over by what comes next; and where the next byte goes stays in a register.
void Engine::write_runs(UpdateEncoderV1& out, const RunList& runs, RunList::Position from) const {
  constexpr std::size_t k_most = 1 + 5 * lib0::Encoder::k_short_max + Items::View::k_put_room;
  std::array<ShapeBytes, 16> shapes;  // those of most items are few
  const Items::View items(items_);
  std::uint8_t* at = out.rest().begin(k_most);
  const std::uint8_t* limit = at;  // so far `at` and text may go with k_most behind them
  runs.each_from(from, [&](ItemRef ref) {
    const Item& item = items[ref];
    ShapeBytes& shape = shapes[item.shape() % shapes.size()];
    const Kind kind = item.kind();
    const std::size_t size = kind == Kind::string ? item.len : 0;
    // A shape as it stands in an item: wide text is none of these.
    if (shape.shape != item.shape_and_wide || !is_text(kind) ||
        limit - at < static_cast<std::ptrdiff_t>(size)) [[unlikely]] {
      out.rest().finish(at);
      const bool plain = is_text(kind) && !item.wide() && shape.read(*this, item.shape());
      if (!plain) {
        write_item(out, item, 0);
      }
      at = out.rest().begin(k_most + size);
      limit = at + (out.rest().spare() - k_most);
      if (!plain) {
        return;
      }
    }
    *at++ = shape.info | static_cast<std::uint8_t>(kind);
    const auto clocks =
        lib0::Encoder::short_var_uints28(item.origin_clock, item.right_origin_clock);
    at = lib0::Encoder::put(at, shape.origin);
    at = put_word(at, clocks.first, clocks.first_size & shape.origin_mask);
    at = lib0::Encoder::put(at, shape.right_origin);
    at = put_word(at, clocks.second, clocks.second_size & shape.right_origin_mask);
    if (item.len < 0x80) [[likely]] {
      *at++ = static_cast<std::uint8_t>(item.len);
    } else {
      at = lib0::Encoder::put(at, lib0::Encoder::short_var_uint32(item.len));
    }
    at = items.put_text(at, item, size);
  });
  out.rest().finish(at);
}

// The same for v2, whose columns see to it that what repeats takes no room.
void Engine::write_runs(UpdateEncoderV2& out, const RunList& runs, RunList::Position from) const {
  const Items::View items(items_);
  const Shape* const shapes = &items_.shape(ShapeRef{0});
  const Client* const clients = clients_.data();
  runs.each_from(from, [&](ItemRef ref) {
    const Item& item = items[ref];
    const Shape& shape = shapes[item.shape()];
    const Kind kind = item.kind();
    if (!is_text(kind) || item.wide() || !shape.has_origins()) [[unlikely]] {
      write_item(out, item, 0);
      return;
    }
    out.info(info_of(kind, shape));
    if (shape.origin != k_none) [[likely]] {
      out.left_id(clients[shape.origin].id, item.origin_clock);
    }
    if (shape.right_origin != k_none) [[likely]] {
      out.right_id(clients[shape.right_origin].id, item.right_origin_clock);
    }
    const std::size_t size = kind == Kind::string ? item.len : 0;
    out.ascii_or_len(kind == Kind::string, item.len, size + Items::View::k_put_room,
                     [&](std::uint8_t* at) { return items.put_text(at, item, size); });
  });
}

template <class Out>
void Engine::write_runs(Out& out, const Client& client, std::uint32_t from) const {
  const RunList& runs = client.runs;
  const auto position = runs.find(items_, from);
  const std::size_t count = runs.count_from(position);
  out.rest().var_uint(count);
  out.client(client.id);
  out.rest().var_uint(from);
  const Item& first = items_[runs.at(position)];
  write_item(out, first, from - first.clock);
  if (count > 1) {
    write_runs(out, runs, runs.next(position));
  }
}

// The runs of one client that cover `range`, as an update v1.
Bytes Engine::encode_range(ClientIndex client, ClockRange range) const {
  UpdateEncoderV1 out;
  const RunList& runs = clients_[client].runs;
  auto position = runs.find(items_, static_cast<std::uint32_t>(range.from));
  const auto first = static_cast<std::uint32_t>(range.from) - items_[runs.at(position)].clock;
  std::uint64_t count = 0;
  for (std::uint32_t offset = first;; offset = 0) {
    const Item& item = items_[runs.at(position)];
    write_item(out, item, offset);
    ++count;
    if (item.end() >= range.to || runs.is_last(position)) {
      break;
    }
    position = runs.next(position);
  }
  lib0::Encoder update;
  update.var_uint(1);
  update.var_uint(count);
  update.var_uint(clients_[client].id);
  update.var_uint(range.from);
  update.raw(out.rest_view());
  update.var_uint(0);
  return update.take();
}

template <class Out>
void Engine::write_item(Out& out, const Item& item, std::uint32_t offset) const {
  if (item.kind() == Kind::gc) {
    out.info(0);
    out.len(item.len - offset);
    return;
  }
  if (item.kind() == Kind::skip) {
    out.info(static_cast<std::uint8_t>(Kind::skip));
    out.rest().var_uint(item.len - offset);
    return;
  }
  write_place(out, item, offset);
  write_content(out, item, offset);
}

template void Engine::write_item(UpdateEncoderV1&, const Item&, std::uint32_t) const;
template void Engine::write_item(UpdateEncoderV2&, const Item&, std::uint32_t) const;

// What a struct is and where it belongs: all before its content.
template <class Out>
void Engine::write_place(Out& out, const Item& item, std::uint32_t offset) const {
  Shape shape = items_.shape(item);
  std::uint32_t origin_clock = item.origin_clock;
  if (offset > 0) {
    shape.origin = shape.client;
    origin_clock = item.clock + offset - 1;
  }
  out.info(info_of(item.kind(), shape));
  if (shape.origin != k_none) {
    out.left_id(clients_[shape.origin].id, origin_clock);
  }
  if (shape.right_origin != k_none) {
    out.right_id(clients_[shape.right_origin].id, item.right_origin_clock);
  }
  if (!shape.has_origins()) {
    const Type& parent = types_[shape.parent];
    out.parent_info(parent.item == k_none ? 1 : 0);
    if (parent.item == k_none) {
      out.string(keys_.name(parent.root_name));
    } else {
      const DenseId id = items_.id(items_[parent.item]);
      out.left_id(clients_[id.client].id, id.clock);
    }
    if (shape.key != k_none) {
      out.string(keys_.name(shape.key));
    }
  }
}

template void Engine::write_place(UpdateEncoderV1&, const Item&, std::uint32_t) const;
template void Engine::write_place(UpdateEncoderV2&, const Item&, std::uint32_t) const;

template <class Out>
void Engine::write_content(Out& out, const Item& item, std::uint32_t offset) const {
  switch (item.kind()) {
    case Kind::deleted:
      out.len(item.len - offset);
      return;
    case Kind::string:
      items_.write_text(out, item, offset);
      return;
    case Kind::json:
    case Kind::any:
      write_elements(out, item.kind(), items_.bytes(item), item.len, offset);
      return;
    case Kind::type: {
      const Type& type = types_[item.content];
      write_unit_content(out, item.kind(), type.kind, type.name);
      return;
    }
    default:
      write_unit_content(out, item.kind(), TypeKind::unknown, items_.bytes(item));
  }
}

}  // namespace vivim::crdt::detail
