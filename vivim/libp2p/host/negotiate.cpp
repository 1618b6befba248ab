#include "vivim/libp2p/host/negotiate.hpp"

#include <algorithm>
#include <array>

#include "vivim/libp2p/transport/reset_code.hpp"
#include "vivim/rt/deadline.hpp"
#include "vivim/rt/error.hpp"

namespace vivim::libp2p {

namespace {

constexpr std::size_t k_negotiation_read_bytes = 1024;

/// Feeds `machine` (a Dialer or Listener) until it is done, and returns what was behind.
template <class Machine>
rt::Co<Result<Bytes>> converse(rt::Stream& stream, Machine& machine) {
  std::array<std::uint8_t, k_negotiation_read_bytes> buffer{};
  while (!machine.done()) {
    if (const Bytes output = machine.take_output(); !output.empty()) {
      VIVIM_CO_TRYV(co_await stream.write(output));
    }
    VIVIM_CO_TRY(const auto count, co_await stream.read_some(buffer));
    if (count == 0) {
      co_return fail(HostError::closed_during_negotiation);
    }
    BytesView in = BytesView(buffer).first(count);
    VIVIM_CO_TRY(const auto used, machine.feed(in));
    if (machine.done()) {
      co_return to_bytes(in.subspan(used));
    }
  }
  co_return Bytes();
}

/// Writes what Undecided says, from the conversation and from the end of its patience: one write
/// at a time.
class Speaker {
 public:
  Speaker(rt::Loop& loop, rt::Stream& stream, multistream::Undecided& side)
      : stream_(stream), side_(side), free_(loop) {
    free_.set();
  }

  rt::Co<Result<void>> speak() {
    while (!free_.is_set()) {
      co_await free_.wait();
    }
    free_.reset();
    const Bytes output = side_.take_output();
    const auto written = output.empty() ? Result<void>() : co_await stream_.write(output);
    free_.set();
    co_return written;
  }
  /// A failure shows in what reads meanwhile.
  rt::Co<void> speak_up() { (void)co_await speak(); }

 private:
  rt::Stream& stream_;
  multistream::Undecided& side_;
  rt::Event free_;
};

/// Speaks and listens until it is decided, and returns what was behind.
rt::Co<Result<Bytes>> converse_undecided(rt::Stream& stream, multistream::Undecided& side,
                                         Speaker& speaker) {
  std::array<std::uint8_t, k_negotiation_read_bytes> buffer{};
  while (!side.done()) {
    VIVIM_CO_TRYV(co_await speaker.speak());
    VIVIM_CO_TRY(const auto count, co_await stream.read_some(buffer));
    if (count == 0) {
      co_return fail(HostError::closed_during_negotiation);
    }
    const BytesView in = BytesView(buffer).first(count);
    VIVIM_CO_TRY(const auto used, side.feed(in));
    if (side.done()) {
      (void)co_await speaker.speak();  // the agreement
      co_return to_bytes(in.subspan(used));
    }
  }
  co_return Bytes();
}

/// Sends its proposal with the first write, and checks the answer with the first read.
class OptimisticStream final : public rt::Stream {
 public:
  OptimisticStream(std::unique_ptr<rt::Stream> inner, std::string protocol,
                   std::shared_ptr<bool> agreed)
      : inner_(std::move(inner)),
        agreed_(std::move(agreed)),
        dialer_(std::make_unique<multistream::Dialer>(std::vector{std::move(protocol)},
                                                      multistream::DialMode::optimistic)),
        unsent_(dialer_->take_output()) {}

  rt::Co<Result<std::size_t>> read_some(MutableBytes into) override {
    if (dialer_ == nullptr) {
      return inner_->read_some(into);
    }
    return read_first(into);
  }
  rt::Co<Result<void>> write(BytesView bytes) override {
    if (unsent_.empty()) {
      return inner_->write(bytes);
    }
    return write_first(bytes);
  }
  rt::Co<Result<void>> close_write() override {
    if (unsent_.empty()) {
      return inner_->close_write();
    }
    return propose_and_close();
  }
  void reset(std::uint32_t reason) override { inner_->reset(reason); }

