// Documents that meet in their topic alone: no direct sync here.
#include "vivim/sync/gossip/document_gossip.hpp"

#include <doctest/doctest.h>

#include "vivim/crdt/text.hpp"
#include "vivim/rt/sim/world.hpp"
#include "vivim/store/documents.hpp"

using namespace vivim;
using namespace vivim::sync;
using namespace std::chrono_literals;

namespace {

constexpr store::DocumentId k_document{{1}};

store::GrantRow grant(std::uint8_t number, const store::DocumentId& document = k_document) {
  return {.id = {{number}},
          .document = document,
          .secret = Bytes(32, number),
          .access = store::Access::write};
}

struct Home {
  explicit Home(rt::sim::Node& at)
      : node(at),
        worker(at.make_worker()),
        key(crypto::KeyPair::generate([this](MutableBytes out) { node.rng().fill(out); })),
        host({.key = key}, node.loop(), node.network(), node.rng()),
        service(host, node.loop(), node.rng(), options()) {
    REQUIRE(service.start());
    address =
        host.listen(libp2p::Multiaddr::parse("/ip4/" + node.ip().to_string() + "/tcp/1").value())
            .value()
            .with_peer(host.peer_id())
            .value();
  }
  libp2p::gossipsub::ServiceOptions options() const {
    libp2p::gossipsub::ServiceOptions made;
    made.router.signer = libp2p::record::Signer::of(key);
    return made;
  }

  rt::Co<void> start() {
    auto opened = co_await store::Store::open(
        node.loop(), *worker,
        {.database = {.path = "vivim.db", .disk = &node.disk(), .random_seed = 1}});
    REQUIRE(opened);
    store = std::move(*opened);
    hub = std::make_unique<DocumentHub>(node.loop(), *store, node.rng());
    gossip = std::make_unique<DocumentGossip>(node.loop(), node.rng(), *hub);
    gossip->attach(service);
    const auto created = co_await store->write([](store::Database& database) {
      return store::Documents(database).create(k_document, store::DocumentKind::conversation, 0);
    });
    REQUIRE(created);
  }
  rt::Co<void> type(std::string words) {
    auto lease = co_await hub->open(k_document);
    REQUIRE(lease);
    const auto edited = co_await (*lease)->edit([&words](crdt::Doc& doc) {
      doc.transact(
          [&](crdt::Transaction& transaction) { doc.text("title").push(transaction, words); });
    });
    REQUIRE(edited);
  }
  rt::Co<std::string> read() {
    auto lease = co_await hub->open(k_document);
    REQUIRE(lease);
    co_return (*lease)->doc().text("title").to_string();
  }
  rt::Co<void> stop() {
    co_await gossip->stop();
    co_await host.stop();
    co_await service.stop();
    co_await hub->stop();
    gossip.reset();
    hub.reset();
    (void)co_await store->close();
    store.reset();
  }

  rt::sim::Node& node;
  std::unique_ptr<rt::Worker> worker;
  crypto::KeyPair key;
  libp2p::Host host;
  libp2p::gossipsub::Service service;
  libp2p::Multiaddr address;
  std::unique_ptr<store::Store> store;
  std::unique_ptr<DocumentHub> hub;
  std::unique_ptr<DocumentGossip> gossip;
};

/// A line: a, b, c.
struct Three {
  Three() {
    for (Home* home : {&a, &b, &c}) {
      world.run(home->start());
    }
    REQUIRE(world.run(a.host.connect(b.address)));
    REQUIRE(world.run(c.host.connect(b.address)));
  }
  ~Three() {
    for (Home* home : {&a, &b, &c}) {
      world.run(home->stop());
    }
  }
  void give(Home& home, std::vector<store::GrantRow> grants) {
    world.run(home.gossip->set_grants(std::move(grants)));
  }
  std::string read(Home& home) { return world.run(home.read()); }

  rt::sim::World world{4};
  Home a{world.add_node("a")};
  Home b{world.add_node("b")};
  Home c{world.add_node("c")};
};

}  // namespace

TEST_CASE("sealed update: opens under its own grant and document alone, and only as it was") {
  UpdateSeal seal = UpdateSeal::make(k_document, {{2}}, Bytes(32, 3)).value();
  const Bytes message = seal.seal(UpdateForm::plain, as_bytes("edit"), {});
  CHECK(grant_of(message).value() == store::GrantId{{2}});
  CHECK(as_text(seal.open(message)->bytes) == "edit");
  for (std::size_t at = 0; at < message.size(); ++at) {
    Bytes spoilt = message;
    spoilt[at] ^= 1U;
    CHECK_FALSE(seal.open(spoilt));
  }
  CHECK(seal.open(BytesView(message).first(20)).error().is(SealedUpdateError::malformed));
  UpdateSeal other_document = UpdateSeal::make({{9}}, {{2}}, Bytes(32, 3)).value();
  CHECK(other_document.open(message).error().is(SealedUpdateError::not_sealed));
  UpdateSeal other_secret = UpdateSeal::make(k_document, {{2}}, Bytes(32, 4)).value();
  CHECK(other_secret.open(message).error().is(SealedUpdateError::not_sealed));
  CHECK(UpdateSeal::make(k_document, {{2}}, {}).error().is(SealedUpdateError::bad_secret));
  CHECK(gossip_topic(k_document) == "/vivim/crdt/" + k_document.to_text());
}

