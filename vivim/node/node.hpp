#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "vivim/base/problem.hpp"
#include "vivim/gateway/router.hpp"
#include "vivim/multiformats/multiaddr.hpp"
#include "vivim/node/autonat_service.hpp"
#include "vivim/node/config.hpp"
#include "vivim/node/home.hpp"
#include "vivim/node/secrets.hpp"
#include "vivim/rt/disk.hpp"
#include "vivim/rt/loop.hpp"
#include "vivim/rt/network.hpp"
#include "vivim/rt/resolver.hpp"
#include "vivim/rt/rng.hpp"
#include "vivim/rt/wait.hpp"

namespace vivim::node {

/// Where a node runs. All of it outlives the node.
struct World {
  rt::Loop& loop;
  rt::Network& network;
  rt::Resolver& resolver;
  rt::Rng& rng;
  rt::Worker& database;  ///< owns the database
  rt::Worker& reader;    ///< reads exports
  rt::Worker& packer;    ///< makes and indexes documents
  rt::Worker& files;     ///< static files and uploads
  rt::Worker& router;    ///< waits for the router that maps ports
};

struct NodeOptions {
  HomePaths home;
  std::string version;
  /// What peers may use; absent: what fits a small machine.
  std::optional<libp2p::limits::Limits> limits = {};
  /// Of a private network, and of secure WebSocket: see read_secrets().
  NetworkSecrets secrets = {};
  /// Absent: that of the public network, or among the members of a private one.
  std::optional<AutonatPolicy> autonat = {};
};

/// How a node is reached.
struct ServeOptions {
  rt::Endpoint http;
  NetworkConfig network;
  std::vector<std::string> names;  ///< see gateway::GuardOptions
  std::string token;
  rt::Disk* web = nullptr;      ///< the web app's folder; null: only the API
  rt::Disk* uploads = nullptr;  ///< a folder for nothing else; null: no uploads
  std::string uploads_path;     ///< where it is
};

/// A node on one home: every part made, wired, started and stopped in order, and no more than that.
/// Without serve() nothing listens and nobody is dialled: a command uses the API in its own
/// process.
class Node {
 public:
  /// Opens the database and makes the parts; indexing begins. The caller holds the HomeLock.
  /// Problems: home_in_use, a newer schema, a damaged database, a full or unreadable disk, a
  /// certificate that is none.
  static rt::Co<Outcome<std::unique_ptr<Node>>> open(World world, NodeOptions options);
  ~Node();
  Node(const Node&) = delete;
  Node& operator=(const Node&) = delete;

  /// Listens, and connects to who shares with us. Problems: an address in use or not ours.
  rt::Co<Outcome<void>> serve(ServeOptions options);
  /// Ends everything in order: no new work, then those who use documents, then the documents, then
  /// the database. Idempotent; what a part may take is bounded there, about ten seconds in all.
  rt::Co<void> stop();

  /// The API: docs/api/openapi.json.
  gateway::Router& router();
  /// Resumes when the API, or anybody else, asked the node to stop.
  rt::Co<void> wait_stop_requested();
  void request_stop();
  /// Documents that are still to be indexed.
  rt::Co<std::int64_t> index_pending();

  std::string peer_id() const;
  /// "http://127.0.0.1:8470/"; empty when it does not serve.
  const std::string& http() const;
  /// Where others can dial us.
  std::vector<std::string> listen_addresses() const;

 private:
  struct Parts;
  explicit Node(std::unique_ptr<Parts> parts);

  std::unique_ptr<Parts> parts_;
};

}  // namespace vivim::node
