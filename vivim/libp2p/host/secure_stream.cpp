#include "vivim/libp2p/host/secure_stream.hpp"

#include <algorithm>

#include "vivim/base/assert.hpp"
#include "vivim/rt/error.hpp"

namespace vivim::libp2p {

namespace {

// A connection at rest keeps the smallest read buffer; one whose reads fill it gets a larger one.
constexpr std::size_t k_read_bytes_min = 1024;
constexpr std::size_t k_read_bytes_max = std::size_t{64} * 1024;
constexpr std::size_t k_read_bytes_step = 4;
// So many small reads in a row: the connection rests, and gives its larger buffer back.
constexpr std::size_t k_small_reads_max = 8;
constexpr std::size_t k_small_read_bytes = std::size_t{4} * 1024;

constexpr std::size_t k_frame_bytes_max =
    noise::k_frame_plaintext_default + noise::k_frame_overhead_bytes;
// A smaller rest of a batch stays unused.
constexpr std::size_t k_frame_bytes_min = 1024 + noise::k_frame_overhead_bytes;

}  // namespace

SecureStream::SecureStream(std::unique_ptr<rt::Stream> transport, noise::Sender sender,
                           noise::Receiver receiver)
    : transport_(std::move(transport)),
      sender_(std::move(sender)),
      receiver_(std::move(receiver)),
      read_bytes_wanted_(k_read_bytes_min) {}

/// The buffer may be read into just now: it goes with the next read.
void SecureStream::trim() {
  batch_.clear();
  small_reads_ = k_small_reads_max;
}

rt::Co<Result<BytesView>> SecureStream::read_frame() {
  if (!unread_.empty()) {
    co_return std::exchange(unread_, BytesView());
  }
  for (;;) {
    VIVIM_CO_TRY(const auto frame, receiver_.next());
    if (frame) {
      co_return *frame;
    }
    if (small_reads_ >= k_small_reads_max && receiver_.held_bytes() > k_read_bytes_min) {
      receiver_.release();  // what a busy time left
      small_reads_ = 0;
      read_bytes_wanted_ = k_read_bytes_min;
    }
    const MutableBytes room = receiver_.prepare(read_bytes_wanted_);
    VIVIM_ASSERT(!room.empty());
    VIVIM_CO_TRY(const auto count, co_await transport_->read_some(room));
    if (count == 0) {
      if (receiver_.buffered() > 0) {
        co_return fail(rt::RtError::end_of_stream);
      }
      co_return BytesView();
    }
    receiver_.commit(count);
    small_reads_ = count < k_small_read_bytes ? small_reads_ + 1 : 0;
    if (count == room.size()) {
      read_bytes_wanted_ = std::min(k_read_bytes_step * read_bytes_wanted_, k_read_bytes_max);
    }
  }
}

rt::Co<Result<std::size_t>> SecureStream::read_some(MutableBytes into) {
  VIVIM_CO_TRY(const auto frame, co_await read_frame());
  const std::size_t count = std::min(into.size(), frame.size());
  std::ranges::copy(frame.first(count), into.begin());
  unread_ = frame.subspan(count);
  co_return count;
}

/// Frames are made where they leave from: a source's bytes are copied once, and sealed in place.
Result<SecureStream::Sealed> SecureStream::seal_from(FrameSource& source) {
  const MutableBytes room = batch_.room();
  Sealed sealed;
  std::size_t used = 0;
  while (room.size() - used >= k_frame_bytes_min) {
    const std::size_t size = std::min(room.size() - used, k_frame_bytes_max);
    const std::size_t count = source.take(
        room.subspan(used + noise::k_frame_header_bytes, size - noise::k_frame_overhead_bytes));
    if (count == 0) {
      break;
    }
    const MutableBytes frame = room.subspan(used, count + noise::k_frame_overhead_bytes);
    VIVIM_TRYV(sender_.seal_frame(frame));
    used += frame.size();
    sealed.taken += count;
  }
  sealed.frames = room.first(used);
  return sealed;
}

rt::Co<Result<std::size_t>> SecureStream::write_frames(FrameSource& source) {
  VIVIM_CO_TRY(const auto sealed, seal_from(source));
  if (sealed.taken > 0) {
    VIVIM_CO_TRYV(co_await transport_->write(sealed.frames));
  }
  batch_.note(sealed.frames.size());
  co_return sealed.taken;
}

rt::Co<Result<void>> SecureStream::write(BytesView bytes) {
  for (BytesSource source(bytes); !source.empty();) {
    VIVIM_CO_TRYV(co_await write_frames(source));
  }
  co_return Result<void>{};
}

}  // namespace vivim::libp2p
