#include "interop/conformance/session.hpp"

#include <algorithm>
#include <utility>

#include "vivim/crdt/inspect.hpp"

namespace vivim::interop::conformance {

using crdt::Any;
using crdt::UpdateFormat;
using crdt::lib0::Encoder;

namespace {

Any sorted(const Any& value) {
  if (const auto* object = value.if_object()) {
    Any::Object members;
    for (const auto& [key, member] : *object) {
      members.emplace_back(key, sorted(member));
    }
    std::ranges::sort(members, {}, &std::pair<std::string, Any>::first);
    return Any(std::move(members));
  }
  if (const auto* array = value.if_array()) {
    Any::Array values;
    for (const Any& element : *array) {
      values.push_back(sorted(element));
    }
    return Any(std::move(values));
  }
  return value;
}

Any roots(crdt::Doc& doc) {
  Any::Object roots;
  roots.emplace_back("t", Any(doc.text("t").to_string()));
  roots.emplace_back("m", doc.map("m").to_any());
  roots.emplace_back("a", doc.array("a").to_any());
  return roots;
}

Bytes list_of(std::vector<Bytes>& updates) {
  Encoder out;
  out.var_uint(updates.size());
  for (const Bytes& update : std::exchange(updates, {})) {
    out.var_bytes(update);
  }
  return out.take();
}

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
  if (info.kind == crdt::StructKind::gc) {
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

std::string show(crdt::Doc& doc) {
  return roots(doc).to_json();
}

Session::Session(const Program& program) {
  chance_.seed(program.seed);
  swarm_ = chance_.one_in(4);
  const std::size_t count = 2 + chance_.pick(chance_.one_in(4) ? 7 : 3);
  for (std::size_t i = 0; i < count; ++i) {
    make_replica(i);
  }
  // Nobody else's id: replicas have 1 to 9, modulo 16. Two things of one id diverge in Yjs, too.
  forger_ = 106 + chance_.pick(6) + (chance_.one_in(2) ? 0 : std::uint64_t{1} << 40);
  for (const std::uint64_t number : program.steps) {
    if (!failure_) {
      step(number);
    }
  }
  settle();
  compare_replicas();
}

void Session::make_replica(std::size_t index) {
  constexpr std::uint64_t k_widths[] = {0x7f, 0xffff'ffff, crdt::k_number_max};
  const std::uint64_t client = 1 + index + (chance_.number() & k_widths[chance_.pick(3)]) / 16 * 16;
  auto replica = std::make_unique<Replica>();
  replica->collects = !chance_.one_in(4);
  replica->doc = std::make_unique<crdt::Doc>(
      crdt::ClientId{client}, crdt::DocOptions{.collect_garbage = replica->collects,
                                               .formatting_cleanup = crdt::FormattingCleanup::yjs});
  for (const UpdateFormat format : {UpdateFormat::v1, UpdateFormat::v2}) {
    auto& heard = format == UpdateFormat::v1 ? replica->v1 : replica->v2;
    replica->subscriptions.push_back(replica->doc->on_update(
        [&heard](BytesView update, crdt::Origin) { heard.push_back(to_bytes(update)); }, format));
  }
  replica->doc->text("t");
  replica->doc->map("m");
  replica->doc->array("a");
  out_.var_uint(k_make);
  out_.var_uint(replica->collects ? 1 : 0);
  out_.var_uint(client);
  replicas_.push_back(std::move(replica));
}

void Session::check(std::size_t index) {
  ++transactions_;
  Replica& replica = *replicas_[index];
  const crdt::Doc& doc = *replica.doc;
  expect(list_of(replica.v1));
  expect(list_of(replica.v2));
  const Bytes known = chance_.one_in(2)
                          ? Bytes{0}
                          : encode_state_vector(*replicas_[chance_.pick(replicas_.size())]->doc);
  expect(known);
  for (const UpdateFormat format : {UpdateFormat::v1, UpdateFormat::v2}) {
    expect(encode_state_as_update(doc, known, format).value());
  }
  expect(encode_state_vector(doc));
  const crdt::Snapshot version = snapshot(doc);
  for (const UpdateFormat format : {UpdateFormat::v1, UpdateFormat::v2}) {
    const Bytes bytes = encode_snapshot(version, format);
    expect(bytes);
    if (const auto back = crdt::decode_snapshot(bytes, format); !back || *back != version) {
      fail("a snapshot does not read as it was written");
    }
  }
  expect_pending(doc);
  expect(as_bytes(show(*replica.doc)));
  if (!consistent(doc)) {
    fail("our structures are broken");
  }
}

// Yjs keeps what is pending in format v2.
void Session::expect_pending(const crdt::Doc& doc) {
  const crdt::Pending waiting = pending(doc);
  const auto to_v2 = [](BytesView update) {
    return update.empty()
               ? Bytes()
               : crdt::convert_update(update, UpdateFormat::v1, UpdateFormat::v2).value();
  };
  Bytes deletes;
  if (!waiting.deletes.empty()) {
    deletes.push_back(0);  // no structs; then the delete set, without a snapshot's state vector
    append(deletes, crdt::encode_snapshot({.state_vector = {}, .deletes = waiting.deletes}));
    deletes.pop_back();
  }
  Encoder out;
  out.raw(crdt::encode_state_vector(waiting.missing));
  out.var_bytes(to_v2(waiting.structs));
  out.var_bytes(to_v2(deletes));
  expect(out.view());
}

void Session::expect_structs(std::size_t index) {
  const auto all = structs(*replicas_[index]->doc);
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
  out_.var_uint(k_structs);
  out_.var_uint(index);
  expect(out.view());
}

// Everybody hears everything, at last.
void Session::settle() {
  if (!log_.empty()) {
    deliver(0, merge(log_, UpdateFormat::v1));
  }
  for (int round = 0; round < 2; ++round) {
    for (std::size_t to = 0; to < replicas_.size() && !failure_; ++to) {
      for (std::size_t from = 0; from < replicas_.size(); ++from) {
        if (from != to) {
          synchronise(to, from);
        }
      }
    }
  }
}

void Session::compare_replicas() {
  crdt::Doc& first = *replicas_.front()->doc;
  for (std::size_t i = 0; i < replicas_.size() && !failure_; ++i) {
    crdt::Doc& other = *replicas_[i]->doc;
    expect_structs(i);
    if (has_pending(other)) {
      fail("something still waits");
    }
    if (encode_state_vector(other) != encode_state_vector(first)) {
      fail("replicas know different things");
    }
    if (sorted(roots(other)) != sorted(roots(first))) {
      fail("replicas show different content");
    }
  }
  if (swarm_) {
    out_.var_uint(k_swarm);
    out_.var_uint(0);
  }
}

}  // namespace vivim::interop::conformance
