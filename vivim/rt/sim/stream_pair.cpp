#include "vivim/rt/sim/stream_pair.hpp"

#include <algorithm>
#include <array>
#include <optional>

#include "vivim/base/assert.hpp"
#include "vivim/rt/wait.hpp"

namespace vivim::rt::sim {

namespace {

struct Pipe {
  explicit Pipe(Loop& loop) : readable(loop), writable(loop) {}

  Bytes bytes;
  bool closed = false;
  std::optional<Error> reader_failure;
  std::optional<Error> writer_failure;
  Event readable;
  Event writable;
};

struct Pair {
  Pair(Loop& loop, std::size_t bytes_max)
      : pipes{Pipe(loop), Pipe(loop)}, buffer_bytes_max(bytes_max) {}

  std::array<Pipe, 2> pipes;
  std::size_t buffer_bytes_max;
};

class PairEnd final : public Stream {
 public:
  PairEnd(std::shared_ptr<Pair> pair, std::size_t side) : pair_(std::move(pair)), side_(side) {}
  ~PairEnd() override {
    if (!out().closed) {
      reset(0);
    }
  }

  Co<Result<std::size_t>> read_some(MutableBytes into) override {
    VIVIM_ASSERT(!into.empty());
    Pipe& pipe = in();
    while (pipe.bytes.empty() && !pipe.closed && !pipe.reader_failure) {
      pipe.readable.reset();
      co_await pipe.readable.wait();
    }
    if (pipe.reader_failure) {
      co_return fail(*pipe.reader_failure);
    }
    const std::size_t n = std::min(into.size(), pipe.bytes.size());
    std::copy_n(pipe.bytes.begin(), n, into.begin());
    pipe.bytes.erase(pipe.bytes.begin(), pipe.bytes.begin() + static_cast<std::ptrdiff_t>(n));
    pipe.writable.set();
    co_return n;
  }

  Co<Result<void>> write(BytesView bytes) override {
    Pipe& pipe = out();
    for (;;) {
      if (pipe.writer_failure) {
        co_return fail(*pipe.writer_failure);
      }
      if (pipe.closed) {
        co_return fail(RtError::closed);
      }
      if (bytes.empty()) {
        co_return Result<void>{};
      }
      const std::size_t n = std::min(bytes.size(), pair_->buffer_bytes_max - pipe.bytes.size());
      append(pipe.bytes, bytes.first(n));
      bytes = bytes.subspan(n);
      if (n > 0) {
        pipe.readable.set();
      } else {
        pipe.writable.reset();
        co_await pipe.writable.wait();
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
    fail_pipe(in(), RtError::closed, Error(RtError::reset, reason));
    fail_pipe(out(), Error(RtError::reset, reason), RtError::closed);
    in().reader_failure = Error(RtError::closed);
    out().writer_failure = Error(RtError::closed);
  }

 private:
  Pipe& in() { return pair_->pipes[side_]; }
  Pipe& out() { return pair_->pipes[1 - side_]; }

  static void fail_pipe(Pipe& pipe, Error reader, Error writer) {
    pipe.reader_failure = pipe.reader_failure.value_or(reader);
    pipe.writer_failure = pipe.writer_failure.value_or(writer);
    pipe.readable.set();
    pipe.writable.set();
  }

  std::shared_ptr<Pair> pair_;
  std::size_t side_;
};

class FailingStream final : public Stream {
 public:
  FailingStream(std::unique_ptr<Stream> inner, std::uint64_t nth, RtError error)
      : inner_(std::move(inner)), left_(nth), error_(error) {}

  Co<Result<std::size_t>> read_some(MutableBytes into) override {
    if (fails()) {
      co_return fail(error_);
    }
    co_return co_await inner_->read_some(into);
  }
  Co<Result<void>> write(BytesView bytes) override {
    if (fails()) {
      co_return fail(error_);
    }
    co_return co_await inner_->write(bytes);
  }
  Co<Result<void>> close_write() override {
    if (fails()) {
      co_return fail(error_);
    }
    co_return co_await inner_->close_write();
  }
  void reset(std::uint32_t reason) override { inner_->reset(reason); }

 private:
  bool fails() {
    left_ -= left_ > 0 ? 1 : 0;
    if (left_ > 0) {
      return false;
    }
    inner_->reset(0);
    return true;
  }

  std::unique_ptr<Stream> inner_;
  std::uint64_t left_;
  RtError error_;
};

}  // namespace

std::pair<std::unique_ptr<Stream>, std::unique_ptr<Stream>> make_stream_pair(
    Loop& loop, std::size_t buffer_bytes_max) {
  VIVIM_ASSERT(buffer_bytes_max > 0);
  const auto pair = std::make_shared<Pair>(loop, buffer_bytes_max);
  return {std::make_unique<PairEnd>(pair, 0), std::make_unique<PairEnd>(pair, 1)};
}

std::unique_ptr<Stream> make_failing_stream(std::unique_ptr<Stream> inner, std::uint64_t nth,
                                            RtError error) {
  VIVIM_ASSERT(nth > 0);
  return std::make_unique<FailingStream>(std::move(inner), nth, error);
}

}  // namespace vivim::rt::sim
