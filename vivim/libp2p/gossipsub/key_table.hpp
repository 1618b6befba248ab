#pragma once

#include <cstddef>
#include <utility>
#include <vector>

#include "vivim/libp2p/gossipsub/message.hpp"

namespace vivim::libp2p::gossipsub {

/// Values by message key (not that of zeros) in one block of memory: keys are spread by a secret
/// already, so a slot is found by their last bits. Takes no memory while empty.
template <class Value>
class KeyTable {
 public:
  /// Null when it is not there; valid until the next insert or erase.
  Value* find(const MessageKey& key) {
    const std::size_t at = place(key);
    return at == k_none ? nullptr : &slots_[at].value;
  }
  const Value* find(const MessageKey& key) const {
    const std::size_t at = place(key);
    return at == k_none ? nullptr : &slots_[at].value;
  }
  bool contains(const MessageKey& key) const { return place(key) != k_none; }

  /// The value of `key`, made if it is not there, and whether it was made.
  std::pair<Value*, bool> insert(const MessageKey& key) {
    if ((size_ + 1) * 4 > slots_.size() * 3) {
      grow();
    }
    std::size_t at = home(key);
    while (slots_[at].used() && slots_[at].key != key) {
      at = next(at);
    }
    const bool made = !slots_[at].used();
    if (made) {
      slots_[at].key = key;
      ++size_;
    }
    return {&slots_[at].value, made};
  }

  bool erase(const MessageKey& key) {
    std::size_t hole = place(key);
    if (hole == k_none) {
      return false;
    }
    // What stands behind moves up, so that no search ends too early.
    for (std::size_t at = next(hole); slots_[at].used(); at = next(at)) {
      const std::size_t from_home = (at - home(slots_[at].key)) & (slots_.size() - 1);
      const std::size_t from_hole = (at - hole) & (slots_.size() - 1);
      if (from_home >= from_hole) {
        slots_[hole] = std::move(slots_[at]);
        hole = at;
      }
    }
    slots_[hole] = Slot();
    --size_;
    return true;
  }

  /// Drops all, and the memory.
  void clear() {
    slots_ = std::vector<Slot>();
    size_ = 0;
  }

  std::size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }
  /// Memory that it takes.
  std::size_t bytes() const { return slots_.capacity() * sizeof(Slot); }

 private:
  struct Slot {
    MessageKey key;  ///< of zeros: empty; no message has that one
    Value value{};

    bool used() const { return key != MessageKey(); }
  };

  static constexpr std::size_t k_none = static_cast<std::size_t>(-1);

  std::size_t home(const MessageKey& key) const { return key.low & (slots_.size() - 1); }
  std::size_t next(std::size_t at) const { return (at + 1) & (slots_.size() - 1); }

  std::size_t place(const MessageKey& key) const {
    if (size_ == 0) {
      return k_none;
    }
    for (std::size_t at = home(key); slots_[at].used(); at = next(at)) {
      if (slots_[at].key == key) {
        return at;
      }
    }
    return k_none;
  }

  void grow() {
    std::vector<Slot> old(slots_.empty() ? 8 : slots_.size() * 2);
    old.swap(slots_);
    size_ = 0;
    for (Slot& slot : old) {
      if (slot.used()) {
        *insert(slot.key).first = std::move(slot.value);
      }
    }
  }

  std::vector<Slot> slots_;
  std::size_t size_ = 0;
};

/// Counters by key that are forgotten after one to two turns.
class TurningCounts {
 public:
  /// The count of `key`, 0 if there is none.
  std::uint8_t get(const MessageKey& key) const {
    const auto* now = current_.find(key);
    if (now != nullptr) {
      return *now;
    }
    const auto* before = previous_.find(key);
    return before == nullptr ? 0 : *before;
  }
  /// Counts one more, and returns the count before.
  std::uint8_t add(const MessageKey& key) {
    const std::uint8_t before = get(key);
    *current_.insert(key).first = static_cast<std::uint8_t>(before + (before < 255 ? 1 : 0));
    return before;
  }
  void turn() {
    previous_ = std::move(current_);
    current_.clear();
  }
  void clear() {
    current_.clear();
    previous_.clear();
  }
  bool empty() const { return current_.empty() && previous_.empty(); }
  std::size_t size() const { return current_.size() + previous_.size(); }

 private:
  KeyTable<std::uint8_t> current_;
  KeyTable<std::uint8_t> previous_;
};

}  // namespace vivim::libp2p::gossipsub
