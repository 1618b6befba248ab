#pragma once

#include <memory>
#include <string>
#include <vector>

#include "vivim/libp2p/host/error.hpp"
#include "vivim/libp2p/multistream/undecided.hpp"
#include "vivim/libp2p/transport/early_bytes.hpp"
#include "vivim/rt/loop.hpp"
#include "vivim/rt/stream.hpp"

namespace vivim::libp2p {

/// A protocol that both ends agreed on, and what arrived behind the agreement.
struct Agreement {
  std::string protocol;
  Bytes early;
};

/// Proposes `protocols` in order until the peer takes one. Errors: the stream's, multistream's,
/// closed_during_negotiation.
rt::Co<Result<Agreement>> propose(rt::Stream& stream, std::vector<std::string> protocols);

/// Lets the peer propose. Errors as propose().
rt::Co<Result<Agreement>> agree(rt::Stream& stream, multistream::ProtocolList supported);

/// What Undecided found out.
struct Decision {
  Agreement agreement;
  bool initiator = false;
};

/// For a connection of which it is open who proposes: listens for `patience`, and then proposes
/// too; `number` is drawn at random. Errors as propose(), and those of Undecided.
rt::Co<Result<Decision>> decide(rt::Loop& loop, rt::Stream& stream,
                                std::vector<std::string> protocols, std::uint64_t number,
                                rt::Duration patience);

/// Proposes one protocol and does not wait for the answer: what is written follows at once, and the
/// answer is checked by the first read, which fails if the peer refused. For protocols that the
/// peer is known to speak.
rt::Co<Result<std::unique_ptr<rt::Stream>>> propose_optimistically(
    std::unique_ptr<rt::Stream> stream, std::string protocol);

/// The same, but the proposal leaves in front of the first write, in one piece with it (or before
/// the first read, if that comes first). `agreed`, if given, turns true when the peer agreed.
std::unique_ptr<rt::Stream> propose_with_first_write(std::unique_ptr<rt::Stream> stream,
                                                     std::string protocol,
                                                     std::shared_ptr<bool> agreed = nullptr);

}  // namespace vivim::libp2p
