#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace vivim {

/// Owned bytes. Values: copy and move freely.
using Bytes = std::vector<std::uint8_t>;

/// Borrowed bytes; never outlives the buffer it points into.
using BytesView = std::span<const std::uint8_t>;

/// Borrowed writable bytes.
using MutableBytes = std::span<std::uint8_t>;

/// Views the characters of `text` as bytes.
inline BytesView as_bytes(std::string_view text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

/// Views bytes as characters; the caller knows that they are text.
inline std::string_view as_text(BytesView bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

inline Bytes to_bytes(BytesView view) {
  return {view.begin(), view.end()};
}
inline Bytes to_bytes(std::string_view text) {
  return to_bytes(as_bytes(text));
}

/// Appends `tail` to `out`.
inline void append(Bytes& out, BytesView tail) {
  out.insert(out.end(), tail.begin(), tail.end());
}

/// True when both hold the same bytes. Not constant time: for secrets use crypto::equal.
inline bool same_bytes(BytesView a, BytesView b) {
  return a.size() == b.size() && (a.empty() || std::memcmp(a.data(), b.data(), a.size()) == 0);
}

/// Big-endian integers at fixed offsets, as protocols write them. `at` must have room.
void store_be16(MutableBytes at, std::uint16_t value);
void store_be32(MutableBytes at, std::uint32_t value);
void store_be64(MutableBytes at, std::uint64_t value);
std::uint16_t load_be16(BytesView at);
std::uint32_t load_be32(BytesView at);
std::uint64_t load_be64(BytesView at);

/// Lower-case hexadecimal of `bytes`.
std::string to_hex(BytesView bytes);

}  // namespace vivim
