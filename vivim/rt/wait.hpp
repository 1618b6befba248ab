#pragma once

#include <cstddef>
#include <deque>
#include <optional>
#include <utility>

#include "vivim/rt/co.hpp"
#include "vivim/rt/loop.hpp"

namespace vivim::rt {

/// Something that coroutines of one loop wait for. Manual reset: stays set until reset().
class Event {
 public:
  explicit Event(Loop& loop) : loop_(&loop) {}
  /// Whoever still waits never resumes.
  ~Event();
  Event(const Event&) = delete;
  Event& operator=(const Event&) = delete;

  /// Wakes all who wait, in order; they resume from the loop, not inside set().
  void set();
  void reset() { set_ = false; }
  bool is_set() const { return set_; }
  /// Returns at once if set. Whoever was woken may find it reset again: check the condition, and
  /// wait in a loop.
  Co<void> wait();

 private:
  struct Waiter;

  // A list of our own, because every connection and stream has several events: an empty one takes
  // no memory.
  Loop* loop_;
  Waiter* first_ = nullptr;
  Waiter* last_ = nullptr;
  bool set_ = false;
};

/// A bounded queue between coroutines of one loop. Its owner closes it and awaits those who wait
/// before it goes.
template <class T>
class Channel {
 public:
  Channel(Loop& loop, std::size_t items_max)
      : readable_(loop), writable_(loop), items_max_(items_max) {
    writable_.set();
  }

  /// False when full or closed: the caller applies its own policy (drop, close the peer).
  [[nodiscard]] bool try_send(T item) {
    if (closed_ || items_.size() >= items_max_) {
      return false;
    }
    items_.push_back(std::move(item));
    update();
    return true;
  }

  /// Waits for room; false when closed.
  Co<bool> send(T item) {
    while (!closed_ && items_.size() >= items_max_) {
      co_await writable_.wait();
    }
    co_return try_send(std::move(item));
  }

  /// Waits for an item; none when closed and empty.
  Co<std::optional<T>> receive() {
    while (items_.empty() && !closed_) {
      co_await readable_.wait();
    }
    if (items_.empty()) {
      co_return std::nullopt;
    }
    std::optional<T> item(std::move(items_.front()));
    items_.pop_front();
    update();
    co_return std::move(item);
  }

  /// No more sends; what is queued can still be received.
  void close() {
    closed_ = true;
    readable_.set();
    writable_.set();
  }

  bool closed() const { return closed_; }
  std::size_t size() const { return items_.size(); }

 private:
  void update() {
    if (closed_) {
      return;
    }
    items_.empty() ? readable_.reset() : readable_.set();
    items_.size() >= items_max_ ? writable_.reset() : writable_.set();
  }

  Event readable_;
  Event writable_;
  std::deque<T> items_;
  std::size_t items_max_;
  bool closed_ = false;
};

}  // namespace vivim::rt
