#pragma once

#include <string>

#include <doctest/doctest.h>

#include "peer.hpp"
#include "vivim/crdt/text.hpp"

namespace vivim::sim {

/// The document that Alice has made.
inline constexpr store::DocumentId k_document{{0xd0}};

/// Three nodes in a world of their own, and one document.
struct Trio {
  rt::sim::World world;
  Peer alice{world.add_node("alice"), 1};
  Peer bob{world.add_node("bob"), 2};
  Peer carol{world.add_node("carol"), 3};

  explicit Trio(std::uint64_t seed) : world(seed) {}

  rt::Co<void> start() {
    REQUIRE(co_await alice.start());
    REQUIRE(co_await bob.start());
    REQUIRE(co_await carol.start());
    REQUIRE(co_await alice.create(k_document));
  }
  rt::Co<void> stop() {
    co_await alice.stop();
    co_await bob.stop();
    co_await carol.stop();
  }
  /// Virtual time.
  rt::Co<void> pause(rt::Duration time) { co_await rt::sleep_for(alice.node().loop(), time); }
};

/// Types at the end of the document's title.
inline rt::Co<void> type(Peer& peer, std::string words) {
  auto lease = co_await peer.hub().open(k_document);
  REQUIRE(lease);
  REQUIRE(co_await (*lease)->edit([&](crdt::Doc& doc) {
    doc.transact([&](crdt::Transaction& t) { doc.text("title").push(t, words); });
  }));
}

inline rt::Co<std::string> title(Peer& peer) {
  auto lease = co_await peer.hub().open(k_document);
  REQUIRE(lease);
  co_return (*lease)->doc().text("title").to_string();
}

inline rt::Co<std::string> ticket_of(Peer& peer) {
  auto ticket = co_await peer.sharing().share(k_document, "a title");
  REQUIRE(ticket);
  co_return ticket->to_text();
}

}  // namespace vivim::sim
