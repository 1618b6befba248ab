// Sharing between whole nodes in a simulated world: what a ticket opens, what it does not, and what
// comes with a document.
#include <chrono>

#include <doctest/doctest.h>

#include "trio_test_detail.hpp"
#include "vivim/store/blobs.hpp"

using namespace vivim;
using namespace vivim::sim;
using namespace std::chrono_literals;
using sync::JoinState;

namespace {

rt::Co<void> travels_through_the_middle(Trio& trio) {
  co_await trio.start();
  co_await type(trio.alice, "hello");
  const auto joined = co_await trio.bob.sharing().join(co_await ticket_of(trio.alice));
  REQUIRE(joined);
  CHECK(joined->document == k_document);
  CHECK(joined->title == "a title");
  CHECK(joined->status.state == JoinState::synced);
  CHECK((co_await title(trio.bob)) == "hello");

  // Who joined can share on: Carol syncs with Bob, and so with Alice.
  REQUIRE(co_await trio.carol.sharing().join(co_await ticket_of(trio.bob)));
  co_await type(trio.carol, " from carol");
  co_await trio.pause(2s);
  CHECK((co_await title(trio.alice)) == "hello from carol");
  CHECK(trio.bob.peers().peers_of(k_document).size() == 2);
  co_await trio.stop();
}

rt::Co<void> refuses(Trio& trio) {
  co_await trio.start();
  auto ticket = co_await trio.alice.sharing().share(k_document, "");
  REQUIRE(ticket);
  ticket->secret.writable()[0] ^= 1;
  const auto wrong = co_await trio.bob.sharing().join(ticket->to_text());
  REQUIRE_FALSE(wrong);
  CHECK(wrong.error().code == "ticket_refused");
  CHECK_FALSE(co_await trio.bob.hub().open(k_document));  // nothing of it stays

  const auto damaged = co_await trio.bob.sharing().join("vivim1abc");
  REQUIRE_FALSE(damaged);
  CHECK(damaged.error().kind == ProblemKind::bad_input);
  const auto own = co_await trio.alice.sharing().join(co_await ticket_of(trio.alice));
  REQUIRE_FALSE(own);
  CHECK(own.error().code == "own_ticket");
  co_await trio.stop();
}

rt::Co<void> revokes(Trio& trio) {
  co_await trio.start();
  const auto ticket = co_await ticket_of(trio.alice);
  REQUIRE(co_await trio.bob.sharing().join(ticket));
  co_await type(trio.alice, "before");
  co_await trio.pause(1s);
  const auto revoked = co_await trio.alice.sharing().unshare(k_document);
  REQUIRE(revoked);
  CHECK(*revoked == 1);
  co_await trio.pause(1s);
  co_await type(trio.alice, " after");
  co_await trio.pause(5s);
  CHECK((co_await title(trio.bob)) == "before");
  CHECK(trio.alice.peers().peers_of(k_document).empty());
  const auto again = co_await trio.carol.sharing().join(ticket);
  REQUIRE_FALSE(again);
  CHECK(again.error().kind == ProblemKind::refused);
  co_await trio.stop();
}

/// Bob comes back to a document that Alice has to read from her disk first.
rt::Co<void> comes_back(Trio& trio) {
  co_await trio.start();
  REQUIRE(co_await trio.bob.sharing().join(co_await ticket_of(trio.alice)));
  co_await type(trio.alice, "before");
  co_await trio.pause(1s);
  co_await trio.bob.stop();
  co_await trio.pause(1s);
  trio.alice.hub().evict(k_document, sync::Reason::done, "");
  REQUIRE(trio.alice.hub().size() == 0);
  REQUIRE(co_await trio.bob.start());
}

/// How long it takes until she begins to read it.
rt::Co<void> until_it_is_read(Trio& trio, rt::Duration& time) {
  co_await comes_back(trio);
  while (trio.alice.hub().size() == 0) {
    co_await trio.pause(10us);
    time += 10us;
  }
  co_await trio.stop();
}

rt::Co<void> unshares_after(Trio& trio, rt::Duration& time) {
  co_await comes_back(trio);
  co_await trio.pause(time);
  REQUIRE(co_await trio.alice.sharing().unshare(k_document));
  co_await trio.pause(1s);
  CHECK(trio.alice.peers().peers_of(k_document).empty());
  co_await trio.stop();
}

rt::Co<void> joins_later(Trio& trio) {
  co_await trio.start();
  co_await type(trio.alice, "late");
  const auto ticket = co_await ticket_of(trio.alice);
  trio.world.partition(trio.alice.node(), trio.bob.node());
  const auto joined = co_await trio.bob.sharing().join(ticket);
  REQUIRE(joined);
  CHECK(joined->status.state == JoinState::waiting);
  trio.world.heal(trio.alice.node(), trio.bob.node());
  co_await trio.pause(60s);
  CHECK((co_await title(trio.bob)) == "late");
  // And it is remembered: after a restart it goes on by itself.
  co_await trio.bob.stop();
  co_await type(trio.alice, "r");
  REQUIRE(co_await trio.bob.start());
  co_await trio.pause(5s);
  CHECK((co_await title(trio.bob)) == "later");
  co_await trio.stop();
}

rt::Co<void> blocks_come_along(Trio& trio) {
  const auto content = to_bytes(std::string(100'000, 'p'));
  const auto blob = store::BlobId::of(content);
  const auto secret_blob = store::BlobId::of(as_bytes("another document's"));
  trio.bob.set_blobs_of([=](crdt::Doc&) { return std::vector{blob, secret_blob}; });
  co_await trio.start();
  const auto job = [&](store::Database& database) -> Result<void> {
    store::Blobs blobs(database);
    VIVIM_TRYV(blobs.put(content));
    VIVIM_TRYV(blobs.link(k_document, blob));
    VIVIM_TRYV(blobs.put(as_bytes("another document's")));
    return {};
  };
  REQUIRE(co_await trio.alice.store().write(job));
  REQUIRE(co_await trio.bob.sharing().join(co_await ticket_of(trio.alice)));
  co_await trio.pause(5s);
  const auto got = co_await trio.bob.store().read(
      [&](store::Database& database) { return store::Blobs(database).get(blob); });
  REQUIRE(got);
  CHECK(*got == content);
  const auto stolen = co_await trio.bob.store().read(
      [&](store::Database& database) { return store::Blobs(database).get(secret_blob); });
  CHECK_FALSE(stolen);  // a share of one document opens no other's blocks
  co_await trio.stop();
}

}  // namespace

TEST_CASE("sharing: a joined document syncs, also through a third node") {
  Trio trio(1);
  trio.world.run(travels_through_the_middle(trio));
}

TEST_CASE("sharing: without the secret refused, damaged and own tickets told apart") {
  Trio trio(2);
  trio.world.run(refuses(trio));
}

TEST_CASE("sharing: unshare stops the future, not the past") {
  Trio trio(3);
  trio.world.run(revokes(trio));
}

TEST_CASE("sharing: unshare reaches also who is just coming in") {
  const auto in_a_world = [](auto scenario, rt::Duration& time) {
    Trio trio(7);
    trio.world.run(scenario(trio, time));
  };
  rt::Duration read{};
  in_a_world(until_it_is_read, read);
  for (rt::Duration time = read - 500us; time < read + 500us; time += 20us) {
    in_a_world(unshares_after, time);
  }
}

TEST_CASE("sharing: a node that is away is joined when it is back, and after a restart again") {
  Trio trio(4);
  trio.world.run(joins_later(trio));
}

TEST_CASE("sharing: the blocks of a document come along, and no others") {
  Trio trio(5);
  trio.world.run(blocks_come_along(trio));
}
