#include <algorithm>
#include <utility>

#include "interop/conformance/session.hpp"
#include "interop/conformance/struct_list.hpp"
#include "vivim/crdt/relative_position.hpp"

namespace vivim::interop::conformance {

using crdt::UpdateFormat;
using crdt::lib0::Encoder;

namespace {

Bytes list_of(const std::vector<Bytes>& updates) {
  Encoder out;
  out.var_uint(updates.size());
  for (const Bytes& update : updates) {
    out.var_bytes(update);
  }
  return out.take();
}

}  // namespace

// After a transaction: all that it did, and all that can be read. Updates from `new_from` on are
// the replica's own and go to the others.
void Session::check(std::size_t index, std::size_t new_from) {
  ++transactions_;
  Replica& replica = *replicas_[index];
  crdt::Doc& doc = *replica.doc;
  const std::vector<Bytes> v1 = std::exchange(replica.v1, {});
  expect(list_of(v1));
  expect(list_of(std::exchange(replica.v2, {})));
  expect(as_bytes(std::exchange(replica.told, {})));
  expect_state(doc);
  expect_pending(doc);
  expect(as_bytes(content_of(doc).to_json()));
  expect_positions(doc);
  if (!consistent(doc)) {
    fail("our structures are broken");
  }
  for (std::size_t i = new_from; i < v1.size(); ++i) {
    broadcast(v1[i], index);
  }
}

// Nothing, what a replica knows, or a part of it that ends anywhere.
Bytes Session::some_state() {
  if (chance_.one_in(2)) {
    return Bytes{0};
  }
  crdt::StateVector known = state_vector(*replicas_[chance_.pick(replicas_.size())]->doc);
  if (chance_.one_in(2)) {
    for (auto& [client, clock] : known) {
      clock = 1 + chance_.pick(clock);
    }
  }
  return crdt::encode_state_vector(known);
}

void Session::expect_state(const crdt::Doc& doc) {
  const Bytes known = some_state();
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

// Where two of the positions are now.
void Session::expect_positions(crdt::Doc& doc) {
  const std::size_t count = std::min<std::size_t>(positions_.size(), 2);
  out_.var_uint(count);
  for (std::size_t i = 0; i < count; ++i) {
    const Bytes& bytes = positions_[chance_.pick(positions_.size())];
    const bool follow = chance_.one_in(2);
    out_.var_bytes(bytes);
    out_.var_uint(follow ? 1 : 0);
    const auto position = crdt::decode_relative_position(bytes).value();
    const auto found =
        absolute_position(doc, position, follow ? crdt::FollowUndone::yes : crdt::FollowUndone::no);
    expect(as_bytes(found ? std::to_string(found->index) + " " + std::to_string(found->assoc)
                          : std::string("nowhere")));
  }
}

void Session::expect_structs(std::size_t index) {
  out_.var_uint(k_structs);
  out_.var_uint(index);
  expect(struct_list(*replicas_[index]->doc));
}

}  // namespace vivim::interop::conformance
