#pragma once

#include "interop/peer/node.hpp"

namespace vivim::interop {

/// The commands of the DHT, "kad-...": keys and values are hexadecimal (interop/README.md).
rt::Co<Result<boost::json::object>> run_kad_command(Node& node, std::string command,
                                                    boost::json::object asked);

}  // namespace vivim::interop
