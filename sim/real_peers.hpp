#pragma once

#include <functional>

#include "report.hpp"
#include "runner.hpp"

namespace vivim::sim {

/// The one target that virtual time cannot show: a host that holds so many connections at once,
/// over real sockets of the loopback interface, with Noise and yamux, while gossip flows to all of
/// them. Everything is in this process and on one thread, the other ends too, so that a connection
/// takes two descriptors: fewer peers, but at least 1,000, where the system allows fewer.
Report run_real_peers(std::size_t peers, std::size_t messages,
                      const std::function<void(const Progress&)>& progress);

}  // namespace vivim::sim
