#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "vivim/crdt/content_detail.hpp"
#include "vivim/crdt/wire_detail.hpp"

namespace vivim::crdt::detail {

/// Indexes instead of pointers: half the size, and the same after a move.
using ItemRef = std::uint32_t;
using TypeRef = std::uint32_t;
using ClientIndex = std::uint32_t;
using KeyRef = std::uint32_t;
inline constexpr std::uint32_t k_none = 0xffff'ffff;

/// An operation inside a document, `client` as a dense index.
struct DenseId {
  ClientIndex client = k_none;  ///< k_none: no id
  std::uint32_t clock = 0;
  bool exists() const { return client != k_none; }
  friend bool operator==(const DenseId&, const DenseId&) = default;
};

/// An id as one number, never 0.
constexpr std::uint64_t packed(DenseId id) {
  return (std::uint64_t{id.client} + 1) << 32 | id.clock;
}

/// A run of operations of one client that lie side by side in one list: what Yjs calls an Item, or
/// a GC struct.
struct Item {
  ClientIndex client = k_none;
  std::uint32_t clock = 0;
  std::uint32_t len = 0;
  ItemRef left = k_none;
  ItemRef right = k_none;
  DenseId origin;
  DenseId right_origin;
  TypeRef parent = k_none;      ///< k_none for GC structs
  KeyRef key = k_none;          ///< of a map's entry
  std::uint32_t leaf = k_none;  ///< in the parent's sequence index, if it has one
  Kind kind = Kind::gc;
  bool deleted = false;
  bool keep = false;    ///< its content is not forgotten, for an undo manager wants it
  bool zoned = false;   ///< one of Engine::zone_
  bool redone = false;  ///< an undo manager made it anew: see Engine::redone_
  Content content;

  std::uint32_t end() const { return clock + len; }
  DenseId id() const { return {client, clock}; }
  DenseId last_id() const { return {client, clock + len - 1}; }
  bool has_origins() const { return (origin.client & right_origin.client) != k_none; }
  bool countable() const {
    return kind != Kind::gc && kind != Kind::deleted && kind != Kind::format;
  }
  /// A format mark that holds.
  bool is_mark() const { return !deleted && kind == Kind::format; }
  /// Units that a reader sees.
  std::uint32_t visible() const { return deleted || !countable() ? 0 : len; }
};

/// All items of a document: stable addresses, 32-bit handles, freed slots reused.
class ItemSlab {
 public:
  ItemRef make() {
    if (!free_.empty()) {
      const ItemRef ref = free_.back();
      free_.pop_back();
      return ref;
    }
    if (used_ == chunks_.size() * k_chunk) {
      chunks_.push_back(std::make_unique<Item[]>(k_chunk));
    }
    return used_++;
  }
  void release(ItemRef ref) {
    (*this)[ref] = Item{};
    free_.push_back(ref);
  }
  Item& operator[](ItemRef ref) { return chunks_[ref / k_chunk][ref % k_chunk]; }
  const Item& operator[](ItemRef ref) const { return chunks_[ref / k_chunk][ref % k_chunk]; }
  std::uint32_t capacity() const { return used_; }

 private:
  static constexpr std::uint32_t k_chunk = 256;
  std::vector<std::unique_ptr<Item[]>> chunks_;
  std::vector<ItemRef> free_;
  std::uint32_t used_ = 0;
};

/// One client's items in order of clock, without gaps. Chunks keep an insertion in the middle
/// cheap.
class RunList {
 public:
  struct Entry {
    std::uint32_t clock = 0;
    ItemRef item = k_none;
  };
  struct Position {
    std::uint32_t chunk = 0;
    std::uint32_t slot = 0;
    friend bool operator==(const Position&, const Position&) = default;
  };

  bool empty() const { return chunks_.empty(); }
  std::size_t size() const { return size_; }
  /// The run that covers `clock`, which must be below the client's state and not below the first
  /// run.
  Position find(std::uint32_t clock) const;
  ItemRef at(Position position) const { return chunks_[position.chunk][position.slot].item; }
  Position last() const {
    return {static_cast<std::uint32_t>(chunks_.size() - 1),
            static_cast<std::uint32_t>(chunks_.back().size() - 1)};
  }
  bool is_first(Position position) const { return position.chunk == 0 && position.slot == 0; }
  bool is_last(Position position) const { return position == last(); }
  Position next(Position position) const;
  Position previous(Position position) const;
  /// How many runs lie at or behind `position`.
  std::size_t count_from(Position position) const;

  /// Calls `visit` with every item from `position` on, in order.
  template <class Visit>
  void each_from(Position position, Visit&& visit) const {
    std::size_t slot = position.slot;
    for (std::size_t chunk = position.chunk; chunk < chunks_.size(); ++chunk, slot = 0) {
      const auto& entries = chunks_[chunk];
      for (; slot < entries.size(); ++slot) {
        visit(entries[slot].item);
      }
    }
  }

  void push_back(Entry entry);
  /// Puts `entry` right behind `position` and returns where it is; other positions become invalid.
  Position insert_after(Position position, Entry entry);
  /// Removes `count` runs behind `position`, which stays valid.
  void erase_after(Position position, std::size_t count);

 private:
  static constexpr std::size_t k_chunk = 128;
  bool covers(Position position, std::uint32_t clock) const;

  std::vector<std::vector<Entry>> chunks_;
  std::vector<std::uint32_t> firsts_;  ///< each chunk's first clock
  std::size_t size_ = 0;
  mutable Position recent_;  ///< what was found last: the next is often there or beside it
};

}  // namespace vivim::crdt::detail
