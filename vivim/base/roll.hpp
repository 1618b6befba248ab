#pragma once

#include <algorithm>
#include <cstddef>
#include <vector>

#include "vivim/base/assert.hpp"

namespace vivim {

/// Objects of others that are under way, in the order in which they were put in: who walks over
/// them does so in the same order in every run, which in a set of pointers hangs on where they lie.
/// For as few that looking through them costs nothing. Not thread-safe.
template <class T>
class Roll {
 public:
  /// The object must not be in it.
  void insert(T& object) {
    VIVIM_ASSERT(!contains(object));
    objects_.push_back(&object);
  }
  /// Nothing happens when it is not in it.
  void erase(const T& object) { std::erase(objects_, &object); }

  bool contains(const T& object) const {
    return std::ranges::find(objects_, &object) != objects_.end();
  }
  bool empty() const { return objects_.empty(); }
  std::size_t size() const { return objects_.size(); }
  // Valid until something is put in or taken out.
  auto begin() const { return objects_.begin(); }
  auto end() const { return objects_.end(); }

 private:
  std::vector<T*> objects_;
};

}  // namespace vivim
