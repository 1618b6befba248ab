#include "vivim/gateway/library_service.hpp"

#include <doctest/doctest.h>

#include "vivim/chat/library/hub_documents.hpp"
#include "vivim/gateway/host_network.hpp"
#include "vivim/rt/sim/world.hpp"
#include "vivim/store/blobs.hpp"

namespace vivim::gateway::test {

namespace {

/// A whole node but for its sockets to browsers.
struct Node {
  Node(rt::sim::World& in, std::string name)
      : world(in),
        machine(in.add_node(std::move(name))),
        key(crypto::KeyPair::generate([this](MutableBytes out) { machine.rng().fill(out); })) {
    auto opened = world.run(store::Store::open(
        machine.loop(), *store_worker,
        {.database = {.path = "vivim.db", .disk = &machine.disk(), .random_seed = 1}}));
    REQUIRE(opened);
    store = std::move(*opened);
    hub = std::make_unique<sync::DocumentHub>(machine.loop(), *store, machine.rng());
    host = std::make_unique<libp2p::Host>(libp2p::HostOptions{.key = key}, machine.loop(),
                                          machine.network(), machine.rng());
    REQUIRE(host->listen(
        multiformats::Multiaddr::parse("/ip4/" + machine.ip().to_string() + "/tcp/0").value()));
    peers = std::make_unique<sync::PeerSync>(
        sync::LinkContext{.loop = machine.loop(),
                          .rng = machine.rng(),
                          .store = *store,
                          .hub = *hub,
                          .own_peer = to_bytes(host->peer_id().bytes()),
                          .agent = "test",
                          .blobs_of = {}},
        *host);
    REQUIRE(world.run(peers->start()));
    sharing =
        std::make_unique<sync::Sharing>(machine.loop(), machine.rng(), *store, *hub, *peers, *host);
    documents = std::make_unique<chat::HubDocuments>(*hub);
    library = std::make_unique<chat::Library>(
        chat::Library::Parts{machine.loop(), *store, *documents, machine.rng(), *reader, *packer});
    hub->on_committed([this](const store::DocumentId& id) { library->note_changed(id); });
    library->start();
    service = std::make_unique<ChatLibrary>(*library, *store, sharing.get(), events);
    shares = std::make_unique<TicketShares>(*sharing, *store, *library);
  }
  ~Node() {
    world.run(library->stop());
    world.run(host->stop());
    world.run(peers->stop());
    world.run(hub->stop());
    (void)world.run(store->close());
  }

  template <class T>
  T good(Co<Outcome<T>> task) {
    auto outcome = world.run(std::move(task));
    if (!outcome) {
      FAIL(outcome.error().message);
    }
    if constexpr (!std::is_void_v<T>) {
      return std::move(*outcome);
    }
  }

