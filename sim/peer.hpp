#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "vivim/crypto/ed25519.hpp"
#include "vivim/libp2p/host/host.hpp"
#include "vivim/rt/sim/world.hpp"
#include "vivim/store/store.hpp"
#include "vivim/sync/document_hub.hpp"
#include "vivim/sync/peers/peer_sync.hpp"
#include "vivim/sync/peers/sharing.hpp"

namespace vivim::sim {

/// Where every Peer listens, on TCP.
inline constexpr std::uint16_t k_port = 4001;

class Peer;

/// What else runs on the host and the store of a Peer.
class Guest {
 public:
  virtual ~Guest() = default;
  /// Behind all of the peer's own. False: the disk does not let it; what there is of it is ended as
  /// always.
  virtual rt::Co<bool> start(Peer& peer) = 0;
  /// Nothing new begins; the host still runs.
  virtual void quit() = 0;
  /// The host has stopped, the store is still open. Also after a start() that failed.
  virtual rt::Co<void> stop() = 0;
};

/// A VIVIM node as far as sync goes, on a machine of a simulated world. It can die at any moment,
/// and start again from what its disk kept.
class Peer {
 public:
  using Securities = std::function<std::vector<std::unique_ptr<libp2p::Security>>(
      const crypto::KeyPair& key, rt::Rng& rng)>;

  Peer(rt::sim::Node& node, std::uint8_t key_byte);
  /// `securities` gives its host what it secures connections with; none: Noise.
  Peer(rt::sim::Node& node, crypto::KeyPair key, Securities securities);

  /// Opens the store and begins to serve. False when the disk does not let it; then it has stopped
  /// again.
  rt::Co<bool> start();
  rt::Co<void> stop();
  /// The machine dies; resumes when nothing of the process is left.
  rt::Co<void> crash(rt::sim::CrashKind kind);

  bool running() const { return running_; }
  const crypto::KeyPair& key() const { return key_; }
  /// Of its next start(); outlives it.
  void set_guest(Guest& guest) { guest_ = &guest; }
  rt::sim::Node& node() { return node_; }
  store::Store& store() { return *store_; }
  sync::DocumentHub& hub() { return *hub_; }
  sync::Sharing& sharing() { return *sharing_; }
  sync::PeerSync& peers() { return *peers_; }
  libp2p::Host& host() { return *host_; }
  multiformats::PeerId peer_id() const { return multiformats::PeerId::of(key_); }

  rt::Co<bool> create(store::DocumentId id);
  /// What documents refer to; set before start().
  void set_blobs_of(std::function<std::vector<store::BlobId>(crdt::Doc&)> lister) {
    blobs_of_ = std::move(lister);
  }
  /// Of its next start().
  void set_limits(sync::PeerLimits limits) { limits_ = limits; }
  void set_version(sync::Version version) { version_ = version; }
  void set_compaction(store::CompactionPolicy policy) { hub_options_.compaction = policy; }

 private:
  std::function<std::vector<store::BlobId>(crdt::Doc&)> blobs_of_;
  sync::PeerLimits limits_;
  sync::HubOptions hub_options_;
  Securities securities_;
  sync::Version version_ = sync::Version::v1_2;
  rt::sim::Node& node_;
  crypto::KeyPair key_;
  std::unique_ptr<rt::Worker> worker_;
  std::unique_ptr<store::Store> store_;
  std::unique_ptr<sync::DocumentHub> hub_;
  std::unique_ptr<libp2p::Host> host_;
  std::unique_ptr<sync::PeerSync> peers_;
  std::unique_ptr<sync::Sharing> sharing_;
  Guest* guest_ = nullptr;
  bool running_ = false;
};

}  // namespace vivim::sim
