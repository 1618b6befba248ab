#include "vivim/crdt/equivocation.hpp"

#include <algorithm>
#include <string>
#include <utility>

#include "vivim/crdt/doc.hpp"
#include "vivim/crdt/engine_detail.hpp"
#include "vivim/crdt/equivocation_detail.hpp"
#include "vivim/crdt/group_writer_detail.hpp"
#include "vivim/crdt/json_detail.hpp"
#include "vivim/crdt/utf_detail.hpp"

namespace vivim::crdt {
namespace detail {
namespace {

bool has_place(const WireStruct& item) {
  return item.kind != Kind::gc && item.kind != Kind::skip;
}

bool has_content(const WireStruct& item) {
  return has_place(item) && item.kind != Kind::deleted;
}

/// One side of the comparison: the struct at a clock, and where in its content that is. Clocks only
/// grow.
class Side {
 public:
  explicit Side(std::span<const WireStruct> items) : items_(items) {}

  /// Moves to the struct that covers `clock`.
  void move(std::uint64_t clock) {
    while (items_[index_].end() <= clock) {
      ++index_;
      at_ = 0;
      units_.clear();
      read_ = items_[index_].clock;
    }
    skip(clock - read_);
    read_ = clock;
  }
  const WireStruct& item() const { return items_[index_]; }

  /// The next `count` units of text.
  std::u16string_view text(std::uint64_t count) {
    if (units_.empty()) {
      append_utf16(units_, as_text(item().content));
    }
    return std::u16string_view(units_).substr(read_ - item().clock, count);
  }
  /// The next `count` elements.
  BytesView elements(std::uint64_t count) const {
    const BytesView rest = item().content.subspan(at_);
    return rest.first(element_offset(item().kind, rest, count));
  }

 private:
  void skip(std::uint64_t count) {
    if (item().kind == Kind::any || item().kind == Kind::json) {
      at_ += element_offset(item().kind, item().content.subspan(at_), count);
    }
  }

