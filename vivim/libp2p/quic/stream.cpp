#include "vivim/base/assert.hpp"
#include "vivim/libp2p/quic/connection_detail.hpp"
#include "vivim/rt/error.hpp"

namespace vivim::libp2p::quic {

QuicStream::~QuicStream() {
  if (connection_ != nullptr) {
    connection_->session().release(id_);
    connection_->forget(id_);
  }
}

void QuicStream::orphan() {
  connection_ = nullptr;
  wake_reader();
  wake_writer();
}

Error QuicStream::translate(const Error& error) const {
  if (error.is(QuicError::stream_reset)) {
    return Error(rt::RtError::reset, error.detail());
  }
  return error.is(QuicError::closed) ? ended() : Error(rt::RtError::closed);
}

Error QuicStream::ended() const {
  if (reset_here_ || connection_ == nullptr || !connection_->closed()) {
    return rt::RtError::closed;
  }
  return connection_->reason().cause == CloseCause::local ? Error(rt::RtError::closed)
                                                          : Error(rt::RtError::reset);
}

rt::Co<Result<std::size_t>> QuicStream::read_some(MutableBytes into) {
  VIVIM_ASSERT(!into.empty());
  for (;;) {
    if (reset_here_ || connection_ == nullptr) {
      co_return fail(ended());
    }
    const auto outcome = connection_->session().read(id_, into);
    if (!outcome) {
      co_return fail(translate(outcome.error()));
    }
    if (outcome->count > 0 || outcome->at_end) {
      if (outcome->count > 0) {
        connection_->touch();
      }
      co_return outcome->count;
    }
    if (connection_->closed()) {
      co_return fail(ended());
    }
    readable_.reset();
    co_await readable_.wait();
  }
}

rt::Co<Result<void>> QuicStream::write(BytesView bytes) {
  for (;;) {
    if (reset_here_ || connection_ == nullptr || connection_->closed()) {
      co_return fail(ended());
    }
    const auto taken = connection_->session().write(id_, bytes);
    if (!taken) {
      co_return fail(translate(taken.error()));
    }
    connection_->touch();
    bytes = bytes.subspan(*taken);
    if (bytes.empty()) {
      co_return Result<void>{};
    }
    writable_.reset();
    co_await writable_.wait();
  }
}

rt::Co<Result<void>> QuicStream::close_write() {
  if (reset_here_ || connection_ == nullptr || connection_->closed()) {
    co_return fail(ended());
  }
  if (const auto closed = connection_->session().close_write(id_); !closed) {
    co_return fail(translate(closed.error()));
  }
  connection_->touch();
  co_return Result<void>{};
}

void QuicStream::reset(std::uint32_t reason) {
  if (!std::exchange(reset_here_, true) && connection_ != nullptr) {
    connection_->session().reset(id_, reason);
    connection_->touch();
  }
  wake_reader();
  wake_writer();
}

}  // namespace vivim::libp2p::quic
