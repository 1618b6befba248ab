#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <unordered_map>
#include <utility>
#include <vector>

#include "vivim/rt/error.hpp"
#include "vivim/rt/network.hpp"
#include "vivim/rt/sim/engine.hpp"
#include "vivim/rt/sim/fifo.hpp"
#include "vivim/rt/sim/link.hpp"
#include "vivim/rt/sim/nat.hpp"

namespace vivim::rt::sim {

/// A node of the world, counted from 1.
using NodeId = std::uint32_t;
/// A connection between two nodes (or of a node with itself).
using LinkId = std::uint64_t;

class SimListener;
class SimDatagramSocket;

/// How a node is attached to the network.
struct Attachment {
  std::vector<IpAddress> addresses;
  Region region = 0;                          ///< counts when there is a RegionTable
  std::uint64_t upload_bytes_per_second = 0;  ///< of all its connections together; 0: unlimited
  std::uint64_t download_bytes_per_second = 0;
};

/// What all connections have in common.
struct FabricOptions {
  std::size_t stream_buffer_bytes =
      256 * 1024;  ///< unread and in flight, per direction: then write() waits
  std::size_t segment_bytes_max = 16 * 1024;  ///< what arrives at once
  std::size_t backlog_max = 128;  ///< connections that nobody accepted yet, per listener
  Duration retransmit =
      std::chrono::milliseconds(200);               ///< doubles with each loss of the same segment
  unsigned retransmits_max = 6;                     ///< then the connection times out
  Duration stall_max = std::chrono::seconds(30);    ///< a cut connection times out after this
  std::size_t datagram_buffer_bytes = 1024 * 1024;  ///< unread at a socket: what is above is lost
};

/// How a node dies: `process` lets its kernel reset the connections and write out its disk; `power`
/// does not.
enum class CrashKind : std::uint8_t { process, power };

/// All wires, listeners and connections of the world.
class Fabric {
 public:
  Fabric(Engine& engine, FabricOptions options) : engine_(engine), options_(options), hosts_(1) {}
  Fabric(const Fabric&) = delete;
  Fabric& operator=(const Fabric&) = delete;

  /// Nodes are added in order, from 1.
  void add_node(NodeId node, Attachment attachment);
  void set_default_link(LinkOptions options) { default_link_ = options; }
  /// In place of the default link. Its regions are those that nodes are in.
  void set_regions(RegionTable table) { regions_ = std::move(table); }
  void set_link(NodeId a, NodeId b, LinkOptions options);
  /// Nothing passes between them until heal(); connections stall, and time out after `stall_max`.
  void partition(NodeId a, NodeId b);
  void heal(NodeId a, NodeId b);
  /// Puts a node on an island: only nodes of the same one reach each other. All begin on 0.
  void set_island(NodeId node, std::uint32_t island);
  /// Ends every partition.
  void heal_all();
  bool partitioned(NodeId a, NodeId b) const;
  /// Breaks every connection between them at once: both ends see RtError::reset.
  void reset_connections(NodeId a, NodeId b);
  /// The node is no longer reached at its IPv4 address; what it sends comes from `external`.
  void put_behind_nat(NodeId node, NatOptions options, IpAddress external);
  /// The node's connections and listeners die; it is unreachable until raise().
  void sever(NodeId node, CrashKind kind);
  void raise(NodeId node);

  Result<std::unique_ptr<Listener>> listen(NodeId node, Endpoint at);
  /// `from`: the local end, an unspecified address in it is the node's; none picks one.
  Co<Result<Connection>> dial(NodeId node, std::optional<Endpoint> from, Endpoint to,
                              Duration timeout);
  void cancel_dials(NodeId node);
  Result<std::unique_ptr<DatagramSocket>> open_datagram(NodeId node, Endpoint at,
                                                        const DatagramOptions& options);
  const std::vector<IpAddress>& addresses(NodeId node) { return hosts_.at(node).at.addresses; }

  std::size_t links_open() const { return links_.size(); }

 private:
  friend class SimStream;
  friend class SimListener;
  friend class SimDatagramSocket;
  struct PendingDial;

