#include "vivim/rt/sim/stream_pair.hpp"

#include "vivim/base/assert.hpp"
#include "vivim/rt/pipe.hpp"

namespace vivim::rt::sim {

namespace {

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
  return make_pipe(loop, buffer_bytes_max);
}

std::unique_ptr<Stream> make_failing_stream(std::unique_ptr<Stream> inner, std::uint64_t nth,
                                            RtError error) {
  VIVIM_ASSERT(nth > 0);
  return std::make_unique<FailingStream>(std::move(inner), nth, error);
}

}  // namespace vivim::rt::sim
