#pragma once

#include <array>
#include <chrono>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "vivim/base/bytes.hpp"
#include "vivim/base/result.hpp"
#include "vivim/message/vector_clock.hpp"
#include "vivim/multiformats/peer_id.hpp"

namespace vivim::message {

/// Largest payload.
inline constexpr std::size_t k_payload_bytes_max = std::size_t{64} << 10;
/// Longest topic.
inline constexpr std::size_t k_topic_bytes_max = 256;
/// Longest time that a message may be on its way. Receivers remember ids for as long.
inline constexpr std::chrono::seconds k_lifetime_max = std::chrono::hours(24 * 14);
/// Most hops that a sender may allow.
inline constexpr std::uint32_t k_hops_max = 16;

/// What goes first when there is more than can be sent. Nothing starves: see PriorityQueue.
enum class Priority : std::uint8_t { critical = 0, high = 1, normal = 2, low = 3 };
inline constexpr std::size_t k_priorities = 4;

/// What the sender wants to be sure of.
enum class Delivery : std::uint8_t {
  best_effort = 0,    ///< sent once, to whoever is there
  at_least_once = 1,  ///< sent again until it is acknowledged; its effect may come twice
  exactly_once = 2,   ///< sent again until it is acknowledged; its effect comes once
};

enum class Kind : std::uint8_t {
  data = 0,     ///< something for whoever it is to
  receipt = 1,  ///< the payload lists ids of messages that arrived, 16 bytes each
};

/// The id that a sender gives its message: 16 random bytes; as text 32 hexadecimal digits. Another
/// sender may use the same one, so it only means something together with who sent it.
struct MessageId {
  std::array<std::uint8_t, 16> bytes{};

  /// From exactly 16 bytes. Error: malformed.
  static Result<MessageId> from_bytes(BytesView bytes);
  /// From its text. Error: malformed.
  static Result<MessageId> parse(std::string_view text);

  BytesView view() const { return bytes; }
  std::string to_text() const { return to_hex(bytes); }
  auto operator<=>(const MessageId&) const = default;
};

/// A message, without who vouches for it.
struct Message {
  MessageId id = {};
  std::int64_t time_ms = 0;  ///< when its sender made it, milliseconds since 1970
  std::chrono::seconds lifetime = std::chrono::hours(24);
  std::uint32_t ttl = 1;  ///< hops that it may take, 1 to k_hops_max
  PeerId from;
  std::variant<PeerId, std::string> to;  ///< a recipient, or a topic
  Priority priority = Priority::normal;
  Delivery delivery = Delivery::at_least_once;
  Kind kind = Kind::data;
  VectorClock clock = {};  ///< empty: in no order
  Bytes payload = {};

  const PeerId* recipient() const { return std::get_if<PeerId>(&to); }
  const std::string* topic() const { return std::get_if<std::string>(&to); }
  /// From when on it is not wanted any more.
  std::int64_t expires_ms() const {
    return time_ms + std::chrono::duration_cast<std::chrono::milliseconds>(lifetime).count();
  }

  friend bool operator==(const Message&, const Message&) = default;
};

/// Whether `topic` can be one: begins with '/', printable ASCII without spaces, at most
/// k_topic_bytes_max.
bool is_topic(std::string_view topic);

/// "critical", "high", "normal", "low".
std::string_view to_string(Priority priority);
/// "best-effort", "at-least-once", "exactly-once".
std::string_view to_string(Delivery delivery);
std::optional<Priority> parse_priority(std::string_view text);
std::optional<Delivery> parse_delivery(std::string_view text);

}  // namespace vivim::message
