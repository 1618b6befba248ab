#pragma once

#include <memory>

#include "vivim/libp2p/noise/transport.hpp"
#include "vivim/libp2p/transport/security.hpp"

namespace vivim::libp2p {

/// Sealed bytes that one write to the transport carries at most: several frames together.
inline constexpr std::size_t k_sealed_batch_bytes_max = std::size_t{256} * 1024;

/// A transport secured by Noise. Many frames go out in one write; frames are opened where they were
/// read.
class SecureStream final : public FrameStream {
 public:
  SecureStream(std::unique_ptr<rt::Stream> transport, noise::Sender sender,
               noise::Receiver receiver);

  rt::Co<Result<BytesView>> read_frame() override;
  void trim() override { sealed_ = Bytes(); }

  rt::Co<Result<std::size_t>> read_some(MutableBytes into) override;
  rt::Co<Result<void>> write(BytesView bytes) override;
  rt::Co<Result<void>> close_write() override { return transport_->close_write(); }
  void reset(std::uint32_t reason) override { transport_->reset(reason); }

 private:
  std::unique_ptr<rt::Stream> transport_;
  noise::Sender sender_;
  noise::Receiver receiver_;
  BytesView unread_;
  Bytes sealed_;
  std::size_t read_bytes_wanted_;
  std::size_t small_reads_ = 0;  ///< in a row
};

}  // namespace vivim::libp2p
