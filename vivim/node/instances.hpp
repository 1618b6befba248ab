#pragma once

#include <functional>
#include <memory>

#include "vivim/base/recent.hpp"
#include "vivim/libp2p/gossipsub/service.hpp"
#include "vivim/libp2p/host/host.hpp"
#include "vivim/libp2p/limits/rate.hpp"
#include "vivim/libp2p/record/peer_record.hpp"
#include "vivim/rt/task_group.hpp"

namespace vivim::node {

/// Where nodes tell everybody that they are there.
inline constexpr std::string_view k_instances_topic = "/vivim/instances";
/// Addresses of one record that are looked at.
inline constexpr std::size_t k_instance_addresses_max = 16;
/// Nodes of which it is remembered what they said last.
inline constexpr std::size_t k_instances_max = 8192;

struct InstancesOptions {
  rt::Duration interval = std::chrono::minutes(10);  ///< between two words of ours
  rt::Duration first = std::chrono::seconds(2);      ///< until the first, once somebody hears
  /// Of one node, and of all.
  libp2p::limits::PeerRates::Limits rates = {
      .each = {.burst = 4, .interval = std::chrono::minutes(2)},
      .all = {.burst = 256, .interval = std::chrono::milliseconds(50)}};
};

struct InstancesCounts {
  std::uint64_t told = 0;
  std::uint64_t taken = 0;
  std::uint64_t old = 0;  ///< not newer than what is known
  std::uint64_t throttled = 0;
  std::uint64_t refused = 0;  ///< not a record of who published it
};

/// Nodes say by gossip where they are: each publishes its signed peer record in k_instances_topic,
/// and remembers those of others. A record is passed on only if it is its author's, and newer.
class Instances {
 public:
  using PeerId = multiformats::PeerId;
  using OnFound = std::function<void(const PeerId&)>;

  /// All of it outlives this. `on_found` must not await.
  Instances(libp2p::Host& host, libp2p::gossipsub::Service& gossip, libp2p::record::Signer signer,
            OnFound on_found, InstancesOptions options = {});
  ~Instances();
  Instances(const Instances&) = delete;
  Instances& operator=(const Instances&) = delete;

  /// Errors: Service::subscribe's.
  Result<void> start();
  rt::Co<void> stop();

  const InstancesCounts& counts() const { return counts_; }

 private:
  rt::Co<void> run();
  void tell();
  void on_event(const libp2p::gossipsub::Event& event);
  libp2p::gossipsub::Verdict judge(const libp2p::gossipsub::ToValidate& waiting);
  void publish(libp2p::metrics::Registry& registry) const;

  libp2p::Host& host_;
  libp2p::gossipsub::Service& gossip_;
  libp2p::record::Signer signer_;
  OnFound on_found_;
  InstancesOptions options_;
  libp2p::limits::PeerRates rates_;
  std::unique_ptr<rt::Timer> timer_;
  rt::TimePoint next_{};
  std::uint64_t sequence_ = 0;
  Recent<PeerId, std::uint64_t> newest_;  ///< sequence number of the last record of others
  InstancesCounts counts_;
  libp2p::Subscription observed_;
  libp2p::Subscription published_;
  rt::TaskGroup tasks_;
};

}  // namespace vivim::node
