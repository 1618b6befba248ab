#include "vivim/crdt/update_extent.hpp"

#include <optional>
#include <span>

#include "vivim/crdt/group_writer_detail.hpp"
#include "vivim/crdt/wire_detail.hpp"

namespace vivim::crdt {
namespace {

using detail::DecodedUpdate;
using detail::Kind;
using detail::WireStruct;

/// Calls `body(range, structs)` for each run of a client's structs without a gap.
template <class Body>
void for_each_run(const DecodedUpdate& update, Body body) {
  for (const std::span<WireStruct> group : update.groups) {
    for (std::size_t begin = 0; begin < group.size();) {
      if (group[begin].kind == Kind::skip) {
        ++begin;
        continue;
      }
      std::size_t end = begin + 1;
      while (end < group.size() && group[end].kind != Kind::skip) {
        ++end;
      }
      const WrittenRange range{.client = ClientId{group[begin].client},
                               .clocks = {group[begin].clock, group[end - 1].end()}};
      body(range, group.subspan(begin, end - begin));
      begin = end;
    }
  }
}

// What of `item` is below the clock, if something is, and it can be cut there.
std::optional<WireStruct> head_of(const WireStruct& item, std::uint64_t clock) {
  if (clock <= item.clock) {
    return std::nullopt;
  }
  WireStruct head = item;
  head.len = clock - item.clock;
  switch (item.kind) {
    case Kind::gc:
    case Kind::deleted:
      return head;
    case Kind::string: {
      const auto at = detail::utf8_position(as_text(item.content), head.len);
      head.content = item.content.first(at.offset);
      return at.inside_pair ? std::nullopt : std::optional(head);
    }
    case Kind::any:
    case Kind::json:
      head.content = item.content.first(detail::element_offset(item.kind, item.content, head.len));
      return head;
    default:
      return std::nullopt;
  }
}

}  // namespace

Result<UpdateExtent> extent_of(BytesView update) {
  VIVIM_TRY(const auto decoded, detail::decode_update(update));
  UpdateExtent extent;
  for_each_run(decoded, [&](const WrittenRange& range, std::span<WireStruct>) {
    extent.written.push_back(range);
  });
  for (const auto& [client, ranges] : decoded.deletes) {
    extent.deletes = extent.deletes || !ranges.empty();
  }
  return extent;
}

Result<Bytes> without(BytesView update, const CutAt& cut_at, Deletions deletions) {
  VIVIM_TRY(const auto decoded, detail::decode_update(update));
  detail::GroupWriter<detail::UpdateEncoderV1> out;
  std::uint64_t client = 0;
  std::uint64_t end = 0;  // of what was written of the client
  const auto write = [&](const WireStruct& item) {
    if (item.client == client && end < item.clock && end > 0) {
      out.write({.client = client, .clock = end, .len = item.clock - end, .kind = Kind::skip}, 0);
    }
    out.write(item, 0);
    client = item.client;
    end = item.end();
  };
  for_each_run(decoded, [&](const WrittenRange& range, std::span<WireStruct> structs) {
    const std::uint64_t cut = cut_at(range);
    for (const WireStruct& item : structs) {
      if (item.end() <= cut) {
        write(item);
      } else if (const auto head = head_of(item, cut)) {
        write(*head);
      }
    }
  });
  return out.finish(deletions == Deletions::keep ? decoded.deletes : detail::WireDeletes());
}

}  // namespace vivim::crdt
