#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "vivim/base/bytes.hpp"
#include "vivim/crdt/block_pool_detail.hpp"
#include "vivim/crdt/wire_detail.hpp"

namespace vivim::crdt::detail {

/// Indexes instead of pointers: half the size, and the same after a move. They take 28 bits, so
/// that an item's links have room for its flags.
using ItemRef = std::uint32_t;
using TypeRef = std::uint32_t;
using ClientIndex = std::uint32_t;
using KeyRef = std::uint32_t;
using ShapeRef = std::uint32_t;
inline constexpr std::uint32_t k_none = 0x0fff'ffff;
/// Most items of a document, with room for those that a transaction cuts.
inline constexpr std::size_t k_items_max = k_none - 0xffff;

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

/// What many items have in common: who wrote them, who wrote what they stand between, and where
/// they belong. A document has few shapes, each kept once.
struct Shape {
  ClientIndex client = k_none;
  ClientIndex origin = k_none;        ///< whose the left origin is; k_none: there is none
  ClientIndex right_origin = k_none;  ///< and the right one
  TypeRef parent = k_none;            ///< k_none for GC structs
  KeyRef key = k_none;                ///< of a map's entry

  bool has_origins() const { return (origin & right_origin) != k_none; }
  friend bool operator==(const Shape&, const Shape&) = default;
};

/// Every shape once, numbered.
class ShapeTable {
 public:
  const Shape& operator[](ShapeRef ref) const { return shapes_[ref]; }
  ShapeRef intern(const Shape& shape) {
    return last_ < shapes_.size() && shapes_[last_] == shape ? last_ : look_up(shape);
  }

 private:
  ShapeRef look_up(const Shape& shape);
  void rehash();

  std::vector<Shape> shapes_;
  std::vector<ShapeRef> slots_;  ///< open addressing; k_none: free
  ShapeRef last_ = 0;            ///< what was asked for last
};

/// A run of operations of one client that lie side by side in one list: what Yjs calls an Item, or
/// a GC struct. What it shares with others is its shape, what it holds is with Items: this is all
/// that an operation takes in memory, but for text of more than four bytes.
struct Item {
  std::uint32_t clock = 0;
  std::uint32_t len = 0;
  std::uint32_t origin_clock = 0;        ///< of the left origin, if the shape has one
  std::uint32_t right_origin_clock = 0;  ///< of the right one
  /// By kind: the index of a type; the handle of a block; or text of up to four bytes itself.
  std::uint32_t content = 0;

  const std::uint8_t* content_bytes() const {
    return reinterpret_cast<const std::uint8_t*>(this) + offsetof(Item, content);
  }
  ItemRef left() const { return left_and_kind & k_none; }
  ItemRef right() const { return right_and_flags & k_none; }
  Kind kind() const { return static_cast<Kind>(left_and_kind >> k_ref_bits); }
  bool deleted() const { return (right_and_flags & k_deleted) != 0; }
  /// Its content is not forgotten, for an undo manager wants it.
  bool keep() const { return (right_and_flags & k_keep) != 0; }
  /// One of Engine::zone_.
  bool zoned() const { return (right_and_flags & k_zoned) != 0; }
  /// An undo manager made it anew: see Engine::redone_.
  bool redone() const { return (right_and_flags & k_redone) != 0; }
  ShapeRef shape() const { return shape_and_wide & ~k_wide; }
  /// Text of two bytes a unit.
  bool wide() const { return (shape_and_wide & k_wide) != 0; }

  void set_left(ItemRef ref) { left_and_kind = (left_and_kind & ~k_none) | ref; }
  void set_right(ItemRef ref) { right_and_flags = (right_and_flags & ~k_none) | ref; }
  void set_kind(Kind kind) {
    left_and_kind = (left_and_kind & k_none) | static_cast<std::uint32_t>(kind) << k_ref_bits;
  }
  void set_deleted(bool value) { set_flag(right_and_flags, k_deleted, value); }
  void set_keep(bool value) { set_flag(right_and_flags, k_keep, value); }
  void set_zoned(bool value) { set_flag(right_and_flags, k_zoned, value); }
  void set_redone(bool value) { set_flag(right_and_flags, k_redone, value); }
  void set_shape(ShapeRef shape) { shape_and_wide = (shape_and_wide & k_wide) | shape; }
  void set_wide(bool value) { set_flag(shape_and_wide, k_wide, value); }

