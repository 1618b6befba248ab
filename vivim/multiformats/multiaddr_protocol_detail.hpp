#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "vivim/multiformats/multiaddr.hpp"

namespace vivim::multiformats::detail {

/// How a protocol writes its value.
enum class ValueKind : std::uint8_t {
  none,  ///< no value
  ip4,   ///< 4 bytes
  ip6,   ///< 16 bytes
  port,  ///< 2 bytes
  name,  ///< length-prefixed: a domain name, at most 253 characters
  text,  ///< length-prefixed: any visible text
  path,  ///< length-prefixed: takes the rest of the text, slashes included
  peer,  ///< length-prefixed: a peer id
  hash,  ///< length-prefixed: a multihash, as multibase text
};

struct ProtocolInfo {
  Protocol protocol;
  std::string_view name;
  ValueKind kind;
};

/// Looks a protocol up; null when it is not known.
const ProtocolInfo* find_protocol(std::uint64_t code);
const ProtocolInfo* find_protocol(std::string_view name);

/// The number of bytes of a kind's value when fixed; nullopt when length-prefixed.
std::optional<std::size_t> fixed_size(ValueKind kind);

/// The binary form of a value's text; nullopt when it is not allowed.
std::optional<Bytes> value_from_text(ValueKind kind, std::string_view text);
/// The text of a valid binary value.
std::string value_to_text(ValueKind kind, BytesView value);
/// True when a binary value is one that value_from_text can give.
bool value_is_valid(ValueKind kind, BytesView value);

}  // namespace vivim::multiformats::detail
