#include <algorithm>
#include <optional>
#include <queue>
#include <unordered_map>

#include "vivim/crdt/group_writer_detail.hpp"
#include "vivim/crdt/struct_part_detail.hpp"
#include "vivim/crdt/update.hpp"
#include "vivim/crdt/wire_detail.hpp"

namespace vivim::crdt {
namespace {

using detail::DecodedUpdate;
using detail::GroupWriter;
using detail::Kind;
using detail::WireStruct;

/// The structs of one update in order, without Skips.
class Reader {
 public:
  Reader(const WireStruct* begin, const WireStruct* end) : current_(begin), end_(end) {}

  const WireStruct* current() const { return current_ == end_ ? nullptr : current_; }
  const WireStruct* next() {
    ++current_;
    return current();
  }

 private:
  const WireStruct* current_;
  const WireStruct* end_;
};

/// Where a client's structs begin, though the first that is there comes later.
using Begins = std::unordered_map<std::uint64_t, std::uint64_t>;

/// The content of several updates: decoded one after another, kept in one place.
class Sources {
 public:
  /// `updates`: how many will come; most have one struct.
  explicit Sources(std::size_t updates, GapMode gap_mode = GapMode::v13) : gap_mode_(gap_mode) {
    structs_.reserve(updates);
    ends_.reserve(updates);
  }

  Result<void> add(BytesView update, UpdateFormat format) {
    VIVIM_TRYV(detail::decode_update(update, format, decoded_));
    for (const auto& group : decoded_.groups) {
      if (gap_mode_ == GapMode::v14 && ends_.empty() && !group.empty() &&
          group.front().kind == Kind::skip) {
        begins_.emplace(group.front().client, group.front().clock);
      }
      for (const WireStruct& item : group) {
        if (item.kind != Kind::skip) {
          structs_.push_back(item);
        }
      }
    }
    ends_.push_back(structs_.size());
    for (const auto& [client, ranges] : decoded_.deletes) {
      auto& all = deletes_[client];
      all.insert(all.end(), ranges.begin(), ranges.end());
    }
    owned_.splice(owned_.end(), decoded_.owned);
    return {};
  }

  Bytes merge(UpdateFormat format);

 private:
  DecodedUpdate decoded_;
  std::vector<WireStruct> structs_;
  std::vector<std::size_t> ends_;  ///< of each update's structs
  GapMode gap_mode_;
  Begins begins_;
  detail::WireDeletes deletes_;
  detail::OwnedContent owned_;
};

/// Yjs mergeUpdates: of all readers the one with the highest client and lowest clock writes next;
/// of equal ones the one that wrote last.
template <class Out>
class Merger {
 public:
  Merger(std::vector<Reader>& readers, GapMode gap_mode, const Begins& begins)
      : readers_(readers), gap_mode_(gap_mode), begins_(begins) {
    fresh_.reserve(readers_.size());
    for (std::size_t i = 0; i < readers_.size(); ++i) {
      if (const WireStruct* item = readers_[i].current()) {
        fresh_.push_back(entry(i, *item, -static_cast<std::int64_t>(i)));
      }
    }
    // Updates mostly come in the order in which they were made.
    const auto first = [](const Entry& a, const Entry& b) { return b < a; };
    if (!std::ranges::is_sorted(fresh_, first)) {
      std::ranges::sort(fresh_, first);
    }
  }

  Bytes run(const detail::WireDeletes& deletes) {
    for (auto fresh = fresh_.begin(); fresh != fresh_.end() || !begun_.empty();) {
      std::size_t index = 0;
      if (begun_.empty() || (fresh != fresh_.end() && begun_.top() < *fresh)) {
        index = (fresh++)->reader;
      } else {
        index = begun_.top().reader;
        begun_.pop();
      }
      advance(readers_[index]);
      ++turn_;
      if (const WireStruct* item = readers_[index].current()) {
        begun_.push(entry(index, *item, turn_));
      }
    }
    if (pending_) {
      out_.write(*pending_, 0);
    }
    return out_.finish(deletes);
  }

 private:
  struct Entry {
    std::uint64_t client = 0;
    std::uint64_t clock = 0;
    std::int64_t turn = 0;
    std::size_t reader = 0;
    bool operator<(const Entry& other) const {
      if (client != other.client) {
        return client < other.client;
      }
      return clock != other.clock ? clock > other.clock : turn < other.turn;
    }
  };

  static Entry entry(std::size_t index, const WireStruct& item, std::int64_t turn) {
    return {.client = item.client, .clock = item.clock, .turn = turn, .reader = index};
  }

  void replace(const WireStruct& item) {
    if (pending_) {
      out_.write(*pending_, 0);
    }
    pending_ = item;
  }

  // The first of a client.
  void begin(const WireStruct& item) {
    const auto at = begins_.find(item.client);
    if (at != begins_.end() && at->second < item.clock) {
      replace({.client = item.client,
               .clock = at->second,
               .len = item.clock - at->second,
               .kind = Kind::skip});
    }
    replace(item);
  }

  // One round of the loop in mergeUpdatesV2 with `reader` in front.
  void advance(Reader& reader) {
    const std::uint64_t client = reader.current()->client;
    if (!pending_) {
      begin(*reader.current());
      reader.next();
    } else if (!join(reader, client)) {
      return;
    }
    for (const WireStruct* next = reader.current();
         next != nullptr && next->client == client && next->clock == pending_->end();
         next = reader.next()) {
      replace(*next);
    }
  }

