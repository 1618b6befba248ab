#pragma once

#include <optional>
#include <string>
#include <vector>

#include "peer.hpp"
#include "vivim/crdt/doc.hpp"

namespace vivim::sim {

/// A page that has a document open at a Peer: it lives through the node's deaths, and inserts
/// tokens into the array "log" without waiting for the disk, so that there is always something on
/// its way.
class Browser final : public sync::Subscriber {
 public:
  /// `client` below 2^32, as Yjs draws it.
  Browser(Peer& peer, store::DocumentId document, crdt::ClientId client)
      : peer_(peer), document_(document), doc_(client) {}

  /// Connects, if it is not connected and the node lets it. To be called again and again: it lets
  /// go of a node that died.
  rt::Co<void> reconnect();
  void disconnect();

  /// At one of the places there are; sent if it is connected, else at the next connection.
  void insert(std::string token, std::uint64_t place);
  /// The tokens of which the node said that they are on its disk.
  std::vector<std::string> acknowledged() const;

  void on_update(BytesView update) override;
  void on_step_two(BytesView update) override { on_update(update); }
  void on_durable(BytesView state_vector) override;
  void on_awareness(BytesView) override {}
  void on_end(sync::Reason, std::string_view) override { subscription_.reset(); }

 private:
  Peer& peer_;
  store::DocumentId document_;
  crdt::Doc doc_;
  std::vector<std::string> tokens_;  ///< the n-th has clock n
  std::uint64_t durable_ = 0;        ///< clocks below
  sync::DocumentLease lease_;
  std::optional<sync::SubscriberId> subscription_;
};

}  // namespace vivim::sim
