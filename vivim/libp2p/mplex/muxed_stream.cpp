#include <utility>

#include "vivim/base/assert.hpp"
#include "vivim/libp2p/mplex/muxed_stream_detail.hpp"
#include "vivim/rt/error.hpp"

namespace vivim::libp2p::mplex {

MplexStream::~MplexStream() {
  if (connection_ != nullptr) {
    connection_->session_.release(id_);
    connection_->forget(id_);
  }
}

void MplexStream::orphan() {
  connection_ = nullptr;
  wake_reader();
  wake_writer();
}

Error MplexStream::translate(const Error& error) {
  return error.is(MplexError::stream_closed) ? Error(rt::RtError::closed)
                                             : Error(rt::RtError::reset);
}

Error MplexStream::ended() const {
  if (reset_here_ || connection_ == nullptr) {
    return rt::RtError::closed;
  }
  return connection_->reason().cause == CloseCause::local ? Error(rt::RtError::closed)
                                                          : Error(rt::RtError::reset);
}

rt::Co<Result<std::size_t>> MplexStream::read_some(MutableBytes into) {
  VIVIM_ASSERT(!into.empty());
  for (;;) {
    if (reset_here_ || connection_ == nullptr) {
      co_return fail(ended());
    }
    const auto outcome = connection_->session_.read(id_, into);
    if (!outcome) {
      co_return fail(connection_->closed() ? ended() : translate(outcome.error()));
    }
    if (outcome->count > 0 || outcome->at_end) {
      connection_->settle();
      co_return outcome->count;
    }
    if (connection_->closed()) {
      co_return fail(ended());
    }
    readable_.reset();
    co_await readable_.wait();
  }
}

rt::Co<Result<void>> MplexStream::write(BytesView bytes) {
  for (;;) {
    if (reset_here_ || connection_ == nullptr || connection_->closed()) {
      co_return fail(ended());
    }
    const auto taken = connection_->session_.write(id_, bytes);
    if (!taken) {
      co_return fail(translate(taken.error()));
    }
    connection_->settle();
    bytes = bytes.subspan(*taken);
    if (bytes.empty()) {
      co_return Result<void>{};
    }
    writable_.reset();
    co_await writable_.wait();
  }
}

rt::Co<Result<void>> MplexStream::close_write() {
  if (reset_here_ || connection_ == nullptr || connection_->closed()) {
    co_return fail(ended());
  }
  if (const auto closed = connection_->session_.close_write(id_); !closed) {
    co_return fail(translate(closed.error()));
  }
  connection_->settle();
  co_return Result<void>{};
}

void MplexStream::reset(std::uint32_t) {
  if (!std::exchange(reset_here_, true) && connection_ != nullptr) {
    connection_->session_.reset(id_);
    connection_->settle();
  }
  wake_reader();
  wake_writer();
}

}  // namespace vivim::libp2p::mplex
