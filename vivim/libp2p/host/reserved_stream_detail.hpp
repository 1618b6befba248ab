#pragma once

#include <memory>

#include "vivim/libp2p/limits/resource_manager.hpp"
#include "vivim/libp2p/metrics/metrics.hpp"
#include "vivim/rt/stream.hpp"

namespace vivim::libp2p {

/// Counters that streams share with their host; they may outlive it.
struct StreamCounters {
  std::shared_ptr<limits::ResourceManager> resources;
  std::shared_ptr<metrics::Registry> metrics;
};

/// A stream that counts against limits as long as it is held, and whose bytes are counted.
class ReservedStream final : public rt::Stream {
 public:
  ReservedStream(std::unique_ptr<rt::Stream> inner, StreamCounters counters,
                 limits::Reservation reservation, metrics::Series& read, metrics::Series& written)
      : counters_(std::move(counters)),
        reservation_(std::move(reservation)),
        read_(read),
        written_(written),
        inner_(std::move(inner)) {}

  rt::Co<Result<std::size_t>> read_some(MutableBytes into) override {
    auto count = co_await inner_->read_some(into);
    read_.add(count.value_or(0));
    co_return count;
  }
  rt::Co<Result<void>> write(BytesView bytes) override {
    written_.add(bytes.size());
    return inner_->write(bytes);
  }
  rt::Co<Result<void>> close_write() override { return inner_->close_write(); }
  void reset(std::uint32_t reason) override { inner_->reset(reason); }

 private:
  StreamCounters counters_;
  limits::Reservation reservation_;
  metrics::Series& read_;
  metrics::Series& written_;
  std::unique_ptr<rt::Stream> inner_;
};

}  // namespace vivim::libp2p
