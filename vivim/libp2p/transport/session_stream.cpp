#include <utility>

#include "vivim/base/assert.hpp"
#include "vivim/libp2p/transport/session_stream_detail.hpp"
#include "vivim/rt/error.hpp"

namespace vivim::libp2p {

namespace {

// From this size on, waiting until the bytes have left costs less than a copy.
constexpr std::size_t k_lend_bytes_min = std::size_t{16} * 1024;

}  // namespace

SessionStream::~SessionStream() {
  if (connection_ != nullptr) {
    session().release(key_);
    connection_->forget(key_);
  }
}

void SessionStream::wake() {
  readable_.set();
  writable_.set();
}

void SessionStream::orphan() {
  connection_ = nullptr;
  wake();
}

bool SessionStream::writes_fail() const {
  return reset_here_ || connection_ == nullptr || connection_->closed();
}

Error SessionStream::ended() const {
  if (reset_here_ || connection_ == nullptr) {
    return rt::RtError::closed;
  }
  return connection_->reason().cause == CloseCause::local ? Error(rt::RtError::closed)
                                                          : Error(rt::RtError::reset);
}

rt::Co<Result<std::size_t>> SessionStream::read_some(MutableBytes into) {
  VIVIM_ASSERT(!into.empty());
  for (;;) {
    if (reset_here_ || connection_ == nullptr) {
      co_return fail(ended());
    }
    const auto outcome = session().read(key_, into);
    if (!outcome) {
      co_return fail(connection_->closed() ? ended() : session().translate(outcome.error()));
    }
    if (outcome->count > 0 || outcome->at_end) {
      connection_->settle();
      co_return outcome->count;
    }
    if (connection_->closed()) {
      co_return fail(ended());
    }
    session().expect(key_, into);
    readable_.reset();
    co_await readable_.wait();
  }
}

rt::Co<Result<void>> SessionStream::write(BytesView bytes) {
  for (;;) {
    if (writes_fail()) {
      co_return fail(ended());
    }
    connection_->note_activity();
    if (bytes.size() >= k_lend_bytes_min && session().lend(key_, bytes)) {
      connection_->settle();
      co_return co_await wait_for_lent();
    }
    const auto taken = session().write(key_, bytes);
    if (!taken) {
      co_return fail(session().translate(taken.error()));
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

rt::Co<Result<void>> SessionStream::wait_for_lent() {
  for (;;) {
    if (writes_fail()) {
      if (connection_ != nullptr) {
        session().take_back(key_);
      }
      co_return fail(ended());
    }
    const auto left = session().lent(key_);
    if (!left) {
      co_return fail(session().translate(left.error()));
    }
    if (*left == 0) {
      co_return Result<void>{};
    }
    writable_.reset();
    co_await writable_.wait();
  }
}

rt::Co<Result<void>> SessionStream::close_write() {
  if (writes_fail()) {
    co_return fail(ended());
  }
  if (const auto closed = session().close_write(key_); !closed) {
    co_return fail(session().translate(closed.error()));
  }
  connection_->settle();
  co_return Result<void>{};
}

void SessionStream::reset(std::uint32_t reason) {
  if (!std::exchange(reset_here_, true) && connection_ != nullptr) {
    session().reset(key_, reason);
    connection_->settle();
  }
  wake();
}

}  // namespace vivim::libp2p
