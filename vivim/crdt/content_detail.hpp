#pragma once

#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

#include "vivim/base/bytes.hpp"

namespace vivim::crdt::detail {

/// What an item holds, in 16 bytes: up to 8 bytes inline, else on the heap. As text: ASCII one byte
/// a unit, anything else UTF-16. As bytes: encoded content. As a number: the index of a type. Which
/// of them is known from the item's kind.
class Content {
 public:
  Content() = default;
  Content(const Content&) = delete;
  Content& operator=(const Content&) = delete;
  Content(Content&& other) noexcept { swap(other); }
  Content& operator=(Content&& other) noexcept {
    swap(other);
    return *this;
  }
  ~Content() { clear(); }

  void swap(Content& other) noexcept {
    std::swap(word_, other.word_);
    std::swap(bytes_, other.bytes_);
    std::swap(room_, other.room_);
  }
  void clear();
  Content copy() const;

  /// Valid UTF-8 as text of `units` UTF-16 units.
  void set_text(std::string_view utf8, std::size_t units);
  /// Appends valid UTF-8 of `units` UTF-16 units to what is text.
  void append_string(std::string_view utf8, std::size_t units);
  /// Appends `tail`, which is text.
  void append_text(const Content& tail);
  /// Keeps the first `units` and returns the rest; a surrogate pair that is cut becomes two U+FFFD.
  Content split_text(std::uint32_t units);
  /// Appends the text from unit `offset` on as UTF-8.
  void append_to(std::string& out, std::uint32_t offset = 0) const;
  /// Writes the text from unit `offset` on as a string field of an update (UpdateEncoderV1 or V2).
  template <class Out>
  void write_text(Out& out, std::uint32_t offset) const {
    if (!wide()) {
      out.string(as_text(bytes().subspan(offset)), bytes_ - offset);
      return;
    }
    std::string utf8;
    append_to(utf8, offset);
    out.string(utf8, bytes_ / 2 - offset);
  }

  void set_bytes(BytesView bytes);
  void append_bytes(BytesView bytes);
  /// Keeps the first `size` bytes and returns the rest.
  Content split_bytes(std::size_t size);
  BytesView bytes() const { return {data(), bytes_}; }
  std::uint32_t size() const { return bytes_; }
  /// Text of two bytes a unit.
  bool wide() const { return (room_ & k_wide) != 0; }
  /// Room that put() wants beyond size().
  static constexpr std::size_t k_put_room = 8;
  /// Copies the bytes to `at` and returns what is behind.
  std::uint8_t* put(std::uint8_t* at) const {
    if (on_heap()) {
      std::memcpy(at, data(), bytes_);
    } else {
      std::memcpy(at, &word_, sizeof(word_));
    }
    return at + bytes_;
  }

  void set_number(std::uint32_t number) { word_ = number; }
  std::uint32_t number() const { return static_cast<std::uint32_t>(word_); }

 private:
  static constexpr std::uint32_t k_wide = 0x8000'0000;
  static constexpr std::uint32_t k_room = 0x7fff'ffff;

  bool on_heap() const { return (room_ & k_room) != 0; }
  const std::uint8_t* data() const {
    return on_heap() ? reinterpret_cast<const std::uint8_t*>(word_)
                     : reinterpret_cast<const std::uint8_t*>(&word_);
  }
  std::uint8_t* data() {
    return on_heap() ? reinterpret_cast<std::uint8_t*>(word_)
                     : reinterpret_cast<std::uint8_t*>(&word_);
  }
  const char16_t* units() const { return reinterpret_cast<const char16_t*>(data()); }
  char16_t* units() { return reinterpret_cast<char16_t*>(data()); }
  std::uint8_t* grow(std::size_t bytes);
  void widen();

  std::uint64_t word_ = 0;
  std::uint32_t bytes_ = 0;  ///< in use
  std::uint32_t room_ = 0;   ///< on the heap, with k_wide; 0 when inline
};

}  // namespace vivim::crdt::detail
