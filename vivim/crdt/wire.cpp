#include <algorithm>
#include <unordered_map>

#include "vivim/crdt/utf_detail.hpp"
#include "vivim/crdt/wire_detail.hpp"

namespace vivim::crdt::detail {
namespace {

class Reader {
 public:
  explicit Reader(BytesView update) : in_(update) {}

  Result<DecodedUpdate> read() {
    VIVIM_TRY(const std::uint64_t clients, in_.var_uint());
    if (clients > in_.left() || clients > k_clients_max) {
      return fail(clients > k_clients_max ? CrdtError::too_many : CrdtError::truncated, clients);
    }
    for (std::uint64_t i = 0; i < clients; ++i) {
      VIVIM_TRYV(read_group());
    }
    VIVIM_TRYV(read_deletes());
    if (!in_.at_end()) {
      return fail(CrdtError::trailing_bytes, in_.left());
    }
    return std::move(update_);
  }

 private:
  Result<void> read_group();
  Result<void> read_struct(WireStruct& item);
  Result<void> read_parent(WireStruct& item, std::uint8_t info);
  Result<void> read_content(WireStruct& item);
  Result<void> read_elements(WireStruct& item);
  Result<void> read_type(WireStruct& item);
  Result<void> read_deletes();
  Result<Id> read_id();
  std::vector<WireStruct>& group_of(std::uint64_t client);

  // The bytes from `start` (what was left then) to here.
  BytesView since(BytesView start) const { return start.first(start.size() - in_.left()); }
  BytesView canonical(BytesView raw, lib0::Encoder& rewritten);

