#pragma once

#include <memory>
#include <optional>

#include "vivim/libp2p/delimited/delimited.hpp"
#include "vivim/rt/stream.hpp"

namespace vivim::libp2p::relay {

/// The end of a circuit at who asks for it (circuit-v2, CONNECT), before the relay has answered.
/// The question leaves together with what is written first; the answer is taken off the front of
/// what is read. A relay that refuses shows in the first read: RelayError::refused with its status,
/// unexpected, or malformed.
class CircuitStream final : public rt::Stream {
 public:
  /// `stream` is the one to the relay; `limited` is set when it has agreed, before the first read
  /// returns.
  CircuitStream(std::unique_ptr<rt::Stream> stream, Bytes question, std::shared_ptr<bool> limited);

  rt::Co<Result<std::size_t>> read_some(MutableBytes into) override;
  rt::Co<Result<void>> write(BytesView bytes) override;
  rt::Co<Result<void>> close_write() override;
  void reset(std::uint32_t reason) override { stream_->reset(reason); }

 private:
  rt::Co<Result<void>> write_first(BytesView bytes);
  rt::Co<Result<void>> ask_and_close();
  rt::Co<Result<std::size_t>> read_first(MutableBytes into);
  rt::Co<Result<void>> take_answer();

  std::unique_ptr<rt::Stream> stream_;
  Bytes question_;  ///< until it has been sent
  std::shared_ptr<bool> limited_;
  std::optional<DelimitedReader> reader_;  ///< until the relay has agreed
};

}  // namespace vivim::libp2p::relay
