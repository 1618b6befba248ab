#include "vivim/libp2p/delimited/delimited.hpp"

#include <array>

#include "vivim/base/varint.hpp"

namespace vivim::libp2p {

namespace {

constexpr std::size_t k_read_bytes = 1024;

}  // namespace

const ErrorDomain& error_domain(DelimitedError) {
  static constexpr ErrorDomain k_domain{
      "delimited", [](int code) -> ErrorInfo {
        switch (static_cast<DelimitedError>(code)) {
          case DelimitedError::too_large:
            return {"too_large", "a message is larger than its protocol allows", Blame::peer};
          case DelimitedError::malformed_length:
            return {"malformed_length", "the length of a message is malformed", Blame::peer};
          case DelimitedError::truncated:
            return {"truncated", "the stream ended before a whole message", Blame::peer};
        }
        return {"unknown", "unknown error", Blame::local};
      }};
  return k_domain;
}

Bytes delimited(BytesView body) {
  Bytes out;
  out.reserve(body.size() + k_varint_bytes_max);
  append_varint(out, body.size());
  append(out, body);
  return out;
}

Result<std::optional<Bytes>> DelimitedReader::next() {
  const auto length = decode_varint(pending_, message_bytes_max_);
  if (!length && length.error().is(VarintError::truncated)) {
    return std::nullopt;
  }
  if (!length && length.error().is(VarintError::overflow)) {
    return fail(DelimitedError::too_large, length.error().detail());
  }
  if (!length) {
    return fail(DelimitedError::malformed_length);
  }
  if (pending_.size() - length->size < length->value) {
    return std::nullopt;
  }
  const auto end = pending_.begin() + static_cast<std::ptrdiff_t>(length->size + length->value);
  if (end == pending_.end()) {
    // Nothing behind it: who waits for the next one holds no memory.
    Bytes body = std::exchange(pending_, {});
    body.erase(body.begin(), body.begin() + static_cast<std::ptrdiff_t>(length->size));
    return body;
  }
  Bytes body(pending_.begin() + static_cast<std::ptrdiff_t>(length->size), end);
  pending_.erase(pending_.begin(), end);
  return body;
}

rt::Co<Result<Bytes>> read_message(rt::Stream& stream, DelimitedReader& reader) {
  std::array<std::uint8_t, k_read_bytes> buffer{};
  for (;;) {
    VIVIM_CO_TRY(auto message, reader.next());
    if (message) {
      co_return std::move(*message);
    }
    VIVIM_CO_TRY(const auto count, co_await stream.read_some(buffer));
    if (count == 0) {
      co_return fail(DelimitedError::truncated);
    }
    reader.feed(BytesView(buffer).first(count));
  }
}

}  // namespace vivim::libp2p
