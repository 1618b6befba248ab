#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "vivim/libp2p/host/host.hpp"
#include "vivim/libp2p/rendezvous/client.hpp"
#include "vivim/libp2p/rendezvous/schedule.hpp"
#include "vivim/rt/task_group.hpp"

namespace vivim::libp2p::rendezvous {

/// Rendezvous points of one member.
inline constexpr std::size_t k_points_max = 16;

struct MemberOptions {
  std::string ns;
  MemberTimes times = {};
  /// Somebody else is in the namespace; the peer store knows the addresses already. Must not await.
  std::function<void(const Found&)> on_found = {};
};

/// How it goes with one point.
struct PointStatus {
  PeerId peer;
  Multiaddr address;
  bool enrolled = false;     ///< it tells others of us
  std::uint64_t found = 0;   ///< peers that it told us of
  std::uint64_t failed = 0;  ///< times that it did not answer as it should
  std::optional<Error> last_error = {};
};

/// A member of a namespace at some rendezvous points: connects with them, registers us for as long
/// as it runs, and asks again and again who else is there. What it finds goes into the host's peer
/// store.
class Member {
 public:
  /// `signer` is the host's identity; the host must outlive this.
  Member(Host& host, rt::Loop& loop, record::Signer signer, MemberOptions options);
  ~Member();
  Member(const Member&) = delete;
  Member& operator=(const Member&) = delete;

  /// Another point, by its address ending in /p2p/<id>; before start(). Errors: no_peer,
  /// too_many_points.
  Result<void> add_point(const Multiaddr& address);
  void start();
  /// Takes our registrations back at points that we are connected with, and makes no others. Before
  /// the host stops.
  rt::Co<void> leave();
  /// Awaited before it goes, if it was started; waits for dials that are under way, which end when
  /// the host stops.
  rt::Co<void> stop();

  std::vector<PointStatus> points() const;
  const std::string& ns() const { return options_.ns; }

 private:
  struct Point;

  void rest();
  rt::Co<void> attend(Point& point);
  rt::Co<Result<void>> take(Point& point, Schedule::Step step);
  rt::Co<Result<void>> discover(Point& point);
  void note(Point& point, const Found& found);
  void on_host_event(const HostEvent& event);
  bool reachable() const { return !host_.listen_addresses().empty(); }

  Host& host_;
  rt::Loop& loop_;
  MemberOptions options_;
  Client client_;
  Client leaving_;  ///< does not wait long
  std::vector<std::unique_ptr<Point>> points_;
  Subscription subscription_;
  bool left_ = false;
  rt::TaskGroup tasks_;
};

}  // namespace vivim::libp2p::rendezvous
