#include "vivim/libp2p/host/gater.hpp"

namespace vivim::libp2p {

bool ConnectionGater::allow_dial(const multiformats::PeerId& /*peer*/) {
  return true;
}

bool ConnectionGater::allow_address(const multiformats::PeerId& /*peer*/,
                                    const multiformats::Multiaddr& /*address*/) {
  return true;
}

bool ConnectionGater::allow_accept(const multiformats::Multiaddr& /*remote*/) {
  return true;
}

bool ConnectionGater::allow_secured(Direction /*direction*/, const multiformats::PeerId& /*peer*/,
                                    const multiformats::Multiaddr& /*remote*/) {
  return true;
}

bool ConnectionGater::allow_upgraded(Direction /*direction*/, const multiformats::PeerId& /*peer*/,
                                     const multiformats::Multiaddr& /*remote*/) {
  return true;
}

}  // namespace vivim::libp2p
