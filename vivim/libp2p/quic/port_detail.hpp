#pragma once

#include <functional>
#include <map>
#include <memory>

#include "vivim/libp2p/quic/endpoint.hpp"
#include "vivim/rt/datagram.hpp"
#include "vivim/rt/task_group.hpp"

namespace vivim::libp2p::quic {

class QuicConnection;

/// A UDP socket and the connections on it: the driver of an Endpoint. Its owner awaits stop().
class Port {
 public:
  /// Called with a session whose client has finished the handshake.
  using OnInbound = std::function<void(Port&, SessionId)>;

  Port(rt::Loop& loop, std::unique_ptr<rt::DatagramSocket> socket,
       std::unique_ptr<Endpoint> endpoint, OnInbound on_inbound);
  ~Port();
  Port(const Port&) = delete;
  Port& operator=(const Port&) = delete;

  void start();
  /// Sends what is left, and ends.
  rt::Co<void> stop();

  Endpoint& endpoint() { return *endpoint_; }
  rt::DatagramSocket& socket() { return *socket_; }
  rt::Loop& loop() { return loop_; }
  Time now() const { return loop_.clock().now().time_since_epoch(); }
  rt::Endpoint local() const { return local_; }
  /// Its socket failed or was closed.
  bool dead() const { return dead_; }

  void set_listening(bool listening);
  bool listening() const { return listening_; }
  /// Called once when the port dies.
  void when_dead(std::move_only_function<void()> action) { on_dead_ = std::move(action); }

  /// Who hears of a session's events.
  void attach(SessionId session, QuicConnection& connection);
  /// Nobody any more: the session ends.
  void detach(SessionId session);
  /// After every call of a session's own members.
  void touch(SessionId session);

 private:
  rt::Co<void> receive_loop();
  rt::Co<void> write_loop();
  rt::Co<void> timer_loop();
  rt::Co<void> pass_the_turn();
  void settle();
  void dispatch(const EndpointEvent& event);
  void arm();
  void die();
  void close_if_unused();

  rt::Loop& loop_;
  std::unique_ptr<rt::DatagramSocket> socket_;
  std::unique_ptr<Endpoint> endpoint_;
  OnInbound on_inbound_;
  std::move_only_function<void()> on_dead_;
  rt::Endpoint local_;
  std::map<SessionId, QuicConnection*> connections_;
  std::unique_ptr<rt::Timer> timer_;
  rt::TimePoint armed_for_ = rt::TimePoint::max();
  rt::Event transmit_;
  rt::Event drained_;
  bool listening_ = false;
  bool was_listening_ = false;
  bool stopping_ = false;
  bool dead_ = false;
  rt::TaskGroup tasks_;
};

}  // namespace vivim::libp2p::quic
