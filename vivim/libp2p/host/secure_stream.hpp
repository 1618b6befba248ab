#pragma once

#include <memory>

#include "vivim/libp2p/noise/transport.hpp"
#include "vivim/rt/stream.hpp"

namespace vivim::libp2p {

/// Sealed bytes that one write to the transport carries at most: several frames together.
inline constexpr std::size_t k_sealed_batch_bytes_max = std::size_t{256} * 1024;

/// A transport secured by Noise. Many frames go out in one write; frames are opened where they were
/// read.
class SecureStream final : public rt::Stream {
 public:
  SecureStream(std::unique_ptr<rt::Stream> transport, noise::Sender sender,
               noise::Receiver receiver);

  /// The plaintext of the next frame (or what read_some left of it), valid until the next read;
  /// empty at the end of the stream. Errors: the transport's, noise's, and end_of_stream when the
  /// stream ends inside a frame.
  rt::Co<Result<BytesView>> read_frame();

  rt::Co<Result<std::size_t>> read_some(MutableBytes into) override;
  rt::Co<Result<void>> write(BytesView bytes) override;
  rt::Co<Result<void>> close_write() override { return transport_->close_write(); }
  void reset(std::uint32_t reason) override { transport_->reset(reason); }

  /// Gives the sending buffer back; not while a write is pending.
  void trim() { sealed_ = Bytes(); }

 private:
  std::unique_ptr<rt::Stream> transport_;
  noise::Sender sender_;
  noise::Receiver receiver_;
  BytesView unread_;
  Bytes sealed_;
  std::size_t read_bytes_wanted_;
};

}  // namespace vivim::libp2p
