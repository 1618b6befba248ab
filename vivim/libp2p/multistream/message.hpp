#pragma once

#include <cstddef>
#include <string_view>

#include "vivim/base/bytes.hpp"
#include "vivim/base/result.hpp"

namespace vivim::libp2p::multistream {

/// The protocol's own id, the first message of both sides.
inline constexpr std::string_view k_protocol_id = "/multistream/1.0.0";

/// What a listener answers to a proposal that it does not support.
inline constexpr std::string_view k_not_available = "na";

/// Asks a listener which protocols it supports.
inline constexpr std::string_view k_list = "ls";

/// Longest message, newline included, length prefix not.
inline constexpr std::size_t k_message_bytes_max = 1024;

/// True when `protocol` can be sent: not empty, fits a message, has no newline.
bool is_valid_protocol(std::string_view protocol);

/// Appends `text` as a message: unsigned varint of the length including '\n', the text, '\n'
/// (libp2p/specs connections/README.md, "multistream-select").
void append_message(Bytes& out, std::string_view text);

/// Takes one message after the other out of a byte stream, in pieces of any size. Holds at most one
/// message.
class MessageReader {
 public:
  /// Takes bytes of `in` up to the end of the current message and returns how many; then complete()
  /// tells whether text() is there. Errors: malformed_length, message_too_large, missing_newline.
  Result<std::size_t> feed(BytesView in);

  bool complete() const { return have_length_ && text_.size() == length_; }

  /// The complete message without its newline; valid until next().
  std::string_view text() const;

  /// Forgets the complete message and waits for the one behind it.
  void next();

  /// Hands each message of `in` to `take`, which may fail, as long as `wanted()`. How many bytes
  /// that were. Errors: feed()'s, `take`'s.
  template <class Wanted, class Take>
  Result<std::size_t> feed_each(BytesView in, const Wanted& wanted, const Take& take) {
    std::size_t used = 0;
    while (wanted() && used < in.size()) {
      VIVIM_TRY(const auto taken, feed(in.subspan(used)));
      used += taken;
      if (!complete()) {
        break;
      }
      VIVIM_TRYV(take(text()));
      next();
    }
    return used;
  }

 private:
  Result<std::size_t> feed_length(BytesView in);

  Bytes prefix_;
  Bytes text_;
  std::size_t length_ = 0;
  bool have_length_ = false;
};

}  // namespace vivim::libp2p::multistream
