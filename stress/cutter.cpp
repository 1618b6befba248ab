#include "stress/cutter.hpp"

#include <utility>

namespace vivim::stress {

namespace {

constexpr std::size_t k_buffer_bytes = std::size_t{16} * 1024;
constexpr std::uint64_t k_bytes_max = std::uint64_t{512} * 1024;
constexpr auto k_dial_max = std::chrono::seconds(5);

}  // namespace

struct Cutter::Line {
  std::unique_ptr<rt::Stream> near;
  std::unique_ptr<rt::Stream> far;
  std::uint64_t bytes_left;

  void cut() {
    near->reset();
    far->reset();
  }
};

Result<void> Cutter::start(const rt::IpAddress& ip) {
  VIVIM_TRY(listener_, network_.listen({.ip = ip, .port = 0}));
  tasks_.on_stop([this] {
    listener_->close();
    for (auto* const stream : streams_) {
      stream->reset();
    }
  });
  tasks_.spawn("cutter", accept_loop());
  return {};
}

rt::Co<void> Cutter::stop() {
  co_await tasks_.stop();
}

rt::Co<void> Cutter::accept_loop() {
  for (;;) {
    auto connection = co_await listener_->accept();
    if (!connection) {
      co_return;
    }
    tasks_.spawn("line", carry(std::move(*connection)));
  }
}

rt::Co<void> Cutter::carry(rt::Connection near) {
  auto far = co_await network_.dial(target_, k_dial_max);
  if (!far || tasks_.stopping()) {
    co_return;
  }
  Line line{.near = std::move(near.stream),
            .far = std::move(far->stream),
            .bytes_left = rng_.below(k_bytes_max)};
  streams_.insert(*line.near);
  streams_.insert(*line.far);
  rt::TaskGroup back(loop_);
  back.spawn("line back", pump(line, *line.far, *line.near));
  co_await pump(line, *line.near, *line.far);
  co_await back.stop();
  streams_.erase(*line.near);
  streams_.erase(*line.far);
}

rt::Co<void> Cutter::pump(Line& line, rt::Stream& from, rt::Stream& to) {
  Bytes buffer(k_buffer_bytes);
  for (;;) {
    const auto count = co_await from.read_some(buffer);
    if (!count || *count == 0) {
      break;
    }
    if (*count >= line.bytes_left) {
      ++cuts_;
      break;
    }
    line.bytes_left -= *count;
    if (!co_await to.write(BytesView(buffer).first(*count))) {
      break;
    }
  }
  line.cut();
}

}  // namespace vivim::stress
