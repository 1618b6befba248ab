#pragma once

#include <memory>
#include <utility>

#include "vivim/libp2p/limits/resource_manager.hpp"
#include "vivim/libp2p/metrics/metrics.hpp"
#include "vivim/libp2p/transport/reset_code.hpp"
#include "vivim/rt/error.hpp"
#include "vivim/rt/stream.hpp"

namespace vivim::libp2p {

inline constexpr std::string_view k_stream_resets = "libp2p_streams_reset_total";

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
    if (count) {
      read_.add(*count);
    } else if (count.error().is(rt::RtError::reset)) {
      count_reset("remote", static_cast<std::uint32_t>(count.error().detail()));
    }
    co_return count;
  }
  rt::Co<Result<void>> write(BytesView bytes) override {
    written_.add(bytes.size());
    return inner_->write(bytes);
  }
  rt::Co<Result<void>> close_write() override { return inner_->close_write(); }
  void reset(std::uint32_t reason) override {
    count_reset("local", reason);
    inner_->reset(reason);
  }

 private:
  /// Once: whoever was first.
  void count_reset(std::string_view side, std::uint32_t reason) {
    if (!std::exchange(was_reset_, true)) {
      counters_.metrics
          ->series(k_stream_resets, {{"side", side}, {"reason", reset_code_name(reason)}})
          .add();
    }
  }

  StreamCounters counters_;
  limits::Reservation reservation_;
  metrics::Series& read_;
  metrics::Series& written_;
  bool was_reset_ = false;
  std::unique_ptr<rt::Stream> inner_;
};

}  // namespace vivim::libp2p
