#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>

#include "vivim/crypto/random.hpp"
#include "vivim/crypto/secret.hpp"
#include "vivim/message/message.hpp"

namespace vivim::message {

/// Longest subtopic.
inline constexpr std::size_t k_subtopic_bytes_max = 128;
/// How much longer a payload is when it is sealed: a nonce in front, a tag behind.
inline constexpr std::size_t k_circle_overhead_bytes = 28;

using CircleSecret = crypto::Secret<32>;

/// Names a circle, and tells nothing of its secret.
struct CircleId {
  std::array<std::uint8_t, 16> bytes{};

  /// From exactly 16 bytes. Error: malformed.
  static Result<CircleId> from_bytes(BytesView bytes);
  /// From 32 hexadecimal digits. Error: malformed.
  static Result<CircleId> parse(std::string_view text);
  BytesView view() const { return bytes; }
  std::string to_text() const { return to_hex(bytes); }
  auto operator<=>(const CircleId&) const = default;
};

/// A topic of a circle, taken apart.
struct CircleTopic {
  CircleId circle;
  std::string subtopic;  ///< may be empty

  /// "/vivim/circles/<id>" or "/vivim/circles/<id>/<subtopic>".
  std::string to_text() const;
  /// Error: malformed.
  static Result<CircleTopic> parse(std::string_view text);
};

/// A group that has a secret in common (docs/protocol/message.md#circles): who has it is a member,
/// reads and writes; who carries the messages reads nothing.
class Circle {
 public:
  explicit Circle(CircleSecret secret);

  const CircleId& id() const { return id_; }
  const CircleSecret& secret() const { return secret_; }

  /// What `sender` says in a topic, for members only.
  Bytes seal(const PeerId& sender, std::string_view topic, BytesView plaintext,
             const crypto::RandomSource& random) const;
  /// Errors: CryptoError's too_short and authentication_failed: it is not by a member.
  Result<Bytes> open(const PeerId& sender, std::string_view topic, BytesView sealed) const;

 private:
  crypto::Secret<32> key_of(const PeerId& sender) const;

  CircleSecret secret_;
  CircleId id_;
};

}  // namespace vivim::message
