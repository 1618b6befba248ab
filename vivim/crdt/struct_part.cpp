#include "vivim/crdt/struct_part_detail.hpp"
#include "vivim/crdt/utf_detail.hpp"

namespace vivim::crdt::detail {
namespace {

constexpr std::size_t k_pair_bytes = 4;

BytesView text_part(BytesView text, std::uint64_t from, std::uint64_t to, OwnedContent& owned) {
  const Utf8Position begin = utf8_position(as_text(text), from);
  const Utf8Position end = utf8_position(as_text(text), to);
  const std::size_t stop = end.inside_pair ? end.offset - k_pair_bytes : end.offset;
  const BytesView whole = text.subspan(begin.offset, stop - begin.offset);
  if (!begin.inside_pair && !end.inside_pair) {
    return whole;
  }
  Bytes repaired = to_bytes(begin.inside_pair ? k_replacement_utf8 : std::string_view());
  append(repaired, whole);
  if (end.inside_pair) {
    append(repaired, as_bytes(k_replacement_utf8));
  }
  return owned.emplace_back(std::move(repaired));
}

}  // namespace

WireStruct part_of(const WireStruct& item, ClockRange range, OwnedContent& owned) {
  WireStruct part = item;
  part.clock = range.from;
  part.len = range.to - range.from;
  if (item.kind == Kind::gc || item.kind == Kind::skip) {
    return part;
  }
  const std::uint64_t from = range.from - item.clock;
  if (from > 0) {
    part.set_origin({.client = ClientId{item.client}, .clock = part.clock - 1});
  }
  if (item.kind == Kind::string) {
    part.content = text_part(item.content, from, from + part.len, owned);
  } else if (item.kind == Kind::any || item.kind == Kind::json) {
    part.content = item.content.subspan(element_offset(item.kind, item.content, from));
    part.content = part.content.first(element_offset(item.kind, part.content, part.len));
  }
  return part;
}

}  // namespace vivim::crdt::detail
