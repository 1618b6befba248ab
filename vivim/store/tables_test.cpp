#include <algorithm>
#include <array>

#include <doctest/doctest.h>

#include "vivim/store/blobs.hpp"
#include "vivim/store/conversations.hpp"
#include "vivim/store/envelopes.hpp"
#include "vivim/store/error.hpp"
#include "vivim/store/grants.hpp"
#include "vivim/store/imports.hpp"
#include "vivim/store/peers.hpp"
#include "vivim/store/search.hpp"
#include "vivim/store/store_test_detail.hpp"

namespace vivim::store {
namespace {

using namespace testing;

TEST_CASE("ids: text forms") {
  DocumentId id;
  for (std::uint8_t i = 0; i < 16; ++i) {
    id.bytes[i] = i;
  }
  CHECK(id.to_text() == "aaaqeayeaudaocajbifqydiob4");
  CHECK(must(DocumentId::parse(id.to_text())) == id);
  CHECK(fails(DocumentId::parse("aaaqeayeaudaocajbifqydiob5"), StoreError::malformed));
  CHECK(fails(DocumentId::parse("AAAQEAYEAUDAOCAJBIFQYDIOB4"), StoreError::malformed));
  CHECK(fails(DocumentId::parse("aaaq"), StoreError::malformed));
  const BlobId blob = BlobId::of(as_bytes("hello"));
  CHECK(blob.to_text() == "bafkreibm6jg3ux5qumhcn2b3flc3tyu6dmlb4xa7u5bf44yegnrjhc4yeq");
  CHECK(must(BlobId::parse(blob.to_text())) == blob);
  CHECK(must(BlobId::from_cid(blob.cid())) == blob);
  CHECK(fails(BlobId::from_cid(Bytes(36)), StoreError::malformed));
  CHECK(fails(BlobId::parse("zQm"), StoreError::malformed));
}

TEST_CASE("blobs: stored once, compressed when it helps, verified when read") {
  Fixture fixture;
  Blobs blobs(*fixture.db);
  const Bytes text(10'000, 'a');
  Bytes noise(10'000);
  rt::sim::SeededRng(1).fill(noise);
  for (const Bytes& content : {Bytes{}, Bytes{1}, text, noise}) {
    const BlobId id = must(blobs.put(content));
    CHECK(must(blobs.put(content)) == id);
    CHECK(must(blobs.get(id)) == content);
    CHECK(must(blobs.size(id)) == content.size());
    CHECK(must(blobs.has(id)));
  }
  CHECK(must(blobs.count()) == 4);
  Query sizes = fixture.db->query("SELECT sum(length(bytes)) FROM blobs");
  must(sizes.row());
  CHECK(sizes.integer(0) < 10'500);
  CHECK(fails(blobs.get(BlobId()), StoreError::not_found));
  CHECK(fails(blobs.size(BlobId()), StoreError::not_found));
}

TEST_CASE("blobs: what is not what its id says is corrupt") {
  Fixture fixture;
  Blobs blobs(*fixture.db);
  const BlobId id = must(blobs.put(Bytes(1000, 'a')));
  for (const char* damage : {"bytes = x'00'", "bytes = (SELECT zeroblob(length(bytes)))",
                             "size = 5", "codec = 0", "size = 1 << 40"}) {
    must(fixture.db->run("SAVEPOINT damage"));
    must(fixture.db->execute("UPDATE blobs SET " + std::string(damage)));
    const auto got = blobs.get(id);
    CHECK_FALSE(got.has_value());
    must(fixture.db->execute("ROLLBACK TO damage; RELEASE damage"));
  }
  must(fixture.db->run("UPDATE blobs SET codec = 0, size = 3, bytes = x'010203'"));
  CHECK(fails(blobs.get(id), StoreError::corrupt));
}

TEST_CASE("blobs: too large") {
  Fixture fixture;
  const PackedBlob blob{
      .id = {},
      .packed = {},
      .content = BytesView(static_cast<const std::uint8_t*>(nullptr), k_blob_bytes_max + 1)};
  CHECK(fails(Blobs(*fixture.db).put(blob), StoreError::too_large));
}

TEST_CASE("blobs: live as long as a document links to them") {
  Fixture fixture;
  Database& db = *fixture.db;
  Blobs blobs(db);
  const DocumentId a = make_document(db, 1);
  const DocumentId b = make_document(db, 2);
  Packer packer;
  const BlobId both = must(blobs.put(pack_blob(packer, as_bytes("both")), a));
  const BlobId only = must(blobs.put(pack_blob(packer, as_bytes("only")), a));
  must(blobs.link(b, both));
  must(blobs.link(b, both));
  CHECK(must(blobs.of_document(a)) == std::vector{both, only});
  CHECK(must(blobs.linked(b, both)));
  CHECK_FALSE(must(blobs.linked(b, only)));
  CHECK_FALSE(must(blobs.linked(b, BlobId())));
  CHECK(fails(blobs.link(b, BlobId()), StoreError::not_found));
  CHECK(fails(blobs.link(document_id(9), both), StoreError::not_found));
  must(Documents(db).remove(a));
  CHECK(must(blobs.has(both)));
  CHECK_FALSE(must(blobs.has(only)));
  must(blobs.put(to_bytes("loose")));
  CHECK(must(blobs.remove_orphans()) == 1);
  CHECK(must(blobs.count()) == 1);
}

TEST_CASE("blobs: many at once, some known, some twice") {
  Fixture fixture;
  Database& db = *fixture.db;
  Blobs blobs(db);
  Packer packer;
  const DocumentId document = make_document(db, 1);
  const Bytes large(5000, 'l');
  const BlobId known = must(blobs.put(as_bytes("known")));
  std::vector<PackedBlob> many;
  for (const BytesView content :
       {as_bytes("one"), as_bytes("known"), as_bytes("one"), BytesView(large), as_bytes("known")}) {
    many.push_back(pack_blob(packer, content));
  }
  must(blobs.put_many(many, 1));
  CHECK(must(blobs.count()) == 3);
  CHECK(must(blobs.of_document(document)) ==
        std::vector<BlobId>{known, BlobId::of(as_bytes("one")), BlobId::of(large)});
  CHECK(must(blobs.get(BlobId::of(large))) == large);
  must(blobs.put_many(many, 1));
  CHECK(must(blobs.of_document(document)).size() == 3);
  must(blobs.put_many({}, 1));
}

TEST_CASE("packer: into the memory of the caller, the same as into its own") {
  Packer packer;
  const Bytes letters(3000, 'a');
  Bytes noise(3000);
  rt::sim::SeededRng(1).fill(noise);
  for (const Bytes& content : {Bytes{}, Bytes{1}, letters, noise}) {
    Bytes room(4000);
    const PackedInto into = packer.pack_into(content, room);
    const Packed packed = packer.pack(content);
    CHECK(into.codec == packed.codec);
    CHECK(packed.size == content.size());
    const BytesView stored = packed.stored(content);
    CHECK(same_bytes(BytesView(room).first(into.bytes), stored));
    CHECK(must(packer.unpack(into.codec, stored, content.size(), 5000)) == content);
  }
}

TEST_CASE("documents: a log is appended, loaded and compacted") {
  Fixture fixture;
  Documents documents(*fixture.db);
  const DocumentId id = make_document(*fixture.db, 1);
  CHECK(fails(documents.create(id, DocumentKind::conversation, 1), StoreError::exists));
  CHECK(must(documents.has(id)));
  CHECK_FALSE(must(documents.has(document_id(2))));
  CHECK(must(documents.last_seq(id)) == 0);
  CHECK(must(documents.load(id)).updates.empty());
  for (std::uint8_t i = 1; i <= 5; ++i) {
    CHECK(must(documents.append_update(id, Bytes{i})) == i);
  }
  CHECK(must(documents.tail(id)).updates == 5);
  CHECK(must(documents.tail(id)).bytes == 5);
  const Bytes snapshot(1000, 's');
  must(documents.compact(id, snapshot, 3));
  DocumentLog log = must(documents.load(id));
  CHECK(log.snapshot == snapshot);
  CHECK(log.snapshot_seq == 3);
  REQUIRE(log.updates.size() == 2);
  CHECK(log.updates[0].seq == 4);
  CHECK(log.updates[1].bytes == Bytes{5});
  CHECK(fails(documents.compact(id, snapshot, 2), StoreError::malformed));
  CHECK(fails(documents.compact(id, snapshot, 6), StoreError::malformed));
  must(documents.compact(id, to_bytes("all"), 5));
  CHECK(must(documents.append_update(id, Bytes{6})) == 6);
  CHECK(must(documents.last_seq(id)) == 6);
}

TEST_CASE("documents: what is not there, and what is too large") {
  Fixture fixture;
  Documents documents(*fixture.db);
  const DocumentId none = document_id(7);
  CHECK(fails(documents.append_update(none, Bytes{1}), StoreError::not_found));
  CHECK(fails(documents.load(none), StoreError::not_found));
  CHECK(fails(documents.compact(none, Bytes{1}, 0), StoreError::not_found));
  CHECK(fails(documents.remove(none), StoreError::not_found));
  CHECK(fails(documents.tail(none), StoreError::not_found));
  const BytesView huge(static_cast<const std::uint8_t*>(nullptr), k_update_bytes_max + 1);
  CHECK(fails(documents.append_update(none, huge), StoreError::too_large));
  CHECK(fails(documents.compact(none, huge, 0), StoreError::too_large));
}

TEST_CASE("documents: a gap in a log is corrupt") {
  Fixture fixture;
  Documents documents(*fixture.db);
  const DocumentId id = make_document(*fixture.db, 1);
  for (int i = 0; i < 3; ++i) {
    must(documents.append_update(id, Bytes{1}));
  }
  must(fixture.db->run("DELETE FROM updates WHERE seq = 2"));
  CHECK(fails(documents.load(id), StoreError::corrupt));
}

TEST_CASE("documents: listed, found by prefix, due for compaction") {
  Fixture fixture;
  Documents documents(*fixture.db);
  for (std::uint64_t i = 1; i <= 5; ++i) {
    make_document(*fixture.db, i);
  }
  CHECK(must(documents.count()) == 5);
  const auto first = must(documents.list({}, 2));
  REQUIRE(first.size() == 2);
  const auto rest = must(documents.list(first[1].id, 10));
  REQUIRE(rest.size() == 3);
  CHECK(rest[0].id == document_id(3));
  CHECK(rest[0].created == 1000);
  const std::string text = document_id(3).to_text();
  CHECK(must(documents.find_prefix(text, 10)) == std::vector{document_id(3)});
  CHECK(must(documents.find_prefix("aaaa", 10)).size() == 5);
  CHECK(must(documents.find_prefix("", 2)).size() == 2);
  CHECK(must(documents.find_prefix("b", 10)).empty());
  CHECK(fails(documents.find_prefix("A", 10), StoreError::malformed));
  CHECK(fails(documents.find_prefix(text + "a", 10), StoreError::malformed));
  for (int i = 0; i < 4; ++i) {
    must(documents.append_update(document_id(2), Bytes{1}));
    must(documents.append_update(document_id(4), Bytes(i == 0 ? 5000 : 0)));
  }
  CHECK(must(documents.due_for_compaction({.updates_max = 3}, 10)).size() == 2);
  CHECK(must(documents.due_for_compaction({.bytes_max = 4000}, 10)) == std::vector{document_id(4)});
  CHECK(must(documents.due_for_compaction({}, 10)).empty());
}

ConversationRow row(std::uint64_t number, std::string title, rt::WallMs updated) {
  return {.id = document_id(number),
          .title = std::move(title),
          .provider = "chatgpt",
          .original_id = "c" + std::to_string(number),
          .source_hash = Bytes(32, 1),
          .model = "m",
          .created = 5,
          .updated = updated,
          .turns = 3};
}

TEST_CASE("conversations: put, get, replaced, unique by origin") {
  Fixture fixture;
  Conversations conversations(*fixture.db);
  make_document(*fixture.db, 1);
  make_document(*fixture.db, 2);
  must(conversations.put(row(1, "one", 10)));
  CHECK(fails(conversations.put(row(3, "x", 1)), StoreError::not_found));
  ConversationRow same = row(2, "two", 20);
  same.original_id = "c1";
  CHECK(fails(conversations.put(same), StoreError::exists));
  same.provider.reset();
  same.original_id.reset();
  must(conversations.put(same));
  must(conversations.put(row(1, "ONE", 11)));
  const auto got = must(conversations.get(document_id(1)));
  CHECK(got.title == "ONE");
  CHECK(got.provider == "chatgpt");
  CHECK(got.source_hash == Bytes(32, 1));
  CHECK(got.updated == 11);
  CHECK(got.turns == 3);
  CHECK_FALSE(must(conversations.get(document_id(2))).provider.has_value());
  CHECK(must(conversations.find_original("chatgpt", "c1"))->id == document_id(1));
  CHECK_FALSE(must(conversations.find_original("claude", "c1")).has_value());
  CHECK(must(conversations.count()) == 2);
}

TEST_CASE("conversations: the keys of their origins, up to a limit") {
  Fixture fixture;
  Conversations conversations(*fixture.db);
  CHECK(must(conversations.origin_keys(0))->empty());
  for (std::uint64_t i = 0; i < 5; ++i) {
    make_document(*fixture.db, i);
    auto each = row(i, "t", 1);
    each.provider = i == 0 ? std::nullopt : std::optional<std::string>("chatgpt");
    each.original_id = std::to_string(i);
    must(conversations.put(each));
  }
  const auto keys = must(conversations.origin_keys(4));
  REQUIRE(keys);
  CHECK(keys->size() == 4);
  CHECK(std::ranges::is_sorted(*keys));
  CHECK(std::ranges::binary_search(*keys, origin_key("chatgpt", "3")));
  CHECK_FALSE(std::ranges::binary_search(*keys, origin_key("chatgpt", "0")));
  CHECK_FALSE(std::ranges::binary_search(*keys, origin_key("claude", "3")));
  CHECK_FALSE(must(conversations.origin_keys(3)).has_value());
  CHECK(must(conversations.has_original("chatgpt", "3")));
  CHECK_FALSE(must(conversations.has_original("claude", "3")));
}

TEST_CASE("conversations: pages in three orders, with equal keys and odd titles") {
  Fixture fixture;
  Conversations conversations(*fixture.db);
  const std::vector<std::string> titles{"b", "", "a.1.2", "B", "é\n\"'"};
  for (std::uint64_t i = 0; i < 25; ++i) {
    make_document(*fixture.db, i);
    must(conversations.put(row(i, titles[i % titles.size()], static_cast<rt::WallMs>(i / 4))));
  }
  for (const auto sort :
       {ConversationSort::newest, ConversationSort::oldest, ConversationSort::title}) {
    std::vector<ConversationRow> all;
    std::optional<std::string> after;
    do {
      auto page = must(conversations.list(sort, 4, after));
      CHECK(page.rows.size() <= 4);
      all.insert(all.end(), page.rows.begin(), page.rows.end());
      after = page.next;
    } while (after);
    const auto whole = must(conversations.list(sort, k_page_rows_max + 5));
    CHECK_FALSE(whole.next.has_value());
    REQUIRE(all.size() == 25);
    for (std::size_t i = 0; i < all.size(); ++i) {
      CHECK(all[i].id == whole.rows[i].id);
    }
    CHECK(std::set<DocumentId>([&] {
            std::set<DocumentId> ids;
            for (const auto& each : all) {
              ids.insert(each.id);
            }
            return ids;
          }())
              .size() == 25);
  }
  for (const char* cursor : {"", "x", "1", "1.", "1.2", "99999999999999999999.1.a"}) {
    CHECK(fails(conversations.list(ConversationSort::newest, 4, cursor), StoreError::malformed));
  }
}

TEST_CASE("conversations: a page has at most k_page_rows_max rows") {
  Fixture fixture;
  must(fixture.db->begin());
  for (std::uint64_t i = 0; i < k_page_rows_max + 3; ++i) {
    make_document(*fixture.db, i);
    must(Conversations(*fixture.db).put(row(i, "t", 1)));
  }
  must(fixture.db->commit());
  const auto page = must(Conversations(*fixture.db).list(ConversationSort::newest, 100'000));
  CHECK(page.rows.size() == k_page_rows_max);
  CHECK(page.next.has_value());
}

TEST_CASE("conversations: a batch of an import is stored whole or not at all") {
  Fixture fixture;
  Database& db = *fixture.db;
  const Bytes snapshot(500, 's');
  const Bytes content = to_bytes("a node of the source");
  Packer packer;
  const std::vector blobs{pack_blob(packer, content)};
  std::vector<NewConversation> batch;
  for (std::uint64_t i = 0; i < 3; ++i) {
    batch.push_back({.row = row(i, "t", 1), .snapshot = snapshot, .blobs = blobs});
  }
  must(Conversations(db).insert_many(batch));
  CHECK(must(Search(db).pending()) == 3);
  CHECK(must(Documents(db).load(document_id(1))).snapshot == snapshot);
  CHECK(must(Documents(db).load(document_id(1))).updates.empty());
  CHECK(must(Documents(db).append_update(document_id(1), Bytes{1})) == 2);
  CHECK(fails(Documents(db).start_log(document_id(1), snapshot), StoreError::exists));
  CHECK(must(Blobs(db).linked(document_id(2), blobs[0].id)));
  CHECK(must(Blobs(db).count()) == 1);
  batch[0].row = row(10, "t", 1);
  batch[1].row = row(11, "t", 1);
  CHECK(fails(Conversations(db).insert_many(batch), StoreError::exists));
  CHECK(must(Documents(db).count()) == 3);
}

GrantRow grant(std::uint8_t number, const DocumentId& document, GrantOrigin origin) {
  GrantRow row;
  row.id.bytes.fill(number);
  row.document = document;
  row.secret = Bytes(32, number);
  row.origin = origin;
  row.addresses = {Bytes{1, 2}, Bytes{}};
  row.created = number;
  return row;
}

TEST_CASE("grants: added, found, revoked with their secret erased") {
  Fixture fixture;
  Database& db = *fixture.db;
  Grants grants(db);
  const DocumentId id = make_document(db, 1);
  must(Conversations(db).put(row(1, "t", 1)));
  const GrantRow made = grant(1, id, GrantOrigin::made);
  must(grants.add(made));
  must(grants.add(grant(2, id, GrantOrigin::joined)));
  CHECK(fails(grants.add(made), StoreError::exists));
  CHECK(fails(grants.add(grant(3, document_id(9), GrantOrigin::made)), StoreError::not_found));
  GrantRow bad = grant(4, id, GrantOrigin::made);
  bad.secret.pop_back();
  CHECK(fails(grants.add(bad), StoreError::malformed));
  bad = grant(4, id, GrantOrigin::made);
  bad.addresses.resize(k_addresses_max + 1);
  CHECK(fails(grants.add(bad), StoreError::too_large));
  bad.addresses = {Bytes(k_address_bytes_max + 1)};
  CHECK(fails(grants.add(bad), StoreError::too_large));

  const GrantRow got = must(grants.get(made.id));
  CHECK(got.document == id);
  CHECK(got.secret == made.secret);
  CHECK(got.addresses == made.addresses);
  CHECK((must(Conversations(db).get(id)).flags & k_conversation_shared) != 0);
  CHECK(must(grants.joined()).size() == 1);
  must(grants.set_addresses(made.id, {Bytes{9}}));
  CHECK(must(grants.get(made.id)).addresses == std::vector<Bytes>{{9}});
  CHECK(fails(grants.set_addresses(GrantId(), {}), StoreError::not_found));

  CHECK(must(grants.revoke_made(id, 77)) == std::vector{made.id});
  CHECK(must(grants.revoke_made(id, 78)).empty());
  CHECK(must(grants.get(made.id)).secret.empty());
  CHECK(must(grants.get(made.id)).revoked == 77);
  CHECK(must(grants.of_document(id)).size() == 2);
  must(Documents(db).remove(id));
  CHECK(fails(grants.get(made.id), StoreError::not_found));
}

TEST_CASE("grants: what they permit, and who came by them") {
  Fixture fixture;
  Database& db = *fixture.db;
  Grants grants(db);
  const DocumentId id = make_document(db, 1);
  GrantRow made = grant(1, id, GrantOrigin::made);
  made.access = Access::contribute;
  must(grants.add(made));
  CHECK(must(grants.get(made.id)).access == Access::contribute);
  must(grants.set_access(made.id, Access::read));
  CHECK(must(grants.get(made.id)).access == Access::read);
  CHECK(fails(grants.set_access(GrantId(), Access::read), StoreError::not_found));
  must(db.run("UPDATE grants SET access = 77"));  // of a later version
  CHECK(must(grants.get(made.id)).access == Access::read);

  for (const Access access : {Access::read, Access::write, Access::contribute}) {
    CHECK(access_named(access_name(access)) == access);
  }
  CHECK_FALSE(access_named("all"));
  must(grants.set_access(made.id, Access::write));
  must(grants.add_member(made.id, Bytes{7}, 5));
  must(grants.add_member(made.id, Bytes{7}, 6));
  CHECK(fails(grants.add_member(GrantId(), Bytes{7}, 5), StoreError::not_found));
  const auto members = must(grants.members(id));
  REQUIRE(members.size() == 1);
  CHECK(members[0].peer == Bytes{7});
  CHECK(members[0].grant == made.id);
  CHECK(members[0].access == Access::write);
  must(fixture.db->begin());
  for (std::size_t i = 0; i < k_members_max + 10; ++i) {
    Bytes peer(8);
    store_be64(peer, i);
    must(grants.add_member(made.id, peer, 5));
  }
  must(fixture.db->commit());
  CHECK(must(grants.members(id)).size() == k_members_max);
  must(grants.revoke_made(id, 77));
  CHECK(must(grants.members(id)).empty());
  must(Documents(db).remove(id));
}

Envelope envelope(std::uint8_t number, std::uint8_t key, std::vector<ClientClocks> written) {
  return {.bytes = Bytes(100, number), .key = Bytes(36, key), .written = std::move(written)};
}

std::vector<std::uint8_t> numbers(const std::vector<EnvelopeRow>& rows) {
  std::vector<std::uint8_t> numbers;
  for (const auto& row : rows) {
    numbers.push_back(row.bytes.at(0));
  }
  return numbers;
}

TEST_CASE("envelopes: kept once, found by what is known, read in pages") {
  Fixture fixture;
  Database& db = *fixture.db;
  Envelopes envelopes(db);
  const DocumentId id = make_document(db, 1);
  CHECK(must(envelopes.add(id, envelope(1, 1, {{7, 0, 5}}))));
  CHECK_FALSE(must(envelopes.add(id, envelope(1, 1, {{7, 0, 5}}))));
  CHECK(must(envelopes.add(id, envelope(2, 1, {{7, 5, 6}, {8, 0, 1}}))));
  CHECK(must(envelopes.add(id, envelope(3, 2, {{9, 3, 4}}))));
  Envelope deletion = envelope(4, 2, {});
  deletion.deletes = true;
  CHECK(must(envelopes.add(id, deletion)));
  CHECK(fails(envelopes.add(document_id(9), deletion), StoreError::not_found));
  Envelope large = envelope(5, 1, {});
  large.bytes.resize(k_update_bytes_max + (64 << 10) + 1);
  CHECK(fails(envelopes.add(id, large), StoreError::too_large));
  CHECK(must(envelopes.count(id)) == 4);

  const auto wanted = [&](EnvelopeQuery query) {
    const auto seqs = must(envelopes.find(id, query));
    return numbers(must(envelopes.read(id, seqs, 1 << 20)).rows);
  };
  CHECK(wanted({}) == std::vector<std::uint8_t>{1, 2, 3});
  CHECK(wanted({.known = {{7, 5}}}) == std::vector<std::uint8_t>{2, 3});
  CHECK(wanted({.known = {{7, 6}, {9, 4}}}) == std::vector<std::uint8_t>{2});
  CHECK(wanted({.known = {{7, 6}, {8, 1}, {9, 4}}}).empty());
  CHECK(wanted({.known = {{7, 6}, {8, 1}, {9, 4}}, .deleting = true}) ==
        std::vector<std::uint8_t>{4});
  const auto seqs = must(envelopes.find(id, {}));
  const auto page = must(envelopes.read(id, seqs, 200));
  CHECK(page.looked_at == 2);
  CHECK(page.rows.at(1).written == std::vector<ClientClocks>{{7, 5, 6}, {8, 0, 1}});
  CHECK(must(envelopes.read(id, seqs, 1)).looked_at == 1);

  // Many small ones of one author become one, without a trace of them.
  const auto small = must(envelopes.small_ones(id, Bytes(36, 1), 1000, 10));
  CHECK(numbers(small) == std::vector<std::uint8_t>{1, 2});
  CHECK(must(envelopes.small_ones(id, Bytes(36, 1), 100, 10)).empty());
  CHECK(must(envelopes.small_ones(id, Bytes(36, 1), 1000, 1)).size() == 1);
  const std::array together{envelope(6, 1, {{7, 0, 6}, {8, 0, 1}})};
  must(envelopes.replace(id, {small[0].seq, small[1].seq}, together));
  CHECK(wanted({}) == std::vector<std::uint8_t>{3, 6});
  CHECK(must(envelopes.read(id, seqs, 1 << 20)).rows.size() == 1);
  must(Documents(db).remove(id));
  CHECK(fails(envelopes.count(id), StoreError::not_found));
}

TEST_CASE("envelopes: how far it is signed what the clients of a key wrote") {
  Fixture fixture;
  Envelopes envelopes(*fixture.db);
  const DocumentId id = make_document(*fixture.db, 1);
  must(envelopes.add(id, envelope(1, 1, {{7, 9, 10}})));
  must(envelopes.add(id, envelope(2, 1, {{7, 4, 6}, {8, 0, 1}})));
  must(envelopes.add(id, envelope(3, 1, {{7, 5, 8}})));
  must(envelopes.add(id, envelope(4, 2, {{9, 0, 3}})));
  CHECK(must(envelopes.signed_by(id, Bytes(36, 1))) ==
        std::vector<ClientClocks>{{7, 4, 8}, {8, 0, 1}});
  must(envelopes.add(id, envelope(5, 1, {{7, 8, 9}})));
  CHECK(must(envelopes.signed_by(id, Bytes(36, 1))).at(0) == ClientClocks{7, 4, 10});
  CHECK(must(envelopes.signed_by(id, Bytes(36, 3))).empty());
}

TEST_CASE("envelopes: a client id is of the key that had it first, from then on") {
  Fixture fixture;
  Envelopes envelopes(*fixture.db);
  const DocumentId id = make_document(*fixture.db, 1);
  must(envelopes.add(id, envelope(1, 1, {{7, 4, 5}})));
  must(envelopes.add(id, envelope(2, 2, {{7, 2, 3}})));  // what is refused does not come here
  must(envelopes.add(id, envelope(3, 1, {{7, 3, 4}})));
  const auto bindings = must(envelopes.bindings(id));
  REQUIRE(bindings.size() == 1);
  CHECK(bindings[0].client == 7);
  CHECK(bindings[0].clock == 3);
  CHECK(bindings[0].key == Bytes(36, 1));

  // A key has its share of a document's bindings, and all together have theirs.
  const auto bound_to = [&](std::uint8_t key) {
    return std::ranges::count(must(envelopes.bindings(id)), Bytes(36, key), &Binding::key);
  };
  std::vector<ClientClocks> many(k_bindings_max);
  for (std::size_t i = 0; i < many.size(); ++i) {
    many[i] = {.client = 100 + i, .from = 0, .to = 1};
  }
  must(envelopes.add(id, envelope(4, 3, many)));
  CHECK(bound_to(3) == k_bindings_of_key_max);
  must(envelopes.add(id, envelope(5, 4, {{8, 0, 1}})));
  CHECK(bound_to(4) == 1);
  must(fixture.db->begin());
  must(fixture.db->run(
      "WITH RECURSIVE clients(client) AS (SELECT 100000 UNION ALL SELECT client + 1 FROM clients "
      "WHERE client < 99999 + ?), one AS MATERIALIZED (SELECT doc, author FROM bindings "
      "WHERE client = 7) INSERT INTO bindings SELECT doc, clients.client, 0, author "
      "FROM one, clients",
      k_bindings_max - 2 - k_bindings_of_key_max));
  must(envelopes.add(id, envelope(6, 4, {{9, 0, 1}})));
  must(fixture.db->commit());
  CHECK(must(envelopes.bindings(id)).size() == k_bindings_max);
  CHECK(bound_to(4) == 1);
}

TEST_CASE("peers: kept, listed by last contact, the oldest forgotten") {
  Fixture fixture;
  Peers peers(*fixture.db);
  must(fixture.db->begin());
  for (std::uint64_t i = 0; i < k_peers_max + 10; ++i) {
    Bytes id(8);
    store_be64(id, i);
    const auto time = static_cast<rt::WallMs>(i);
    must(peers.put(
        {.id = id, .addresses = {Bytes{1}}, .agent = "a", .first_seen = time, .last_seen = time}));
  }
  must(fixture.db->commit());
  CHECK(must(peers.list(100'000)).size() == k_peers_max);
  Bytes id(8);
  CHECK(fails(peers.get(id), StoreError::not_found));
  store_be64(id, 100);
  must(peers.put(
      {.id = id, .addresses = {}, .agent = "b", .first_seen = 9999, .last_seen = 99'999}));
  const auto newest = must(peers.list(1));
  REQUIRE(newest.size() == 1);
  CHECK(newest[0].id == id);
  CHECK(newest[0].first_seen == 100);
  CHECK(newest[0].agent == "b");
  must(peers.remove(id));
  CHECK(fails(peers.get(id), StoreError::not_found));
}

TEST_CASE("imports: begun, finished, the oldest forgotten") {
  Fixture fixture;
  Imports imports(*fixture.db);
  const std::int64_t id = must(imports.begin("/a.zip", 1));
  CHECK_FALSE(must(imports.list(1)).at(0).finished.has_value());
  must(imports.finish(id, 2, 300, "{}"));
  const auto got = must(imports.list(1)).at(0);
  CHECK(got.finished == 2);
  CHECK(got.bytes == 300);
  CHECK(got.report == "{}");
  CHECK(fails(imports.finish(id + 1, 2, 3, ""), StoreError::not_found));
  must(fixture.db->begin());
  for (std::size_t i = 0; i < k_imports_max; ++i) {
    must(imports.begin("x", 1));
  }
  must(fixture.db->commit());
  CHECK(must(imports.list(100'000)).size() == k_imports_max);
}

}  // namespace
}  // namespace vivim::store