  std::uint32_t end() const { return clock + len; }
  bool covers(std::uint32_t at) const { return at - clock < len; }
  bool countable() const {
    return kind() != Kind::gc && kind() != Kind::deleted && kind() != Kind::format;
  }
  /// What it holds is bytes, not text nor a type.
  bool has_bytes() const {
    constexpr std::uint32_t k_kinds = 1U << static_cast<std::uint32_t>(Kind::json) |
                                      1U << static_cast<std::uint32_t>(Kind::any) |
                                      1U << static_cast<std::uint32_t>(Kind::binary) |
                                      1U << static_cast<std::uint32_t>(Kind::embed) |
                                      1U << static_cast<std::uint32_t>(Kind::format) |
                                      1U << static_cast<std::uint32_t>(Kind::doc);
    return (k_kinds >> static_cast<std::uint32_t>(kind()) & 1) != 0;
  }
  /// A format mark that holds.
  bool is_mark() const { return !deleted() && kind() == Kind::format; }
  /// Units that a reader sees.
  std::uint32_t visible() const { return deleted() || !countable() ? 0 : len; }

  static constexpr std::uint32_t k_ref_bits = 28;
  static constexpr std::uint32_t k_deleted = 1U << 28;
  static constexpr std::uint32_t k_keep = 1U << 29;
  static constexpr std::uint32_t k_zoned = 1U << 30;
  static constexpr std::uint32_t k_redone = 1U << 31;
  static constexpr std::uint32_t k_wide = 1U << 31;

  static void set_flag(std::uint32_t& word, std::uint32_t flag, bool value) {
    word = value ? word | flag : word & ~flag;
  }

  std::uint32_t left_and_kind = k_none;    ///< with the kind above
  std::uint32_t right_and_flags = k_none;  ///< with flags above
  std::uint32_t shape_and_wide = 0;        ///< with a flag above
};
static_assert(sizeof(Item) == 32);
static_assert(offsetof(Item, content) + BlockPool::k_readable <= sizeof(Item));

/// All items of a document and what they hold: stable addresses, 32-bit handles, freed slots
/// reused.
class Items {
 public:
  ItemRef make() {
    if (free_ != k_none) {
      const ItemRef ref = free_;
      free_ = (*this)[ref].clock;
      (*this)[ref].clock = 0;
      return ref;
    }
    if (used_ == chunks_.size() * k_chunk) {
      add_chunk();
    }
    return used_++;
  }
  void release(ItemRef ref) {
    clear((*this)[ref]);
    (*this)[ref] = Item{};
    (*this)[ref].clock = free_;
    free_ = ref;
  }
  Item& operator[](ItemRef ref) { return chunks_[ref / k_chunk][ref % k_chunk]; }
  const Item& operator[](ItemRef ref) const { return chunks_[ref / k_chunk][ref % k_chunk]; }
  std::uint32_t capacity() const { return used_; }

  // What an item's shape says.
  const Shape& shape(const Item& item) const { return shapes_[item.shape()]; }
  const Shape& shape(ShapeRef ref) const { return shapes_[ref]; }
  ShapeRef intern(const Shape& shape) { return shapes_.intern(shape); }
  void set_shape(Item& item, const Shape& shape) { item.set_shape(shapes_.intern(shape)); }
  ClientIndex client(const Item& item) const { return shape(item).client; }
  TypeRef parent(const Item& item) const { return shape(item).parent; }
  KeyRef key(const Item& item) const { return shape(item).key; }
  DenseId origin(const Item& item) const { return {shape(item).origin, item.origin_clock}; }
  DenseId right_origin(const Item& item) const {
    return {shape(item).right_origin, item.right_origin_clock};
  }
  DenseId id(const Item& item) const { return {client(item), item.clock}; }
  DenseId last_id(const Item& item) const { return {client(item), item.clock + item.len - 1}; }

  // The leaf of an item in its parent's sequence index, if that has one.
  std::uint32_t leaf(ItemRef ref) const { return ref < leaves_.size() ? leaves_[ref] : k_none; }
  void set_leaf(ItemRef ref, std::uint32_t leaf) {
    if (ref >= leaves_.size()) {
      leaves_.resize(used_, k_none);
    }
    leaves_[ref] = leaf;
  }

  // What an item holds (item_content.cpp). None of these changes its length: text has that of its
  // item before the call, and its caller sees to the rest.

  /// Forgets it. What was never given counts as nothing.
  void clear(Item& item);
  /// Bytes of what it holds.
  std::size_t size(const Item& item) const {
    return item.kind() == Kind::string ? text_size(item) : bytes(item).size();
  }
  /// Gives `to`, which is of the same kind and length and holds nothing, a copy.
  void copy_content(const Item& from, Item& to);

