#include "interop/conformance/struct_list.hpp"

#include <algorithm>
#include <optional>

#include "vivim/crdt/inspect.hpp"
#include "vivim/crdt/lib0.hpp"

namespace vivim::interop::conformance {

using crdt::lib0::Encoder;

namespace {

void write_id(Encoder& out, const std::optional<crdt::Id>& id) {
  out.var_uint(id ? 1 : 0);
  if (id) {
    out.var_uint(value_of(id->client));
    out.var_uint(id->clock);
  }
}

void write_struct(Encoder& out, const crdt::StructInfo& info) {
  out.var_uint(info.id.clock);
  out.var_uint(info.len);
  out.var_uint(static_cast<std::uint64_t>(info.kind));
  if (info.kind == crdt::StructKind::gc || info.kind == crdt::StructKind::skip) {
    return;
  }
  out.var_uint(info.deleted ? 1 : 0);
  write_id(out, info.left);
  write_id(out, info.right);
  write_id(out, info.origin);
  write_id(out, info.right_origin);
  out.var_string(info.key ? "k" + *info.key : "");
}

}  // namespace

Bytes struct_list(const crdt::Doc& doc) {
  const auto all = structs(doc);
  Encoder out;
  for (auto first = all.begin(); first != all.end();) {
    const auto last = std::find_if(
        first, all.end(), [&](const auto& info) { return info.id.client != first->id.client; });
    out.var_uint(value_of(first->id.client));
    out.var_uint(static_cast<std::uint64_t>(last - first));
    for (; first != last; ++first) {
      write_struct(out, *first);
    }
  }
  return out.take();
}

}  // namespace vivim::interop::conformance
