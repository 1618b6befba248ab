#include "vivim/base/varint.hpp"

#include "vivim/base/assert.hpp"

namespace vivim {

const ErrorDomain& error_domain(VarintError) {
  static constexpr ErrorDomain k_domain{
      "varint", [](int code) -> ErrorInfo {
        switch (static_cast<VarintError>(code)) {
          case VarintError::truncated:
            return {"truncated", "the input ends inside a varint", Blame::peer};
          case VarintError::overflow:
            return {"overflow", "varint is larger than allowed here", Blame::peer};
          case VarintError::not_minimal:
            return {"not_minimal", "varint is not minimally encoded", Blame::peer};
        }
        return {"unknown", "unknown error", Blame::local};
      }};
  return k_domain;
}

Result<Varint> decode_varint(BytesView in, std::uint64_t max) {
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < k_varint_bytes_max; ++i) {
    if (i == in.size()) {
      return fail(VarintError::truncated);
    }
    const std::uint8_t byte = in[i];
    value |= static_cast<std::uint64_t>(byte & 0x7f) << (7 * i);
    if ((byte & 0x80) == 0) {
      if (byte == 0 && i > 0) {
        return fail(VarintError::not_minimal);
      }
      if (value > max) {
        return fail(VarintError::overflow, value);
      }
      return Varint{.value = value, .size = i + 1};
    }
  }
  return fail(VarintError::overflow);
}

void append_varint(Bytes& out, std::uint64_t value) {
  VIVIM_ASSERT(value <= static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max()));
  while (value >= 0x80) {
    out.push_back(static_cast<std::uint8_t>(value | 0x80));
    value >>= 7;
  }
  out.push_back(static_cast<std::uint8_t>(value));
}

std::size_t varint_size(std::uint64_t value) {
  std::size_t size = 1;
  while (value >= 0x80) {
    value >>= 7;
    ++size;
  }
  return size;
}

}  // namespace vivim
