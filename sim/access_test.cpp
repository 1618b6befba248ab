// What grants permit between whole nodes, and that who wrote what can be shown by everybody.
#include <chrono>
#include <set>

#include <doctest/doctest.h>

#include "trio_test_detail.hpp"
#include "vivim/crdt/envelope/envelope.hpp"
#include "vivim/multiformats/peer_id.hpp"
#include "vivim/store/envelopes.hpp"

using namespace vivim;
using namespace vivim::sim;
using namespace std::chrono_literals;
using store::Access;

namespace {

rt::Co<std::string> ticket_for(Peer& peer, Access access) {
  auto ticket = co_await peer.sharing().share(k_document, "a title", access);
  REQUIRE(ticket);
  co_return ticket->to_text();
}

/// The title as the stored envelopes alone make it; every one must open, and be of `authors`.
rt::Co<std::string> signed_title(Peer& peer, const std::vector<Peer*>& authors) {
  const auto job = [](store::Database& database) -> Result<std::vector<store::EnvelopeRow>> {
    store::Envelopes envelopes(database);
    VIVIM_TRY(const auto seqs, envelopes.find(k_document, {.known = {}, .deleting = true}));
    VIVIM_TRY(auto page, envelopes.read(k_document, seqs, std::size_t{64} << 20));
    return std::move(page.rows);
  };
  const auto rows = co_await peer.store().read(job);
  REQUIRE(rows);
  std::set<multiformats::PeerId> keys;
  for (const auto* author : authors) {
    keys.insert(author->peer_id());
  }
  crdt::Doc doc(crdt::ClientId{1});
  for (const auto& row : *rows) {
    const auto opened = crdt::open_envelope(k_document.view(), row.bytes);
    REQUIRE(opened);
    CHECK(keys.contains(multiformats::PeerId::of(opened->key)));
    REQUIRE(crdt::apply_update(doc, opened->update));
  }
  co_return doc.text("title").to_string();
}

/// Edits as a program would that does not keep to what it was granted.
rt::Co<void> type_anyway(Peer& peer, std::string words) {
  auto lease = co_await peer.hub().open(k_document);
  REQUIRE(lease);
  (*lease)->authorship().set_access(Access::write);
  co_await type(peer, std::move(words));
}

rt::Co<void> a_reader_reads(Trio& trio) {
  co_await trio.start();
  const auto ticket = co_await ticket_for(trio.alice, Access::read);
  REQUIRE(co_await trio.bob.sharing().join(ticket));
  co_await type(trio.alice, "hello");
  co_await trio.pause(1s);
  CHECK((co_await title(trio.bob)) == "hello");
  {
    auto lease = co_await trio.bob.hub().open(k_document);
    REQUIRE(lease);
    const auto edited = co_await (*lease)->edit([](crdt::Doc& doc) {
      doc.transact([&](crdt::Transaction& t) { doc.text("title").push(t, "no"); });
    });
    REQUIRE_FALSE(edited);
    CHECK(edited.error().is(sync::SyncError::not_permitted));
  }
  // He cannot give away what he does not have.
  const auto more = co_await trio.bob.sharing().share(k_document, "", Access::write);
  REQUIRE_FALSE(more);
  CHECK(more.error().code == "not_permitted");

  // If his program writes nevertheless, nobody takes it, and he still hears of everything.
  co_await type_anyway(trio.bob, " intruder");
  co_await trio.pause(1s);
  CHECK(trio.alice.hub().refused() > 0);
  co_await type(trio.alice, " you");
  co_await trio.pause(1s);
  CHECK((co_await title(trio.alice)) == "hello you");
  CHECK((co_await title(trio.bob)).find("hello you") != std::string::npos);
  // Nor after a restart, when he offers what he has by his state.
  co_await trio.bob.stop();
  REQUIRE(co_await trio.bob.start());
  co_await trio.pause(5s);
  CHECK((co_await title(trio.alice)) == "hello you");
  CHECK(trio.alice.peers().peers_of(k_document).size() == 1);
  co_await trio.stop();
}

rt::Co<void> through_a_reader(Trio& trio) {
  co_await trio.start();
  co_await type(trio.alice, "before ");  // not shared yet: nobody signs
  REQUIRE(co_await trio.bob.sharing().join(co_await ticket_for(trio.alice, Access::read)));
  co_await type(trio.alice, "one ");
  co_await trio.pause(1s);
  REQUIRE(co_await trio.carol.sharing().join(co_await ticket_for(trio.bob, Access::read)));
  co_await type(trio.alice, "two");
  co_await trio.pause(2s);
  CHECK((co_await title(trio.carol)) == "before one two");

  // Carol never met Alice, and can show that it is hers; also when she comes back from a crash.
  co_await trio.carol.crash(rt::sim::CrashKind::power);
  trio.carol.node().restart();
  REQUIRE(co_await trio.carol.start());
  co_await trio.pause(5s);
  CHECK((co_await title(trio.carol)) == "before one two");
  auto lease = co_await trio.carol.hub().open(k_document);
  REQUIRE(lease);
  CHECK((*lease)->authorship().any_bound());
  CHECK(
      (co_await signed_title(trio.carol, {&trio.alice})).empty());  // stands on what nobody signed
  lease->release();
  co_await trio.stop();
}

rt::Co<void> two_writers(Trio& trio) {
  co_await trio.start();
  REQUIRE(co_await trio.bob.sharing().join(co_await ticket_for(trio.alice, Access::write)));
  co_await type(trio.alice, "alice ");
  co_await trio.pause(1s);
  co_await type(trio.bob, "bob ");
  co_await trio.pause(1s);
  co_await trio.alice.crash(rt::sim::CrashKind::power);
  trio.alice.node().restart();
  REQUIRE(co_await trio.alice.start());
  co_await trio.pause(5s);
  CHECK((co_await title(trio.alice)) == "alice bob ");
  // Who comes later gets all of it signed, each part by who wrote it.
  REQUIRE(co_await trio.carol.sharing().join(co_await ticket_for(trio.bob, Access::read)));
  co_await trio.pause(1s);
  CHECK((co_await signed_title(trio.carol, {&trio.alice, &trio.bob})) == "alice bob ");
  CHECK((co_await signed_title(trio.alice, {&trio.alice, &trio.bob})) == "alice bob ");
  CHECK(trio.alice.hub().refused() == 0);
  CHECK(trio.bob.hub().refused() == 0);
  CHECK(trio.carol.hub().refused() == 0);
  co_await trio.stop();
}

rt::Co<void> contributes(Trio& trio) {
  co_await trio.start();
  co_await type(trio.alice, "alice");
  REQUIRE(co_await trio.bob.sharing().join(co_await ticket_for(trio.alice, Access::contribute)));
  co_await type(trio.bob, " bob");
  co_await trio.pause(1s);
  CHECK((co_await title(trio.alice)) == "alice bob");
  const auto erase = [](crdt::Doc& doc) {
    doc.transact([&](crdt::Transaction& t) { doc.text("title").remove(t, 0, 5); });
  };
  {
    auto lease = co_await trio.bob.hub().open(k_document);
    REQUIRE(lease);
    CHECK_FALSE(co_await (*lease)->edit(erase));
    (*lease)->authorship().set_access(Access::write);
    REQUIRE(co_await (*lease)->edit(erase));
  }
  co_await trio.pause(1s);
  CHECK((co_await title(trio.alice)) == "alice bob");
  CHECK(trio.alice.hub().refused() > 0);
  co_await trio.stop();
}

rt::Co<void> an_older_node(Trio& trio) {
  trio.bob.set_version(sync::Version::v1_0);
  co_await trio.start();
  REQUIRE(co_await trio.bob.sharing().join(co_await ticket_for(trio.alice, Access::write)));
  co_await type(trio.alice, "alice ");
  co_await trio.pause(1s);
  co_await type(trio.bob, "bob ");
  co_await trio.pause(1s);
  CHECK((co_await title(trio.alice)) == "alice bob ");
  CHECK((co_await title(trio.bob)) == "alice bob ");
  co_await trio.bob.stop();
  co_await type(trio.alice, "again");
  REQUIRE(co_await trio.bob.start());
  co_await trio.pause(5s);
  CHECK((co_await title(trio.bob)) == "alice bob again");
  CHECK(trio.alice.hub().refused() == 0);
  co_await trio.stop();
}

// Bob's node does not take a state vector with what is opened, nor sends one: he dials Alice, and
// Carol dials him.
rt::Co<void> between_versions(Trio& trio) {
  trio.bob.set_version(sync::Version::v1_1);
  co_await trio.start();
  co_await type(trio.alice, "alice ");
  const auto at_bob =
      co_await trio.bob.sharing().join(co_await ticket_for(trio.alice, Access::write));
  REQUIRE(at_bob);
  CHECK(at_bob->status.state == sync::JoinState::synced);
  const auto at_carol =
      co_await trio.carol.sharing().join(co_await ticket_for(trio.bob, Access::write));
  REQUIRE(at_carol);
  CHECK(at_carol->status.state == sync::JoinState::synced);
  CHECK((co_await title(trio.carol)) == "alice ");
  co_await trio.carol.stop();
  co_await type(trio.bob, "bob ");
  REQUIRE(co_await trio.carol.start());
  co_await trio.pause(1s);
  co_await type(trio.carol, "carol ");
  co_await trio.pause(1s);
  co_await trio.bob.stop();
  co_await type(trio.alice, "again");
  REQUIRE(co_await trio.bob.start());
  co_await trio.pause(60s);
  for (Peer* peer : {&trio.alice, &trio.bob, &trio.carol}) {
    CHECK((co_await title(*peer)) == "alice bob carol again");
    CHECK(peer->hub().refused() == 0);
  }
  co_await trio.stop();
}

void run(std::uint64_t seed, rt::Co<void> (*scenario)(Trio&)) {
  Trio trio(seed);
  trio.world.run(scenario(trio));
}

}  // namespace

TEST_CASE("access: who may read only does not write, whatever its program does") {
  run(31, a_reader_reads);
}

TEST_CASE("access: what was signed is passed on as it came, also by who only reads") {
  run(32, through_a_reader);
}

TEST_CASE("access: of two writers everybody can show who wrote what, also after a crash") {
  run(33, two_writers);
}

TEST_CASE("access: a contributor adds, and does not take away") {
  run(34, contributes);
}

TEST_CASE("access: a node of the older protocol writes and reads without signatures") {
  run(35, an_older_node);
}

TEST_CASE("access: nodes of the newer and the older protocol open documents at each other") {
  run(36, between_versions);
}
