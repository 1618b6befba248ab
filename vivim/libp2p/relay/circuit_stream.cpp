#include "vivim/libp2p/relay/circuit_stream.hpp"

#include "vivim/libp2p/relay/error.hpp"
#include "vivim/libp2p/relay/message.hpp"
#include "vivim/libp2p/transport/early_bytes.hpp"
#include "vivim/libp2p/transport/reset_code.hpp"

namespace vivim::libp2p::relay {

CircuitStream::CircuitStream(std::unique_ptr<rt::Stream> stream, Bytes question,
                             std::shared_ptr<bool> limited)
    : stream_(std::move(stream)),
      question_(std::move(question)),
      limited_(std::move(limited)),
      reader_(k_message_bytes_max) {}

rt::Co<Result<void>> CircuitStream::write(BytesView bytes) {
  return question_.empty() ? stream_->write(bytes) : write_first(bytes);
}

rt::Co<Result<void>> CircuitStream::write_first(BytesView bytes) {
  Bytes all = std::exchange(question_, Bytes());
  append(all, bytes);
  co_return co_await stream_->write(all);
}

rt::Co<Result<void>> CircuitStream::close_write() {
  return question_.empty() ? stream_->close_write() : ask_and_close();
}

rt::Co<Result<void>> CircuitStream::ask_and_close() {
  VIVIM_CO_TRYV(co_await write_first({}));
  co_return co_await stream_->close_write();
}

rt::Co<Result<std::size_t>> CircuitStream::read_some(MutableBytes into) {
  return reader_ ? read_first(into) : stream_->read_some(into);
}

rt::Co<Result<std::size_t>> CircuitStream::read_first(MutableBytes into) {
  if (!question_.empty()) {
    VIVIM_CO_TRYV(co_await write_first({}));
  }
  if (const auto taken = co_await take_answer(); !taken) {
    stream_->reset(to_value(reset_code_for(taken.error())));
    co_return fail(taken.error());
  }
  stream_ = with_early_bytes(std::move(stream_), reader_->take_rest());
  reader_.reset();
  co_return co_await stream_->read_some(into);
}

rt::Co<Result<void>> CircuitStream::take_answer() {
  VIVIM_CO_TRY(const auto bytes, co_await read_message(*stream_, *reader_));
  VIVIM_CO_TRY(const auto answer, decode_hop(bytes));
  if (answer.type != HopMessage::Type::status) {
    co_return fail(RelayError::unexpected);
  }
  if (answer.status != Status::ok) {
    co_return fail(RelayError::refused, static_cast<std::uint64_t>(*answer.status));
  }
  *limited_ = answer.limit.has_value();
  co_return Result<void>();
}

}  // namespace vivim::libp2p::relay
