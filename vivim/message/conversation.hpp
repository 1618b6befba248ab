#pragma once

#include <memory>
#include <optional>

#include "vivim/libp2p/delimited/delimited.hpp"
#include "vivim/message/frame.hpp"
#include "vivim/rt/loop.hpp"
#include "vivim/rt/stream.hpp"

namespace vivim::message {

/// Frames over a stream, each read and write with a deadline of its own. Resets the stream when
/// something goes wrong, and when it goes before finish().
class Conversation {
 public:
  Conversation(std::unique_ptr<rt::Stream> stream, rt::Loop& loop, rt::Duration wait_max,
               std::size_t frame_bytes_max = k_frame_bytes_max)
      : stream_(std::move(stream)), loop_(loop), wait_max_(wait_max), reader_(frame_bytes_max) {}
  ~Conversation();
  Conversation(const Conversation&) = delete;
  Conversation& operator=(const Conversation&) = delete;

  /// Errors: the stream's, too_slow.
  rt::Co<Result<void>> write(Frame frame);
  /// The next frame. Errors: the stream's, decode_frame()'s, DelimitedError's, too_slow.
  rt::Co<Result<Frame>> read();
  /// The same; nothing when the other side has no more.
  rt::Co<Result<std::optional<Frame>>> read_or_end();
  /// We have no more; what was written still leaves.
  rt::Co<void> finish();

 private:
  rt::Co<Result<Bytes>> read_body();
  void break_off(const Error& error);

  std::unique_ptr<rt::Stream> stream_;
  rt::Loop& loop_;
  rt::Duration wait_max_;
  libp2p::DelimitedReader reader_;
  bool over_ = false;
};

}  // namespace vivim::message
