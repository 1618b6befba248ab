#include "vivim/libp2p/tls/stream.hpp"

#include <algorithm>
#include <utility>

#include "vivim/base/assert.hpp"
#include "vivim/rt/error.hpp"

namespace vivim::libp2p::tls {

namespace {

// A connection at rest keeps the smaller read buffer; one whose reads fill it gets the larger.
constexpr std::size_t k_read_bytes_min = std::size_t{4} * 1024;
constexpr std::size_t k_read_bytes_max = std::size_t{64} * 1024;
// A smaller rest of a batch stays unused.
constexpr std::size_t k_piece_bytes_min = 1024;

rt::Co<Result<void>> flush(rt::Stream& transport, Session& session) {
  const Bytes output = session.poll_transmit();
  if (output.empty()) {
    co_return Result<void>{};
  }
  co_return co_await transport.write(output);
}

}  // namespace

TlsStream::TlsStream(std::unique_ptr<rt::Stream> transport, Session session)
    : transport_(std::move(transport)),
      session_(std::move(session)),
      read_bytes_wanted_(k_read_bytes_min) {}

rt::Co<Result<BytesView>> TlsStream::read_frame() {
  if (!unread_.empty()) {
    co_return std::exchange(unread_, BytesView());
  }
  for (;;) {
    VIVIM_CO_TRY(const auto frame, session_.next());
    if (frame) {
      co_return *frame;
    }
    if (session_.peer_closed()) {
      co_return BytesView();
    }
    const MutableBytes room = session_.prepare(read_bytes_wanted_);
    VIVIM_ASSERT(!room.empty());
    VIVIM_CO_TRY(const auto count, co_await transport_->read_some(room));
    if (count == 0) {
      co_return fail(rt::RtError::end_of_stream);
    }
    session_.commit(count);
    read_bytes_wanted_ = count == room.size() ? k_read_bytes_max : k_read_bytes_min;
  }
}

rt::Co<Result<std::size_t>> TlsStream::read_some(MutableBytes into) {
  VIVIM_CO_TRY(const auto frame, co_await read_frame());
  const std::size_t count = std::min(into.size(), frame.size());
  std::ranges::copy(frame.first(count), into.begin());
  unread_ = frame.subspan(count);
  co_return count;
}

rt::Co<Result<void>> TlsStream::send_sealed() {
  writing_ = true;
  const auto written = co_await transport_->write(sealed_);
  writing_ = false;
  co_return written;
}

rt::Co<Result<std::size_t>> TlsStream::write_frames(FrameSource& source) {
  const MutableBytes room = batch_.room();
  std::size_t taken = 0;
  while (room.size() - taken >= k_piece_bytes_min) {
    const std::size_t count = source.take(room.subspan(taken));
    if (count == 0) {
      break;
    }
    taken += count;
  }
  if (taken > 0) {
    sealed_.clear();
    VIVIM_CO_TRYV(session_.seal(room.first(taken), sealed_));
    VIVIM_CO_TRYV(co_await send_sealed());
  }
  batch_.note(taken);
  co_return taken;
}

rt::Co<Result<void>> TlsStream::write(BytesView bytes) {
  for (BytesSource source(bytes); !source.empty();) {
    VIVIM_CO_TRYV(co_await write_frames(source));
  }
  co_return Result<void>{};
}

rt::Co<Result<void>> TlsStream::close_write() {
  sealed_.clear();
  session_.close(sealed_);
  if (!sealed_.empty()) {
    VIVIM_CO_TRYV(co_await send_sealed());
  }
  co_return co_await transport_->close_write();
}

void TlsStream::trim() {
  if (!writing_) {
    batch_.clear();
    sealed_ = Bytes();
  }
  if (unread_.empty()) {
    session_.release();
  }
}

rt::Co<Result<std::unique_ptr<TlsStream>>> shake_hands(std::unique_ptr<rt::Stream> transport,
                                                       Session session) {
  for (;;) {
    const auto advanced = session.advance();
    const auto flushed = co_await flush(*transport, session);
    if (!advanced) {
      (void)co_await transport->close_write();  // so that the alert arrives
      co_return fail(advanced.error());
    }
    VIVIM_CO_TRYV(flushed);
    if (session.established()) {
      co_return std::make_unique<TlsStream>(std::move(transport), std::move(session));
    }
    VIVIM_CO_TRY(const auto count, co_await transport->read_some(session.prepare()));
    if (count == 0) {
      co_return fail(rt::RtError::end_of_stream);
    }
    session.commit(count);
  }
}

}  // namespace vivim::libp2p::tls
