#include "vivim/libp2p/multistream/message.hpp"

#include <algorithm>

#include "vivim/base/assert.hpp"
#include "vivim/base/varint.hpp"
#include "vivim/libp2p/multistream/error.hpp"

namespace vivim::libp2p::multistream {

namespace {

// Enough for k_message_bytes_max.
constexpr std::size_t k_prefix_bytes_max = 2;

}  // namespace

bool is_valid_protocol(std::string_view protocol) {
  return !protocol.empty() && protocol.size() < k_message_bytes_max &&
         protocol.find('\n') == std::string_view::npos;
}

void append_message(Bytes& out, std::string_view text) {
  append_varint(out, text.size() + 1);
  append(out, as_bytes(text));
  out.push_back('\n');
}

Result<std::size_t> MessageReader::feed(BytesView in) {
  std::size_t used = 0;
  if (!have_length_) {
    VIVIM_TRY(used, feed_length(in));
  }
  if (!have_length_) {
    return used;
  }
  const auto count = std::min(length_ - text_.size(), in.size() - used);
  append(text_, in.subspan(used, count));
  if (complete() && text_.back() != '\n') {
    return fail(MultistreamError::missing_newline);
  }
  return used + count;
}

Result<std::size_t> MessageReader::feed_length(BytesView in) {
  for (std::size_t used = 0; used < in.size(); ++used) {
    prefix_.push_back(in[used]);
    const auto length = decode_varint(prefix_);
    if (length && length->value > k_message_bytes_max) {
      return fail(MultistreamError::message_too_large, length->value);
    }
    if (length && length->value > 0) {
      length_ = static_cast<std::size_t>(length->value);
      have_length_ = true;
      return used + 1;
    }
    if (length || !length.error().is(VarintError::truncated)) {
      return fail(MultistreamError::malformed_length);
    }
    if (prefix_.size() == k_prefix_bytes_max) {
      return fail(MultistreamError::message_too_large);
    }
  }
  return in.size();
}

std::string_view MessageReader::text() const {
  VIVIM_ASSERT(complete());
  return as_text(BytesView(text_).first(text_.size() - 1));
}

void MessageReader::next() {
  prefix_.clear();
  text_.clear();
  length_ = 0;
  have_length_ = false;
}

}  // namespace vivim::libp2p::multistream
