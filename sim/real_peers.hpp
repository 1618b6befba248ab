#pragma once

#include <functional>

#include "report.hpp"
#include "runner.hpp"

namespace vivim::sim {

/// The one target that virtual time cannot show: a host that holds so many connections at once,
/// over real sockets of the loopback interface, with Noise and yamux, while gossip flows: messages
/// of its own to all of them, and of some of them to it. The peers are whole hosts in other
/// processes (Crowd), 2,500 in each. Fewer peers, but at least 1,000, where the system allows fewer
/// descriptors. Memory is that of the host's process.
Report run_real_peers(std::size_t peers, std::size_t messages,
                      const std::function<void(const Progress&)>& progress);

}  // namespace vivim::sim
