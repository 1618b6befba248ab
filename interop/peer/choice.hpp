#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <boost/json/object.hpp>

#include "vivim/base/problem.hpp"

namespace vivim::interop {

/// What the command line chose: --transport tcp --security noise --muxer yamux --key ed25519, and
/// what to serve.
struct Choice {
  std::string transport = "tcp";
  std::string security = "noise";
  std::string muxer = "yamux";
  std::string key = "ed25519";
  std::string pubsub;          ///< gossip: "sign" or "anonymous"; empty: none
  std::string pubsub_mesh;     ///< peers in its mesh; empty: as always
  std::string secrets;         ///< folder of certificates and keys (runner/secrets.mjs)
  bool describe = false;       ///< say what this peer has, and end
  bool relay_serve = false;    ///< relay circuits
  bool dcutr = false;          ///< upgrade relayed connections
  bool autonat_serve = false;  ///< dial peers back
  bool autonat = false;        ///< ask whether we can be reached
  bool mdns = false;           ///< look for peers, and be found
  bool rendezvous_serve = false;
  bool kad = false;              ///< be a node of the DHT
  bool private_ = false;         ///< be sure not to be reachable
  bool private_network = false;  ///< only talk to those with the key in `secrets`

  /// The command line without the program's name. A Problem for what this peer does not have.
  static Outcome<Choice> parse(const std::vector<std::string_view>& arguments);
};

/// Names, versions, transports, securities, muxers and features of this peer, as interop/README.md
/// describes.
boost::json::object describe();

}  // namespace vivim::interop
