#include "vivim/gateway/documents.hpp"

#include <doctest/doctest.h>

#include "vivim/crdt/awareness.hpp"
#include "vivim/crdt/doc.hpp"
#include "vivim/crdt/sync_protocol.hpp"
#include "vivim/crdt/text.hpp"
#include "vivim/crdt/update.hpp"
#include "vivim/gateway/client_test_detail.hpp"
#include "vivim/gateway/server.hpp"
#include "vivim/rt/sim/world.hpp"
#include "vivim/store/documents.hpp"
#include "vivim/store/store.hpp"

namespace vivim::gateway::test {

namespace {

using crdt::protocol::SyncType;

constexpr store::DocumentId k_document{{1}};

/// Every upgrade is for the document that the path names.
class SyncHandler final : public Handler {
 public:
  explicit SyncHandler(DocumentService& documents) : documents_(documents) {}
  Co<Response> handle(Request request) override {
    co_return Response::upgrade([this, document = request.target.substr(1)](WebSocket& socket) {
      return documents_.serve(document, socket);
    });
  }

 private:
  DocumentService& documents_;
};

/// A node with one document, and a machine with browsers.
struct DocumentsRig {
  DocumentsRig() {
    auto opened = world.run(store::Store::open(
        node.loop(), *worker,
        {.database = {.path = "vivim.db", .disk = &node.disk(), .random_seed = 1}}));
    REQUIRE(opened);
    store = std::move(*opened);
    const auto created = world.run(store->write([](store::Database& database) {
      return store::Documents(database).create(k_document, store::DocumentKind::conversation, 0);
    }));
    REQUIRE(created);
    hub = std::make_unique<sync::DocumentHub>(node.loop(), *store, node.rng());
    documents = std::make_unique<SyncDocuments>(node.loop(), *hub);
    handler = std::make_unique<SyncHandler>(*documents);
    server = std::make_unique<Server>(ServerLimits{.ws_message_bytes_max = 100'000}, node.loop(),
                                      *handler);
    at = server->listen(node.network(), {.ip = node.ip(), .port = 0}).value();
  }
  ~DocumentsRig() {
    world.run(server->stop());
    world.run(hub->stop());
    (void)world.run(store->close());
  }

  std::unique_ptr<Client> open(std::string document) {
    auto client = world.run(connect(guest.network(), at));
    REQUIRE(client);
    const auto reply = world.run((*client)->upgrade("/" + document));
    REQUIRE(reply);
    CHECK(reply->status == 101);
    return std::move(*client);
  }

  rt::sim::World world{5};
  rt::sim::Node& node = world.add_node("node");
  rt::sim::Node& guest = world.add_node("browsers");
  std::unique_ptr<rt::Worker> worker = node.make_worker();
  std::unique_ptr<store::Store> store;
  std::unique_ptr<sync::DocumentHub> hub;
  std::unique_ptr<SyncDocuments> documents;
  std::unique_ptr<SyncHandler> handler;
  std::unique_ptr<Server> server;
  rt::Endpoint at;
};

/// A browser as Yjs makes one: a document that sends what is typed and applies what comes.
class Browser {
 public:
  Browser(DocumentsRig& rig, std::uint64_t client) : rig_(rig), doc_(crdt::ClientId{client}) {
    socket_ = rig.open(k_document.to_text());
    send(crdt::protocol::websocket_sync(SyncType::step1, crdt::encode_state_vector(doc_)));
  }

  void type(std::string_view words) {
    Bytes update;
    {
      const auto watching =
          doc_.on_update([&update](BytesView bytes, crdt::Origin) { update = to_bytes(bytes); });
      doc_.transact(
          [&](crdt::Transaction& transaction) { doc_.text("title").push(transaction, words); });
    }
    send(crdt::protocol::websocket_sync(SyncType::update, update));
  }

  void send(const Bytes& message) {
    REQUIRE(rig_.world.run(socket_->send_frame(Opcode::binary, std::string(as_text(message)))));
  }

  /// Takes messages until the title is `words`.
  void read_until(std::string_view words) {
    while (title() != words) {
      auto event = rig_.world.run(socket_->receive_frame());
      REQUIRE(event);
      REQUIRE(event->opcode == Opcode::binary);
      apply(event->data);
    }
  }

  std::uint16_t read_until_closed() {
    for (;;) {
      auto event = rig_.world.run(socket_->receive_frame());
      REQUIRE(event);
      if (event->opcode == Opcode::close) {
        return event->close_code;
      }
    }
  }

  std::string title() { return doc_.text("title").to_string(); }
  Client& socket() { return *socket_; }

 private:
  void apply(const Bytes& message) {
    crdt::lib0::Decoder in(message);
    if (in.var_uint().value() != 0) {
      return;
    }
    const auto sync = crdt::protocol::read_sync(in);
    REQUIRE(sync);
    if (sync->type != SyncType::step1) {
      REQUIRE(crdt::apply_update(doc_, sync->payload, crdt::Origin{1}));
    }
  }

  DocumentsRig& rig_;
  crdt::Doc doc_;
  std::unique_ptr<Client> socket_;
};

}  // namespace

TEST_CASE("documents: two browsers type into one document") {
  DocumentsRig rig;
  Browser alice(rig, 11);
  Browser bob(rig, 12);
  alice.type("Hello");
  bob.read_until("Hello");
  bob.type(", world");
  alice.read_until("Hello, world");
  // Who comes later gets it from the disk or memory of the node.
  Browser carol(rig, 13);
  carol.read_until("Hello, world");
}

TEST_CASE("documents: what is not there, and what is not a document") {
  DocumentsRig rig;
  for (const auto& document : {std::string("nonsense"), store::DocumentId{{9}}.to_text()}) {
    const auto client = rig.open(document);
    CHECK(rig.world.run(client->receive_frame())->close_code == 4404);
  }
}

TEST_CASE("documents: malformed and oversized messages end the socket, not the document") {
  DocumentsRig rig;
  Browser alice(rig, 11);
  Browser bob(rig, 12);
  alice.type("kept");
  bob.read_until("kept");
  alice.send({0, 2, 3, 0xff, 0xff, 0xff});
  CHECK(alice.read_until_closed() == 4400);
  Browser carol(rig, 13);
  REQUIRE(rig.world.run(carol.socket().send_frame(Opcode::text, "text")));
  CHECK(carol.read_until_closed() == 4400);
  Browser dora(rig, 14);
  dora.send(Bytes(100'001));
  CHECK(dora.read_until_closed() == 4413);
  bob.type(" still");
  Browser erik(rig, 15);
  erik.read_until("kept still");
}

TEST_CASE("documents: a document that is deleted, and a node that stops") {
  DocumentsRig rig;
  Browser alice(rig, 11);
  alice.type("x");
  rig.world.run_for(std::chrono::seconds(1));
  rig.hub->evict(k_document, sync::Reason::done, "deleted");
  CHECK(alice.read_until_closed() == 4404);
  Browser bob(rig, 12);
  bob.read_until("x");
  rig.world.run(rig.server->stop());
  CHECK(bob.read_until_closed() == 1001);
}

}  // namespace vivim::gateway::test
