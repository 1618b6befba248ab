#include "interop/conformance/gap_reader.hpp"

#include <algorithm>
#include <map>
#include <optional>
#include <utility>

#include "interop/conformance/struct_list.hpp"
#include "vivim/crdt/array.hpp"
#include "vivim/crdt/inspect.hpp"
#include "vivim/crdt/map.hpp"
#include "vivim/crdt/snapshot.hpp"
#include "vivim/crdt/text.hpp"

namespace vivim::interop::conformance {

using crdt::Any;
using crdt::UpdateFormat;
using crdt::lib0::Encoder;

namespace {

/// As interop/js/conformance-worker.mjs numbers them.
constexpr std::uint64_t k_make_step = 18;
constexpr std::uint64_t k_apply_step = 19;

/// Nobody else's: replicas, guests and the forger have others, modulo 16.
constexpr std::uint64_t k_client = 15;

constexpr crdt::Origin k_own{1};
constexpr crdt::Origin k_peer{2};

std::vector<crdt::StructInfo> structs_in(BytesView update) {
  if (update.empty()) {
    return {};
  }
  auto all = crdt::inspect_update(update).value().structs;
  std::erase_if(all, [](const auto& info) { return info.kind == crdt::StructKind::skip; });
  return all;
}

// Whether two structs overlap and are not the same: where Yjs 14 puts such together it cuts the
// second at the wrong place, and loses some of it (docs/protocol/crdt.md).
bool overlap(std::vector<crdt::StructInfo> a, std::vector<crdt::StructInfo> b) {
  const auto by_place = [](const crdt::StructInfo& x) {
    return std::pair(x.id.client, x.id.clock);
  };
  std::ranges::sort(a, {}, by_place);
  std::ranges::sort(b, {}, by_place);
  for (auto x = a.begin(), y = b.begin(); x != a.end() && y != b.end();) {
    const bool same = x->id == y->id && x->len == y->len;
    if (!same && x->id.client == y->id.client && x->id.clock < y->id.clock + y->len &&
        y->id.clock < x->id.clock + x->len) {
      return true;
    }
    const auto end = [](const crdt::StructInfo& info) {
      return std::pair(info.id.client, info.id.clock + info.len);
    };
    end(*x) <= end(*y) ? ++x : ++y;
  }
  return false;
}

// Whether something known begins inside the last struct that comes of a client: Yjs 14 takes out
// what is known, compares with what is left of that struct after the first cut, and then loses what
// is behind it, or takes what it has again (docs/protocol/crdt.md). `comes` is in order.
bool known_inside_last(const std::vector<crdt::StructInfo>& comes, const crdt::Doc& doc) {
  std::map<crdt::ClientId, crdt::StructInfo> last;
  for (const crdt::StructInfo& info : comes) {
    last[info.id.client] = info;
  }
  std::optional<crdt::Id> before_ends;  // what is known of a client before
  return std::ranges::any_of(structs(doc), [&](const crdt::StructInfo& known) {
    if (known.kind == crdt::StructKind::skip) {
      return false;
    }
    const bool begins = before_ends != known.id;
    before_ends = crdt::Id{known.id.client, known.id.clock + known.len};
    const auto it = last.find(known.id.client);
    return begins && it != last.end() && known.id.clock > it->second.id.clock &&
           known.id.clock < it->second.id.clock + it->second.len;
  });
}

void write_ranges(Encoder& out, const crdt::DeleteSet& all) {
  out.var_uint(all.size());
  for (const auto& [client, ranges] : all) {
    out.var_uint(value_of(client));
    out.var_uint(ranges.size());
    for (const crdt::ClockRange& range : ranges) {
      out.var_uint(range.from);
      out.var_uint(range.to);
    }
  }
}

}  // namespace

GapReader::GapReader(std::uint64_t seed, Content content, Encoder& out)
    : editor_(chance_, content), content_(content), out_(out) {
  chance_.seed(seed);
  chance_.use_emoji(false);  // who cuts a pair shows something else in each engine
  const bool collects = !chance_.one_in(3);
  doc_ = std::make_unique<crdt::Doc>(
      crdt::ClientId{k_client},
      crdt::DocOptions{.collect_garbage = collects, .gap_mode = crdt::GapMode::v14});
  for (const UpdateFormat format : {UpdateFormat::v1, UpdateFormat::v2}) {
    auto& heard = format == UpdateFormat::v1 ? v1_ : v2_;
    subscriptions_.push_back(doc_->on_update(
        [&heard](BytesView update, crdt::Origin) { heard.push_back(to_bytes(update)); }, format));
  }
  doc_->text("t");
  doc_->map("m");
  doc_->array("a");
  doc_->xml_fragment("x");
  out_.var_uint(k_make_step);
  out_.var_uint(collects ? 1 : 0);
}

void GapReader::hear(const Bytes& update) {
  if (!chance_.one_in(8)) {
    inbox_.push_back(update);
  }
}

void GapReader::step(std::uint64_t number,
                     const std::function<const crdt::Doc&(std::size_t)>& other,
                     std::size_t others) {
  chance_.seed(number * 0x9e37'79b9'7f4a'7c15);
  if (failure_ || !compared_ || chance_.one_in(3)) {
    return;
  }
  if (chance_.one_in(8)) {
    edit();
  } else {
    deliver_some(other, others);
  }
}

Bytes GapReader::take() {
  const std::size_t at = chance_.pick(inbox_.size());
  Bytes update = inbox_[at];
  if (!chance_.one_in(8)) {
    inbox_.erase(inbox_.begin() + static_cast<std::ptrdiff_t>(at));
  }
  return update;
}

// Nothing, what is known, or a part of it that ends anywhere, in gaps too.
Bytes GapReader::some_state() {
  if (chance_.one_in(2)) {
    return Bytes{0};
  }
  crdt::StateVector known;
  for (const crdt::StructInfo& info : structs(*doc_)) {
    if (!chance_.one_in(3)) {
      known[info.id.client] = info.id.clock + chance_.pick(info.len + 1);
    }
  }
  return crdt::encode_state_vector(known);
}

void GapReader::deliver_some(const std::function<const crdt::Doc&(std::size_t)>& other,
                             std::size_t others) {
  const std::size_t way = chance_.pick(12);
  if (way < 2) {
    const crdt::Doc& from = other(chance_.pick(others));
    deliver(way == 0 ? encode_state_as_update(from)
                     : encode_state_as_update(from, crdt::encode_state_vector(*doc_)).value());
  } else if (inbox_.empty()) {
    return;
  } else if (way < 4) {
    std::vector<Bytes> parts;
    for (std::size_t count = 2 + chance_.pick(3); count > 0 && !inbox_.empty(); --count) {
      parts.push_back(take());
    }
    const std::vector<BytesView> views(parts.begin(), parts.end());
    deliver(crdt::merge_updates(views).value());
  } else if (way < 5) {
    const Bytes update = take();
    deliver(crdt::diff_update(update, some_state()).value());
  } else {
    deliver(take());
  }
}

void GapReader::deliver(BytesView update) {
  const auto waiting = structs_in(pending(*doc_).structs);
  if (known_inside_last(structs_in(update), *doc_) || known_inside_last(waiting, *doc_)) {
    compared_ = false;
  }
  const UpdateFormat by = chance_.one_in(2) ? UpdateFormat::v1 : UpdateFormat::v2;
  const Bytes bytes = by == UpdateFormat::v1
                          ? to_bytes(update)
                          : crdt::convert_update(update, UpdateFormat::v1, by).value();
  if (const auto applied = apply_update(*doc_, bytes, k_peer, by); !applied) {
    failure_ = "a reader over gaps refuses an update: " + applied.error().message();
    return;
  }
  if (!pending(*doc_).structs.empty() && overlap(waiting, structs_in(update))) {
    compared_ = false;
  }
  if (compared_) {
    check(bytes, by);
  }
}

void GapReader::edit() {
  Encoder program;
  doc_->transact(
      [&](crdt::Transaction& transaction) {
        editor_.edit(*doc_, last_position_, transaction, program);
      },
      k_own);
  if (v1_.size() == 1) {  // what it did itself its twin hears
    const Bytes update = v1_.front();
    check(update, UpdateFormat::v1);
  }
}

// After a transaction: all that it did, and all that can be read.
void GapReader::check(BytesView update, UpdateFormat by) {
  ++transactions_;
  out_.var_uint(k_apply_step);
  out_.var_uint(static_cast<std::uint64_t>(by));
  out_.var_bytes(update);
  for (auto* events : {&v1_, &v2_}) {
    out_.var_uint(events->size());
    for (const Bytes& event : std::exchange(*events, {})) {
      expect(event);
    }
  }
  const crdt::Pending waiting = pending(*doc_);
  const Bytes known = some_state();
  const bool alike = !overlap(structs_in(waiting.structs), structs(*doc_));
  out_.var_uint(alike ? 1 : 0);
  expect(known);
  expect(encode_state_as_update(*doc_, known, UpdateFormat::v1).value());
  expect(encode_state_as_update(*doc_, known, UpdateFormat::v2).value());
  expect(encode_state_vector(*doc_));
  expect(encode_snapshot(snapshot(*doc_), UpdateFormat::v1));
  expect(encode_snapshot(snapshot(*doc_), UpdateFormat::v2));
  expect(crdt::encode_state_vector(waiting.missing));
  Encoder gaps;
  write_ranges(gaps, waiting.gaps);
  expect(gaps.view());
  expect(struct_list(*doc_));
  const bool plain = content_ == Content::plain;
  const Any::Object shown{{"t", Any(doc_->text("t").to_string())},
                          {"m", plain ? doc_->map("m").to_any() : Any(nullptr)},
                          {"a", plain ? doc_->array("a").to_any() : Any(nullptr)}};
  expect(as_bytes(Any(shown).to_json()));
  if (!consistent(*doc_)) {
    failure_ = "structures with gaps are broken";
  }
}

void GapReader::settle(const crdt::Doc& other) {
  if (failure_) {
    return;
  }
  const Bytes all = encode_state_as_update(other);
  if (compared_) {
    deliver(all);
  } else if (!apply_update(*doc_, all)) {
    failure_ = "a reader over gaps refuses a state";
  }
  const crdt::Pending waiting = pending(*doc_);
  if (!waiting.gaps.empty() || !waiting.structs.empty() || !waiting.deletes.empty()) {
    failure_ = "a reader over gaps still lacks something";
  }
  crdt::Doc both(crdt::ClientId{k_client + 16});
  if (!apply_update(both, all) || !apply_update(both, encode_state_as_update(*doc_)) ||
      snapshot(both) != snapshot(*doc_)) {
    failure_ = "a reader over gaps holds something else";
  }
}

}  // namespace vivim::interop::conformance
