#pragma once

#include <cstddef>
#include <list>
#include <map>
#include <utility>

#include "vivim/base/assert.hpp"

namespace vivim {

/// The values of the `items_max` keys that were used last; the least recently used makes room. Not
/// thread-safe.
template <class Key, class Value>
class Recent {
 public:
  explicit Recent(std::size_t items_max) : items_max_(items_max) { VIVIM_ASSERT(items_max > 0); }

  /// The value of `key`, which counts as used now; null when it is not among the last. Valid until
  /// the next put() or erase().
  Value* find(const Key& key) {
    const auto found = index_.find(key);
    if (found == index_.end()) {
      return nullptr;
    }
    order_.splice(order_.begin(), order_, found->second);
    return &found->second->second;
  }

  /// Sets the value of `key`, which counts as used now.
  void put(const Key& key, Value value) {
    erase(key);
    if (order_.size() == items_max_) {
      index_.erase(order_.back().first);
      order_.pop_back();
    }
    order_.emplace_front(key, std::move(value));
    index_.emplace(key, order_.begin());
  }

  void erase(const Key& key) {
    if (const auto found = index_.find(key); found != index_.end()) {
      order_.erase(found->second);
      index_.erase(found);
    }
  }

  std::size_t size() const { return order_.size(); }

 private:
  using Order = std::list<std::pair<Key, Value>>;

  std::size_t items_max_;
  Order order_;  ///< the last used first
  std::map<Key, typename Order::iterator> index_;
};

}  // namespace vivim
