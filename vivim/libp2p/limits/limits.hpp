#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>

#include "vivim/base/result.hpp"
#include "vivim/libp2p/transport/direction.hpp"

namespace vivim::libp2p::limits {

/// What can run out.
enum class Resource : std::uint8_t { memory, file_descriptors, connections, streams };
inline constexpr std::array k_resources{Resource::memory, Resource::file_descriptors,
                                        Resource::connections, Resource::streams};

/// Whom a limit is about: the whole node, connections and streams of which it is not known yet whom
/// or what they are for, one peer, one protocol, and inbound connections from one address.
enum class Scope : std::uint8_t { system, transient, peer, protocol, address };
inline constexpr std::array k_scopes{Scope::system, Scope::transient, Scope::peer, Scope::protocol,
                                     Scope::address};

std::string_view to_string(Resource resource);
std::string_view to_string(Scope scope);

inline constexpr std::uint64_t k_unlimited = std::numeric_limits<std::uint64_t>::max();

/// What one scope may use at most; the sums are limits of their own.
struct ScopeLimits {
  std::uint64_t memory_bytes = k_unlimited;
  std::uint64_t file_descriptors = k_unlimited;
  std::uint64_t connections_inbound = k_unlimited;
  std::uint64_t connections_outbound = k_unlimited;
  std::uint64_t connections = k_unlimited;
  std::uint64_t streams_inbound = k_unlimited;
  std::uint64_t streams_outbound = k_unlimited;
  std::uint64_t streams = k_unlimited;

  friend bool operator==(const ScopeLimits&, const ScopeLimits&) = default;
};

struct Limits {
  ScopeLimits system;
  ScopeLimits transient;
  ScopeLimits peer;      ///< of each
  ScopeLimits protocol;  ///< of each
  ScopeLimits address;   ///< of each; only what inbound connections use: no streams

  const ScopeLimits& of(Scope scope) const;
  friend bool operator==(const Limits&, const Limits&) = default;
};

/// Whether anything is counted of a resource, asked for by a side, in a scope.
constexpr bool is_counted(Resource resource, Scope scope, Direction side) {
  return scope != Scope::address ||
         (resource != Resource::streams &&
          (resource != Resource::connections || side == Direction::inbound));
}

/// One limit by its place in the configuration: "system", "connections_inbound". Null: there is
/// none of that name, or it would count nothing.
std::uint64_t* find_limit(Limits& limits, std::string_view scope, std::string_view name);

/// What there is to share.
struct Machine {
  std::uint64_t memory_bytes = 0;
  std::uint64_t file_descriptors = 0;  ///< this process may open so many (RLIMIT_NOFILE)
};

/// Limits that a machine can bear beside other work: an eighth of its memory (32 MiB to 4 GiB),
/// half of its file descriptors, 128 connections and as many more as that memory carries, at most
/// 8192.
Limits scaled_limits(const Machine& machine);

/// Which limit was reached: the code of an Error whose detail is the limit. Its message names the
/// resource, the scope, who asked, and the key of the configuration that raises it.
enum class LimitError : int {};
const ErrorDomain& error_domain(LimitError);

/// The code of one limit; `side` inbound: the remote side asked, outbound: we did.
LimitError limit_error(Resource resource, Scope scope, Direction side);
/// Whether an error is one of these.
bool is_limit_error(const Error& error);

/// The key that raises a limit: "limits.system.connections_inbound".
std::string config_key(Resource resource, Scope scope, Direction side);

/// A refusal in full, for logs, status and people.
struct Refusal {
  Resource resource = Resource::memory;
  Scope scope = Scope::system;
  Direction side = Direction::inbound;
  std::uint64_t current = 0;
  std::uint64_t asked = 0;
  std::uint64_t limit = 0;

  Error error() const { return Error(limit_error(resource, scope, side), limit); }
  /// "connections of this node: 128 of 128 in use, 1 more asked for by the remote side; raise
  /// limits.system.connections_inbound".
  std::string to_string() const;
};

}  // namespace vivim::libp2p::limits
