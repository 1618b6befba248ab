#include <algorithm>
#include <optional>
#include <unordered_map>
#include <utility>

#include "vivim/crdt/budget_detail.hpp"
#include "vivim/crdt/update_decoder_detail.hpp"
#include "vivim/crdt/wire_detail.hpp"

namespace vivim::crdt::detail {
namespace {

template <class In>
Result<void> read_delete_set(In& in, WireDeletes& deletes) {
  VIVIM_TRY(const std::uint64_t clients, in.rest().var_uint());
  for (std::uint64_t i = 0; i < clients; ++i) {
    in.begin_deletes();
    VIVIM_TRY(const std::uint64_t client, in.rest().var_uint());
    VIVIM_TRY(const std::uint64_t count, in.rest().var_uint());
    if (count > in.rest().left() / 2) {
      return fail(CrdtError::truncated, count);
    }
    if (count == 0) {
      continue;
    }
    auto& ranges = deletes[client];
    for (std::uint64_t j = 0; j < count; ++j) {
      VIVIM_TRY(const std::uint64_t clock, in.deleted_clock());
      VIVIM_TRY(const std::uint64_t len, in.deleted_len());
      if (len > k_clock_max - clock) {
        return fail(CrdtError::clock_too_large, len);
      }
      if (len > 0) {
        ranges.push_back({clock, clock + len});
      }
    }
  }
  // Once each at the end: an update may name a client again and again.
  for (auto& [client, ranges] : deletes) {
    normalise(ranges);
  }
  std::erase_if(deletes, [](const auto& entry) { return entry.second.empty(); });
  return {};
}

/// `In` is one of the decoders of update_decoder_detail.hpp.
template <class In>
class Reader {
 public:
  Reader(BytesView update, DecodedUpdate& into)
      : update_(into), in_(update, update_.owned), budget_(update.size()) {}

  Result<void> read() {
    VIVIM_TRYV(in_.open());
    VIVIM_TRY(const std::uint64_t clients, rest().var_uint());
    if (clients > rest().left() || clients > k_clients_max) {
      return fail(clients > k_clients_max ? CrdtError::too_many : CrdtError::truncated, clients);
    }
    for (std::uint64_t i = 0; i < clients; ++i) {
      VIVIM_TRYV(read_group());
    }
    VIVIM_TRYV(read_delete_set(in_, update_.deletes));
    if (!rest().at_end()) {
      return fail(CrdtError::trailing_bytes, rest().left());
    }
    end_groups();
    return {};
  }

 private:
  static constexpr std::size_t k_scanned_max = 8;
  using Group = DecodedUpdate::ReadGroup;
  Result<void> read_group();
  Result<void> read_struct(WireStruct& item);
  Result<void> read_parent(WireStruct& item, std::uint8_t info);
  Result<void> read_content(WireStruct& item);
  Result<void> read_type(WireStruct& item);
  Group& group_of(std::uint64_t client);
  void end_groups();
  void gather();
  lib0::Decoder& rest() { return in_.rest(); }

