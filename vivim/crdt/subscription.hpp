#pragma once

#include <functional>
#include <utility>

namespace vivim::crdt {

/// Keeps an observer registered; destroying it ends the calls. May outlive what it observes.
/// Movable.
class [[nodiscard]] Subscription {
 public:
  Subscription() = default;
  explicit Subscription(std::function<void()> cancel) : cancel_(std::move(cancel)) {}
  Subscription(Subscription&& other) noexcept : cancel_(std::exchange(other.cancel_, nullptr)) {}
  Subscription& operator=(Subscription&& other) noexcept {
    if (this != &other) {
      cancel();
      cancel_ = std::exchange(other.cancel_, nullptr);
    }
    return *this;
  }
  ~Subscription() { cancel(); }

  /// Ends the calls now.
  void cancel() {
    if (auto cancel = std::exchange(cancel_, nullptr)) {
      cancel();
    }
  }

 private:
  std::function<void()> cancel_;
};

}  // namespace vivim::crdt
