#pragma once

#include <cstddef>
#include <optional>
#include <utility>

#include "vivim/base/bytes.hpp"
#include "vivim/base/result.hpp"
#include "vivim/rt/co.hpp"
#include "vivim/rt/stream.hpp"

namespace vivim::libp2p {

enum class DelimitedError {
  too_large,         ///< peer: a message announces more bytes than allowed; detail: how many
  malformed_length,  ///< peer: the length in front of a message is not a varint
  truncated,         ///< peer: the stream ended inside a message, or before one
};
const ErrorDomain& error_domain(DelimitedError);

/// `body` behind its length as an unsigned varint: how libp2p's protocols send their messages.
Bytes delimited(BytesView body);

/// Cuts a stream of bytes into messages behind their lengths. Sans-IO. Holds at most one message
/// and what a single feed() brought behind it.
class DelimitedReader {
 public:
  explicit DelimitedReader(std::size_t message_bytes_max) : message_bytes_max_(message_bytes_max) {}

  void feed(BytesView in) { append(pending_, in); }

  /// The next whole message; nothing while it is incomplete. Errors: too_large, malformed_length;
  /// then every further call fails too.
  Result<std::optional<Bytes>> next();

  /// Whether no bytes of an incomplete message, or behind the last one, are waiting.
  bool empty() const { return pending_.empty(); }

  /// What arrived behind the last message; it belongs to whatever follows the messages.
  Bytes take_rest() { return std::exchange(pending_, {}); }

 private:
  std::size_t message_bytes_max_;
  Bytes pending_;
};

/// Reads the next message from a stream. Errors: those of the stream and of DelimitedReader,
/// truncated. No deadline here: the caller resets the stream.
rt::Co<Result<Bytes>> read_message(rt::Stream& stream, DelimitedReader& reader);

}  // namespace vivim::libp2p
