#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>

#include "stage.hpp"
#include "vivim/libp2p/gossipsub/outbound_queue.hpp"
#include "vivim/libp2p/gossipsub/wire.hpp"
#include "vivim/rt/task_group.hpp"

namespace vivim::sim {

/// A hostile node of a topic: a whole host, but in place of a router only what an attacker needs.
/// It grafts itself into the mesh of everybody whom it is connected with, and again when it was
/// pruned and its time has come; it gossips nothing and answers no IWANT. What it passes on it
/// passes on as fast as a node with a full mesh.
class Sybil {
 public:
  /// Whether it passes a message with this data on.
  using PassesOn = std::function<bool(BytesView data)>;

  Sybil(Stage& stage, rt::sim::Node& node, std::string topic, PassesOn passes_on);
  ~Sybil();
  Sybil(const Sybil&) = delete;
  Sybil& operator=(const Sybil&) = delete;

  /// False: its machine is down.
  bool start();
  rt::Co<void> stop();
  bool running() const { return swimmer_.running(); }
  Swimmer& swimmer() { return swimmer_; }

 private:
  struct Victim;
  using SharedFrame = libp2p::gossipsub::SharedFrame;

  void on_host_event(const libp2p::HostEvent& event);
  rt::Co<void> open(std::shared_ptr<Victim> victim);
  rt::Co<void> serve(libp2p::InboundStream inbound);
  rt::Co<void> drain(std::shared_ptr<Victim> victim);
  rt::Co<void> regraft();
  void take(const libp2p::PeerId& from, BytesView rpc);
  void take_control(Victim& victim);
  void pass_on(const libp2p::PeerId& from, const libp2p::gossipsub::wire::MessageView& message);
  void send(const std::shared_ptr<Victim>& victim, SharedFrame frame);
  rt::TimePoint now() { return swimmer_.node().clock().now(); }

  Swimmer swimmer_;
  std::string topic_;
  PassesOn passes_on_;
  SharedFrame greeting_;  ///< subscribes and grafts
  SharedFrame graft_;
  std::map<libp2p::PeerId, std::shared_ptr<Victim>> victims_;
  std::set<std::uint64_t> seen_;
  libp2p::gossipsub::wire::Rpc rpc_;
  libp2p::Subscription watching_;
  std::unique_ptr<rt::Timer> timer_;
  rt::TaskGroup tasks_;
};

}  // namespace vivim::sim
