#include <cmath>
#include <string>
#include <utility>

#include "vivim/crdt/any.hpp"
#include "vivim/crdt/wire_detail.hpp"

namespace vivim::crdt::detail {
namespace {

// As JavaScript takes it.
bool truthy(const Any& value) {
  if (const bool* flag = value.if_bool()) {
    return *flag;
  }
  if (const double* number = value.if_number()) {
    return *number != 0 && !std::isnan(*number);
  }
  if (const std::string* text = value.if_string()) {
    return !text->empty();
  }
  return !value.is_null() && !value.is_undefined();
}

// Of the options of a document within Yjs keeps three; yrs writes more.
Bytes document_as_yjs_keeps_it(BytesView guid_and_any) {
  lib0::Decoder in(guid_and_any);
  const std::string_view guid = in.var_string().value_or("");
  const Any options = in.any().value_or(Any());
  const auto given = [&](std::string_view name) {
    const Any* value = options.find(name);
    return value == nullptr || value->is_undefined() ? nullptr : value;
  };
  Any::Object kept;
  if (const Any* gc = given("gc"); gc != nullptr && !truthy(*gc)) {
    kept.emplace_back("gc", Any(false));
  }
  if (const Any* auto_load = given("autoLoad"); auto_load != nullptr && truthy(*auto_load)) {
    kept.emplace_back("autoLoad", Any(true));
  }
  if (const Any* meta = given("meta"); meta != nullptr && !meta->is_null()) {
    kept.emplace_back("meta", *meta);
  }
  lib0::Encoder out;
  out.var_string(guid);
  out.any(Any(std::move(kept)));
  return out.take();
}

template <class Out>
void write_string_tail(Out& out, std::string_view text, std::uint64_t units, std::uint64_t offset) {
  const Utf8Position at = utf8_position(text, offset);
  const std::string_view tail = text.substr(at.offset);
  if (at.inside_pair) {  // a lone low surrogate encodes as U+FFFD
    std::string repaired = "\xef\xbf\xbd";
    repaired += tail;
    out.string(repaired, units - offset);
  } else {
    out.string(tail, units - offset);
  }
}

template <class Out>
void write_content(Out& out, const WireStruct& item, std::uint64_t offset) {
  switch (item.kind) {
    case Kind::deleted:
      out.len(item.len - offset);
      return;
    case Kind::string:
      if (offset == 0) {
        out.string(as_text(item.content), item.len);
      } else {
        write_string_tail(out, as_text(item.content), item.len, offset);
      }
      return;
    case Kind::json:
    case Kind::any:
      write_elements(out, item.kind, item.content, item.len, offset);
      return;
    default:
      write_unit_content(out, item.kind, item.type, item.content);
  }
}

}  // namespace

template <class Out>
void write_elements(Out& out, Kind kind, BytesView elements, std::uint64_t len,
                    std::uint64_t offset) {
  const BytesView tail = elements.subspan(element_offset(kind, elements, offset));
  out.len(len - offset);
  if (kind == Kind::json) {
    out.strings(tail, len - offset);
  } else {
    out.rest().raw(tail);
  }
}

template <class Out>
void write_unit_content(Out& out, Kind kind, TypeKind type, BytesView content) {
  switch (kind) {
    case Kind::type:
      out.type_ref(static_cast<std::uint64_t>(type));
      if (!content.empty()) {
        out.name(content);
      }
      return;
    case Kind::embed:
      out.embed(content);
      return;
    case Kind::format:
      out.format(content);
      return;
    case Kind::doc:
      out.doc(document_as_yjs_keeps_it(content));
      return;
    default:
      out.rest().raw(content);
  }
}

template <class Out>
void write_struct(Out& out, const WireStruct& item, std::uint64_t offset) {
  if (item.kind == Kind::gc) {
    out.info(0);
    out.len(item.len - offset);
    return;
  }
  if (item.kind == Kind::skip) {
    out.info(static_cast<std::uint8_t>(Kind::skip));
    out.rest().var_uint(item.len - offset);
    return;
  }
  const bool has_origin = item.has_origin || offset > 0;
  out.info(static_cast<std::uint8_t>(
      static_cast<std::uint8_t>(item.kind) | (has_origin ? k_info_origin : 0) |
      (item.has_right_origin ? k_info_right_origin : 0) | (item.has_key ? k_info_key : 0)));
  if (has_origin) {
    out.left_id(offset > 0 ? item.client : value_of(item.origin.client),
                offset > 0 ? item.clock + offset - 1 : item.origin.clock);
  }
  if (item.has_right_origin) {
    out.right_id(value_of(item.right_origin.client), item.right_origin.clock);
  }
  if (!has_origin && !item.has_right_origin) {
    out.parent_info(item.parent == ParentRef::root ? 1 : 0);
    if (item.parent == ParentRef::root) {
      out.string(item.root);
    } else {
      out.left_id(value_of(item.parent_item.client), item.parent_item.clock);
    }
    if (item.has_key) {
      out.string(item.key);
    }
  }
  write_content(out, item, offset);
}

template <class Out>
void write_deletes(Out& out, const WireDeletes& deletes) {
  out.rest().var_uint(deletes.size());
  for (const auto& [client, ranges] : deletes) {
    write_client_deletes(out, client, ranges);
  }
}

template void write_struct(UpdateEncoderV1&, const WireStruct&, std::uint64_t);
template void write_struct(UpdateEncoderV2&, const WireStruct&, std::uint64_t);
template void write_elements(UpdateEncoderV1&, Kind, BytesView, std::uint64_t, std::uint64_t);
template void write_elements(UpdateEncoderV2&, Kind, BytesView, std::uint64_t, std::uint64_t);
template void write_unit_content(UpdateEncoderV1&, Kind, TypeKind, BytesView);
template void write_unit_content(UpdateEncoderV2&, Kind, TypeKind, BytesView);
template void write_deletes(UpdateEncoderV1&, const WireDeletes&);
template void write_deletes(UpdateEncoderV2&, const WireDeletes&);

}  // namespace vivim::crdt::detail
