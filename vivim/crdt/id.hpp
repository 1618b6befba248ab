#pragma once

#include <cstdint>

namespace vivim::crdt {

/// Who wrote something: a random number of up to 53 bits, new for every session of a writer.
enum class ClientId : std::uint64_t {};

/// The number inside.
constexpr std::uint64_t value_of(ClientId id) {
  return static_cast<std::uint64_t>(id);
}

/// Largest client id and largest number on the wire (JavaScript's largest safe integer).
inline constexpr std::uint64_t k_number_max = (std::uint64_t{1} << 53) - 1;

/// Largest clock that a document keeps for one client; updates beyond it are refused.
inline constexpr std::uint64_t k_clock_max = 0xffff'ff00;

/// One operation: the `clock`-th unit that `client` wrote.
struct Id {
  ClientId client{};
  std::uint64_t clock = 0;
  friend bool operator==(const Id&, const Id&) = default;
};

/// Who made a transaction, as the caller numbers its connections; 0 is "this program". Handed to
/// on_update so that a relay does not send an update back to where it came from.
struct Origin {
  std::uint64_t id = 0;
  friend bool operator==(const Origin&, const Origin&) = default;
};

}  // namespace vivim::crdt
