#pragma once

#include <memory>

#include "vivim/libp2p/limits/resource_manager.hpp"
#include "vivim/rt/stream.hpp"

namespace vivim::libp2p {

/// A stream that counts against limits as long as it is held. It may outlive its host: so the
/// counters are shared.
class ReservedStream final : public rt::Stream {
 public:
  ReservedStream(std::unique_ptr<rt::Stream> inner,
                 std::shared_ptr<limits::ResourceManager> resources,
                 limits::Reservation reservation)
      : resources_(std::move(resources)),
        reservation_(std::move(reservation)),
        inner_(std::move(inner)) {}

  rt::Co<Result<std::size_t>> read_some(MutableBytes into) override {
    return inner_->read_some(into);
  }
  rt::Co<Result<void>> write(BytesView bytes) override { return inner_->write(bytes); }
  rt::Co<Result<void>> close_write() override { return inner_->close_write(); }
  void reset(std::uint32_t reason) override { inner_->reset(reason); }

 private:
  std::shared_ptr<limits::ResourceManager> resources_;
  limits::Reservation reservation_;
  std::unique_ptr<rt::Stream> inner_;
};

}  // namespace vivim::libp2p
