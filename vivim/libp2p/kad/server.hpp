#pragma once

#include <functional>
#include <optional>

#include "vivim/libp2p/kad/message.hpp"
#include "vivim/libp2p/kad/providers.hpp"
#include "vivim/libp2p/kad/records.hpp"
#include "vivim/libp2p/kad/routing_table.hpp"
#include "vivim/libp2p/limits/rate.hpp"

namespace vivim::libp2p::kad {

struct ServerLimits {
  /// Every request.
  limits::PeerRates::Limits requests = {
      .each = {.burst = 256, .interval = std::chrono::milliseconds(20)},
      .all = {.burst = 4096, .interval = std::chrono::milliseconds(1)}};
  /// Those whose signature is checked, or that are stored.
  limits::PeerRates::Limits stores = {
      .each = {.burst = 128, .interval = std::chrono::milliseconds(100)},
      .all = {.burst = 2048, .interval = std::chrono::milliseconds(2)}};
};

/// What a server looks into; all of it outlives the server.
struct ServerParts {
  const RoutingTable& table;
  Records& records;
  Providers& providers;
  /// What is known of a peer, whether it is in the table or not: its addresses, its signed record.
  std::function<std::optional<PeerInfo>(const PeerId&)> find_peer;
};

/// Who asks.
struct Asker {
  PeerId peer;
  std::vector<Group> groups;  ///< of the address that it comes from
  /// Where it is: it is told of places there and wider ones, and believed of no others.
  multiformats::AddressScope scope = multiformats::AddressScope::global;
};

/// Answers requests as a node of the DHT in server mode does (libp2p/specs kad-dht "RPC
/// messages"). Sans-IO.
class Server {
 public:
  explicit Server(ServerParts parts, ServerLimits limits = {})
      : parts_(std::move(parts)), requests_(limits.requests), stores_(limits.stores) {}

  /// The answer; none to add_provider. Whoever gets an error has its stream reset, as the
  /// specification has it. Errors: rate_limited, bad_key, malformed, not_its_own, bad_provider,
  /// those of Records::put and Providers::add.
  Result<std::optional<Message>> answer(const Asker& asker, const Message& request,
                                        rt::TimePoint now, rt::WallMs wall);

 private:
  std::vector<PeerInfo> closer_to(const Bytes& key, const Asker& asker) const;
  PeerInfo describe(const Contact& contact, const Asker& asker) const;
  Message find_node(const Asker& asker, const Message& request) const;
  Message get_value(const Asker& asker, const Message& request, rt::TimePoint now) const;
  Result<std::optional<Message>> put_value(const Asker& asker, const Message& request,
                                           rt::TimePoint now, rt::WallMs wall);
  Result<std::optional<Message>> get_providers(const Asker& asker, const Message& request,
                                               rt::TimePoint now);
  Result<std::optional<Message>> add_provider(const Asker& asker, const Message& request,
                                              rt::TimePoint now, rt::WallMs wall);

  ServerParts parts_;
  limits::PeerRates requests_;
  limits::PeerRates stores_;
};

}  // namespace vivim::libp2p::kad
