#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "vivim/base/bytes.hpp"
#include "vivim/base/result.hpp"
#include "vivim/libp2p/record/peer_record.hpp"
#include "vivim/libp2p/rendezvous/error.hpp"

namespace vivim::libp2p::rendezvous {

inline constexpr std::string_view k_protocol_id = "/rendezvous/1.0.0";

/// Longest namespace.
inline constexpr std::size_t k_namespace_bytes_max = 255;

inline bool is_namespace(std::string_view ns) {
  return !ns.empty() && ns.size() <= k_namespace_bytes_max;
}

/// Largest message that a server reads, and that a client reads.
inline constexpr std::size_t k_request_bytes_max = std::size_t{16} * 1024;
inline constexpr std::size_t k_answer_bytes_max = std::size_t{1024} * 1024;

/// How a request went.
enum class Status : std::uint32_t {
  ok = 0,
  invalid_namespace = 100,
  invalid_signed_peer_record = 101,
  invalid_ttl = 102,
  invalid_cookie = 103,
  not_authorized = 200,
  internal_error = 300,
  unavailable = 400,
};

/// A peer is in a namespace; also one entry of a DiscoverResponse.
struct Register {
  std::string ns;
  Bytes record;                           ///< an envelope with a peer record
  std::optional<std::uint64_t> ttl = {};  ///< seconds

  friend bool operator==(const Register&, const Register&) = default;
};

struct RegisterResponse {
  Status status = Status::ok;
  std::string text;
  std::optional<std::uint64_t> ttl = {};  ///< seconds

  friend bool operator==(const RegisterResponse&, const RegisterResponse&) = default;
};

/// Has no answer.
struct Unregister {
  std::string ns;

  friend bool operator==(const Unregister&, const Unregister&) = default;
};

struct Discover {
  std::optional<std::string> ns;  ///< absent: all
  std::optional<std::uint64_t> limit;
  std::optional<Bytes> cookie;  ///< of the last answer: only what came since

  friend bool operator==(const Discover&, const Discover&) = default;
};

struct DiscoverResponse {
  Status status = Status::ok;
  std::string text;
  std::vector<Register> registrations;
  Bytes cookie;

  friend bool operator==(const DiscoverResponse&, const DiscoverResponse&) = default;
};

using Message = std::variant<Register, RegisterResponse, Unregister, Discover, DiscoverResponse>;

/// The protobuf, without its length in front.
Bytes encode(const Message& message);
/// Error: malformed.
Result<Message> decode(BytesView body);

/// A record as it is deployed, or in the older form with its own domain and type that some
/// implementations still use for this protocol.
enum class RecordForm : std::uint8_t { deployed, legacy };

/// Seals where `signer` is reachable.
Bytes seal_record(const record::Signer& signer, std::uint64_t sequence,
                  const std::vector<multiformats::Multiaddr>& addresses, RecordForm form);
/// Opens an envelope of either form with the record of its signer. Errors: RecordError's.
Result<record::PeerRecord> open_record(BytesView envelope);

}  // namespace vivim::libp2p::rendezvous
