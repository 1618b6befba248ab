// What readers and contributors may not do, however they go about it.
#include <bit>
#include <string>

#include <doctest/doctest.h>

#include "vivim/base/log.hpp"
#include "vivim/crdt/map.hpp"
#include "vivim/crdt/text.hpp"
#include "vivim/crdt/value.hpp"
#include "vivim/sync/authorship_test_detail.hpp"

using namespace vivim;
using namespace vivim::sync;
using namespace vivim::sync::testing;
using store::Access;

namespace {

std::string title(OpenDocument& document) {
  return document.doc().text("title").to_string();
}

Bytes hosted(std::uint8_t seed, BytesView update) {
  return crdt::seal_hosted(signing_key(seed), k_document.view(), update).value();
}

Bytes erase(crdt::Doc& doc, std::uint32_t length) {
  return changed(doc, [&](crdt::Transaction& t) { doc.text("title").remove(t, 0, length); });
}

// What browsers wrote before the document was shared is nobody's, and stays so.
rt::Co<void> nobody_takes_over_what_was(Home& home) {
  {
    const auto lease = co_await home.open_new({}, signing_key(k_own));
    Pair pair(*lease, std::nullopt, peer(2, Access::contribute));
    auto& [document, guest_side, bob, guest_id, bob_id] = pair;
    crdt::Doc guest(crdt::ClientId{7});
    const auto before = remote_edit(guest, "before");
    REQUIRE(document.receive(guest_id, before));
    document.authorship().begin_signing();

    // He may add, as anybody may whom nobody knows, but that makes nothing his.
    crdt::Doc taken(crdt::ClientId{7});
    REQUIRE(crdt::apply_update(taken, before));
    REQUIRE(document.receive_signed(bob_id, hosted(2, remote_edit(taken, "!"))));
    REQUIRE(document.receive_signed(bob_id, hosted(2, crdt::encode_state_as_update(taken))));
    CHECK(bob.denied == 0);
    REQUIRE(document.receive_signed(bob_id, hosted(2, erase(taken, 6))));
    CHECK(bob.denied == 1);
    CHECK(title(document) == "before!");
    REQUIRE(co_await document.flush());
    CHECK(co_await envelopes_on_disk(home) == 0);

    // A browser of his own is his.
    crdt::Doc his(crdt::ClientId{8});
    REQUIRE(document.receive_signed(bob_id, hosted(2, remote_edit(his, "his"))));
    REQUIRE(document.receive_signed(bob_id, hosted(2, erase(his, 3))));
    CHECK(bob.denied == 1);
    CHECK(title(document) == "before!");
  }
  co_await home.stop();
}

// A node that lost its bindings, or wrote without signing before, may still say what is its own.
rt::Co<void> writers_take_over(Home& home) {
  {
    const auto lease = co_await home.open_new({}, signing_key(k_own));
    Pair pair(*lease, peer(2, Access::read), peer(3, Access::write));
    auto& [document, reader, writer, reader_id, writer_id] = pair;
    document.authorship().begin_signing();
    document.authorship().add_member({.grant = {{1}}, .peer = peer_id(3), .access = Access::write});
    crdt::Doc browser(crdt::ClientId{7});
    REQUIRE(document.receive(writer_id, remote_edit(browser, "un")));
    REQUIRE(document.receive_signed(reader_id, hosted(3, remote_edit(browser, "signed"))));
    REQUIRE(co_await document.flush());
    CHECK(reader.denied == 0);
    CHECK(writer.envelopes.size() == 1);
    CHECK(title(document) == "unsigned");
  }
  co_await home.stop();
}

// A key that says that something is gone, or who said it, is as good as a deletion.
rt::Co<void> what_others_made_has_their_keys(Home& home) {
  {
    const auto lease = co_await home.open_new({}, signing_key(k_own));
    lease->authorship().begin_signing();
    Pair pair(*lease, peer(2, Access::contribute), peer(3, Access::contribute));
    auto& [document, alice, bob, alice_id, bob_id] = pair;
    const auto turn = [](crdt::Doc& doc, std::string_view id) {
      return *doc.map("turns").get(id)->if_map();
    };
    REQUIRE(co_await document.edit([](crdt::Doc& doc) {
      doc.transact([&](crdt::Transaction& t) {
        auto first = doc.map("turns").set_map(t, "first");
        first.set(t, "role", crdt::Any(1.0));
        first.set_text(t, "text").push(t, "hello");
      });
    }));
    Author author(2);
    REQUIRE(crdt::apply_update(author.doc, crdt::encode_state_as_update(document.doc())));
    const auto added = changed(author.doc, [&](crdt::Transaction& t) {
      author.doc.map("turns").set_map(t, "second").set(t, "role", crdt::Any(1.0));
      auto text = *turn(author.doc, "first").get("text")->if_text();
      text.push(t, " you");
    });
    REQUIRE(document.receive_signed(alice_id, author.seal(added)));
    const auto removed_own = changed(author.doc, [&](crdt::Transaction& t) {
      turn(author.doc, "second").set(t, "deleted", crdt::Any(true));
    });
    REQUIRE(document.receive_signed(alice_id, author.seal(removed_own)));
    CHECK(alice.denied == 0);
    const auto removed = changed(author.doc, [&](crdt::Transaction& t) {
      turn(author.doc, "first").set(t, "deleted", crdt::Any(true));
    });
    REQUIRE(document.receive_signed(alice_id, author.seal(removed)));
    REQUIRE(document.receive(bob_id, removed));
    CHECK(alice.denied == 1);
    CHECK(bob.denied == 1);
    CHECK(turn(document.doc(), "second").contains("deleted"));
    CHECK_FALSE(turn(document.doc(), "first").contains("deleted"));
    CHECK(turn(document.doc(), "first").get("text")->if_text()->to_string() == "hello you");
  }
  co_await home.stop();
}

// Adding a turn sets which turn is shown first, whoever set that before.
rt::Co<void> common_places_are_nobodys(Home& home) {
  {
    const auto lease = co_await home.open_new({.common = {{.root = "meta", .key = "current"}}},
                                              signing_key(k_own));
    lease->authorship().begin_signing();
    Pair pair(*lease, peer(2, Access::contribute), peer(3, Access::read));
    auto& [document, alice, bob, alice_id, bob_id] = pair;
    REQUIRE(co_await document.edit([](crdt::Doc& doc) {
      doc.transact([&](crdt::Transaction& t) {
        doc.map("meta").set(t, "current", crdt::Any("first"));
        doc.map("meta").set(t, "model", crdt::Any("some"));
      });
    }));
    const auto set = [&](Author& author, const char* key) {
      REQUIRE(crdt::apply_update(author.doc, crdt::encode_state_as_update(document.doc())));
      return author.seal(changed(author.doc, [&](crdt::Transaction& t) {
        author.doc.map("meta").set(t, key, crdt::Any("second"));
      }));
    };
    const auto shown = [&](const char* key) {
      const auto value = document.doc().map("meta").get(key);
      return *value->if_any()->if_string();
    };
    Author adds(2);
    REQUIRE(document.receive_signed(alice_id, set(adds, "current")));
    CHECK(alice.denied == 0);
    CHECK(shown("current") == "second");
    Author replaces(2);
    REQUIRE(document.receive_signed(alice_id, set(replaces, "model")));
    CHECK(alice.denied == 1);
    CHECK(shown("model") == "some");
    Author reads(3);
    REQUIRE(document.receive_signed(bob_id, set(reads, "current")));
    CHECK(bob.denied == 1);
  }
  co_await home.stop();
}

// Nothing of it is integrated, so that it is not refused; but it is noted, and that costs.
rt::Co<void> readers_do_not_fill_the_log(Home& home) {
  constexpr std::uint64_t k_updates = 1000;
  std::size_t lines = 0;
  std::string logged;
  log::set_sink(
      [&](log::Level, std::string_view, std::string_view,
          std::initializer_list<log::Field> fields) {
        ++lines;
        for (const auto& field : fields) {
          if (const auto* text = std::get_if<std::string_view>(&field.value)) {
            logged += *text;
          }
        }
      },
      log::Level::warning);
  {
    const auto lease = co_await home.open_new({}, signing_key(k_own));
    Pair pair(*lease, std::nullopt, peer(2, Access::read));
    auto& document = pair.document;
    crdt::Doc guest(crdt::ClientId{7});
    REQUIRE(document.receive(pair.alice_id, remote_edit(guest, "confidential")));
    for (std::uint64_t i = 0; i < k_updates; ++i) {
      crdt::Doc impostor(crdt::ClientId{7});
      REQUIRE(document.receive(pair.bob_id, remote_edit(impostor, "what he says")));
    }
    CHECK(document.equivocations() == k_updates);
    CHECK(title(document) == "confidential");
  }
  co_await home.stop();
  CHECK(lines >= 1);
  CHECK(lines <= std::bit_width(k_updates));
  CHECK(logged.find(to_hex(as_bytes("confidential"))) == std::string::npos);
  log::set_sink([](auto&&...) {}, log::Level::error);
}

}  // namespace

TEST_CASE("contributors: what browsers wrote before a document was shared is not taken over") {
  run(31, nobody_takes_over_what_was);
}

TEST_CASE("contributors: who may write may go on with what nobody signed") {
  run(32, writers_take_over);
}

TEST_CASE("contributors: keys of what others made are theirs to set, as a turn's mark of removal") {
  run(33, what_others_made_has_their_keys);
}

TEST_CASE("contributors: what is common they replace, whoever wrote it, and nothing else") {
  run(35, common_places_are_nobodys);
}

TEST_CASE("contributors: who may only read cannot fill the log, nor bring texts into it") {
  run(34, readers_do_not_fill_the_log);
}
