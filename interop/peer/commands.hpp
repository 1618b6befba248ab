#pragma once

#include <boost/json/object.hpp>

#include "interop/peer/node.hpp"
#include "interop/peer/pubsub_load.hpp"

namespace vivim::interop {

/// Streams and hosts that requests opened, kept until the process ends.
struct Held {
  std::vector<std::unique_ptr<rt::Stream>> streams;
  std::vector<std::unique_ptr<libp2p::Host>> hosts;
  std::unique_ptr<PubsubLoad> load;

  rt::Co<void> stop();
};

/// Does what one line asked (interop/README.md). Errors: PeerError, and those of what was done.
rt::Co<Result<boost::json::object>> run_command(Node& node, Held& held, boost::json::object asked);

/// Bytes on each of several streams, both ways at once, compared by their hashes.
rt::Co<Result<boost::json::object>> run_bulk_command(Node& node, boost::json::object asked);

/// Many connections one after the other, from several identities at once: the handshake, one ping,
/// the end.
rt::Co<Result<boost::json::object>> run_connect_rate(Node& node, boost::json::object asked);
/// Connects with one peer from many identities.
rt::Co<Result<boost::json::object>> run_dial_many(Node& node, Held& held,
                                                  boost::json::object asked);
/// Opens streams and lets them rest.
rt::Co<Result<boost::json::object>> run_open_streams(Node& node, Held& held,
                                                     boost::json::object asked);

}  // namespace vivim::interop