  rt::sim::World& world;
  rt::sim::Node& machine;
  std::unique_ptr<rt::Worker> store_worker = machine.make_worker();
  std::unique_ptr<rt::Worker> reader = machine.make_worker();
  std::unique_ptr<rt::Worker> packer = machine.make_worker();
  crypto::KeyPair key;
  std::unique_ptr<store::Store> store;
  std::unique_ptr<sync::DocumentHub> hub;
  std::unique_ptr<libp2p::Host> host;
  std::unique_ptr<sync::PeerSync> peers;
  std::unique_ptr<sync::Sharing> sharing;
  std::unique_ptr<chat::HubDocuments> documents;
  std::unique_ptr<chat::Library> library;
  EventHub events;
  std::unique_ptr<ChatLibrary> service;
  std::unique_ptr<TicketShares> shares;
};

}  // namespace

TEST_CASE("library service: a conversation's life in a real store") {
  rt::sim::World world(21);
  Node node(world, "node");
  auto& service = *node.service;
  const auto id = node.good(service.create("A title/with: marks"));
  CHECK(node.good(service.resolve(id.to_text().substr(0, 6))) == id);
  const auto question = node.good(
      service.add_turn(id, {.parent = std::nullopt, .role = chat::Role::user, .text = "Why?"}));
  const auto answer = node.good(
      service.add_turn(id, {.parent = question, .role = chat::Role::assistant, .text = "So."}));
  node.good(service.edit_turn(id, answer, "Because."));
  node.good(service.rename(id, "Renamed ../\xc3\xa4"));
  auto conversation = node.good(service.read(id));
  CHECK(conversation.title == "Renamed ../\xc3\xa4");
  REQUIRE(conversation.turns.size() == 2);

  const auto file = node.good(service.export_file(id, chat::ExportFormat::markdown));
  CHECK(file.file_name == "Renamed .. \xc3\xa4.md");
  CHECK(std::get<std::string>(file.body).find("Because.") != std::string::npos);

  world.run_for(std::chrono::seconds(2));
  store::SearchRequest request;
  request.text = "because";
  const auto found = node.good(service.search(request));
  REQUIRE(found.hits.size() == 1);
  CHECK(found.hits.front().document == id);
  CHECK(node.good(service.list(store::ConversationSort::newest, 10, std::nullopt)).rows.size() ==
        1);
  node.good(service.remove_turn(id, answer));
  for (const auto& check : node.good(service.doctor())) {
    CAPTURE(check.name);
    CHECK(check.ok);
  }
  node.good(service.remove(id));
  CHECK(world.run(service.read(id)).error().kind == ProblemKind::not_found);
}

TEST_CASE("library service: blocks, and imports that fail") {
  rt::sim::World world(22);
  Node node(world, "node");
  auto& service = *node.service;
  const auto cid = world.run(node.store->write(
      [](store::Database& database) { return store::Blobs(database).put(as_bytes("immutable")); }));
  REQUIRE(cid);
  CHECK(as_text(node.good(service.blob(*cid)).bytes) == "immutable");
  const auto missing = world.run(service.blob(store::BlobId::of(as_bytes("other"))));
  CHECK(missing.error().kind == ProblemKind::not_found);

  bool done = false;
  const auto job = world.run(service.start("/no/such/file", [&done] { done = true; }));
  if (job) {
    world.run_for(std::chrono::seconds(5));
    CHECK(done);
    CHECK(node.good(service.job(*job)).state == JobStatus::State::failed);
  }
  CHECK(world.run(service.job("9999")).error().kind == ProblemKind::not_found);
  CHECK(world.run(service.job("x")).error().kind == ProblemKind::not_found);
}

TEST_CASE("library service: a ticket from one node joined on another") {
  rt::sim::World world(23);
  Node alice(world, "alice");
  Node bob(world, "bob");
  const auto id = alice.good(alice.service->create("Shared"));
  alice.good(alice.service->add_turn(
      id, {.parent = std::nullopt, .role = chat::Role::user, .text = "hello"}));
  const auto ticket = alice.good(alice.shares->share(id, store::Access::write));
  CHECK(ticket.ticket.starts_with("vivim1"));
  CHECK(ticket.url == "vivim://join/" + ticket.ticket);
  const auto joined = bob.good(bob.shares->join(ticket.url));
  CHECK(joined.id == id);
  CHECK(joined.state == "synced");
  CHECK(bob.good(bob.service->read(id)).turns.size() == 1);

  const auto shares = alice.good(alice.shares->shares(id));
  REQUIRE(shares.grants.size() == 1);
  CHECK(shares.grants.front().grant == ticket.grant);
  CHECK(shares.grants.front().made_by_us);
  REQUIRE(shares.members.size() == 1);
  CHECK(shares.members.front().peer_id == bob.host->peer_id().to_string());
  alice.good(alice.shares->revoke(id));
  CHECK(alice.good(alice.shares->shares(id)).grants.front().revoked_ms);
  bob.good(bob.service->remove(id));
  CHECK(world.run(bob.shares->join("nonsense")).error().kind == ProblemKind::bad_input);
}

}  // namespace vivim::gateway::test