  lib0::Decoder in_;
  DecodedUpdate update_;
  std::unordered_map<std::uint64_t, std::size_t> groups_;
  lib0::Encoder scratch_;
};

Result<Id> Reader::read_id() {
  VIVIM_TRY(const std::uint64_t client, in_.var_uint());
  VIVIM_TRY(const std::uint64_t clock, in_.var_uint());
  return Id{.client = ClientId{client}, .clock = clock};
}

std::vector<WireStruct>& Reader::group_of(std::uint64_t client) {
  const auto [it, fresh] = groups_.emplace(client, update_.groups.size());
  if (fresh) {
    update_.groups.emplace_back();
  }
  return update_.groups[it->second];
}

Result<void> Reader::read_group() {
  VIVIM_TRY(const std::uint64_t count, in_.var_uint());
  VIVIM_TRY(const std::uint64_t client, in_.var_uint());
  VIVIM_TRY(std::uint64_t clock, in_.var_uint(k_clock_max));
  if (count > in_.left() / 2) {  // every struct takes at least two bytes
    return fail(CrdtError::truncated, count);
  }
  auto& group = group_of(client);
  if (!group.empty() && group.back().end() > clock) {
    return fail(CrdtError::bad_struct, client);
  }
  group.reserve(group.size() + std::min<std::uint64_t>(count, 1 + in_.left() / 8));
  for (std::uint64_t i = 0; i < count; ++i) {
    WireStruct& item = group.emplace_back();
    item.client = client;
    item.clock = clock;
    VIVIM_TRYV(read_struct(item));
    if (item.len == 0) {
      return fail(CrdtError::bad_struct, clock);
    }
    if (item.len > k_clock_max - clock) {
      return fail(CrdtError::clock_too_large, item.len);
    }
    clock += item.len;
  }
  return {};
}

Result<void> Reader::read_struct(WireStruct& item) {
  VIVIM_TRY(const std::uint8_t info, in_.u8());
  const auto kind = static_cast<std::uint8_t>(info & k_info_kind);
  if (kind > static_cast<std::uint8_t>(Kind::skip)) {
    return fail(CrdtError::bad_content, kind);
  }
  item.kind = static_cast<Kind>(kind);
  if (item.kind == Kind::gc || item.kind == Kind::skip) {
    VIVIM_TRY(item.len, in_.var_uint());
    return {};
  }
  item.has_origin = (info & k_info_origin) != 0;
  item.has_right_origin = (info & k_info_right_origin) != 0;
  if (item.has_origin) {
    VIVIM_TRY(item.origin, read_id());
  }
  if (item.has_right_origin) {
    VIVIM_TRY(item.right_origin, read_id());
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

Result<void> Reader::read_parent(WireStruct& item, std::uint8_t info) {
  VIVIM_TRY(const std::uint64_t is_root, in_.var_uint());
  if (is_root == 1) {
    item.parent = ParentRef::root;
    VIVIM_TRY(item.root, in_.var_string());
  } else {
    item.parent = ParentRef::item;
    VIVIM_TRY(item.parent_item, read_id());
  }
  item.has_key = (info & k_info_key) != 0;
  if (item.has_key) {
    VIVIM_TRY(item.key, in_.var_string());
  }
  return {};
}

Result<void> Reader::read_content(WireStruct& item) {
  const BytesView start = in_.rest();
  item.len = 1;
  switch (item.kind) {
    case Kind::deleted: {
      VIVIM_TRY(item.len, in_.var_uint());
      return {};
    }
    case Kind::string: {
      VIVIM_TRY(const BytesView text, in_.var_bytes());
      const auto units = utf16_length(as_text(text));
      if (!units) {
        return fail(CrdtError::bad_utf8);
      }
      item.len = *units;
      item.content = text;
      return {};
    }
    case Kind::json:
    case Kind::any:
      return read_elements(item);
    case Kind::type:
      return read_type(item);
    case Kind::binary: {
      VIVIM_TRYV(in_.var_bytes());
      break;
    }
    case Kind::embed: {
      VIVIM_TRYV(in_.var_string());
      break;
    }
    case Kind::format: {
      VIVIM_TRYV(in_.var_string());
      VIVIM_TRYV(in_.var_string());
      break;
    }
    case Kind::doc: {
      VIVIM_TRY(const std::string_view guid, in_.var_string());
      scratch_.bytes().clear();
      scratch_.var_string(guid);
      VIVIM_TRYV(in_.copy_any(scratch_));
      item.content = canonical(since(start), scratch_);
      return {};
    }
    case Kind::gc:
    case Kind::skip:
      break;
  }
  item.content = since(start);
  return {};
}

Result<void> Reader::read_elements(WireStruct& item) {
  VIVIM_TRY(item.len, in_.var_uint());
  if (item.len > in_.left()) {  // every element takes at least a byte
    return fail(CrdtError::truncated, item.len);
  }
  const BytesView start = in_.rest();
  scratch_.bytes().clear();
  for (std::uint64_t i = 0; i < item.len; ++i) {
    if (item.kind == Kind::any) {
      VIVIM_TRYV(in_.copy_any(scratch_));
    } else {
      VIVIM_TRY(const std::string_view json, in_.var_string());
      scratch_.var_string(json);
    }
  }
  item.content = canonical(since(start), scratch_);
  return {};
}

// `raw` if it is already as Yjs would write it, else a copy of the rewritten bytes.
BytesView Reader::canonical(BytesView raw, lib0::Encoder& rewritten) {
  if (same_bytes(raw, rewritten.view())) {
    return raw;
  }
  return update_.owned.emplace_back(rewritten.bytes());
}

Result<void> Reader::read_type(WireStruct& item) {
  VIVIM_TRY(const std::uint64_t type, in_.var_uint());
  if (type > static_cast<std::uint64_t>(TypeKind::xml_text)) {
    return fail(CrdtError::bad_content, type);
  }
  item.type = static_cast<TypeKind>(type);
  if (item.type == TypeKind::xml_element || item.type == TypeKind::xml_hook) {
    const BytesView start = in_.rest();
    VIVIM_TRYV(in_.var_string());
    item.content = since(start);
  }
  return {};
}

Result<void> Reader::read_deletes() {
  VIVIM_TRY(const std::uint64_t clients, in_.var_uint());
  for (std::uint64_t i = 0; i < clients; ++i) {
    VIVIM_TRY(const std::uint64_t client, in_.var_uint());
    VIVIM_TRY(const std::uint64_t count, in_.var_uint());
    if (count > in_.left() / 2) {
      return fail(CrdtError::truncated, count);
    }
    if (count == 0) {
      continue;
    }
    auto& ranges = update_.deletes[client];
    for (std::uint64_t j = 0; j < count; ++j) {
      VIVIM_TRY(const std::uint64_t clock, in_.var_uint(k_clock_max));
      VIVIM_TRY(const std::uint64_t len, in_.var_uint());
      if (len > k_clock_max - clock) {
        return fail(CrdtError::clock_too_large, len);
      }
      if (len > 0) {
        ranges.push_back({clock, clock + len});
      }
    }
    normalise(ranges);
    if (ranges.empty()) {
      update_.deletes.erase(client);
    }
  }
  return {};
}

void write_string_tail(lib0::Encoder& out, std::string_view text, std::uint64_t offset) {
  const Utf8Position at = utf8_position(text, offset);
  const std::string_view tail = text.substr(at.offset);
  if (at.inside_pair) {  // a lone low surrogate encodes as U+FFFD
    out.var_uint(tail.size() + 3);
    out.raw(as_bytes("\xef\xbf\xbd"));
    out.raw(as_bytes(tail));
  } else {
    out.var_string(tail);
  }
}

void write_content(lib0::Encoder& out, const WireStruct& item, std::uint64_t offset) {
  switch (item.kind) {
    case Kind::deleted:
      out.var_uint(item.len - offset);
      return;
    case Kind::string:
      if (offset == 0) {
        out.var_bytes(item.content);
      } else {
        write_string_tail(out, as_text(item.content), offset);
      }
      return;
    case Kind::json:
    case Kind::any:
      out.var_uint(item.len - offset);
      out.raw(item.content.subspan(element_offset(item.kind, item.content, offset)));
      return;
    case Kind::type:
      out.var_uint(static_cast<std::uint64_t>(item.type));
      break;
    default:
      break;
  }
  out.raw(item.content);
}

}  // namespace

Result<DecodedUpdate> decode_update(BytesView update) {
  return Reader(update).read();
}

void write_struct(lib0::Encoder& out, const WireStruct& item, std::uint64_t offset) {
  if (item.kind == Kind::gc || item.kind == Kind::skip) {
    out.u8(static_cast<std::uint8_t>(item.kind));
    out.var_uint(item.len - offset);
    return;
  }
  const bool has_origin = item.has_origin || offset > 0;
  out.u8(static_cast<std::uint8_t>(
      static_cast<std::uint8_t>(item.kind) | (has_origin ? k_info_origin : 0) |
      (item.has_right_origin ? k_info_right_origin : 0) | (item.has_key ? k_info_key : 0)));
  if (has_origin) {
    out.var_uint(offset > 0 ? item.client : value_of(item.origin.client));
    out.var_uint(offset > 0 ? item.clock + offset - 1 : item.origin.clock);
  }
  if (item.has_right_origin) {
    out.var_uint(value_of(item.right_origin.client));
    out.var_uint(item.right_origin.clock);
  }
  if (!has_origin && !item.has_right_origin) {
    if (item.parent == ParentRef::root) {
      out.var_uint(1);
      out.var_string(item.root);
    } else {
      out.var_uint(0);
      out.var_uint(value_of(item.parent_item.client));
      out.var_uint(item.parent_item.clock);
    }
    if (item.has_key) {
      out.var_string(item.key);
    }
  }
  write_content(out, item, offset);
}

void write_deletes(lib0::Encoder& out, const WireDeletes& deletes) {
  out.var_uint(deletes.size());
  for (const auto& [client, ranges] : deletes) {
    out.var_uint(client);
    out.var_uint(ranges.size());
    for (const ClockRange& range : ranges) {
      out.var_uint(range.from);
      out.var_uint(range.to - range.from);
    }
  }
}

void normalise(std::vector<ClockRange>& ranges) {
  if (ranges.size() < 2) {
    return;
  }
  std::ranges::sort(ranges, {}, &ClockRange::from);
  std::size_t last = 0;
  for (std::size_t i = 1; i < ranges.size(); ++i) {
    if (ranges[i].from <= ranges[last].to) {
      ranges[last].to = std::max(ranges[last].to, ranges[i].to);
    } else {
      ranges[++last] = ranges[i];
    }
  }
  ranges.resize(last + 1);
}

std::size_t element_offset(Kind kind, BytesView elements, std::uint64_t index) {
  lib0::Decoder in(elements);
  lib0::Encoder sink;
  for (std::uint64_t i = 0; i < index; ++i) {
    const bool ok = kind == Kind::any ? in.copy_any(sink).has_value() : in.var_string().has_value();
    if (!ok) {
      break;
    }
    sink.bytes().clear();
  }
  return elements.size() - in.left();
}

Utf8Position utf8_position(std::string_view utf8, std::uint64_t units) {
  std::size_t at = std::min<std::size_t>(ascii_prefix(utf8), units);
  std::uint64_t done = at;
  while (done < units && at < utf8.size()) {
    const auto first = static_cast<std::uint8_t>(utf8[at]);
    at += first < 0x80 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
    done += first >= 0xf0 ? 2 : 1;
  }
  return {.offset = at, .inside_pair = done > units};
}

}  // namespace vivim::crdt::detail