TEST_CASE("document gossip: an edit reaches all who hold the grant") {
  Three three;
  for (Home* home : {&three.a, &three.b, &three.c}) {
    three.give(*home, {grant(7)});
  }
  three.world.run_for(3s);
  three.world.run(three.a.type("hello "));
  three.world.run_for(1s);
  three.world.run(three.c.type("world"));
  three.world.run_for(1s);
  for (Home* home : {&three.a, &three.b, &three.c}) {
    CHECK(three.read(*home) == "hello world");
  }
  // Each edit is sent once, by who made it.
  CHECK(three.a.gossip->sent() == 1);
  CHECK(three.b.gossip->sent() == 0);
  CHECK(three.b.gossip->received() == 2);
}

TEST_CASE("document gossip: who holds another grant reads nothing, and passes it on") {
  Three three;
  three.give(three.a, {grant(7), grant(8)});
  three.give(three.b, {grant(9)});
  three.give(three.c, {grant(8)});
  three.world.run_for(3s);
  three.world.run(three.a.type("secret"));
  three.world.run_for(1s);
  CHECK(three.read(three.b).empty());
  CHECK(three.read(three.c) == "secret");
  CHECK(three.a.gossip->sent() == 2);
}

TEST_CASE("document gossip: who holds a grant to read changes nothing by it") {
  Three three;
  store::GrantRow reading = grant(7);
  reading.access = store::Access::read;
  three.give(three.a, {grant(7)});  // it may say so of itself
  three.give(three.b, {reading});
  three.give(three.c, {grant(7)});
  three.world.run_for(3s);
  three.world.run(three.a.type("mine"));
  three.world.run_for(1s);
  CHECK(three.read(three.b).empty());
  CHECK(three.read(three.c).empty());  // b does not pass it on
  CHECK(three.b.gossip->received() == 0);
  CHECK(three.b.hub->refused() == 1);
}

TEST_CASE("document gossip: a grant that is taken back ends it, and so does the document's end") {
  Three three;
  three.give(three.a, {grant(7)});
  three.give(three.b, {grant(7)});
  three.world.run_for(3s);
  store::GrantRow revoked = grant(7);
  revoked.revoked = 1;
  three.give(three.b, {revoked});
  CHECK(three.b.gossip->documents() == 0);
  CHECK_FALSE(three.b.service.router().subscribed(gossip_topic(k_document)));
  three.world.run(three.a.type("later"));
  three.world.run_for(1s);
  CHECK(three.read(three.b).empty());
  three.a.hub->evict(k_document, Reason::done, "gone");
  three.world.run_for(1s);
  CHECK(three.a.gossip->documents() == 0);
}

TEST_CASE("document gossip: documents and grants are bounded") {
  Three three;
  std::vector<store::GrantRow> grants;
  for (std::uint8_t i = 1; i <= k_grants_per_document_max + 4; ++i) {
    grants.push_back(grant(i));
  }
  three.give(three.a, grants);
  three.world.run(three.a.type("x"));
  CHECK(three.a.gossip->sent() == k_grants_per_document_max);
  // A document that is not there takes no place.
  three.give(three.b, {grant(1, {{42}})});
  CHECK(three.b.gossip->documents() == 0);
}

TEST_CASE("document gossip: forgeries count against who sends them, and change nothing") {
  Three three;
  three.give(three.b, {grant(7)});
  three.world.run_for(2s);
  REQUIRE(three.a.service.subscribe(gossip_topic(k_document)));
  three.world.run_for(2s);
  UpdateSeal other = UpdateSeal::make(k_document, {{7}}, Bytes(32, 99)).value();
  for (int i = 0; i < 3; ++i) {
    REQUIRE(three.a.service.publish(gossip_topic(k_document),
                                    other.seal(UpdateForm::plain, as_bytes("forged"), {})));
    UpdateSeal right = UpdateSeal::make(k_document, {{7}}, Bytes(32, 7)).value();
    REQUIRE(three.a.service.publish(gossip_topic(k_document),
                                    right.seal(UpdateForm::plain, as_bytes("no update"), {})));
    REQUIRE(three.a.service.publish(gossip_topic(k_document), as_bytes("noise")));
  }
  three.world.run_for(1s);
  CHECK(three.read(three.b).empty());
  CHECK(three.b.gossip->received() == 0);
  const auto index = three.b.service.router().find_peer(three.a.host.peer_id());
  REQUIRE(index);
  CHECK(three.b.service.router().score(*index) < -80);
}

TEST_CASE("document gossip: what waits when a grant is taken back is judged all the same") {
  Three three;
  three.give(three.b, {grant(7)});
  REQUIRE(three.a.service.subscribe(gossip_topic(k_document)));
  three.world.run_for(3s);
  UpdateSeal seal = UpdateSeal::make(k_document, {{7}}, Bytes(32, 7)).value();
  for (int i = 0; i < 20; ++i) {
    REQUIRE(three.a.service.publish(gossip_topic(k_document),
                                    seal.seal(UpdateForm::plain, as_bytes("no update"), {})));
  }
  bool left = false;
  const libp2p::Subscription watching =
      three.b.service.observe([&](const libp2p::gossipsub::Event& event) {
        // Within the event that brings the first one: it is in the inbox.
        if (std::holds_alternative<libp2p::gossipsub::ToValidate>(event) && !left) {
          left = true;
          three.b.hub->evict(k_document, Reason::done, "gone");
        }
      });
  three.world.run_for(2s);
  CHECK(left);
  CHECK(three.b.gossip->documents() == 0);
  CHECK(three.b.service.router().waiting() == 0);
}