  /// Kind::string: valid UTF-8 of `units` UTF-16 units, which is the item's length, for an item
  /// that holds nothing.
  void set_text(Item& item, std::string_view utf8, std::size_t units) {
    if (utf8.size() <= k_inline_max && units == utf8.size()) {
      item.content = word_of(utf8);
    } else {
      set_long_text(item, utf8, units);
    }
  }
  /// Appends valid UTF-8 of `units` UTF-16 units.
  void append_string(Item& item, std::string_view utf8, std::size_t units);
  /// Appends the text of `tail`.
  void append_text(Item& item, const Item& tail);
  /// Keeps the first `units` and gives the rest to `tail`; a surrogate pair that is cut becomes two
  /// U+FFFD.
  void split_text(Item& item, Item& tail, std::uint32_t units);
  /// Bytes of text: ASCII one a unit, anything else UTF-16.
  static std::size_t text_size(const Item& item) {
    return std::size_t{item.len} << (item.wide() ? 1 : 0);
  }
  BytesView text_bytes(const Item& item) const {
    const std::size_t size = text_size(item);
    return {size <= k_inline_max ? reinterpret_cast<const std::uint8_t*>(&item.content)
                                 : blocks_.at(item.content),
            size};
  }
  /// Appends the text from unit `offset` on as UTF-8.
  void append_to(std::string& out, const Item& item, std::uint32_t offset = 0) const {
    append_to(out, item, offset, item.len);
  }
  /// The same up to unit `end`.
  void append_to(std::string& out, const Item& item, std::uint32_t offset, std::uint32_t end) const;
  /// Items and their texts for a loop that writes bytes: as BlockPool::View, and as long.
  class View {
   public:
    explicit View(const Items& items) : chunks_(items.chunks_.data()), blocks_(items.blocks_) {}

    const Item& operator[](ItemRef ref) const { return chunks_[ref / k_chunk][ref % k_chunk]; }
    /// Room that put_text() wants beyond the text.
    static constexpr std::size_t k_put_room = BlockPool::k_readable;
    /// Copies the `size` bytes of the item's text to `at` and returns what is behind.
    std::uint8_t* put_text(std::uint8_t* at, const Item& item, std::size_t size) const {
      const std::uint8_t* text =
          blocks_.at_unless(size <= k_inline_max, item.content, item.content_bytes());
      // Most text is short: a fixed size is copied sooner than the right one.
      std::memcpy(at, text, k_put_room);
      if (size > k_put_room) {
        put_rest(at, text, size);
      }
      return at + size;
    }

   private:
    static void put_rest(std::uint8_t* at, const std::uint8_t* text, std::size_t size) {
      if (size > BlockPool::k_small_max) {
        std::memcpy(at + k_put_room, text + k_put_room, size - k_put_room);
        return;
      }
      for (std::size_t i = k_put_room; i < size; i += k_put_room) {
        std::memcpy(at + i, text + i, k_put_room);
      }
    }

    const std::unique_ptr<Item[]>* chunks_;
    BlockPool::View blocks_;
  };

  /// Writes the text from unit `offset` on as a string field of an update (UpdateEncoderV1 or V2).
  template <class Out>
  void write_text(Out& out, const Item& item, std::uint32_t offset) const {
    if (!item.wide()) {
      const std::size_t size = item.len - offset;
      if (offset == 0) {
        const View view(*this);
        out.ascii(size, View::k_put_room,
                  [&](std::uint8_t* at) { return view.put_text(at, item, size); });
      } else {
        out.string(as_text(text_bytes(item).subspan(offset)), size);
      }
      return;
    }
    std::string utf8;
    append_to(utf8, item, offset);
    out.string(utf8, item.len - offset);
  }
  /// Kinds json, any, binary, embed, format, doc: encoded content, in a block behind its size. Of
  /// other kinds: nothing.
  BytesView bytes(const Item& item) const {
    if (!item.has_bytes() || item.content == BlockPool::k_nothing) {
      return {};
    }
    const std::uint8_t* block = blocks_.at(item.content);
    std::uint32_t size = 0;
    std::memcpy(&size, block, sizeof(size));
    return {block + sizeof(size), size};
  }
  void set_bytes(Item& item, BytesView bytes);
  void append_bytes(Item& item, BytesView bytes);
  /// Keeps the first `size` bytes and gives the rest to `tail`.
  void split_bytes(Item& item, Item& tail, std::size_t size);

 private:
  static constexpr std::uint32_t k_chunk = 256;
  static constexpr std::size_t k_inline_max = sizeof(Item::content);

  // Up to four bytes as they lie in memory.
  static std::uint32_t word_of(std::string_view text) {
    const auto byte = [&](std::size_t at) {
      return static_cast<std::uint32_t>(static_cast<std::uint8_t>(text[at])) << (8 * at);
    };
    static_assert(std::endian::native == std::endian::little);
    const std::size_t size = text.size();
    // Some are named twice: what the size is cannot be foreseen.
    return size == 0 ? 0 : byte(0) | byte(size / 2) | byte(size - 1) | byte((size - 1) / 2);
  }

  void add_chunk();
  void set_long_text(Item& item, std::string_view utf8, std::size_t units);
  std::uint8_t* resize_text(Item& item, std::size_t before, std::size_t bytes);
  void widen(Item& item);

  std::vector<std::unique_ptr<Item[]>> chunks_;
  ItemRef free_ = k_none;  ///< the first free one; the next is where its clock was
  std::uint32_t used_ = 0;
  ShapeTable shapes_;
  BlockPool blocks_;
  std::vector<std::uint32_t> leaves_;  ///< by item, once there is an index
};

}  // namespace vivim::crdt::detail