 private:
  rt::Co<Result<void>> write_first(BytesView bytes) {
    Bytes all = std::exchange(unsent_, Bytes());
    append(all, bytes);
    co_return co_await inner_->write(all);
  }
  rt::Co<Result<void>> propose_and_close() {
    VIVIM_CO_TRYV(co_await write_first({}));
    co_return co_await inner_->close_write();
  }
  rt::Co<Result<std::size_t>> read_first(MutableBytes into) {
    if (!unsent_.empty()) {
      VIVIM_CO_TRYV(co_await write_first({}));
    }
    auto early = co_await converse(*inner_, *dialer_);
    if (!early) {
      if (&early.error().domain() != &error_domain(rt::RtError{})) {
        inner_->reset(
            to_value(ResetCode::negotiation_failed));  // the peer refused, or broke the rules
      }
      co_return std::unexpected(early.error());
    }
    if (agreed_ != nullptr) {
      *std::exchange(agreed_, nullptr) = true;
    }
    dialer_.reset();
    inner_ = with_early_bytes(std::move(inner_), std::move(*early));
    co_return co_await inner_->read_some(into);
  }

  std::unique_ptr<rt::Stream> inner_;
  std::shared_ptr<bool> agreed_;
  std::unique_ptr<multistream::Dialer> dialer_;  ///< until the peer agreed
  Bytes unsent_;
};

}  // namespace

rt::Co<Result<Agreement>> propose(rt::Stream& stream, std::vector<std::string> protocols) {
  multistream::Dialer dialer(std::move(protocols));
  VIVIM_CO_TRY(auto early, co_await converse(stream, dialer));
  co_return Agreement{.protocol = std::string(*dialer.protocol()), .early = std::move(early)};
}

rt::Co<Result<Agreement>> agree(rt::Stream& stream, multistream::ProtocolList supported) {
  multistream::Listener listener(std::move(supported));
  VIVIM_CO_TRY(auto early, co_await converse(stream, listener));
  // An optimistic dialer may be gone already: its data still counts.
  (void)co_await stream.write(listener.take_output());
  co_return Agreement{.protocol = std::string(*listener.protocol()), .early = std::move(early)};
}

rt::Co<Result<Decision>> decide(rt::Loop& loop, rt::Stream& stream,
                                std::vector<std::string> protocols, std::uint64_t number,
                                rt::Duration patience) {
  using multistream::Opening;
  const bool listens = patience > rt::Duration::zero();
  multistream::Undecided side(std::move(protocols), number,
                              listens ? Opening::listen : Opening::propose);
  Speaker speaker(loop, stream, side);
  rt::TaskGroup tasks(loop);
  std::optional<rt::Deadline> silence;
  if (listens) {
    silence.emplace(loop, patience, [&] {
      side.propose();
      tasks.spawn("proposal", speaker.speak_up());
    });
  }
  auto early = co_await converse_undecided(stream, side, speaker);
  if (silence) {
    co_await silence->finish();
  }
  co_await tasks.stop();
  if (!early) {
    co_return fail(early.error());
  }
  Agreement agreement{.protocol = std::string(*side.protocol()), .early = std::move(*early)};
  co_return Decision{.agreement = std::move(agreement), .initiator = side.initiator()};
}

std::unique_ptr<rt::Stream> propose_with_first_write(std::unique_ptr<rt::Stream> stream,
                                                     std::string protocol,
                                                     std::shared_ptr<bool> agreed) {
  return std::make_unique<OptimisticStream>(std::move(stream), std::move(protocol),
                                            std::move(agreed));
}

rt::Co<Result<std::unique_ptr<rt::Stream>>> propose_optimistically(
    std::unique_ptr<rt::Stream> stream, std::string protocol) {
  auto proposing = propose_with_first_write(std::move(stream), std::move(protocol));
  VIVIM_CO_TRYV(co_await proposing->write({}));
  co_return proposing;
}

}  // namespace vivim::libp2p
