// Yjs' own tests of updates and of their encoding (tests/updates.tests.js, tests/encoding.tests.js
// of 13.6.31), by their names. What they ask of a JavaScript class is asked of ours.

#include <algorithm>
#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

#include "vivim/crdt/doc.hpp"
#include "vivim/crdt/inspect.hpp"
#include "vivim/crdt/update.hpp"
#include "vivim/crdt/value.hpp"

namespace vivim::crdt {
namespace {

using Updates = std::vector<Bytes>;

/// Yjs runs these with v1, with v2, and with documents in the place of what works without one.
struct Enc {
  const char* name = "";
  UpdateFormat format = UpdateFormat::v1;
  bool by_document = false;

  Bytes merge(const Updates& updates) const {
    if (!by_document) {
      const std::vector<BytesView> views(updates.begin(), updates.end());
      return merge_updates(views, format).value();
    }
    Doc doc(ClientId{0}, {.collect_garbage = false});
    for (const Bytes& update : updates) {
      REQUIRE(apply_update(doc, update, {}, format).has_value());
    }
    return encode_state_as_update(doc, format);
  }
  Bytes diff(const Bytes& update, const Bytes& known) const {
    if (!by_document) {
      return diff_update(update, known, format).value();
    }
    Doc doc(ClientId{0}, {.collect_garbage = false});
    REQUIRE(apply_update(doc, update, {}, format).has_value());
    return encode_state_as_update(doc, known, format).value();
  }
};

const Enc k_encoders[] = {{.name = "v1"},
                          {.name = "v2", .format = UpdateFormat::v2},
                          {.name = "document", .format = UpdateFormat::v2, .by_document = true}};

/// Yjs' parseUpdateMeta: of each client the first clock and the end.
std::map<ClientId, std::pair<std::uint64_t, std::uint64_t>> meta(const Bytes& update,
                                                                 UpdateFormat format) {
  std::map<ClientId, std::pair<std::uint64_t, std::uint64_t>> clients;
  for (const StructInfo& info : inspect_update(update, format).value().structs) {
    const std::uint64_t end = info.id.clock + info.len;
    const auto [it, fresh] = clients.try_emplace(info.id.client, info.id.clock, end);
    it->second.second = end;
  }
  return clients;
}

Any list(Doc& doc, std::string_view name) {
  return doc.array(name).to_any();
}

Updates slice(const Updates& updates, std::size_t from, std::size_t to) {
  return {updates.begin() + static_cast<std::ptrdiff_t>(from),
          updates.begin() + static_cast<std::ptrdiff_t>(to)};
}

std::vector<Bytes> merge_cases(const Updates& updates, const Enc& enc) {
  const std::size_t n = updates.size();
  std::vector<Bytes> cases{
      enc.merge(updates),
      enc.merge({enc.merge(slice(updates, 2, n)), enc.merge(slice(updates, 0, 2))}),
      enc.merge({enc.merge(slice(updates, 2, n)), enc.merge(slice(updates, 1, 3)), updates[0]}),
      enc.merge({enc.merge({updates[0], updates[2]}), enc.merge({updates[1], updates[3]}),
                 enc.merge(slice(updates, 4, n))})};
  cases.push_back(enc.merge(cases));
  return cases;
}

// The update's deletions alone, as an update.
Bytes deletes_of(const Bytes& update, UpdateFormat format) {
  StateVector all;
  for (const auto& [client, range] : meta(update, format)) {
    all[client] = range.second;
  }
  return diff_update(update, encode_state_vector(all), format).value();
}

void check_update_cases(Doc& doc, const Updates& updates, const Enc& enc) {
  for (const Bytes& merged : merge_cases(updates, enc)) {
    Doc read(ClientId{0}, {.collect_garbage = false});
    REQUIRE(apply_update(read, merged, {}, enc.format).has_value());
    CHECK(list(read, "") == list(doc, ""));
    CHECK(encode_state_vector(read) == state_vector_from_update(merged, enc.format).value());
    for (const auto& [client, range] : meta(merged, enc.format)) {
      CHECK(range.first == 0);
      CHECK(range.second == state_vector(read)[client]);
    }
    if (enc.format == UpdateFormat::v1) {
      continue;
    }
    for (std::size_t j = 1; j < updates.size(); ++j) {
      const Bytes part = enc.merge(slice(updates, j, updates.size()));
      const Bytes known =
          state_vector_from_update(k_encoders[1].merge(slice(updates, 0, j)), enc.format).value();
      const Bytes difference = enc.diff(merged, known);
      CHECK(meta(part, enc.format) == meta(difference, enc.format));
      if (!enc.by_document) {
        CHECK(difference == enc.merge({deletes_of(difference, enc.format), part}));
      }
    }
  }
}

// The updates of these edits, as that encoder hears them.
void with_updates(const std::function<void(Transaction&, Array&, int)>& edit, int steps) {
  for (const Enc& enc : k_encoders) {
    CAPTURE(enc.name);
    Doc doc(ClientId{7}, {.collect_garbage = false});
    Updates updates;
    const auto hearing = doc.on_update(
        [&](BytesView update, Origin) { updates.push_back(to_bytes(update)); }, enc.format);
    Array array = doc.array("");
    for (int i = 0; i < steps; ++i) {
      doc.transact([&](Transaction& t) { edit(t, array, i); });
    }
    check_update_cases(doc, updates, enc);
  }
}

TEST_CASE("yjs updates: testMergeUpdates") {
  Doc first(ClientId{0});
  Doc second(ClientId{1});
  first.transact([&](Transaction& t) { first.array("array").insert(t, 0, {1}); });
  second.transact([&](Transaction& t) { second.array("array").insert(t, 0, {2}); });
  REQUIRE(apply_update(first, encode_state_as_update(second)).has_value());
  REQUIRE(apply_update(second, encode_state_as_update(first)).has_value());
  for (const Enc& enc : k_encoders) {
    Doc merged(ClientId{5});
    REQUIRE(apply_update(merged,
                         enc.merge({encode_state_as_update(first, enc.format),
                                    encode_state_as_update(second, enc.format)}),
                         {}, enc.format)
                .has_value());
    CHECK(list(merged, "array") == list(first, "array"));
  }
}

TEST_CASE("yjs updates: testMergeUpdates1") {
  with_updates([](Transaction& t, Array& array, int i) { array.insert(t, 0, {i + 1}); }, 4);
}

TEST_CASE("yjs updates: testMergeUpdates2") {
  with_updates(
      [](Transaction& t, Array& array, int i) {
        if (i == 0) {
          array.insert(t, 0, {1, 2});
        } else if (i == 1) {
          array.remove(t, 1, 1);
        } else if (i == 2) {
          array.insert(t, 0, {3, 4});
        } else {
          array.remove(t, 1, 2);
        }
      },
      4);
}

TEST_CASE("yjs updates: testMergePendingUpdates") {
  Doc writer(ClientId{3});
  Updates updates;
  const auto hearing =
      writer.on_update([&](BytesView update, Origin) { updates.push_back(to_bytes(update)); });
  for (const char* letter : {"r", "o", "n", "e", "n"}) {
    writer.transact([&](Transaction& t) { writer.text("textBlock").insert(t, 0, letter); });
  }
  Bytes state{0, 0};
  for (const std::size_t next : {0, 1, 3, 2, 4}) {
    Doc doc(ClientId{4});
    REQUIRE(apply_update(doc, state).has_value());
    REQUIRE(apply_update(doc, updates[next]).has_value());
    state = encode_state_as_update(doc);
  }
  Doc last(ClientId{4});
  REQUIRE(apply_update(last, state).has_value());
  CHECK(last.text("textBlock").to_string() == "nenor");
}

TEST_CASE("yjs encoding: testStructReferences") {
  CHECK(static_cast<int>(StructKind::deleted) == 1);
  CHECK(static_cast<int>(StructKind::json) == 2);
  CHECK(static_cast<int>(StructKind::binary) == 3);
  CHECK(static_cast<int>(StructKind::string) == 4);
  CHECK(static_cast<int>(StructKind::embed) == 5);
  CHECK(static_cast<int>(StructKind::format) == 6);
  CHECK(static_cast<int>(StructKind::type) == 7);
  CHECK(static_cast<int>(StructKind::any) == 8);
  CHECK(static_cast<int>(StructKind::doc) == 9);
  CHECK(static_cast<int>(StructKind::skip) == 10);
}

TEST_CASE("yjs encoding: testDiffStateVectorOfUpdateIsEmpty") {
  Doc doc(ClientId{1});
  doc.transact([&](Transaction& t) { doc.text("").insert(t, 0, "a"); });
  Bytes state;
  const auto hearing = doc.on_update(
      [&](BytesView update, Origin) { state = state_vector_from_update(update).value(); });
  doc.transact([&](Transaction& t) { doc.text("").insert(t, 0, "a"); });
  CHECK(state == Bytes{0});
}

TEST_CASE("yjs encoding: testDiffStateVectorOfUpdateIgnoresSkips") {
  Doc doc(ClientId{1});
  Updates updates;
  const auto hearing =
      doc.on_update([&](BytesView update, Origin) { updates.push_back(to_bytes(update)); });
  for (const char* letter : {"a", "b", "c"}) {
    doc.transact([&](Transaction& t) { doc.text("").insert(t, 0, letter); });
  }
  const Bytes first_and_third = k_encoders[0].merge({updates[0], updates[2]});
  CHECK(decode_state_vector(state_vector_from_update(first_and_third).value()).value() ==
        StateVector{{ClientId{1}, 1}});
}

TEST_CASE("yjs doc: testClientIdDuplicateChange") {
  // Yjs takes another client id when somebody else writes under its own. Ours are given: an own id
  // in an update is taken for what this client wrote before, and it goes on behind it.
  Doc first(ClientId{1});
  Doc second(ClientId{1});
  first.transact([&](Transaction& t) { first.array("a").insert(t, 0, {1, 2}); });
  REQUIRE(apply_update(second, encode_state_as_update(first)).has_value());
  CHECK(second.client_id() == ClientId{1});
  second.transact([&](Transaction& t) { second.array("a").push(t, 3); });
  CHECK(state_vector(second) == StateVector{{ClientId{1}, 3}});
}

TEST_CASE("yjs doc: testGetTypeEmptyId") {
  Doc first(ClientId{1});
  first.transact([&](Transaction& t) { first.text("").insert(t, 0, "h"); });
  first.transact([&](Transaction& t) { first.text("").insert(t, 1, "i"); });
  Doc second(ClientId{2});
  REQUIRE(apply_update(second, encode_state_as_update(first)).has_value());
  CHECK(second.text("").to_string() == "hi");
}

}  // namespace
}  // namespace vivim::crdt
