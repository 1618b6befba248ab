#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <variant>
#include <vector>

#include "vivim/base/bytes.hpp"
#include "vivim/libp2p/autonat/error.hpp"
#include "vivim/multiformats/multiaddr.hpp"
#include "vivim/multiformats/peer_id.hpp"

namespace vivim::libp2p::autonat {

using multiformats::Multiaddr;
using multiformats::PeerId;

/// libp2p/specs autonat/autonat-v1.md and autonat-v2.md.
inline constexpr std::string_view k_v1_protocol_id = "/libp2p/autonat/1.0.0";
inline constexpr std::string_view k_dial_request_protocol_id = "/libp2p/autonat/2/dial-request";
inline constexpr std::string_view k_dial_back_protocol_id = "/libp2p/autonat/2/dial-back";

/// Largest message, without its length: a piece of dial data is the largest.
inline constexpr std::size_t k_message_bytes_max = 8192;
/// Addresses of a request that are looked at, and that are sent.
inline constexpr std::size_t k_addresses_max = 50;
/// Dial data of one message.
inline constexpr std::size_t k_data_piece_bytes_max = 4096;

namespace v1 {

/// Other numbers can arrive: they are failures too.
enum class Status : std::uint32_t {
  ok = 0,
  dial_error = 100,
  dial_refused = 101,
  bad_request = 200,
  internal_error = 300,
};

/// "Dial me at one of these."
struct Dial {
  std::optional<PeerId> peer;
  std::vector<Multiaddr> addresses;

  friend bool operator==(const Dial&, const Dial&) = default;
};

struct DialResponse {
  Status status = Status::internal_error;
  std::optional<Multiaddr> address;  ///< that was reached

  friend bool operator==(const DialResponse&, const DialResponse&) = default;
};

using Message = std::variant<Dial, DialResponse>;

/// Without the length in front.
Bytes encode(const Message& message);
/// Error: malformed. Addresses that cannot be understood are skipped.
Result<Message> decode(BytesView bytes);

}  // namespace v1

namespace v2 {

/// Other numbers can arrive: they are failures too.
enum class ResponseStatus : std::uint32_t {
  internal_error = 0,
  request_rejected = 100,
  dial_refused = 101,
  ok = 200,
};
enum class DialStatus : std::uint32_t {
  unused = 0,
  dial_error = 100,
  dial_back_error = 101,
  ok = 200
};

/// "Dial the first of these that you can, and say the nonce there." An address that cannot be
/// understood is an empty one, so that the others keep their places.
struct DialRequest {
  std::vector<Multiaddr> addresses;
  std::uint64_t nonce = 0;

  friend bool operator==(const DialRequest&, const DialRequest&) = default;
};

/// "First show that it is worth something to you: send so many bytes."
struct DialDataRequest {
  std::uint32_t address_index = 0;
  std::uint64_t bytes = 0;

  friend bool operator==(const DialDataRequest&, const DialDataRequest&) = default;
};

struct DialDataResponse {
  std::size_t bytes = 0;  ///< of data; what they are does not matter

  friend bool operator==(const DialDataResponse&, const DialDataResponse&) = default;
};

struct DialResponse {
  ResponseStatus status = ResponseStatus::internal_error;
  std::uint32_t address_index = 0;
  DialStatus dial_status = DialStatus::unused;

  friend bool operator==(const DialResponse&, const DialResponse&) = default;
};

using Message = std::variant<DialRequest, DialResponse, DialDataRequest, DialDataResponse>;

/// Without the length in front. Data is zeros.
Bytes encode(const Message& message);
/// Error: malformed; also for data of more than k_data_piece_bytes_max.
Result<Message> decode(BytesView bytes);

/// What the server says on a connection of its own, and the answer to that.
Bytes encode_dial_back(std::uint64_t nonce);
Result<std::uint64_t> decode_dial_back(BytesView bytes);
Bytes encode_dial_back_response();

}  // namespace v2

}  // namespace vivim::libp2p::autonat
