#include "vivim/rt/pipe.hpp"

#include <algorithm>
#include <array>
#include <optional>

#include "vivim/base/assert.hpp"
#include "vivim/rt/error.hpp"
#include "vivim/rt/wait.hpp"

namespace vivim::rt {

namespace {

struct Direction {
  explicit Direction(Loop& loop) : readable(loop), writable(loop) {}

  Bytes bytes;
  bool closed = false;
  std::optional<Error> reader_failure;
  std::optional<Error> writer_failure;
  Event readable;
  Event writable;
};

struct Pipe {
  Pipe(Loop& loop, std::size_t bytes_max)
      : directions{Direction(loop), Direction(loop)}, buffer_bytes_max(bytes_max) {}

  std::array<Direction, 2> directions;
  std::size_t buffer_bytes_max;
};

class PipeEnd final : public Stream {
 public:
  PipeEnd(std::shared_ptr<Pipe> pipe, std::size_t side) : pipe_(std::move(pipe)), side_(side) {}
  ~PipeEnd() override {
    if (!out().closed) {
      reset(0);
    }
  }

  Co<Result<std::size_t>> read_some(MutableBytes into) override {
    VIVIM_ASSERT(!into.empty());
    Direction& way = in();
    while (way.bytes.empty() && !way.closed && !way.reader_failure) {
      way.readable.reset();
      co_await way.readable.wait();
    }
    if (way.reader_failure) {
      co_return fail(*way.reader_failure);
    }
    const std::size_t n = std::min(into.size(), way.bytes.size());
    std::copy_n(way.bytes.begin(), n, into.begin());
    way.bytes.erase(way.bytes.begin(), way.bytes.begin() + static_cast<std::ptrdiff_t>(n));
    way.writable.set();
    co_return n;
  }

  Co<Result<void>> write(BytesView bytes) override {
    Direction& way = out();
    for (;;) {
      if (way.writer_failure) {
        co_return fail(*way.writer_failure);
      }
      if (way.closed) {
        co_return fail(RtError::closed);
      }
      if (bytes.empty()) {
        co_return Result<void>{};
      }
      const std::size_t n = std::min(bytes.size(), pipe_->buffer_bytes_max - way.bytes.size());
      append(way.bytes, bytes.first(n));
      bytes = bytes.subspan(n);
      if (n > 0) {
        way.readable.set();
      } else {
        way.writable.reset();
        co_await way.writable.wait();
      }
    }
  }

  Co<Result<void>> close_write() override {
    if (out().writer_failure) {
      co_return fail(*out().writer_failure);
    }
    out().closed = true;
    out().readable.set();
    co_return Result<void>{};
  }

  void reset(std::uint32_t reason) override {
    fail_direction(in(), RtError::closed, Error(RtError::reset, reason));
    fail_direction(out(), Error(RtError::reset, reason), RtError::closed);
    in().reader_failure = Error(RtError::closed);
    out().writer_failure = Error(RtError::closed);
  }

 private:
  Direction& in() { return pipe_->directions[side_]; }
  Direction& out() { return pipe_->directions[1 - side_]; }

  static void fail_direction(Direction& way, Error reader, Error writer) {
    way.reader_failure = way.reader_failure.value_or(reader);
    way.writer_failure = way.writer_failure.value_or(writer);
    way.readable.set();
    way.writable.set();
  }

  std::shared_ptr<Pipe> pipe_;
  std::size_t side_;
};

}  // namespace

std::pair<std::unique_ptr<Stream>, std::unique_ptr<Stream>> make_pipe(
    Loop& loop, std::size_t buffer_bytes_max) {
  VIVIM_ASSERT(buffer_bytes_max > 0);
  const auto pipe = std::make_shared<Pipe>(loop, buffer_bytes_max);
  return {std::make_unique<PipeEnd>(pipe, 0), std::make_unique<PipeEnd>(pipe, 1)};
}

}  // namespace vivim::rt
