#include "vivim/crdt/snapshot.hpp"

#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "vivim/crdt/archive.hpp"
#include "vivim/crdt/doc.hpp"
#include "vivim/crdt/update.hpp"
#include "vivim/crdt/value.hpp"

namespace vivim::crdt {
namespace {

constexpr DocOptions k_keep{.collect_garbage = false};

void append(Doc& doc, std::string_view words) {
  doc.transact([&](Transaction& t) { doc.text("t").push(t, words); });
}

CrdtError snapshot_refusal(const Result<Snapshot>& decoded) {
  REQUIRE_FALSE(decoded.has_value());
  return static_cast<CrdtError>(decoded.error().code());
}

TEST_CASE("snapshot: the bytes of Yjs in both forms") {
  const Snapshot version{
      .state_vector = {{ClientId{(std::uint64_t{1} << 40) + 3}, 3}, {ClientId{5}, 38}},
      .deletes = {{ClientId{5}, {{1, 3}, {19, 20}, {21, 22}, {26, 29}, {31, 32}}}}};
  CHECK(to_hex(encode_snapshot(version)) ==
        "0105050102130115011a031f010283808080802003"
        "0526");
  CHECK(to_hex(encode_snapshot(version, UpdateFormat::v2)) ==
        "01050501011000010004020200"
        "0283808080802003"
        "0526");
  for (const auto format : {UpdateFormat::v1, UpdateFormat::v2}) {
    CHECK(decode_snapshot(encode_snapshot(version, format), format).value() == version);
  }
}

TEST_CASE("snapshot: what is malformed is refused by name") {
  const Bytes whole = encode_snapshot({.state_vector = {{ClientId{1}, 2}}, .deletes = {}});
  CHECK(snapshot_refusal(decode_snapshot(BytesView())) == CrdtError::truncated);
  CHECK(snapshot_refusal(decode_snapshot(BytesView(whole).first(1))) == CrdtError::truncated);
  Bytes longer = whole;
  longer.push_back(0);
  CHECK(snapshot_refusal(decode_snapshot(longer)) == CrdtError::trailing_bytes);
  CHECK(snapshot_refusal(decode_snapshot(Bytes{1, 5, 1, 0xff, 0xff, 0xff, 0xff, 0x7f, 1, 0})) ==
        CrdtError::number_too_large);
  CHECK(snapshot_refusal(decode_snapshot(Bytes{1, 5, 1, 0xff, 0xff, 0xff, 0xff, 0x7f, 1, 0},
                                         UpdateFormat::v2)) == CrdtError::clock_too_large);
}

TEST_CASE("snapshot: a document that keeps everything is restored as it was") {
  Doc doc(ClientId{1}, k_keep);
  append(doc, "world!");
  const Snapshot first = snapshot(doc);
  doc.transact([&](Transaction& t) { doc.text("t").insert(t, 0, "hello "); });
  const Snapshot second = snapshot(doc);
  doc.transact([&](Transaction& t) { doc.text("t").remove(t, 2, 8); });
  const Bytes now = encode_state_as_update(doc);

  Doc old(ClientId{2});
  REQUIRE(create_doc_from_snapshot(doc, first, old).has_value());
  CHECK(old.text("t").to_string() == "world!");
  Doc newer(ClientId{2});
  REQUIRE(create_doc_from_snapshot(doc, second, newer).has_value());
  CHECK(newer.text("t").to_string() == "hello world!");
  CHECK(encode_state_as_update(doc) == now);
  CHECK(consistent(doc));
}

TEST_CASE("snapshot: what is forgotten or unknown cannot be restored") {
  Doc doc(ClientId{1});
  append(doc, "a");
  Doc fresh(ClientId{2});
  CHECK(create_doc_from_snapshot(doc, snapshot(doc), fresh).error().code() ==
        static_cast<int>(CrdtError::not_restorable));
  Doc keeping(ClientId{1}, k_keep);
  CHECK(create_doc_from_snapshot(keeping, snapshot(doc), fresh).error().code() ==
        static_cast<int>(CrdtError::not_restorable));
}

TEST_CASE("snapshot: what a version shows") {
  Doc doc(ClientId{1}, k_keep);
  append(doc, "abc");
  doc.transact([&](Transaction& t) { doc.text("t").remove(t, 1, 1); });
  const Snapshot version = snapshot(doc);
  CHECK(version.shows({.client = ClientId{1}, .clock = 0}));
  CHECK_FALSE(version.shows({.client = ClientId{1}, .clock = 1}));
  CHECK(version.shows({.client = ClientId{1}, .clock = 2}));
  CHECK_FALSE(version.shows({.client = ClientId{1}, .clock = 3}));
  CHECK_FALSE(version.shows({.client = ClientId{2}, .clock = 0}));
}

TEST_CASE("archive: versions of a document that collects garbage") {
  Doc doc(ClientId{1});
  append(doc, "before ");
  Archive archive(doc);
  append(doc, "one ");
  const Snapshot first = snapshot(doc);
  doc.transact([&](Transaction& t) {
    doc.text("t").remove(t, 0, 9);
    doc.map("m").set_text(t, "k", "nested");
  });
  const Snapshot second = snapshot(doc);
  doc.transact([&](Transaction& t) { doc.map("m").erase(t, "k"); });
  const auto shown = [&](const Snapshot& version) {
    Doc old(ClientId{2});
    REQUIRE(archive.restore(version, old).has_value());
    return old.text("t").to_string() + "|" + old.map("m").to_any().to_json();
  };
  CHECK(shown(first) == "before one |{}");
  CHECK(shown(second) == "e |{\"k\":\"nested\"}");
  CHECK(shown(snapshot(doc)) == "e |{}");
}

TEST_CASE("archive: it is stored and goes on") {
  Bytes stored;
  Bytes state;
  Snapshot first;
  {
    Doc doc(ClientId{1});
    Archive archive(doc);
    append(doc, "one");
    first = snapshot(doc);
    doc.transact([&](Transaction& t) { doc.text("t").remove(t, 0, 3); });
    stored = archive.encode();
    state = encode_state_as_update(doc);
  }
  Doc doc(ClientId{2});
  REQUIRE(apply_update(doc, state).has_value());
  Archive archive(doc);
  Doc before(ClientId{3});
  REQUIRE(archive.restore(first, before).has_value());
  CHECK(before.text("t").to_string().empty());
  REQUIRE(archive.add(stored).has_value());
  append(doc, "two");
  Doc old(ClientId{3});
  REQUIRE(archive.restore(first, old).has_value());
  CHECK(old.text("t").to_string() == "one");
  Doc now(ClientId{3});
  REQUIRE(archive.restore(snapshot(doc), now).has_value());
  CHECK(now.text("t").to_string() == "two");
}

TEST_CASE("archive: it is bounded") {
  Doc doc(ClientId{1});
  Archive archive(doc, 1'000);
  append(doc, std::string(400, 'x'));
  const Snapshot kept = snapshot(doc);
  CHECK_FALSE(archive.full());
  append(doc, std::string(2'000, 'y'));
  CHECK(archive.full());
  CHECK(archive.size() <= 1'000);
  Doc old(ClientId{2});
  CHECK(archive.restore(kept, old).has_value());
  CHECK(archive.restore(snapshot(doc), old).error().code() ==
        static_cast<int>(CrdtError::not_restorable));
  CHECK(archive.add(encode_state_as_update(doc, UpdateFormat::v2)).error().code() ==
        static_cast<int>(CrdtError::too_many));
}

TEST_CASE("pending: what is missing is told") {
  Doc writer(ClientId{1});
  std::vector<Bytes> updates;
  const auto recording =
      writer.on_update([&](BytesView update, Origin) { updates.push_back(to_bytes(update)); });
  append(writer, "ab");
  append(writer, "cd");
  writer.transact([&](Transaction& t) { writer.text("t").remove(t, 1, 2); });

  Doc reader(ClientId{2});
  REQUIRE(apply_update(reader, updates[2]).has_value());
  CHECK(pending(reader).missing.empty());
  CHECK(pending(reader).structs.empty());
  CHECK(pending(reader).deletes == DeleteSet{{ClientId{1}, {{1, 3}}}});
  REQUIRE(apply_update(reader, updates[1]).has_value());
  CHECK(pending(reader).missing == StateVector{{ClientId{1}, 1}});
  CHECK(pending(reader).structs == merge_updates(std::vector<BytesView>{updates[1]}).value());
  REQUIRE(apply_update(reader, updates[0]).has_value());
  CHECK_FALSE(has_pending(reader));
  CHECK(pending(reader).missing.empty());
  CHECK(reader.text("t").to_string() == "ad");
}

}  // namespace
}  // namespace vivim::crdt
