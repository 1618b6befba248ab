#pragma once

#include <deque>
#include <set>
#include <vector>

#include "vivim/rt/sim/fabric.hpp"

namespace vivim::rt::sim {

/// A UDP socket of a simulated node.
class SimDatagramSocket final : public DatagramSocket {
 public:
  SimDatagramSocket(Fabric& fabric, Engine& engine, NodeId node, Endpoint at,
                    const DatagramOptions& options)
      : fabric_(fabric), readable_(engine), node_(node), at_(at), options_(options) {}
  ~SimDatagramSocket() override { close(); }

  Co<Result<std::span<const Datagram>>> receive() override;
  Co<Result<void>> send(Endpoint to, BytesView bytes, SendOptions options) override;
  Result<void> join(IpAddress group, IpAddress interface) override;
  Endpoint local() const override { return at_; }
  void close() override;

  NodeId node() const { return node_; }
  bool shared() const { return options_.shared; }
  /// Whether it takes what is sent to this address.
  bool takes(const Endpoint& to) const;
  /// False when it is lost: too long, or the buffer is full.
  bool push(const Endpoint& remote, const IpAddress& local, const Bytes& bytes,
            std::size_t buffer_bytes_max);

 private:
  struct Arrived {
    Endpoint remote;
    IpAddress local;
    Bytes bytes;
  };

  Fabric& fabric_;
  Waiter readable_;
  NodeId node_;
  Endpoint at_;
  DatagramOptions options_;
  std::set<IpAddress> groups_;
  std::deque<Arrived> inbox_;
  std::size_t inbox_bytes_ = 0;
  std::vector<Arrived> taken_;
  std::vector<Datagram> views_;
  bool closed_ = false;
};

}  // namespace vivim::rt::sim
