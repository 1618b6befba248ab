#pragma once

#include <cstddef>
#include <type_traits>
#include <utility>
#include <vector>

#include "vivim/base/assert.hpp"

namespace vivim {

/// First in, first out, for what every connection or stream has: takes no memory before the first
/// push, and little at rest, where an empty std::deque takes 576 bytes.
template <class T>
class Fifo {
  static_assert(std::is_trivially_destructible_v<T>, "popped items stay until the queue is empty");

 public:
  bool empty() const { return begin_ == items_.size(); }
  std::size_t size() const { return items_.size() - begin_; }
  const T& front() const {
    VIVIM_ASSERT(!empty());
    return items_[begin_];
  }

  void push_back(T item) { items_.push_back(std::move(item)); }

  void pop_front() {
    VIVIM_ASSERT(!empty());
    ++begin_;
    if (empty()) {
      if (items_.capacity() > k_kept_max) {
        clear();
      }
      items_.clear();
      begin_ = 0;
    } else if (begin_ >= k_kept_max && begin_ >= items_.size() / 2) {
      items_.erase(items_.begin(), items_.begin() + static_cast<std::ptrdiff_t>(begin_));
      begin_ = 0;
    }
  }

  /// Drops all, and the memory.
  void clear() {
    items_ = std::vector<T>();  // and not {}, which keeps the memory
    begin_ = 0;
  }
  /// Items that fit into the memory it has.
  std::size_t capacity() const { return items_.capacity(); }

 private:
  static constexpr std::size_t k_kept_max = 16;

  std::vector<T> items_;
  std::size_t begin_ = 0;
};

}  // namespace vivim
