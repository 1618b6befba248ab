#pragma once

#include <memory>

#include "vivim/libp2p/transport/batch_buffer.hpp"
#include "vivim/libp2p/transport/security.hpp"

namespace vivim::libp2p::standin {

/// A transport as it is, behind the interface of a secured one. Takes as little memory at rest as
/// that of Noise.
class PlainStream final : public FrameStream {
 public:
  /// `early`: what was read from the transport already.
  PlainStream(std::unique_ptr<rt::Stream> transport, Bytes early)
      : transport_(std::move(transport)), early_(std::move(early)) {}

  rt::Co<Result<BytesView>> read_frame() override;
  rt::Co<Result<std::size_t>> write_frames(FrameSource& source) override;
  std::size_t held_bytes() const override {
    return early_.capacity() + buffer_.capacity() + batch_.held_bytes();
  }
  void trim() override { batch_.clear(); }

  rt::Co<Result<std::size_t>> read_some(MutableBytes into) override;
  rt::Co<Result<void>> write(BytesView bytes) override { return transport_->write(bytes); }
  rt::Co<Result<void>> close_write() override { return transport_->close_write(); }
  void reset(std::uint32_t reason) override { transport_->reset(reason); }

 private:
  std::unique_ptr<rt::Stream> transport_;
  Bytes early_;
  Bytes buffer_;
  BytesView unread_;
  BatchBuffer batch_;
  bool more_ = false;  ///< the last read filled the buffer
};

}  // namespace vivim::libp2p::standin