  DecodedUpdate& update_;
  In in_;
  MemoryBudget budget_;
  std::optional<std::unordered_map<std::uint64_t, std::size_t>> index_;  ///< when there are many
  bool scattered_ = false;  ///< a client was named again
};

template <class In>
typename Reader<In>::Group& Reader<In>::group_of(std::uint64_t client) {
  if (update_.read_groups.size() <= k_scanned_max) {
    const auto known = std::ranges::find(update_.read_groups, client, &Group::client);
    if (known != update_.read_groups.end()) {
      scattered_ = true;
      return *known;
    }
    if (update_.read_groups.size() == k_scanned_max) {
      index_.emplace();
      for (std::size_t i = 0; i < update_.read_groups.size(); ++i) {
        index_->emplace(update_.read_groups[i].client, i);
      }
      index_->emplace(client, update_.read_groups.size());
    }
  } else if (const auto [it, fresh] = index_->emplace(client, update_.read_groups.size()); !fresh) {
    scattered_ = true;
    return update_.read_groups[it->second];
  }
  return update_.read_groups.emplace_back(Group{.client = client});
}

template <class In>
Result<void> Reader<In>::read_group() {
  VIVIM_TRY(const std::uint64_t count, rest().var_uint());
  VIVIM_TRY(const std::uint64_t client, in_.client());
  VIVIM_TRY(std::uint64_t clock, rest().var_uint(k_clock_max));
  VIVIM_TRYV(in_.begin_group(count));
  Group& group = group_of(client);
  VIVIM_TRYV(budget_.group(count, group.structs > 0));
  if (group.end > clock) {
    return fail(CrdtError::bad_struct, client);
  }
  auto& structs = update_.structs;
  if (structs.capacity() - structs.size() < count) {
    structs.reserve(std::max<std::size_t>(structs.size() + count, 2 * structs.capacity()));
  }
  in_.expect(client);
  for (std::uint64_t i = 0; i < count; ++i) {
    WireStruct& item = structs.emplace_back();
    item.client = client;
    item.clock = clock;
    if (!in_.quick_struct(item)) {
      VIVIM_TRYV(read_struct(item));
    }
    VIVIM_TRYV(budget_.content(item));
    if (item.len == 0) {
      return fail(CrdtError::bad_struct, clock);
    }
    if (item.len > k_clock_max - clock) {
      return fail(CrdtError::clock_too_large, item.len);
    }
    clock += item.len;
  }
  if (count > 0) {
    group.end = clock;
    group.structs += count;
  }
  return {};
}

template <class In>
void Reader<In>::end_groups() {
  if (scattered_) {
    gather();
  }
  WireStruct* next = update_.structs.data();
  for (const Group& group : update_.read_groups) {
    update_.groups.emplace_back(next, group.structs);
    next += group.structs;
  }
}

// Puts the structs of each client side by side.
template <class In>
void Reader<In>::gather() {
  std::unordered_map<std::uint64_t, std::vector<WireStruct>> by_client;
  for (const WireStruct& item : update_.structs) {
    by_client[item.client].push_back(item);
  }
  update_.structs.clear();
  for (const Group& group : update_.read_groups) {
    const auto& structs = by_client[group.client];
    update_.structs.insert(update_.structs.end(), structs.begin(), structs.end());
  }
}

template <class In>
Result<void> Reader<In>::read_struct(WireStruct& item) {
  VIVIM_TRY(const std::uint8_t info, in_.info());
  const auto kind = static_cast<std::uint8_t>(info & k_info_kind);
  if (kind > static_cast<std::uint8_t>(Kind::skip)) {
    return fail(CrdtError::bad_content, kind);
  }
  item.kind = static_cast<Kind>(kind);
  if (item.kind == Kind::gc) {
    VIVIM_TRY(item.len, in_.len());
    return {};
  }
  if (item.kind == Kind::skip) {
    VIVIM_TRY(item.len, rest().var_uint());
    return {};
  }
  item.has_origin = (info & k_info_origin) != 0;
  item.has_right_origin = (info & k_info_right_origin) != 0;
  if (item.has_origin) {
    VIVIM_TRY(item.origin, in_.left_id());
  }
  if (item.has_right_origin) {
    VIVIM_TRY(item.right_origin, in_.right_id());
  }
  if (!item.has_origin && !item.has_right_origin) {
    VIVIM_TRYV(read_parent(item, info));
  }
  // What a client writes can only refer to what it wrote before.
  const auto in_future = [&](const Id& id) {
    return value_of(id.client) == item.client && id.clock >= item.clock;
  };
  if ((item.has_origin && in_future(item.origin)) ||
      (item.has_right_origin && in_future(item.right_origin)) ||
      (item.parent == ParentRef::item && in_future(item.parent_item))) {
    return fail(CrdtError::bad_struct, item.clock);
  }
  return read_content(item);
}

template <class In>
Result<void> Reader<In>::read_parent(WireStruct& item, std::uint8_t info) {
  VIVIM_TRY(const bool is_root, in_.parent_is_root());
  if (is_root) {
    VIVIM_TRY(const StringField name, in_.string());
    item.set_root(name.utf8);
  } else {
    item.parent = ParentRef::item;
    VIVIM_TRY(item.parent_item, in_.left_id());
  }
  if ((info & k_info_key) != 0) {
    VIVIM_TRY(const StringField key, in_.string());
    item.set_key(key.utf8);
  }
  return {};
}

template <class In>
Result<void> Reader<In>::read_content(WireStruct& item) {
  item.len = 1;
  switch (item.kind) {
    case Kind::deleted: {
      VIVIM_TRY(item.len, in_.len());
      return {};
    }
    case Kind::string: {
      VIVIM_TRY(const StringField text, in_.string());
      item.len = text.units;
      item.content = as_bytes(text.utf8);
      return {};
    }
    case Kind::json: {
      VIVIM_TRY(item.len, in_.len());
      VIVIM_TRY(item.content, in_.strings(item.len));
      return {};
    }
    case Kind::any: {
      VIVIM_TRY(item.len, in_.len());
      VIVIM_TRY(item.content, in_.anys(item.len));
      return {};
    }
    case Kind::type:
      return read_type(item);
    case Kind::binary: {
      VIVIM_TRY(item.content, in_.binary());
      return {};
    }
    case Kind::embed: {
      VIVIM_TRY(item.content, in_.embed());
      return {};
    }
    case Kind::format: {
      VIVIM_TRY(item.content, in_.format());
      return {};
    }
    case Kind::doc: {
      VIVIM_TRY(item.content, in_.doc());
      return {};
    }
    case Kind::gc:
    case Kind::skip:
      break;
  }
  return {};
}

template <class In>
Result<void> Reader<In>::read_type(WireStruct& item) {
  VIVIM_TRY(const std::uint64_t type, in_.type_ref());
  if (type > static_cast<std::uint64_t>(TypeKind::xml_text)) {
    return fail(CrdtError::bad_content, type);
  }
  item.type = static_cast<TypeKind>(type);
  if (item.type == TypeKind::xml_element || item.type == TypeKind::xml_hook) {
    VIVIM_TRY(item.content, in_.name());
  }
  return {};
}

}  // namespace

void DecodedUpdate::clear() {
  structs.clear();
  groups.clear();
  read_groups.clear();
  deletes.clear();
  owned.clear();
}

Result<void> decode_update(BytesView update, UpdateFormat format, DecodedUpdate& decoded) {
  decoded.clear();
  return format == UpdateFormat::v1 ? Reader<UpdateDecoderV1>(update, decoded).read()
                                    : Reader<UpdateDecoderV2>(update, decoded).read();
}

Result<DecodedUpdate> decode_update(BytesView update, UpdateFormat format) {
  DecodedUpdate decoded;
  VIVIM_TRYV(decode_update(update, format, decoded));
  return decoded;
}

Result<WireDeletes> read_deletes(lib0::Decoder& in, UpdateFormat format) {
  OwnedContent owned;
  WireDeletes deletes;
  const auto read = [&](auto reader) -> Result<void> {
    VIVIM_TRYV(read_delete_set(reader, deletes));
    VIVIM_TRYV(in.raw(in.left() - reader.rest().left()));
    return {};
  };
  VIVIM_TRYV(format == UpdateFormat::v1 ? read(UpdateDecoderV1(in.rest(), owned))
                                        : read(UpdateDecoderV2(in.rest(), owned)));
  return deletes;
}

}  // namespace vivim::crdt::detail