  enum class SegmentKind : std::uint8_t { data, fin, reset };
  struct Segment {
    SegmentKind kind = SegmentKind::data;
    Bytes bytes;
    std::uint32_t reason = 0;
  };
  /// Bytes that were read; the sender may send as many again when it hears of it.
  struct Release {
    TimePoint when;
    std::size_t bytes = 0;
  };
  /// One end of a connection: what arrived for it, and what it sent that has not arrived.
  struct End {
    explicit End(Engine& engine) : readable(engine), writable(engine) {}
    NodeId node = 0;
    Endpoint endpoint;
    Fifo<Bytes> inbox;
    std::size_t inbox_offset = 0;     ///< read from the first of inbox
    Fifo<Segment> wire;               ///< sent by this end, not arrived
    std::size_t held = 0;             ///< arrivals that a partition holds back
    Fifo<Release> releases;           ///< of what this end sent
    std::size_t in_flight_bytes = 0;  ///< sent by this end and not yet read by the other
    TimePoint last_arrival{};
    std::optional<Error> failure;  ///< what operations return
    bool attached = true;          ///< its Stream exists
    bool eof = false;
    bool write_closed = false;
    bool silent = false;  ///< its node crashed: sends nothing any more
    Waiter readable;
    Waiter writable;
  };
  struct Link {
    Link(Engine& engine) : ends{End(engine), End(engine)} {}
    std::array<End, 2> ends;
    std::uint32_t cuts = 0;  ///< partitions that began or ended
  };
  struct Pair {
    std::optional<LinkOptions> options;
    std::array<TimePoint, 2> busy_until{};
    bool cut = false;
  };
  struct Host {
    Attachment at;
    std::map<Endpoint, SimListener*> listeners;
    std::vector<SimDatagramSocket*> sockets;
    std::vector<LinkId> links;  ///< ascending
    std::vector<std::shared_ptr<PendingDial>> dials;
    TimePoint upload_busy_until{};
    TimePoint download_busy_until{};
    std::uint32_t island = 0;
    std::uint16_t next_port = 49152;
    bool up = true;
    std::optional<NatTable> tcp_nat;
    std::optional<NatTable> udp_nat;
  };
  /// Both numbers, the smaller one above.
  using PairKey = std::uint64_t;

  static PairKey key_of(NodeId a, NodeId b) {
    return (PairKey{std::min(a, b)} << 32) | std::max(a, b);
  }
  const LinkOptions& options_of(NodeId a, NodeId b) const;
  Pair& pair_of(const Link& link) { return pairs_[key_of(link.ends[0].node, link.ends[1].node)]; }
  Link* find(LinkId id);
  std::vector<LinkId> links_between(NodeId a, NodeId b) const;
  std::uint16_t pick_port(Host& host);
  /// Whether a node may listen or send at an address.
  bool owns(NodeId node, const IpAddress& ip) const;
  std::optional<NodeId> node_at(NodeId from, const Endpoint& to) const;
  bool answers_at(const Host& host, std::uint16_t port) const;
  SimListener* listener_at(NodeId node, const Endpoint& at);

  Co<Result<std::size_t>> read(LinkId id, std::size_t side, MutableBytes into);
  Co<Result<void>> write(LinkId id, std::size_t side, BytesView bytes);
  Result<void> close_write(LinkId id, std::size_t side);
  void reset(LinkId id, std::size_t side, std::uint32_t reason);
  void detach(LinkId id, std::size_t side);

  void send(LinkId id, Link& link, std::size_t side, Segment segment);
  Duration loss_delay(LinkId id, const LinkOptions& options);
  void arrive(LinkId id, std::size_t sender);
  void receive(LinkId id, Link& link, std::size_t receiver, Segment segment);
  void deliver(LinkId id, std::size_t sender);
  void take_releases(const Link& link, End& sender) const;
  void release_window(LinkId id, std::size_t sender);
  void on_cut(LinkId id);
  void on_heal(LinkId id);
  void fail_end(End& end, Error error);
  void fail_link(LinkId id, Error error);
  void forget_if_done(LinkId id);

  Result<void> send_datagram(SimDatagramSocket& from, const Endpoint& to, BytesView bytes,
                             const std::optional<IpAddress>& source);
  void transmit_datagram(NodeId from, NodeId to, const Endpoint& source,
                         const Endpoint& to_endpoint, BytesView bytes);
  void deliver_datagram(NodeId from, NodeId to, const Endpoint& source, const Endpoint& to_endpoint,
                        const Bytes& bytes);
  IpAddress source_address(NodeId from, NodeId to, const Endpoint& local, const IpAddress& target);
  void drop_socket(NodeId node, SimDatagramSocket& socket);

  LinkId connect(NodeId from, const Endpoint& local, NodeId to, const Endpoint& remote);
  Endpoint local_of(NodeId node, NodeId target, const std::optional<Endpoint>& from,
                    const Endpoint& to);
  bool in_use(NodeId node, const Endpoint& local, const Endpoint& to) const;
  void reach(const std::shared_ptr<PendingDial>& pending);
  void reach_listener(const std::shared_ptr<PendingDial>& pending, SimListener& listener,
                      const Endpoint& inner);
  void meet(const std::shared_ptr<PendingDial>& first, const std::shared_ptr<PendingDial>& second);
  std::shared_ptr<PendingDial> find_dial(NodeId node, const Endpoint& local,
                                         const Endpoint& to) const;
  std::unique_ptr<Stream> make_stream(LinkId id, std::size_t side);
  void drop_listener(NodeId node, const Endpoint& at) { hosts_.at(node).listeners.erase(at); }

  Engine& engine_;
  FabricOptions options_;
  LinkOptions default_link_;
  RegionTable regions_;
  std::deque<Host> hosts_;  ///< by NodeId; none is 0
  std::map<IpAddress, std::vector<NodeId>> at_address_;
  std::unordered_map<PairKey, Pair> pairs_;
  std::set<PairKey> cut_pairs_;
  std::unordered_map<LinkId, std::unique_ptr<Link>> links_;
  LinkId next_link_ = 1;
};

}  // namespace vivim::rt::sim
