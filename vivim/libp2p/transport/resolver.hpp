#pragma once

#include <vector>

#include "vivim/base/result.hpp"
#include "vivim/multiformats/multiaddr.hpp"
#include "vivim/rt/clock.hpp"
#include "vivim/rt/co.hpp"

namespace vivim::libp2p {

/// Turns addresses with names in them (/dns4, /dns6, /dnsaddr) into others. A host asks it about
/// addresses that none of its transports can dial as they are.
class AddressResolver {
 public:
  virtual ~AddressResolver() = default;
  virtual bool can_resolve(const multiformats::Multiaddr& address) const = 0;
  /// What `address` stands for; /p2p/<id> at its end stays, or must be the same. Bounded by the
  /// implementer. Errors: not found, RtError::timed_out after `timeout`, RtError::closed.
  virtual rt::Co<Result<std::vector<multiformats::Multiaddr>>> resolve(
      multiformats::Multiaddr address, rt::Duration timeout) = 0;
  /// Ends every question that is under way with RtError::closed.
  virtual void cancel() = 0;
};

}  // namespace vivim::libp2p
