#include "vivim/libp2p/standin/plain_stream.hpp"

#include <algorithm>

namespace vivim::libp2p::standin {

namespace {

constexpr std::size_t k_read_bytes_min = 512;
constexpr std::size_t k_read_bytes_max = std::size_t{64} * 1024;
constexpr std::size_t k_read_bytes_step = 4;
constexpr std::size_t k_take_bytes_min = 1024;  // FrameSource asks for so much room

}  // namespace

rt::Co<Result<BytesView>> PlainStream::read_frame() {
  if (!unread_.empty()) {
    co_return std::exchange(unread_, BytesView());
  }
  if (!early_.empty()) {
    buffer_ = std::exchange(early_, Bytes());
    co_return BytesView(buffer_);
  }
  if (!more_) {
    buffer_ = Bytes(k_read_bytes_min);  // who waits has little
  }
  VIVIM_CO_TRY(const auto count, co_await transport_->read_some(buffer_));
  const BytesView frame = BytesView(buffer_).first(count);
  more_ = count == buffer_.size();
  if (!more_) {
    co_return frame;
  }
  // What came moves to the front of a larger buffer.
  if (buffer_.size() < k_read_bytes_max) {
    buffer_.resize(std::min(buffer_.size() * k_read_bytes_step, k_read_bytes_max));
  }
  co_return BytesView(buffer_).first(count);
}

rt::Co<Result<std::size_t>> PlainStream::read_some(MutableBytes into) {
  VIVIM_CO_TRY(const auto frame, co_await read_frame());
  const std::size_t count = std::min(into.size(), frame.size());
  std::ranges::copy(frame.first(count), into.begin());
  unread_ = frame.subspan(count);
  co_return count;
}

rt::Co<Result<std::size_t>> PlainStream::write_frames(FrameSource& source) {
  const MutableBytes room = batch_.room();
  std::size_t used = 0;
  while (room.size() - used >= k_take_bytes_min) {
    const std::size_t count = source.take(room.subspan(used));
    if (count == 0) {
      break;
    }
    used += count;
  }
  if (used > 0) {
    VIVIM_CO_TRYV(co_await transport_->write(room.first(used)));
  }
  batch_.note(used);
  co_return used;
}

}  // namespace vivim::libp2p::standin
