#pragma once

#include <memory>

#include "vivim/libp2p/noise/transport.hpp"
#include "vivim/libp2p/transport/batch_buffer.hpp"
#include "vivim/libp2p/transport/security.hpp"

namespace vivim::libp2p {

/// A transport secured by Noise. Many frames go out in one write; frames are opened where they were
/// read.
class SecureStream final : public FrameStream {
 public:
  SecureStream(std::unique_ptr<rt::Stream> transport, noise::Sender sender,
               noise::Receiver receiver);

  rt::Co<Result<BytesView>> read_frame() override;
  rt::Co<Result<std::size_t>> write_frames(FrameSource& source) override;
  std::size_t held_bytes() const override { return receiver_.held_bytes() + batch_.held_bytes(); }
  void trim() override;

  rt::Co<Result<std::size_t>> read_some(MutableBytes into) override;
  rt::Co<Result<void>> write(BytesView bytes) override;
  rt::Co<Result<void>> close_write() override { return transport_->close_write(); }
  void reset(std::uint32_t reason) override { transport_->reset(reason); }

 private:
  struct Sealed {
    std::size_t taken = 0;
    BytesView frames;
  };
  Result<Sealed> seal_from(FrameSource& source);

  std::unique_ptr<rt::Stream> transport_;
  noise::Sender sender_;
  noise::Receiver receiver_;
  BytesView unread_;
  BatchBuffer batch_;
  std::size_t read_bytes_wanted_;
  std::size_t small_reads_ = 0;  ///< in a row
};

}  // namespace vivim::libp2p
