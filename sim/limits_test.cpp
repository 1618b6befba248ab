// What peers may take of a node, with limits small enough to be reached.
#include <chrono>

#include <doctest/doctest.h>

#include "trio_test_detail.hpp"
#include "vivim/store/blobs.hpp"

using namespace vivim;
using namespace vivim::sim;
using namespace std::chrono_literals;
using sync::JoinState;

namespace {

rt::Co<void> erase(Peer& peer) {
  auto lease = co_await peer.hub().open(k_document);
  REQUIRE(lease);
  REQUIRE(co_await (*lease)->edit([&](crdt::Doc& doc) {
    doc.transact([&](crdt::Transaction& t) {
      auto title = doc.text("title");
      title.remove(t, 0, title.length());
    });
  }));
}

/// A grant of a peer that is nowhere.
store::GrantRow grant_of(std::uint8_t number) {
  const auto key =
      crypto::KeyPair::from_seed(crypto::Ed25519Seed(Bytes(crypto::k_ed25519_seed_bytes, number)));
  const auto address = libp2p::Multiaddr::from_tcp("10.9.9.9", 4001)
                           .value()
                           .with_peer(libp2p::PeerId::of(key))
                           .value();
  store::GrantRow grant{.id = {{number}}, .document = {{number}}};
  grant.addresses.push_back(to_bytes(address.bytes()));
  return grant;
}

rt::Co<void> remotes_are_limited(Trio& world) {
  world.alice.set_limits({.remotes_max = 2});
  co_await world.start();
  auto& peers = world.alice.peers();
  REQUIRE(peers.add(grant_of(11)));
  REQUIRE(peers.add(grant_of(12)));
  const auto refused = peers.add(grant_of(13));
  REQUIRE_FALSE(refused);
  CHECK(refused.error().is(sync::SyncError::too_many_documents));

  // A peer of whom nothing is joined any more is forgotten, and makes room.
  peers.remove(grant_of(11).id);
  co_await world.pause(60s);
  CHECK(peers.add(grant_of(13)));
  co_await world.stop();
}

rt::Co<void> links_are_limited(Trio& world) {
  world.alice.set_limits({.links_max = 1});
  co_await world.start();
  const auto ticket = co_await ticket_of(world.alice);
  REQUIRE(co_await world.bob.sharing().join(ticket));
  const auto carols = co_await world.carol.sharing().join(ticket);
  REQUIRE(carols);
  CHECK(carols->status.state == JoinState::waiting);
  CHECK(world.alice.peers().peers_of(k_document).size() == 1);

  // When there is room again, she who waits gets in.
  co_await world.bob.stop();
  co_await type(world.alice, "room");
  co_await world.pause(90s);
  CHECK((co_await title(world.carol)) == "room");
  REQUIRE(co_await world.bob.start());
  co_await world.stop();
}

rt::Co<void> slow_peer_is_sent_away(Trio& world) {
  world.alice.set_limits({.backlog_bytes_max = std::size_t{1} << 20});
  co_await world.start();
  REQUIRE(co_await world.bob.sharing().join(co_await ticket_of(world.alice)));
  CHECK(world.alice.peers().peers_of(k_document).size() == 1);
  world.world.partition(world.alice.node(), world.bob.node());
  const std::string words(std::size_t{600} << 10, 'x');
  for (int i = 0; i < 6; ++i) {
    co_await type(world.alice, words);
    co_await erase(world.alice);
  }
  co_await type(world.alice, "what remains");
  co_await world.pause(1s);  // long before anybody could tell a silent line from a dead one
  CHECK(world.alice.peers().peers_of(k_document).empty());

  world.world.heal(world.alice.node(), world.bob.node());
  co_await world.pause(120s);
  CHECK((co_await title(world.bob)) == "what remains");
  co_await world.stop();
}

rt::Co<void> blocks_come_in_rounds(Trio& world) {
  std::vector<Bytes> contents;
  std::vector<store::BlobId> blobs;
  for (std::uint8_t i = 0; i < 9; ++i) {
    contents.emplace_back(50'000, i);
    blobs.push_back(store::BlobId::of(contents.back()));
  }
  world.bob.set_blobs_of([blobs](crdt::Doc&) { return blobs; });
  world.bob.set_limits({.blocks_outstanding_max = 2});
  world.alice.set_limits({.answer_backlog_bytes_max = 1});
  co_await world.start();
  const auto job = [&](store::Database& database) -> Result<void> {
    store::Blobs table(database);
    for (const auto& content : contents) {
      VIVIM_TRYV(table.put(content));
      VIVIM_TRYV(table.link(k_document, store::BlobId::of(content)));
    }
    return {};
  };
  REQUIRE(co_await world.alice.store().write(job));
  REQUIRE(co_await world.bob.sharing().join(co_await ticket_of(world.alice)));
  const auto count = [&]() -> rt::Co<int> {
    int here = 0;
    for (const auto& blob : blobs) {
      here += (co_await world.bob.store().read([&](store::Database& database) {
                return store::Blobs(database).get(blob);
              })).has_value();
    }
    co_return here;
  };
  co_await world.pause(1500ms);
  const int first = co_await count();
  CHECK(first > 0);
  CHECK(first <= 4);  // two at a time, and a round takes a second
  co_await world.pause(20s);
  CHECK((co_await count()) == 9);
  co_await world.stop();
}

/// Both open many documents of the other at once, more than may wait for a peer together.
rt::Co<void> many_documents_at_once(Trio& world) {
  const sync::PeerLimits limits{.backlog_bytes_max = std::size_t{1} << 20,
                                .answer_backlog_bytes_max = std::size_t{64} << 10};
  world.alice.set_limits(limits);
  world.bob.set_limits(limits);
  co_await world.start();
  const std::string words(std::size_t{300} << 10, 'x');
  const auto make = [&words](Peer& peer, std::uint8_t first) -> rt::Co<std::vector<std::string>> {
    std::vector<std::string> tickets;
    for (std::uint8_t i = 0; i < 12; ++i) {
      const store::DocumentId id{{static_cast<std::uint8_t>(first + i)}};
      REQUIRE(co_await peer.create(id));
      auto lease = co_await peer.hub().open(id);
      REQUIRE(lease);
      REQUIRE(co_await (*lease)->edit([&](crdt::Doc& doc) {
        doc.transact([&](crdt::Transaction& t) { doc.text("title").push(t, words); });
      }));
      auto ticket = co_await peer.sharing().share(id, "");
      REQUIRE(ticket);
      tickets.push_back(ticket->to_text());
    }
    co_return tickets;
  };
  const auto of_alice = co_await make(world.alice, 100);
  const auto of_bob = co_await make(world.bob, 150);
  world.world.partition(world.alice.node(), world.bob.node());
  rt::TaskGroup joins(world.alice.node().loop());
  const auto join = [](Peer& peer, std::string ticket) -> rt::Co<void> {
    CHECK(co_await peer.sharing().join(std::move(ticket)));
  };
  for (std::size_t i = 0; i < of_alice.size(); ++i) {
    joins.spawn("join", join(world.bob, of_alice[i]));
    joins.spawn("join", join(world.alice, of_bob[i]));
  }
  co_await world.pause(16s);  // all wait for the other
  world.world.heal(world.alice.node(), world.bob.node());
  co_await world.pause(60s);
  co_await joins.stop();
  const auto complete = [&words](Peer& peer, std::uint8_t first) -> rt::Co<int> {
    int count = 0;
    for (std::uint8_t i = 0; i < 12; ++i) {
      auto lease = co_await peer.hub().open({{static_cast<std::uint8_t>(first + i)}});
      count += lease && (*lease)->doc().text("title").to_string() == words;
    }
    co_return count;
  };
  CHECK((co_await complete(world.bob, 100)) == 12);
  CHECK((co_await complete(world.alice, 150)) == 12);
  co_await world.stop();
}

}  // namespace

TEST_CASE("peers: many documents opened at once are answered as fast as the other takes them") {
  Trio world(15);
  world.world.run(many_documents_at_once(world));
}

TEST_CASE("peers: those that a link is kept to are limited, and forgotten when nothing is joined") {
  Trio world(11);
  world.world.run(remotes_are_limited(world));
}

TEST_CASE("peers: links are limited, who is refused comes again") {
  Trio world(12);
  world.world.run(links_are_limited(world));
}

TEST_CASE("peers: one that takes nothing is sent away, and catches up when it is back") {
  Trio world(13);
  world.world.run(slow_peer_is_sent_away(world));
}

TEST_CASE("peers: blocks are asked for a few at a time, and all come") {
  Trio world(14);
  world.world.run(blocks_come_in_rounds(world));
}
