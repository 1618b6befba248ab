#include "vivim/libp2p/memory/transport.hpp"

#include <charconv>
#include <deque>
#include <optional>
#include <utility>

#include "vivim/base/assert.hpp"
#include "vivim/rt/error.hpp"
#include "vivim/rt/wait.hpp"

namespace vivim::libp2p::memory {

namespace {

using multiformats::Multiaddr;

std::optional<std::uint64_t> number_of(const Multiaddr& address) {
  const Multiaddr place = address.without_peer();
  const auto components = place.components();
  if (components.size() != 1 || components.front().protocol != multiformats::Protocol::memory) {
    return std::nullopt;
  }
  const std::string_view digits = as_text(components.front().value);
  const auto* const end = digits.data() + digits.size();
  std::uint64_t number = 0;
  const auto parsed = std::from_chars(digits.data(), end, number);
  const bool whole = parsed.ec == std::errc() && parsed.ptr == end;
  return whole ? std::optional(number) : std::nullopt;
}

Multiaddr address_of(std::uint64_t number) {
  return Multiaddr::parse("/memory/" + std::to_string(number)).value();
}

}  // namespace

class MemoryListener final : public TransportListener {
 public:
  MemoryListener(MemoryHub& hub, std::uint64_t number)
      : hub_(hub), number_(number), acceptable_(hub.loop_) {
    hub_.listeners_.emplace(number_, this);
  }
  ~MemoryListener() override { close(); }

  rt::Co<Result<TransportConnection>> accept() override {
    while (backlog_.empty() && !closed_) {
      acceptable_.reset();
      co_await acceptable_.wait();
    }
    if (closed_) {
      co_return fail(rt::RtError::closed);
    }
    RawConnection connection = std::move(backlog_.front());
    backlog_.pop_front();
    co_return std::move(connection);
  }
  Multiaddr local() const override { return address_of(number_); }
  void close() override {
    if (!std::exchange(closed_, true)) {
      hub_.listeners_.erase(number_);
      backlog_.clear();
      acceptable_.set();
    }
  }

  bool full() const { return backlog_.size() >= k_backlog_max; }
  void offer(RawConnection connection) {
    backlog_.push_back(std::move(connection));
    acceptable_.set();
  }

 private:
  MemoryHub& hub_;
  std::uint64_t number_;
  std::deque<RawConnection> backlog_;
  rt::Event acceptable_;
  bool closed_ = false;
};

MemoryHub::~MemoryHub() {
  VIVIM_ASSERT(listeners_.empty());
}

std::uint64_t MemoryHub::free_number() {
  while (listeners_.contains(next_)) {
    ++next_;
  }
  return next_++;
}

bool MemoryTransport::can_dial(const Multiaddr& address) const {
  return number_of(address).has_value();
}

bool MemoryTransport::can_listen(const Multiaddr& address) const {
  return number_of(address).has_value();
}

Result<std::unique_ptr<TransportListener>> MemoryTransport::listen(const Multiaddr& address) {
  const auto asked = number_of(address);
  if (!asked) {
    return fail(rt::RtError::bad_address);
  }
  const std::uint64_t number = *asked == 0 ? hub_.free_number() : *asked;
  if (hub_.listeners_.contains(number)) {
    return fail(rt::RtError::address_in_use, number);
  }
  return std::make_unique<MemoryListener>(hub_, number);
}

rt::Co<Result<TransportConnection>> MemoryTransport::dial(Multiaddr address, DialOptions) {
  const auto number = number_of(address);
  if (!number) {
    co_return fail(rt::RtError::bad_address);
  }
  const auto found = hub_.listeners_.find(*number);
  if (found == hub_.listeners_.end() || found->second->full()) {
    co_return fail(rt::RtError::refused);
  }
  auto [near, far] = rt::make_pipe(hub_.loop_, hub_.pipe_bytes_max_);
  const Multiaddr own = address_of(hub_.free_number());
  const Multiaddr place = address_of(*number);
  found->second->offer({.stream = std::move(far), .local = place, .remote = own});
  co_return RawConnection{.stream = std::move(near), .local = own, .remote = place};
}

}  // namespace vivim::libp2p::memory
