#pragma once

#include <memory>
#include <vector>

#include "interop/peer/choice.hpp"
#include "vivim/crypto/ed25519.hpp"
#include "vivim/libp2p/transport/transport.hpp"
#include "vivim/rt/loop.hpp"
#include "vivim/rt/network.hpp"
#include "vivim/rt/rng.hpp"

namespace vivim::interop {

/// What a host is to connect by: the one transport that was chosen, within a private network if one
/// was. Loop, network and `rng` must outlive it. Ends the process when a file of Choice::secrets
/// cannot be read.
std::vector<std::unique_ptr<libp2p::Transport>> make_transports(const Choice& choice,
                                                                const crypto::KeyPair& key,
                                                                rt::Loop& loop,
                                                                rt::Network& network, rt::Rng& rng);

}  // namespace vivim::interop
