#include "vivim/libp2p/transport/early_bytes.hpp"

#include <algorithm>

namespace vivim::libp2p {

namespace {

/// Reads `early` first.
class PrefixedStream final : public rt::Stream {
 public:
  PrefixedStream(std::unique_ptr<rt::Stream> inner, Bytes early)
      : inner_(std::move(inner)), early_(std::move(early)) {}

  rt::Co<Result<std::size_t>> read_some(MutableBytes into) override {
    if (used_ == early_.size()) {
      return inner_->read_some(into);
    }
    return read_early(into);
  }
  rt::Co<Result<void>> write(BytesView bytes) override { return inner_->write(bytes); }
  rt::Co<Result<void>> close_write() override { return inner_->close_write(); }
  void reset(std::uint32_t reason) override {
    used_ = early_.size();
    inner_->reset(reason);
  }

 private:
  rt::Co<Result<std::size_t>> read_early(MutableBytes into) {
    const std::size_t count = std::min(into.size(), early_.size() - used_);
    std::ranges::copy(BytesView(early_).subspan(used_, count), into.begin());
    used_ += count;
    if (used_ == early_.size()) {
      early_ = Bytes();
      used_ = 0;
    }
    co_return count;
  }

  std::unique_ptr<rt::Stream> inner_;
  Bytes early_;
  std::size_t used_ = 0;
};

}  // namespace

std::unique_ptr<rt::Stream> with_early_bytes(std::unique_ptr<rt::Stream> stream, Bytes early) {
  if (early.empty()) {
    return stream;
  }
  return std::make_unique<PrefixedStream>(std::move(stream), std::move(early));
}

}  // namespace vivim::libp2p
