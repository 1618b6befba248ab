#include "vivim/crdt/update_extent.hpp"

#include <span>

#include "vivim/crdt/group_writer_detail.hpp"
#include "vivim/crdt/wire_detail.hpp"

namespace vivim::crdt {
namespace {

using detail::DecodedUpdate;
using detail::WireStruct;

/// Calls `body(range, structs)` for each run of a client's structs without a gap.
template <class Body>
void for_each_run(const DecodedUpdate& update, Body body) {
  for (const std::span<WireStruct> group : update.groups) {
    for (std::size_t begin = 0; begin < group.size();) {
      if (group[begin].kind == detail::Kind::skip) {
        ++begin;
        continue;
      }
      std::size_t end = begin + 1;
      while (end < group.size() && group[end].kind != detail::Kind::skip) {
        ++end;
      }
      const WrittenRange range{.client = ClientId{group[begin].client},
                               .clocks = {group[begin].clock, group[end - 1].end()}};
      body(range, group.subspan(begin, end - begin));
      begin = end;
    }
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

Result<Bytes> without(BytesView update, const std::function<bool(const WrittenRange&)>& left_out) {
  VIVIM_TRY(const auto decoded, detail::decode_update(update));
  detail::GroupWriter<detail::UpdateEncoderV1> out;
  std::uint64_t client = 0;
  std::uint64_t end = 0;  // of what was written of the client
  for_each_run(decoded, [&](const WrittenRange& range, std::span<WireStruct> structs) {
    if (left_out(range)) {
      return;
    }
    const std::uint64_t writer = value_of(range.client);
    if (writer == client && end < range.clocks.from && end > 0) {
      out.write({.client = writer,
                 .clock = end,
                 .len = range.clocks.from - end,
                 .kind = detail::Kind::skip},
                0);
    }
    for (const WireStruct& item : structs) {
      out.write(item, 0);
    }
    client = writer;
    end = range.clocks.to;
  });
  return out.finish(decoded.deletes);
}

}  // namespace vivim::crdt