  // False: nothing to write from this reader in this round.
  bool join(Reader& reader, std::uint64_t client) {
    const WireStruct* current = reader.current();
    bool moved = false;
    while (current != nullptr && current->end() <= pending_->end() &&
           current->client >= pending_->client) {
      current = reader.next();
      moved = true;
    }
    if (current == nullptr || current->client != client ||
        (moved && current->clock > pending_->end())) {
      return false;
    }
    if (client != pending_->client) {
      begin(*current);
      reader.next();
    } else if (pending_->end() < current->clock) {
      const WireStruct gap{.client = client,
                           .clock = pending_->end(),
                           .len = current->clock - pending_->end(),
                           .kind = Kind::skip};
      if (pending_->kind == Kind::skip) {
        pending_->len += gap.len;
      } else {
        replace(gap);
      }
    } else {
      append(*current, reader);
    }
    return true;
  }

  // `current` begins inside or right behind what is pending.
  void append(const WireStruct& current, Reader& reader) {
    const std::uint64_t overlap = pending_->end() - current.clock;
    WireStruct tail = current;
    if (overlap > 0) {
      if (pending_->kind == Kind::skip) {
        pending_->len -= overlap;
      } else {
        tail = part_of(current, {current.clock + overlap, current.end()}, owned_);
      }
    }
    if (gap_mode_ == GapMode::v13 && pending_->kind == Kind::gc && tail.kind == Kind::gc) {
      pending_->len += tail.len;
      return;
    }
    replace(tail);
    reader.next();
  }

  std::vector<Reader>& readers_;
  GapMode gap_mode_;
  const Begins& begins_;
  std::vector<Entry> fresh_;          ///< readers of which nothing was taken, the first first
  std::priority_queue<Entry> begun_;  ///< the others
  std::int64_t turn_ = 0;
  std::optional<WireStruct> pending_;
  detail::OwnedContent owned_;
  GroupWriter<Out> out_;
};

Bytes Sources::merge(UpdateFormat format) {
  std::vector<Reader> readers;
  readers.reserve(ends_.size());
  std::size_t begin = 0;
  for (const std::size_t end : ends_) {
    readers.emplace_back(structs_.data() + begin, structs_.data() + end);
    begin = end;
  }
  for (auto& [client, ranges] : deletes_) {
    detail::normalise(ranges);
  }
  const auto run = [&](auto merger) { return merger.run(deletes_); };
  return format == UpdateFormat::v1
             ? run(Merger<detail::UpdateEncoderV1>(readers, gap_mode_, begins_))
             : run(Merger<detail::UpdateEncoderV2>(readers, gap_mode_, begins_));
}

template <class Out>
Bytes write_diff(const DecodedUpdate& update, const StateVector& state) {
  GroupWriter<Out> out;
  for (const auto& group : update.groups) {
    if (group.empty()) {
      continue;
    }
    const auto it = state.find(ClientId{group.front().client});
    const std::uint64_t known = it == state.end() ? 0 : it->second;
    // As in Yjs the first written struct is not a Skip, and after it everything of this client is
    // written.
    auto item = std::ranges::find_if(group, [&](const WireStruct& candidate) {
      return candidate.kind != Kind::skip && candidate.end() > known;
    });
    if (item == group.end()) {
      continue;
    }
    out.write(*item, known > item->clock ? known - item->clock : 0);
    for (++item; item != group.end(); ++item) {
      out.write(*item, 0);
    }
  }
  return out.finish(update.deletes);
}

}  // namespace

Result<Bytes> merge_updates(std::span<const BytesView> updates, UpdateFormat format) {
  Sources sources(updates.size());
  for (const BytesView update : updates) {
    VIVIM_TRYV(sources.add(update, format));
  }
  return updates.size() == 1 ? to_bytes(updates.front()) : sources.merge(format);
}

Result<Bytes> detail::merge_parts(std::span<const UpdatePart> parts, UpdateFormat format,
                                  GapMode gap_mode) {
  Sources sources(parts.size(), gap_mode);
  for (const UpdatePart& part : parts) {
    VIVIM_TRYV(sources.add(part.bytes, part.format));
  }
  return sources.merge(format);
}

Result<Bytes> diff_update(BytesView update, BytesView state_vector, UpdateFormat format) {
  VIVIM_TRY(const StateVector state, decode_state_vector(state_vector));
  VIVIM_TRY(const DecodedUpdate decoded, detail::decode_update(update, format));
  return format == UpdateFormat::v1 ? write_diff<detail::UpdateEncoderV1>(decoded, state)
                                    : write_diff<detail::UpdateEncoderV2>(decoded, state);
}

Result<Bytes> state_vector_from_update(BytesView update, UpdateFormat format) {
  VIVIM_TRY(const DecodedUpdate decoded, detail::decode_update(update, format));
  lib0::Encoder body;
  std::size_t clients = 0;
  for (const auto& group : decoded.groups) {
    std::uint64_t clock = 0;
    for (const WireStruct& item : group) {
      if (item.kind == Kind::skip || item.clock != clock) {
        break;
      }
      clock = item.end();
    }
    if (clock > 0) {
      ++clients;
      body.var_uint(group.front().client);
      body.var_uint(clock);
    }
  }
  lib0::Encoder out;
  out.var_uint(clients);
  out.raw(body.view());
  return out.take();
}

Result<void> check_update(BytesView update, UpdateFormat format) {
  VIVIM_TRYV(detail::decode_update(update, format));
  return {};
}

}  // namespace vivim::crdt
