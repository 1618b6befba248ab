#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <deque>
#include <optional>
#include <utility>

#include "vivim/message/message.hpp"

namespace vivim::message {

/// First in, first out within a priority; of several priorities each gets its share, so that none
/// starves: of 15 turns 8 are critical's, 4 high's, 2 normal's, 1 low's, and what one does not need
/// goes to the others. Sans-IO; whoever fills it bounds it.
template <class T>
class PriorityQueue {
 public:
  void push(Priority priority, T item) {
    auto& queue = queues_[index(priority)];
    if (queue.items.empty()) {
      // Time that it was empty for does not count: no saved-up turns.
      queue.pass = std::max(queue.pass, now_);
    }
    queue.items.push_back(std::move(item));
  }
  /// In front of the others of its priority: something that was taken out and not used up.
  void push_front(Priority priority, T item) {
    auto& queue = queues_[index(priority)];
    if (queue.items.empty()) {
      queue.pass = std::max(queue.pass, now_);
    }
    queue.items.push_front(std::move(item));
  }

  /// The next one.
  std::optional<T> pop() {
    Queue* next = nullptr;
    for (auto& queue : queues_) {
      if (!queue.items.empty() && (next == nullptr || queue.pass < next->pass)) {
        next = &queue;
      }
    }
    if (next == nullptr) {
      return std::nullopt;
    }
    now_ = next->pass;
    next->pass += std::uint64_t{1} << (next - queues_.data());
    std::optional<T> item(std::move(next->items.front()));
    next->items.pop_front();
    return item;
  }

  bool empty() const {
    return std::ranges::all_of(queues_, [](const Queue& queue) { return queue.items.empty(); });
  }

 private:
  struct Queue {
    std::deque<T> items;
    std::uint64_t pass = 0;  ///< its next turn: turns of one priority are 1, 2, 4 or 8 apart
  };
  static std::size_t index(Priority priority) { return static_cast<std::size_t>(priority); }

  std::array<Queue, k_priorities> queues_;
  std::uint64_t now_ = 0;  ///< the turn that was last
};

}  // namespace vivim::message
