#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <vector>

#include "vivim/libp2p/dcutr/punch.hpp"
#include "vivim/libp2p/host/host.hpp"
#include "vivim/libp2p/limits/rate.hpp"
#include "vivim/rt/task_group.hpp"
#include "vivim/rt/wait.hpp"

namespace vivim::libp2p::dcutr {

/// What became of a relayed connection.
struct HolePunchEvent {
  enum class Kind : std::uint8_t {
    dialled,         ///< the peer was reachable without a hole punch
    punched,         ///< a hole punch led to a direct connection
    attempt_failed,  ///< this attempt did not; there may be others
    failed,          ///< all is as it was: the relayed connection stays
  };
  Kind kind;
  PeerId peer;
  unsigned attempt = 0;             ///< counted from 1; 0 without a hole punch
  std::optional<rt::Duration> rtt;  ///< of the relayed connection, as measured for the attempt
  std::optional<Error> error;       ///< of attempt_failed and failed
};

struct HolePuncherOptions {
  InitiatorOptions initiator = {};
  /// How long the peer may take for its message.
  rt::Duration answer_time_max = std::chrono::seconds(15);
  /// After our dial failed: how long the peer's may still arrive.
  rt::Duration settle_time = std::chrono::seconds(2);
  /// How long the relay's dialler waits, from the third attempt on, for a peer that takes the
  /// client's part then, as go-libp2p does; less than the initiator's own patience.
  rt::Duration patience = std::chrono::milliseconds(500);
  /// How long a dialler may say nothing that reached our listener meanwhile, before we are the
  /// client: an initiator whose dial did, and who is the server.
  rt::Duration inbound_patience = std::chrono::milliseconds(1500);
  /// How long the relayed connection lives on beside the direct one.
  rt::Duration grace_time = std::chrono::seconds(10);
  /// Hole punches under way, of each side.
  std::size_t active_max = 16;
  /// Hole punches that relayed connections begin; each dials addresses that its peer names.
  limits::PeerRates::Limits runs = {.each = {.burst = 2, .interval = std::chrono::minutes(5)},
                                    .all = {.burst = 32, .interval = std::chrono::seconds(2)}};
  /// Attempts that are answered; a hole punch is three.
  limits::PeerRates::Limits answers = {.each = {.burst = 6, .interval = std::chrono::seconds(20)},
                                       .all = {.burst = 96, .interval = std::chrono::seconds(1)}};
  /// Where others see us, best first; empty: what peers say of us, and the host's addresses.
  std::function<std::vector<Multiaddr>()> addresses = {};
  /// Must not await.
  std::function<void(const HolePunchEvent&)> on_event = {};
};

/// Replaces relayed connections by direct ones (libp2p/specs relay/DCUtR.md): for each relayed
/// connection that comes in, asks the peer where it is, dials it if it says that everybody reaches
/// it, and else, or if that fails, punches a hole; answers peers that do the same. A relayed
/// connection is closed some time after the direct one exists, and stays if none came about.
class HolePuncher {
 public:
  /// The host must outlive this.
  explicit HolePuncher(Host& host, HolePuncherOptions options = {});
  ~HolePuncher();
  HolePuncher(const HolePuncher&) = delete;
  HolePuncher& operator=(const HolePuncher&) = delete;

  /// Error: HostError::too_many_protocols.
  Result<void> start();
  /// Waits for what is under way, for as long as a dial takes; not long when the host has stopped.
  /// Idempotent; awaited before this goes.
  rt::Co<void> stop();

  /// Tries to reach a peer directly to which there is a relayed connection; at once when there is a
  /// direct one. Errors: too_many, no_own_addresses, no_addresses, timed_out, failed, the host's.
  rt::Co<Result<void>> punch(PeerId peer);

  /// Peers whose attempts are counted: of those that are connected.
  std::size_t remembered() const { return answered_.size(); }

 private:
  struct Active {
    explicit Active(rt::Loop& loop) : wake(loop), heard(loop) {}
    rt::Event wake;  ///< a direct connection exists, a dial has got on, time has passed, or we stop
    rt::Event heard;  ///< the peer has said where it is, is gone, or we stop
    std::optional<rt::TimePoint> dialled_known;  ///< when its public addresses were
    bool answered = false;                       ///< at one of them: a handshake is under way
    bool unreachable = false;                    ///< at all of them
  };

  void on_host_event(const HostEvent& event);
  rt::Co<void> punch_in_background(PeerId peer);
  rt::Co<Result<void>> try_all(PeerId peer, Active& active);
  std::vector<Multiaddr> known_addresses(const PeerId& peer) const;
  rt::Co<void> hear_addresses(PeerId peer, Active& active, rt::Duration time_max);
  void begin_known_dial(const PeerId& peer, Active& active);
  rt::Co<void> dial_known(PeerId peer, std::vector<Multiaddr> known);
  /// Null: no hole punch of ours is under way.
  Active* find_active(const PeerId& peer);
  rt::Co<bool> reaches_known(PeerId peer, Active& active, rt::Duration patience);
  rt::Co<Result<bool>> coordinate(PeerId peer, Active& active, Initiator& initiator);
  rt::Co<Result<void>> exchange(rt::Stream& stream, Initiator& initiator);
  rt::Co<void> pause(rt::Event& end, rt::Duration time);
  rt::Co<void> answer(InboundStream inbound);
  rt::Co<Result<void>> respond(rt::Stream& stream, Responder& responder);
  rt::Co<void> dial_back(PeerId peer, std::vector<Multiaddr> addresses);
  rt::Co<void> watch_time();
  void retire_relayed(const PeerId& peer);
  /// After active_, answering_ or dialling_back_ changed.
  void expect_dials();
  bool has_direct(const PeerId& peer) const;
  std::vector<Multiaddr> own_addresses() const;
  void emit(HolePunchEvent event);
  Time now() const { return host_.loop().clock().now().time_since_epoch(); }

  Host& host_;
  HolePuncherOptions options_;
  std::unique_ptr<rt::Timer> timer_;
  limits::PeerRates runs_;
  limits::PeerRates answers_;
  std::map<PeerId, std::unique_ptr<Active>> active_;  ///< that we initiate
  std::set<PeerId> answering_;                        ///< until the exchange is over
  std::size_t dialling_back_ = 0;                     ///< after an exchange
  std::map<PeerId, unsigned> answered_;               ///< attempts, of peers that are connected
  std::map<PeerId, rt::TimePoint> retiring_;          ///< whose relayed connections close then
  bool stopping_ = false;
  rt::Event idle_;
  Subscription subscription_;
  rt::TaskGroup tasks_;
};

}  // namespace vivim::libp2p::dcutr