  std::span<const WireStruct> items_;
  std::size_t index_ = 0;
  std::uint64_t read_ = items_.front().clock;
  std::size_t at_ = 0;  ///< of elements: bytes before the clock
  std::u16string units_;
};

std::optional<Id> origin_at(const WireStruct& item, std::uint64_t clock) {
  if (clock > item.clock) {
    return Id{.client = ClientId{item.client}, .clock = clock - 1};
  }
  return item.has_origin ? std::optional(item.origin) : std::nullopt;
}

std::optional<Id> right_of(const WireStruct& item) {
  return item.has_right_origin ? std::optional(item.right_origin) : std::nullopt;
}

// Cutting and joining runs keep all of this.
bool same_place(const WireStruct& a, const WireStruct& b, std::uint64_t clock) {
  if (origin_at(a, clock) != origin_at(b, clock) || right_of(a) != right_of(b)) {
    return false;
  }
  if (origin_at(a, clock) || right_of(a)) {
    return true;
  }
  const bool same_parent =
      a.parent == b.parent &&
      (a.parent == ParentRef::root ? a.root == b.root : a.parent_item == b.parent_item);
  return same_parent && a.has_key == b.has_key && (!a.has_key || a.key == b.key);
}

// A half of a surrogate pair that was cut is U+FFFD for good: it says nothing.
bool same_text(std::u16string_view a, std::u16string_view b) {
  return std::ranges::equal(a, b, [](char16_t x, char16_t y) {
    return x == y || x == k_replacement || y == k_replacement;
  });
}

// The last string of an embed or a format: JSON, which v2 words anew.
bool same_json(BytesView a, BytesView b, bool named) {
  lib0::Decoder in_a(a);
  lib0::Decoder in_b(b);
  if (named && in_a.var_string().value_or("") != in_b.var_string().value_or("")) {
    return false;
  }
  return parse_json(in_a.var_string().value_or("")) == parse_json(in_b.var_string().value_or(""));
}

bool same_guid(BytesView a, BytesView b) {
  lib0::Decoder in_a(a);
  lib0::Decoder in_b(b);
  return in_a.var_string().value_or("") == in_b.var_string().value_or("");
}

bool same_content(Side& a, Side& b, std::uint64_t count) {
  const WireStruct& x = a.item();
  const WireStruct& y = b.item();
  if (x.kind != y.kind || x.type != y.type) {
    return false;
  }
  switch (x.kind) {
    case Kind::string:
      return same_text(a.text(count), b.text(count));
    case Kind::any:
    case Kind::json:
      return same_bytes(a.elements(count), b.elements(count));
    case Kind::embed:
      return same_bytes(x.content, y.content) || same_json(x.content, y.content, false);
    case Kind::format:
      return same_bytes(x.content, y.content) || same_json(x.content, y.content, true);
    case Kind::doc:
      return same_guid(x.content, y.content);
    default:
      return same_bytes(x.content, y.content);
  }
}

}  // namespace

std::optional<ClockRange> first_difference(std::span<const WireStruct> ours,
                                           std::span<const WireStruct> theirs, ClockRange range) {
  Side a(ours);
  Side b(theirs);
  for (std::uint64_t clock = range.from; clock < range.to;) {
    a.move(clock);
    b.move(clock);
    const std::uint64_t end = std::min({a.item().end(), b.item().end(), range.to});
    const bool same =
        !has_place(a.item()) || !has_place(b.item()) ||
        (same_place(a.item(), b.item(), clock) &&
         (!has_content(a.item()) || !has_content(b.item()) || same_content(a, b, end - clock)));
    if (!same) {
      return ClockRange{clock, end};
    }
    clock = end;
  }
  return std::nullopt;
}

Bytes as_update(std::span<const WireStruct> items, ClockRange range) {
  GroupWriter<UpdateEncoderV1> out;
  for (const WireStruct& item : items) {
    if (item.end() > range.from && item.clock < range.to) {
      out.write(item, range.from > item.clock ? range.from - item.clock : 0);
    }
  }
  return out.finish({});
}

void Evidence::add(Equivocation found) {
  ++count_;
  const std::size_t bytes = found.kept.size() + found.refused.size();
  if (found_.size() < k_equivocations_max && bytes <= k_evidence_bytes_max - bytes_) {
    bytes_ += bytes;
    found_.push_back(std::move(found));
  }
}

std::vector<Equivocation> Evidence::take() {
  bytes_ = 0;
  return std::exchange(found_, {});
}

void Senders::sent(ClientIndex client, std::uint64_t clock, Origin origin) {
  if (parts_.size() <= client) {
    parts_.resize(client + 1);
  }
  auto& parts = parts_[client];
  if (parts.empty() || (parts.back().origin != origin && parts.size() < k_senders_max)) {
    parts.push_back(
        {.from = clock, .origin = parts.size() + 1 < k_senders_max ? origin : Origin{}});
  }
}

void Senders::filled(ClientIndex client, ClockRange range, Origin origin) {
  if (client >= parts_.size()) {
    return;
  }
  auto& parts = parts_[client];
  auto after = std::ranges::upper_bound(parts, range.from, {}, &Part::from);
  if (after == parts.begin() || std::prev(after)->origin == origin) {
    return;
  }
  if (parts.size() + 2 > k_senders_max) {
    std::prev(after)->origin = {};
    return;
  }
  const Origin around = std::prev(after)->origin;
  after = parts.insert(after, {.from = range.from, .origin = origin});
  parts.insert(std::next(after), {.from = range.to, .origin = around});
}

Origin Senders::of(ClientIndex client, std::uint64_t clock) const {
  if (client >= parts_.size()) {
    return {};
  }
  const auto part = std::ranges::upper_bound(parts_[client], clock, {}, &Part::from);
  return part == parts_[client].begin() ? Origin{} : std::prev(part)->origin;
}

// Compares what `update` repeats with what is here. A run is written out from the clock on, however
// little of it was repeated, so the bytes are counted.
void Engine::find_equivocations(const DecodedUpdate& update, std::size_t bytes, Origin origin) {
  const auto state = [&](std::uint64_t client) { return std::uint64_t{state_of(client)}; };
  std::size_t budget = 65'536 + 16 * bytes;
  for (const auto& [theirs, range] : repeated(update, state)) {
    each_part(
        theirs.front().client, range,
        [&](ClockRange known) { budget = compare(theirs, known, budget, origin); },
        [](ClockRange) {});
  }
}

// Returns what is left of `budget`, in bytes; 0 if it was not enough.
std::size_t Engine::compare(std::span<const WireStruct> theirs, ClockRange range,
                            std::size_t budget, Origin origin) {
  const ClientIndex client = client_index(theirs.front().client);
  const Bytes here = budget == 0 ? Bytes() : encode_range(client, range);
  if (here.size() + theirs.size() >= budget) {
    return 0;
  }
  const auto decoded = decode_update(here);
  if (!decoded) {
    return budget;
  }
  const auto& ours = decoded->groups.front();
  if (const auto found = first_difference(ours, theirs, range)) {
    evidence_.add({.client = wire_id({client, 0}).client,
                   .clocks = *found,
                   .kept = as_update(ours, *found),
                   .refused = as_update(theirs, *found),
                   .from = origin,
                   .kept_from = senders_.of(client, found->from)});
  }
  return budget - here.size() - theirs.size();
}

void Engine::note_senders(const TransactionState& state) {
  for (const TransactionState::Touched& touched : state.touched) {
    if (clients_[touched.client].state > touched.before) {
      senders_.sent(touched.client, touched.before, state.origin);
    }
    if (const auto* filled = state.gaps ? state.gaps->filled.find(touched.client) : nullptr) {
      for (const ClockRange& range : *filled) {
        if (range.from < touched.before) {
          senders_.filled(touched.client, range, state.origin);
        }
      }
    }
  }
}

}  // namespace detail

std::vector<Equivocation> take_equivocations(Doc& doc) {
  return doc.engine().evidence().take();
}

std::uint64_t equivocations(const Doc& doc) {
  return doc.engine().evidence().count();
}

}  // namespace vivim::crdt
