#include "vivim/crdt/update_split.hpp"

#include <algorithm>
#include <utility>

#include "vivim/base/assert.hpp"
#include "vivim/crdt/group_writer_detail.hpp"
#include "vivim/crdt/utf_detail.hpp"
#include "vivim/crdt/wire_detail.hpp"

namespace vivim::crdt {
namespace {

using detail::Kind;
using detail::UpdateEncoderV1;
using detail::WireDeletes;
using detail::WireStruct;

// Counts of groups, structs and deletions, client, first clock: the most that they take.
constexpr std::size_t k_update_bytes = 16;
constexpr std::size_t k_group_bytes = 32;
constexpr std::size_t k_range_bytes = 16;
// A struct is not cut to put less than this into what room is left.
constexpr std::size_t k_piece_bytes_min = 64;

// Bytes besides the content, and for its length at most five.
std::size_t fixed_size(WireStruct item) {
  item.content = {};
  UpdateEncoderV1 out;
  write_struct(out, item, 0);
  return out.rest_view().size() + 4;
}

/// Fills one update after another.
class Splitter {
 public:
  explicit Splitter(std::size_t bytes_max) : bytes_max_(bytes_max) {}

  void add(WireStruct item) {
    while (true) {
      const std::size_t fixed = fixed_size(item);
      const std::size_t size = fixed + item.content.size();
      if (size <= room(item.client)) {
        put(item, size);
        return;
      }
      const WireStruct head = head_of(item, fixed);
      if (head.len > 0) {
        put(head, fixed + head.content.size());
        flush();
        item = tail_of(item, head);
      } else if (!items_.empty() || !deletes_.empty()) {
        flush();  // more of it fits into an empty one
      } else {
        put(item, size);  // however large: it cannot be cut
        flush();
        return;
      }
    }
  }

  void erase(std::uint64_t client, const ClockRange& range) {
    if (used_ + 2 * k_range_bytes > bytes_max_) {
      flush();
    }
    used_ += deletes_.contains(client) ? k_range_bytes : 2 * k_range_bytes;
    deletes_[client].push_back(range);
  }

  std::vector<Bytes> finish() {
    flush();
    return std::move(parts_);
  }

 private:
  std::size_t room(std::uint64_t client) const {
    const std::size_t group = !items_.empty() && items_.back().client == client ? 0 : k_group_bytes;
    return bytes_max_ - std::min(bytes_max_, used_ + group);
  }

  // As much of `item` as goes into the room that is left; of length 0 if nothing does, or it cannot
  // be cut. `fixed`: bytes besides the content.
  WireStruct head_of(const WireStruct& item, std::size_t fixed) const {
    WireStruct head = item;
    head.len = 0;
    if (room(item.client) < fixed + k_piece_bytes_min || item.len < 2) {
      return head;
    }
    const std::size_t fitting = std::min(room(item.client) - fixed, item.content.size() - 1);
    std::size_t end = 0;
    if (item.kind == Kind::string) {
      for (end = fitting; end > 0 && (item.content[end] & 0xc0) == 0x80;) {
        --end;
      }
      head.len = detail::utf16_length(as_text(item.content.first(end))).value_or(0);
    } else if (item.kind == Kind::any || item.kind == Kind::json) {
      while (head.len + 1 < item.len) {
        const std::size_t next =
            end + detail::element_offset(item.kind, item.content.subspan(end), 1);
        if (next > fitting) {
          break;
        }
        end = next;
        ++head.len;
      }
    }
    head.content = item.content.first(end);
    return head;
  }

  static WireStruct tail_of(const WireStruct& item, const WireStruct& head) {
    WireStruct tail = item;
    tail.content = item.content.subspan(head.content.size());
    tail.clock += head.len;
    tail.len -= head.len;
    tail.set_origin({.client = ClientId{item.client}, .clock = tail.clock - 1});
    return tail;
  }

  void put(const WireStruct& item, std::size_t size) {
    used_ += size;
    if (items_.empty() || items_.back().client != item.client) {
      used_ += k_group_bytes;
    }
    items_.push_back(item);
  }

  void flush() {
    if (items_.empty() && deletes_.empty()) {
      return;
    }
    detail::GroupWriter<UpdateEncoderV1> out;
    for (const WireStruct& item : items_) {
      out.write(item, 0);
    }
    parts_.push_back(out.finish(deletes_));
    items_.clear();
    deletes_.clear();
    used_ = k_update_bytes;
  }

  std::size_t bytes_max_;
  std::size_t used_ = k_update_bytes;
  std::vector<WireStruct> items_;
  WireDeletes deletes_;
  std::vector<Bytes> parts_;
};

}  // namespace

Result<std::vector<Bytes>> split_update(BytesView update, std::size_t bytes_max) {
  VIVIM_ASSERT(bytes_max >= k_chunk_bytes_min);
  VIVIM_TRY(const auto decoded, detail::decode_update(update));
  if (update.size() <= bytes_max) {
    return std::vector<Bytes>{to_bytes(update)};
  }
  Splitter splitter(bytes_max);
  for (const auto& group : decoded.groups) {
    for (const WireStruct& item : group) {
      if (item.kind != Kind::skip) {
        splitter.add(item);
      }
    }
  }
  for (const auto& [client, ranges] : decoded.deletes) {
    for (const ClockRange& range : ranges) {
      splitter.erase(client, range);
    }
  }
  return splitter.finish();
}

}  // namespace vivim::crdt
