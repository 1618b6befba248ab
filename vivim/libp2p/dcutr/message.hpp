#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "vivim/base/bytes.hpp"
#include "vivim/libp2p/dcutr/error.hpp"
#include "vivim/multiformats/multiaddr.hpp"

namespace vivim::libp2p::dcutr {

using multiformats::Multiaddr;

/// libp2p/specs relay/DCUtR.md.
inline constexpr std::string_view k_protocol_id = "/libp2p/dcutr";
/// Largest message, without its length.
inline constexpr std::size_t k_message_bytes_max = 4096;
/// Addresses of a message that are looked at, and that we send.
inline constexpr std::size_t k_addresses_max = 32;

struct Message {
  enum class Type : std::uint32_t { connect = 100, sync = 300 };
  Type type = Type::sync;
  std::vector<Multiaddr> addresses;  ///< where the sender is seen by others

  friend bool operator==(const Message&, const Message&) = default;
};

/// Without the length in front. Addresses beyond the limits are left out.
Bytes encode(const Message& message);
/// Error: malformed. Addresses that cannot be understood are skipped.
Result<Message> decode(BytesView bytes);

}  // namespace vivim::libp2p::dcutr
