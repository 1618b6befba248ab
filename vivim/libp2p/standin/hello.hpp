#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "vivim/base/bytes.hpp"
#include "vivim/base/result.hpp"
#include "vivim/multiformats/peer_id.hpp"

namespace vivim::libp2p::standin {

enum class StandInError {
  malformed,   ///< peer: not a message of this handshake
  unproven,    ///< peer: it does not prove to be who it says
  wrong_peer,  ///< peer: another one than the one that was dialled
};
const ErrorDomain& error_domain(StandInError);

inline constexpr std::size_t k_nonce_bytes = 16;
inline constexpr std::size_t k_proof_bytes = 16;
/// Of one message, behind its length.
inline constexpr std::size_t k_hello_bytes_max = 1024;
inline constexpr std::size_t k_muxers_max = 8;

using Nonce = std::array<std::uint8_t, k_nonce_bytes>;
using Proof = std::array<std::uint8_t, k_proof_bytes>;

/// What one side says: the dialer first its nonce alone, then the listener all, then the dialer
/// all.
struct Hello {
  Nonce nonce{};
  struct Identity {
    multiformats::PeerId peer;
    Proof proof{};
    std::vector<std::string> muxers;
  };
  std::optional<Identity> identity = {};
};

/// The message behind its length of two bytes.
Bytes encode(const Hello& hello);
/// The inverse of encode, without the length. Error: malformed.
Result<Hello> decode(BytesView message);

}  // namespace vivim::libp2p::standin
