#pragma once

#include <cstddef>
#include <utility>
#include <vector>

namespace vivim::rt::sim {

/// A queue that takes no memory while it is empty: a simulated network has hundreds of thousands of
/// them, nearly all at rest.
template <class T>
class Fifo {
 public:
  bool empty() const { return head_ == items_.size(); }
  std::size_t size() const { return items_.size() - head_; }
  T& front() { return items_[head_]; }

  void push_back(T item) { items_.push_back(std::move(item)); }

  T pop_front() {
    T item = std::move(items_[head_++]);
    if (empty()) {
      items_ = {};
      head_ = 0;
    } else if (head_ >= k_gap_min && head_ > items_.size() / 2) {
      items_.erase(items_.begin(), items_.begin() + static_cast<std::ptrdiff_t>(head_));
      head_ = 0;
    }
    return item;
  }

 private:
  static constexpr std::size_t k_gap_min = 32;

  std::vector<T> items_;
  std::size_t head_ = 0;  ///< those before it are gone
};

}  // namespace vivim::rt::sim
