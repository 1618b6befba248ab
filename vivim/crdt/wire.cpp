#include <algorithm>

#include "vivim/crdt/utf_detail.hpp"
#include "vivim/crdt/wire_detail.hpp"

namespace vivim::crdt::detail {

void add_range(std::vector<ClockRange>& ranges, std::uint32_t clock, std::uint32_t len) {
  if (!ranges.empty() && ranges.back().to == clock) {
    ranges.back().to += len;
  } else if (!ranges.empty() && ranges.back().from == std::uint64_t{clock} + len) {
    ranges.back().from = clock;  // as who deletes backwards does
  } else {
    ranges.push_back({clock, std::uint64_t{clock} + len});
  }
}

void normalise(std::vector<ClockRange>& ranges) {
  const auto touch = [](const ClockRange& a, const ClockRange& b) { return a.to >= b.from; };
  if (std::ranges::adjacent_find(ranges, touch) == ranges.end()) {
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
    sink.clear();
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
  return {.offset = at, .inside_pair = done > units, .units = done};
}

}  // namespace vivim::crdt::detail
