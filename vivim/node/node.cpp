#include "vivim/node/node.hpp"

#include "vivim/base/log.hpp"
#include "vivim/chat/document.hpp"
#include "vivim/libp2p/metrics/family.hpp"
#include "vivim/node/document_blobs.hpp"
#include "vivim/node/identity.hpp"
#include "vivim/node/parts_detail.hpp"
#include "vivim/node/problems_detail.hpp"
#include "vivim/node/recovery.hpp"
#include "vivim/rt/error.hpp"
#include "vivim/store/error.hpp"
#include "vivim/store/grants.hpp"
#include "vivim/store/settings.hpp"

namespace vivim::node {

namespace {

/// What is known of other nodes, kept from an orderly stop to the next start.
constexpr std::string_view k_peers_setting = "libp2p.peers";
constexpr std::string_view k_dht_setting = "libp2p.dht";
constexpr std::string_view k_dht_values_setting = "libp2p.dht.values";

/// What was kept under a name; empty: nothing.
rt::Co<Bytes> read_setting(store::Store& store, std::string_view name) {
  auto known = co_await store.read(
      [name](store::Database& database) { return store::Settings(database).get(name); });
  co_return known && *known ? std::move(**known) : Bytes();
}

/// As a browser on this machine would write it.
std::string url_of(rt::Endpoint at) {
  if (at.ip.is_unspecified()) {
    at.ip = at.ip.is_v6 ? *rt::IpAddress::parse("::1") : rt::IpAddress::v4(127, 0, 0, 1);
  }
  return "http://" + at.to_string() + "/";
}

void publish_metrics(const sync::DocumentGossip& gossip, libp2p::metrics::Registry& registry) {
  using libp2p::metrics::Family;
  using libp2p::metrics::Type;
  Family(registry, "vivim_document_gossip_documents", Type::gauge,
         "shared documents that are in their topics")
      .set(gossip.documents());
  Family(registry, "vivim_document_gossip_updates_total", Type::counter,
         "edits of shared documents that went over gossip", "way")
      .set("sent", gossip.sent())
      .set("received", gossip.received());
}

}  // namespace

Problem listen_problem(const std::string& address, const Error& error, const std::string& hint) {
  const bool taken = error.is(rt::RtError::address_in_use);
  auto problem = Problem::from(error, "Could not listen on " + address, hint);
  problem.kind = taken ? ProblemKind::conflict : ProblemKind::bad_input;
  problem.code = taken ? "address_in_use" : "bad_address";
  return problem;
}

Problem open_problem(const HomePaths& home, const Error& error) {
  if (error.is(store::StoreError::locked)) {
    return home_in_use(home, HomeLock::holder(home));
  }
  std::string hint = "Check the folder's owner and free space.";
  auto kind = ProblemKind::internal;
  if (error.is(store::StoreError::newer_schema)) {
    kind = ProblemKind::conflict;
    hint = "It was written by a newer vivim: use that one.";
  } else if (error.is(store::StoreError::corrupt) || error.is(store::StoreError::not_vivim)) {
    hint = "Restore a backup of " + home.root +
           ", or move the file away to begin anew (imports can be repeated).";
  }
  auto problem = Problem::from(error, "Could not open " + home.database(), std::move(hint));
  problem.kind = kind;
  return problem;
}

Node::Parts::Parts(World world_, NodeOptions options, std::unique_ptr<store::Store> store_,
                   const crypto::KeyPair& key, KnownNodes known,
                   std::unique_ptr<libp2p::websocket::TlsLayer> web_tls)
    : world(world_),
      store(std::move(store_)),
      hub(world.loop, *store, world.rng, {.common = chat::common_places()},
          multiformats::PrivateKey(key.clone())),
      swarm({.loop = world.loop,
             .network = world.network,
             .resolver = world.resolver,
             .rng = world.rng,
             .router = world.router},
            key,
            {.agent = "vivim/" + options.version,
             .limits = options.limits,
             .peers = std::move(known.peers),
             .dht = std::move(known.dht),
             .dht_values = std::move(known.dht_values),
             .private_network = std::move(options.secrets.private_network),
             .web_tls = std::move(web_tls),
             .autonat = options.autonat,
             .on_discovered =
                 [this](const libp2p::PeerId& peer, std::string_view source) {
                   events.publish(gateway::peer_discovered_event(peer.to_string(), source));
                 }}),
      host(swarm.host()),
      peers({.loop = world.loop,
             .rng = world.rng,
             .store = *store,
             .hub = hub,
             .own_peer = to_bytes(host.peer_id().bytes()),
             .agent = "vivim/" + options.version,
             .blobs_of = document_blobs},
            host),
      sharing(world.loop, world.rng, *store, hub, peers, host),
      documents(hub),
      library({.loop = world.loop,
               .store = *store,
               .documents = documents,
               .rng = world.rng,
               .reader = world.reader,
               .packer = world.packer}),
      chat_library(library, *store, &sharing, events),
      ticket_shares(sharing, *store, library),
      document_gossip(world.loop, world.rng, hub),
      shares(ticket_shares, *store, document_gossip),
      dht(swarm, events, libp2p::record::Signer::of(key)),
      announced_shares(shares, dht),
      network(host, key.public_key(), events),
      messages(
          {.host = host, .loop = world.loop, .store = *store, .rng = world.rng, .events = events},
          key),
      browser_documents(world.loop, hub),
      topics(world.loop, events),
      reachability(swarm),
      status(world, std::move(options), hub, library, swarm),
      tasks(world.loop) {}

Node::Node(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}
Node::~Node() = default;

rt::Co<Outcome<std::unique_ptr<Node>>> Node::open(World world, NodeOptions options) {
  VIVIM_CO_TRY(auto web_tls, make_web_tls(options.secrets.wss, world.loop.clock()));
  options.secrets.wss = {};
  store::StoreOptions store_options;
  store_options.database.path = options.home.database();
  auto store = co_await store::Store::open(world.loop, world.database, std::move(store_options));
  if (!store) {
    co_return std::unexpected(open_problem(options.home, store.error()));
  }
  const auto random = [&world](MutableBytes out) { world.rng.fill(out); };
  const auto key = co_await (*store)->write(
      [&random](store::Database& database) { return load_identity(database, random); });
  if (!key) {
    co_await (*store)->close();
    co_return std::unexpected(open_problem(options.home, key.error()));
  }
  if (!(*store)->open_report().clean) {
    const auto queued = co_await (*store)->write(queue_unindexed);
    if (!queued) {
      co_await (*store)->close();
      co_return std::unexpected(open_problem(options.home, queued.error()));
    }
  }
  KnownNodes known{.peers = co_await read_setting(**store, k_peers_setting),
                   .dht = co_await read_setting(**store, k_dht_setting),
                   .dht_values = co_await read_setting(**store, k_dht_values_setting)};
  auto parts = std::make_unique<Parts>(world, std::move(options), std::move(*store), *key,
                                       std::move(known), std::move(web_tls));
  auto& library = parts->library;
  parts->hub.on_committed([&library](const store::DocumentId& id) { library.note_changed(id); });
  std::unique_ptr<Node> node(new Node(std::move(parts)));
  library.start();
  co_return std::move(node);
}

gateway::Router& Node::router() {
  auto& parts = *parts_;
  if (!parts.api) {
    parts.api.emplace(parts.router,
                      gateway::ApiServices{.library = parts.chat_library,
                                           .imports = parts.chat_library,
                                           .shares = parts.announced_shares,
                                           .node = parts.status,
                                           .network = parts.network,
                                           .reachability = parts.reachability,
                                           .dht = parts.dht,
                                           .messages = parts.messages,
                                           .documents = parts.browser_documents,
                                           .topics = parts.topics,
                                           .events = parts.events,
                                           .uploads = parts.uploads ? &*parts.uploads : nullptr},
                      parts.tasks);
  }
  return parts.router;
}

rt::Co<Outcome<void>> Node::serve(ServeOptions options) {
  auto& parts = *parts_;
  auto& world = parts.world;
  parts.serving = true;
  if (options.uploads != nullptr) {
    parts.uploads.emplace(*options.uploads, options.uploads_path, world.files);
    co_await parts.uploads->clean();
  }
  if (options.web != nullptr) {
    parts.files.emplace(*options.web, world.files);
  }
  parts.gateway.emplace(gateway::GuardOptions{.token = options.token, .names = options.names},
                        router(), parts.files ? &*parts.files : nullptr);
  parts.server.emplace(gateway::ServerLimits{}, world.loop, *parts.gateway);
  VIVIM_CO_TRYV(co_await parts.messages.start(options.network.messages));
  VIVIM_CO_TRYV(parts.swarm.serve(options.network));
  if (auto* gossip = parts.swarm.gossip()) {
    VIVIM_CO_TRYV(co_await parts.messages.start_circles(*gossip));
  }
  parts.topics.attach(parts.swarm.gossip());
  for (const auto& topic : options.network.pubsub.enabled ? options.network.pubsub.topics
                                                          : std::vector<std::string>()) {
    VIVIM_CO_TRYV(co_await parts.topics.subscribe(topic));
  }
  const auto at = parts.server->listen(world.network, options.http);
  if (!at) {
    co_return std::unexpected(
        listen_problem(options.http.to_string(), at.error(),
                       "Does another node run? Choose another port: vivim run --http 127.0.0.1:0"));
  }
  parts.gateway->allow_port(at->port);
  parts.status.set_http(url_of(*at));
  parts.peers.on_progress([&parts](const sync::SyncProgress& progress) {
    parts.events.publish(gateway::to_event(gateway::SyncEvent{.document = progress.document,
                                                              .peer = progress.peer.to_string(),
                                                              .state = to_string(progress.state),
                                                              .updates = progress.updates,
                                                              .bytes = progress.bytes}));
  });
  if (const auto started = co_await parts.peers.start(); !started) {
    co_return std::unexpected(Problem::from(started.error(), "Could not begin to sync"));
  }
  const auto shared = co_await parts.store->read(
      [](store::Database& database) { return store::Grants(database).shared_documents(); });
  for (std::size_t i = 0; shared && i < shared->size(); ++i) {
    parts.dht.announce((*shared)[i]);
  }
  if (parts.swarm.gossip() != nullptr) {
    parts.document_gossip.attach(*parts.swarm.gossip());
    parts.document_gossip_published =
        parts.host.publish([&gossip = parts.document_gossip](libp2p::metrics::Registry& registry) {
          publish_metrics(gossip, registry);
        });
    co_await parts.shares.refresh();
  }
  co_return Outcome<void>();
}

rt::Co<void> Node::stop() {
  auto& parts = *parts_;
  if (std::exchange(parts.stopped, true)) {
    co_return;
  }
  if (parts.server) {
    co_await parts.server->stop();
  }
  if (parts.serving) {
    co_await parts.peers.say_goodbye();
  }
  parts.topics.attach(nullptr);
  parts.messages.stop_waiting();
  co_await parts.document_gossip.stop();
  co_await parts.swarm.stop();
  co_await parts.messages.stop();
  if (parts.serving) {
    const auto saved = co_await parts.store->write(
        [known = parts.swarm.encode_peers(), dht = parts.swarm.encode_dht(),
         values = parts.swarm.encode_dht_values()](store::Database& database) -> Result<void> {
          store::Settings settings(database);
          VIVIM_TRYV(settings.set(k_peers_setting, known));
          VIVIM_TRYV(settings.set(k_dht_values_setting, values));
          return settings.set(k_dht_setting, dht);
        });
    if (!saved) {
      log::write(log::Level::warning, "node", "what is known of other nodes was not saved",
                 {{"error", saved.error().message()}});
    }
  }
  co_await parts.peers.stop();
  co_await parts.library.stop();
  co_await parts.tasks.stop();
  co_await parts.hub.stop();
  if (const auto closed = co_await parts.store->close(); !closed) {
    log::write(log::Level::error, "node", "the database was not closed cleanly",
               {{"error", closed.error().message()}});
  }
}

rt::Co<void> Node::wait_stop_requested() {
  co_await parts_->status.stop_requested().wait();
}

void Node::request_stop() {
  parts_->status.stop_requested().set();
}

rt::Co<std::int64_t> Node::index_pending() {
  const auto pending = co_await parts_->library.index_pending();
  co_return pending.value_or(0);
}

std::string Node::peer_id() const {
  return parts_->host.peer_id().to_string();
}

const std::string& Node::http() const {
  return parts_->status.http();
}

std::vector<std::string> Node::listen_addresses() const {
  std::vector<std::string> texts;
  for (const auto& address : parts_->host.listen_addresses()) {
    texts.push_back(address.to_string());
  }
  return texts;
}

}  // namespace vivim::node
