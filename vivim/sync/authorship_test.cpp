#include "vivim/sync/authorship.hpp"

#include <doctest/doctest.h>

#include "vivim/crdt/map.hpp"
#include "vivim/crypto/error.hpp"
#include "vivim/sync/authorship_test_detail.hpp"

using namespace vivim;
using namespace vivim::sync;
using namespace vivim::sync::testing;
using store::Access;

namespace {

/// Gives the document a grant, as sharing does.
rt::Co<void> grant(Home& home, store::GrantOrigin origin, Access access) {
  const auto added = co_await home.store->write([&](store::Database& database) {
    return store::Grants(database).add({.id = {{9}},
                                        .document = k_document,
                                        .secret = Bytes(32, 1),
                                        .origin = origin,
                                        .addresses = {},
                                        .created = 0,
                                        .revoked = std::nullopt,
                                        .access = access});
  });
  REQUIRE(added);
}

std::string title_of(OpenDocument& document) {
  return document.doc().text("title").to_string();
}

/// The title that the envelopes of this node alone make; nothing secret is in them.
rt::Co<std::string> signed_title(Home& home) {
  const auto rows = co_await home.store->read([](store::Database& database) {
    return store::Envelopes(database).small_ones(
        k_document, signing_key(k_own).public_key().encode(), 1 << 30, 10'000);
  });
  REQUIRE(rows);
  crdt::Doc copy(crdt::ClientId{99});
  for (const auto& row : *rows) {
    CHECK(as_text(row.bytes).find("secret") == std::string_view::npos);
    const auto opened = crdt::open_envelope(k_document.view(), row.bytes);
    REQUIRE(opened);
    REQUIRE(crdt::apply_update(copy, opened->update));
  }
  CHECK_FALSE(crdt::has_pending(copy));
  co_return copy.text("title").to_string();
}

rt::Co<void> signs_and_remembers(Home& home) {
  crdt::Doc guest(crdt::ClientId{7});
  {
    const auto lease = co_await home.open_new({}, signing_key(k_own));
    const auto before = remote_edit(guest, "before");
    Pair pair(*lease, std::nullopt, peer(3, Access::read));
    REQUIRE(lease->receive(pair.alice_id, before));
    REQUIRE(co_await lease->flush());
    CHECK(pair.bob.envelopes.empty());  // not shared yet: nobody asks

    lease->authorship().begin_signing();
    REQUIRE(co_await lease->edit([](crdt::Doc& doc) { type(doc, " mine"); }));
    REQUIRE(lease->receive(pair.alice_id, remote_edit(guest, " guest")));
    REQUIRE(co_await lease->flush());
    REQUIRE(pair.bob.envelopes.size() == 2);
    const auto own = crdt::open_envelope(k_document.view(), pair.bob.envelopes[0]);
    REQUIRE(own);
    CHECK(own->key == signing_key(k_own).public_key());
    CHECK(std::get<crdt::SignedUpdate::Own>(own->ids).client == lease->doc().client_id());
    const auto hosted = crdt::open_envelope(k_document.view(), pair.bob.envelopes[1]);
    REQUIRE(hosted);
    CHECK(std::holds_alternative<crdt::SignedUpdate::Hosted>(hosted->ids));
    CHECK(hosted->extent.written.at(0).clocks.from == 6);
    co_await grant(home, store::GrantOrigin::made, Access::write);
  }
  co_await home.stop();
  co_await home.start({}, signing_key(k_own));
  CHECK(co_await envelopes_on_disk(home) == 2);
  {
    const auto lease = co_await home.open();
    CHECK(lease->authorship().signing());
    Pair pair(*lease, peer(2, Access::write), peer(3, Access::write));
    // The guest's id is this node's now, also after the restart; what it wrote before the document
    // was shared may come from anywhere.
    crdt::Doc fresh(crdt::ClientId{8});
    REQUIRE(lease->receive(pair.alice_id, remote_edit(fresh, "x")));
    REQUIRE(lease->receive(pair.alice_id, remote_edit(guest, " stolen")));
    CHECK(pair.alice.denied == 1);
    CHECK(title_of(*lease).find("stolen") == std::string::npos);
    CHECK(home.hub->refused() == 1);
  }
  co_await home.stop();
}

rt::Co<void> withstands_forgers(Home& home) {
  {
    const auto lease = co_await home.open_new({}, signing_key(k_own));
    lease->authorship().begin_signing();
    Pair pair(*lease, peer(2, Access::write), peer(3, Access::write));
    auto& [document, alice, bob, alice_id, bob_id] = pair;
    Author author(2);
    const auto hello = author.seal(author.write("hello"));
    REQUIRE(document.receive_signed(alice_id, hello));
    REQUIRE(co_await document.flush());
    CHECK(bob.envelopes == std::vector<Bytes>{hello});

    // Replayed, by whomever: known.
    REQUIRE(document.receive_signed(bob_id, hello));
    REQUIRE(co_await document.flush());
    CHECK(bob.envelopes.size() == 1);
    CHECK(alice.envelopes.empty());
    CHECK(co_await envelopes_on_disk(home) == 1);

    // Damaged, or of another document.
    Bytes damaged = hello;
    damaged.back() ^= 1;
    CHECK(document.receive_signed(bob_id, damaged).error().is(crypto::CryptoError::bad_signature));
    const auto elsewhere =
        crdt::seal_hosted(author.key, BytesView(Bytes(16, 8)), Bytes{0, 0}).value();
    CHECK_FALSE(document.receive_signed(bob_id, elsewhere));

    // Bob goes on in the author's name, without a signature, and mixes it with something of
    // another's: that much is taken.
    const auto in_her_name = author.write(" forged");
    crdt::Doc other(crdt::ClientId{9});
    const auto honest = remote_edit(other, "!");
    REQUIRE(document.receive(
        bob_id, crdt::merge_updates(std::vector<BytesView>{in_her_name, honest}).value()));
    CHECK(bob.denied == 1);
    CHECK(title_of(document).size() == 6);
    CHECK(title_of(document).find("forged") == std::string::npos);

    // A guest's id, vouched for by another host.
    crdt::Doc guest(crdt::ClientId{7});
    REQUIRE(document.receive(SubscriberId{0}, remote_edit(guest, "guest")));
    const auto claimed =
        crdt::seal_hosted(signing_key(3), k_document.view(), remote_edit(guest, " taken"));
    REQUIRE(document.receive_signed(bob_id, *claimed));
    CHECK(bob.denied == 2);
    CHECK(title_of(document).find("taken") == std::string::npos);
    CHECK(document.equivocations() == 0);
    CHECK_FALSE(bob.ended);
    CHECK(home.hub->refused() == 2);

    // She herself goes on as if nothing had been.
    REQUIRE(document.receive_signed(alice_id, author.seal(in_her_name)));
    CHECK(title_of(document).find("forged") != std::string::npos);
    CHECK(alice.denied == 0);
  }
  co_await home.stop();
}

rt::Co<void> readers_do_not_write(Home& home) {
  {
    const auto lease = co_await home.open_new({}, signing_key(k_own));
    lease->authorship().begin_signing();
    Pair pair(*lease, peer(2, Access::write), peer(3, Access::read));
    auto& [document, writer, reader, writer_id, reader_id] = pair;
    document.authorship().add_member({.grant = {{1}}, .peer = peer_id(2), .access = Access::write});

    // Nothing is nothing, and needs no tree.
    REQUIRE(document.receive(reader_id, Bytes{0, 0}));
    CHECK_FALSE(document.resident());
    Author reading(3);
    const auto own = reading.write("mine");
    REQUIRE(document.receive(reader_id, own));
    REQUIRE(document.receive_signed(reader_id, reading.seal(own)));
    CHECK(reader.denied == 2);

    // What a writer signed is right, whoever brings it, while the writer is one.
    Author writing(2);
    REQUIRE(document.receive_signed(reader_id, writing.seal(writing.write("hello"))));
    CHECK(reader.denied == 2);
    REQUIRE(co_await document.flush());
    CHECK(title_of(document) == "hello");
    CHECK(writer.envelopes.size() == 1);
    document.authorship().forget_members({{{1}}});
    REQUIRE(document.receive_signed(reader_id, writing.seal(writing.write(" again"))));
    CHECK(reader.denied == 3);
    CHECK(title_of(document) == "hello");
    REQUIRE(document.receive(reader_id, crdt::encode_state_as_update(document.doc())));
    CHECK(reader.denied == 3);  // says what is known
  }
  co_await home.stop();
}

rt::Co<void> contributors_change_their_own(Home& home) {
  {
    const auto lease = co_await home.open_new({}, signing_key(k_own));
    lease->authorship().begin_signing();
    Pair pair(*lease, peer(2, Access::contribute), peer(3, Access::contribute));
    auto& [document, alice, bob, alice_id, bob_id] = pair;
    REQUIRE(co_await document.edit([](crdt::Doc& doc) {
      type(doc, "owner");
      doc.transact([&](crdt::Transaction& t) { doc.map("meta").set(t, "model", crdt::Any(1.0)); });
    }));
    Author author(2);
    REQUIRE(crdt::apply_update(author.doc, crdt::encode_state_as_update(document.doc())));
    REQUIRE(document.receive_signed(alice_id, author.seal(author.write(" added"))));
    const auto shorter = changed(
        author.doc, [&](crdt::Transaction& t) { author.doc.text("title").remove(t, 10, 1); });
    REQUIRE(document.receive_signed(alice_id, author.seal(shorter)));
    CHECK(title_of(document) == "owner adde");
    CHECK(alice.denied == 0);

    // Not what others wrote: neither deleted nor replaced, signed or not.
    const auto without = changed(
        author.doc, [&](crdt::Transaction& t) { author.doc.text("title").remove(t, 0, 2); });
    REQUIRE(document.receive_signed(alice_id, author.seal(without)));
    REQUIRE(document.receive(bob_id, without));
    const auto replaced = changed(author.doc, [&](crdt::Transaction& t) {
      author.doc.map("meta").set(t, "model", crdt::Any(2.0));
    });
    REQUIRE(document.receive_signed(alice_id, author.seal(replaced)));
    CHECK(alice.denied == 2);
    CHECK(bob.denied == 1);
    CHECK(title_of(document) == "owner adde");
  }
  co_await home.stop();
}

rt::Co<void> what_this_node_may_not(Home& home) {
  co_await home.start({}, signing_key(k_own));
  co_await home.create(k_document);
  co_await grant(home, store::GrantOrigin::joined, Access::read);
  {
    const auto lease = co_await home.open();
    Pair pair(*lease, std::nullopt, peer(2, Access::write));
    auto& [document, guest, owner, guest_id, owner_id] = pair;
    Author author(2);
    REQUIRE(document.receive_signed(owner_id, author.seal(author.write("hello"))));
    crdt::Doc browser(crdt::ClientId{7});
    REQUIRE(document.receive(guest_id, remote_edit(browser, "no")));
    CHECK(guest.denied == 1);
    const auto edited = co_await document.edit([](crdt::Doc& doc) { type(doc, "no"); });
    REQUIRE_FALSE(edited);
    CHECK(edited.error().is(SyncError::not_permitted));
    CHECK(title_of(document) == "hello");
    CHECK(co_await document.edit([](crdt::Doc&) {}));

    document.authorship().set_access(Access::contribute);
    REQUIRE(co_await document.edit([](crdt::Doc& doc) { type(doc, " you"); }));
    CHECK(title_of(document) == "hello you");
    CHECK(owner.envelopes.size() == 1);
    const auto erased = co_await document.edit([](crdt::Doc& doc) {
      doc.transact([&](crdt::Transaction& t) { doc.text("title").remove(t, 0, 1); });
    });
    CHECK_FALSE(erased);
    REQUIRE(co_await document.edit([](crdt::Doc& doc) {
      doc.transact([&](crdt::Transaction& t) { doc.text("title").remove(t, 8, 1); });
    }));
    CHECK(title_of(document) == "hello yo");
  }
  co_await home.stop();
}

rt::Co<void> signs_anew(Home& home) {
  {
    const auto lease = co_await home.open_new({}, signing_key(k_own));
    lease->authorship().begin_signing();
    Pair pair(*lease, std::nullopt, peer(2, Access::write));
    auto& document = pair.document;
    crdt::Doc guest(crdt::ClientId{7});
    REQUIRE(co_await document.edit([](crdt::Doc& doc) { type(doc, "a secret"); }));
    REQUIRE(co_await document.edit([](crdt::Doc& doc) {
      doc.transact([&](crdt::Transaction& t) { doc.text("title").remove(t, 0, 8); });
    }));
    for (int i = 0; i < 300; ++i) {
      REQUIRE(co_await document.edit([](crdt::Doc& doc) { type(doc, "x"); }));
      REQUIRE(document.receive(pair.alice_id, remote_edit(guest, "y")));
    }
    REQUIRE(co_await document.flush());
    REQUIRE(co_await document.edit([](crdt::Doc& doc) { type(doc, "."); }));
    CHECK(co_await envelopes_on_disk(home) < 150);

    // The envelopes alone make the same document; nothing deleted is in them.
    CHECK((co_await signed_title(home)) == title_of(document));
  }
  co_await home.stop();
}

rt::Co<void> writers_sign_too(Home& home) {
  {
    const auto lease = co_await home.open_new({}, signing_key(k_own));
    lease->authorship().begin_signing();
    Pair pair(*lease, peer(2, Access::write), peer(3, Access::write));
    auto& [document, alice, bob, alice_id, bob_id] = pair;
    Author author(2);
    REQUIRE(document.receive_signed(alice_id, author.seal(author.write("hello"))));
    const auto again = author.write(" again");
    REQUIRE(document.receive(bob_id, again));  // without its envelope
    CHECK(bob.denied == 1);
    CHECK(title_of(document) == "hello");
    // What comes after it waits, until it comes signed.
    REQUIRE(document.receive_signed(alice_id, author.seal(author.write(" and on"))));
    CHECK(title_of(document) == "hello");
    REQUIRE(document.receive_signed(bob_id, author.seal(again)));
    CHECK(alice.denied == 0);
    CHECK(title_of(document) == "hello again and on");
  }
  co_await home.stop();
}

rt::Co<void> keeps_what_came_out_of_order(Home& home) {
  {
    const auto lease = co_await home.open_new({}, signing_key(k_own));
    lease->authorship().begin_signing();
    Pair pair(*lease, peer(2, Access::write), peer(3, Access::write));
    auto& [document, alice, bob, alice_id, bob_id] = pair;
    Author author(2);
    const auto first = author.seal(author.write("first"));
    const auto second = author.seal(author.write(" second"));
    REQUIRE(document.receive_signed(alice_id, second));
    REQUIRE(co_await document.flush());
    REQUIRE(document.receive_signed(alice_id, first));
    REQUIRE(co_await document.flush());
    CHECK(title_of(document) == "first second");
    CHECK(bob.envelopes.size() == 2);
    CHECK(co_await envelopes_on_disk(home) == 2);
  }
  co_await home.stop();
}

// Two nodes that lack the same edit must not send each other what waits for it without end.
rt::Co<void> passes_on_once_what_waits(Home& home) {
  {
    const auto lease = co_await home.open_new({}, signing_key(k_own));
    lease->authorship().begin_signing();
    Pair pair(*lease, peer(2, Access::write), peer(3, Access::write));
    auto& [document, alice, bob, alice_id, bob_id] = pair;
    Author author(2);
    const auto first = author.seal(author.write("first"));
    const auto second = author.seal(author.write(" second"));
    crdt::Doc plain(crdt::ClientId{9});
    const auto lost = remote_edit(plain, "lost");
    const auto later = remote_edit(plain, " later");
    for (int i = 0; i < 3; ++i) {
      REQUIRE(document.receive_signed(alice_id, second));
      REQUIRE(document.receive(alice_id, later));
      REQUIRE(co_await document.flush());
    }
    CHECK(bob.envelopes.size() == 1);
    CHECK(bob.updates.size() == 2);
    REQUIRE(document.receive_signed(alice_id, first));
    REQUIRE(document.receive(alice_id, lost));
    REQUIRE(co_await document.flush());
    CHECK(bob.envelopes.size() == 2);
    CHECK(title_of(document).size() == std::string("first second").size() + 10);
  }
  co_await home.stop();
}

rt::Co<void> keeps_the_signature_of_what_waits(Home& home) {
  {
    const auto lease = co_await home.open_new({}, signing_key(k_own));
    lease->authorship().begin_signing();
    Pair pair(*lease, peer(2, Access::write), peer(3, Access::write));
    auto& [document, alice, bob, alice_id, bob_id] = pair;
    Author author(2);
    (void)author.write("first");  // is missing
    const auto second = author.write(" second");
    REQUIRE(document.receive(alice_id, second));
    REQUIRE(co_await document.flush());
    REQUIRE(document.receive_signed(alice_id, author.seal(second)));
    REQUIRE(co_await document.flush());
    CHECK(bob.envelopes.size() == 1);
    CHECK(co_await envelopes_on_disk(home) == 1);
  }
  co_await home.stop();
}

rt::Co<void> signs_again_what_lost_its_signature(Home& home) {
  crdt::Doc guest(crdt::ClientId{7});
  {
    const auto lease = co_await home.open_new({}, signing_key(k_own));
    lease->authorship().begin_signing();
    co_await grant(home, store::GrantOrigin::made, Access::write);
    Pair pair(*lease, std::nullopt, peer(2, Access::write));
    for (int i = 0; i < 5; ++i) {
      REQUIRE(lease->receive(pair.alice_id, remote_edit(guest, "guest")));
      REQUIRE(co_await lease->edit([](crdt::Doc& doc) { type(doc, "own"); }));
    }
  }
  co_await home.stop();
  co_await home.start({}, signing_key(k_own));
  const auto lose = [](store::Database& database) {
    return store::Envelopes(database).replace(k_document, {3, 4, 10}, {});
  };
  REQUIRE(co_await home.store->write(lose));
  CHECK(co_await envelopes_on_disk(home) == 7);
  {
    const auto lease = co_await home.open();
    CHECK((co_await signed_title(home)) == title_of(*lease));
    CHECK(co_await envelopes_on_disk(home) == 2);
  }
  co_await home.stop();
}

// A guest's update brings along what another wrote on top of it and was waiting here.
rt::Co<void> signs_by_hands(Home& home) {
  {
    const auto lease = co_await home.open_new({}, signing_key(k_own));
    lease->authorship().begin_signing();
    Pair pair(*lease, std::nullopt, peer(2, Access::write));
    auto& [document, guest_side, bob, guest_id, bob_id] = pair;
    crdt::Doc guest(crdt::ClientId{7});
    const auto hello = remote_edit(guest, "hello");
    Author author(2);
    REQUIRE(crdt::apply_update(author.doc, hello));
    REQUIRE(document.receive_signed(bob_id, author.seal(author.write(" there"))));
    REQUIRE(document.receive(guest_id, hello));
    REQUIRE(co_await document.flush());
    CHECK(title_of(document) == "hello there");
    REQUIRE(bob.envelopes.size() == 1);
    const auto signed_here = crdt::open_envelope(k_document.view(), bob.envelopes[0]);
    REQUIRE(signed_here);
    CHECK(signed_here->key == signing_key(k_own).public_key());
    CHECK(co_await envelopes_on_disk(home) == 2);
  }
  co_await home.stop();
}

rt::Co<void> cuts_large_edits(Home& home) {
  {
    const auto lease = co_await home.open_new({}, signing_key(k_own));
    lease->authorship().begin_signing();
    Pair pair(*lease, std::nullopt, peer(2, Access::write));
    const std::string words(std::size_t{1} << 20, 'x');
    REQUIRE(co_await lease->edit([&](crdt::Doc& doc) { type(doc, words); }));
    CHECK(pair.bob.envelopes.size() > 3);
    crdt::Doc copy(crdt::ClientId{99});
    for (const auto& envelope : pair.bob.envelopes) {
      CHECK(envelope.size() < k_update_part_bytes + 256);
      REQUIRE(crdt::apply_update(copy,
                                 crdt::open_envelope(k_document.view(), envelope).value().update));
    }
    CHECK(copy.text("title").to_string() == words);
  }
  co_await home.stop();
}

}  // namespace

TEST_CASE("authorship: a shared document is signed, and whose ids are whose survives a restart") {
  run(11, signs_and_remembers);
}

TEST_CASE("authorship: forged, replayed and stolen updates are refused, and harm nothing else") {
  run(12, withstands_forgers);
}

TEST_CASE("authorship: a reader cannot write, but carries what a writer signed") {
  run(13, readers_do_not_write);
}

TEST_CASE("authorship: a contributor adds, and changes what it wrote itself") {
  run(14, contributors_change_their_own);
}

TEST_CASE("authorship: what this node may not do, its guests and edits may not either") {
  run(15, what_this_node_may_not);
}

TEST_CASE("authorship: many small envelopes become few, without what was deleted") {
  run(16, signs_anew);
}

TEST_CASE("authorship: who may write signs too, and what came without waits for its signature") {
  run(18, writers_sign_too);
}

TEST_CASE("authorship: envelopes that come out of order are kept") {
  run(19, keeps_what_came_out_of_order);
}

TEST_CASE("authorship: what waits for another edit is passed on once, however often it comes") {
  run(21, passes_on_once_what_waits);
}

TEST_CASE("authorship: the signature of what waits is kept, though it came without before") {
  run(22, keeps_the_signature_of_what_waits);
}

TEST_CASE("authorship: what lost its signature is signed again when the document is opened") {
  run(23, signs_again_what_lost_its_signature);
}

TEST_CASE("authorship: a guest is signed for also when its update brings along another's") {
  run(20, signs_by_hands);
}

TEST_CASE("authorship: a large edit comes in parts, each signed") {
  run(17, cuts_large_edits);
}
