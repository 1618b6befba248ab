#pragma once

#include <array>
#include <bit>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

#include "vivim/base/bytes.hpp"
#include "vivim/base/result.hpp"
#include "vivim/crdt/any.hpp"
#include "vivim/crdt/error.hpp"

/// The encoding of lib0 (npm), on which Yjs and y-protocols stand.
namespace vivim::crdt::lib0 {

/// How deep arrays and objects of one `any` may nest.
inline constexpr std::uint32_t k_any_depth_max = 128;

/// Appends values to bytes that it owns.
class Encoder {
 public:
  /// Takes memory for `bytes` more at once.
  void reserve(std::size_t bytes) { out_.reserve(size_ + bytes); }

  void u8(std::uint8_t value) {
    *room(1) = value;
    ++size_;
  }
  /// LEB128, up to 2^53 - 1.
  void var_uint(std::uint64_t value) { end_at(put_var_uint(room(k_var_uint_max), value)); }
  /// The same twice.
  void var_uints(std::uint64_t first, std::uint64_t second) {
    end_at(put_var_uint(put_var_uint(room(2 * k_var_uint_max), first), second));
  }
  /// As short bytes that are ready: the first `size` (at most 8) of `bytes`, least significant
  /// first.
  struct Short {
    std::uint64_t bytes = 0;
    std::uint32_t size = 0;
  };
  static constexpr std::size_t k_short_max = 8;
  /// `value` below 2^53 as var_uint() writes it.
  static Short short_var_uint(std::uint64_t value) {
    if (value < 0x80) {
      return {value, 1};
    }
    // Seven bits into each byte, without a loop whose end nobody can foresee.
    std::uint64_t spread = (value & 0x0000'0000'0fff'ffff) | (value & 0x00ff'ffff'f000'0000) << 4;
    spread = (spread & 0x0000'3fff'0000'3fff) | (spread & 0x0fff'c000'0fff'c000) << 2;
    spread = (spread & 0x007f'007f'007f'007f) | (spread & 0x3f80'3f80'3f80'3f80) << 1;
    const auto size = static_cast<std::uint32_t>((std::bit_width(value) + 6) / 7);
    constexpr std::uint64_t k_more = 0x8080'8080'8080'8080;
    return {spread | (k_more & ((std::uint64_t{1} << (8 * (size - 1))) - 1)), size};
  }
  /// The same of 32 bits, sooner where it is mostly large. What it compares to takes a cycle; to
  /// ask for the width of a number takes much of what is older than x86-64-v3 four.
  static Short short_var_uint32(std::uint32_t value) {
    const std::uint64_t wide = value;
    const std::uint64_t spread = (wide & 0x7f) | (wide << 1 & 0x7f00) | (wide << 2 & 0x7f'0000) |
                                 (wide << 3 & 0x7f00'0000) | (wide << 4 & 0x7f'0000'0000);
    const std::uint32_t size = size_of_28(value) + (value >> 28 != 0 ? 1 : 0);
    return {spread | k_more_bits[size], size};
  }
  /// The same of k_pair_bits bits.
  static constexpr std::uint32_t k_pair_bits = 28;
  static Short short_var_uint28(std::uint32_t value) {
    const std::uint32_t size = size_of_28(value);
    return {spread_28(value) | k_more_bits[size], size};
  }
  /// Two numbers of k_pair_bits bits, in four bytes each.
  struct ShortPair {
    std::uint32_t first = 0;
    std::uint32_t second = 0;
    std::uint32_t first_size = 0;
    std::uint32_t second_size = 0;
  };
  static ShortPair short_var_uints28(std::uint32_t first, std::uint32_t second) {
    const std::uint64_t both = spread_28(first | std::uint64_t{second} << 32);
    const std::uint32_t first_size = size_of_28(first);
    const std::uint32_t second_size = size_of_28(second);
    return {.first = static_cast<std::uint32_t>(both | k_more_bits[first_size]),
            .second = static_cast<std::uint32_t>(both >> 32 | k_more_bits[second_size]),
            .first_size = first_size,
            .second_size = second_size};
  }
  /// `value`, of at most 53 bits, as var_int() writes it, and -0 as var_int_negative_zero() does.
  static Short short_var_int(std::uint64_t magnitude, bool negative) {
    // The sign stands above the first six bits: as a number of its own with one bit more.
    const std::uint64_t value =
        (magnitude & ~std::uint64_t{0x3f}) << 1 | (negative ? 0x40 : 0) | (magnitude & 0x3f);
    return value >> 32 == 0 ? short_var_uint32(static_cast<std::uint32_t>(value))
                            : short_var_uint(value);
  }
  /// Writes at `at`, which has room for k_short_max bytes, and returns what is behind.
  static std::uint8_t* put(std::uint8_t* at, Short what) {
    static_assert(std::endian::native == std::endian::little);
    std::memcpy(at, &what.bytes, sizeof(what.bytes));
    return at + what.size;
  }
  /// For writers of their own: where at least `bytes` may be written, and then what is behind them.
  std::uint8_t* begin(std::size_t bytes) { return room(bytes); }
  void finish(const std::uint8_t* end) { end_at(end); }
  /// How many bytes may be written there in fact.
  std::size_t spare() const { return out_.size() - size_; }

  /// Sign and magnitude: 6 bits in the first byte, 7 in the others. A negative zero is written with
  /// `var_int_negative_zero`.
  void var_int(std::int64_t value) {
    const bool negative = value < 0;
    const auto rest =
        negative ? ~static_cast<std::uint64_t>(value) + 1 : static_cast<std::uint64_t>(value);
    std::uint8_t* at = room(1 + k_var_uint_max);
    *at++ =
        static_cast<std::uint8_t>((rest > 0x3f ? 0x80 : 0) | (negative ? 0x40 : 0) | (rest & 0x3f));
    end_at(rest > 0x3f ? put_var_uint(at, rest >> 6) : at);
  }
  /// Writes -0, which lib0 tells apart from 0.
  void var_int_negative_zero() { u8(0x40); }
  /// Length in bytes, then UTF-8.
  void var_string(std::string_view utf8) { var_bytes(as_bytes(utf8)); }
  /// Length, then bytes.
  void var_bytes(BytesView bytes) {
    std::uint8_t* at = put_var_uint(room(k_var_uint_max + bytes.size()), bytes.size());
    end_at(put(at, bytes));
  }
  /// Bytes without a length.
  void raw(BytesView bytes) { end_at(put(room(bytes.size()), bytes)); }
  /// A tagged value (lib0 encoding.js writeAny): numbers in JavaScript's canonical choice,
  /// integer-like keys first.
  void any(const Any& value);
  /// As any() with a string; what is not UTF-8 becomes U+FFFD.
  void any_string(std::string_view utf8);

  std::size_t size() const { return size_; }
  BytesView view() const { return {out_.data(), size_}; }
  /// What was written, to be changed in place.
  MutableBytes bytes() { return {out_.data(), size_}; }
  /// Forgets what was written and keeps the room.
  void clear() { size_ = 0; }
  Bytes take() {
    out_.resize(size_);
    size_ = 0;
    return std::move(out_);
  }

 private:
  static constexpr std::size_t k_var_uint_max = 10;
  // Of a number that takes so many bytes: the bits that say that more follow.
  static constexpr std::array<std::uint64_t, 6> k_more_bits{0,      0,         0x80,
                                                            0x8080, 0x80'8080, 0x8080'8080};

  static std::uint32_t size_of_28(std::uint32_t value) {
    std::uint32_t size = 1;
    size += value >= 1U << 7 ? 1 : 0;
    size += value >= 1U << 14 ? 1 : 0;
    size += value >= 1U << 21 ? 1 : 0;
    return size;
  }
  // Seven of 28 bits into each byte, of two numbers side by side: the upper 14 move by two, which
  // is three times themselves added, and the upper seven of 14 by one.
  static std::uint64_t spread_28(std::uint64_t both) {
    both += 3 * (both & 0x0fff'c000'0fff'c000);
    return both + (both & 0x3f80'3f80'3f80'3f80);
  }
  static std::uint8_t* put_var_uint(std::uint8_t* at, std::uint64_t value) {
    while (value >= 0x80) {
      *at++ = static_cast<std::uint8_t>(value | 0x80);
      value >>= 7;
    }
    *at++ = static_cast<std::uint8_t>(value);
    return at;
  }
  static std::uint8_t* put(std::uint8_t* at, BytesView bytes) {
    if (!bytes.empty()) {
      std::memcpy(at, bytes.data(), bytes.size());
    }
    return at + bytes.size();
  }
  // Where the next `bytes` go.
  std::uint8_t* room(std::size_t bytes) {
    if (out_.size() - size_ < bytes) [[unlikely]] {
      grow(bytes);
    }
    return out_.data() + size_;
  }
  void end_at(const std::uint8_t* end) { size_ = static_cast<std::size_t>(end - out_.data()); }
  void grow(std::size_t bytes);
  void number(double value);
  void repaired_string(std::string_view text);

  Bytes out_;  ///< the first `size_` are written, the others room
  std::size_t size_ = 0;
};

/// Reads values from borrowed bytes. After an error its position is unspecified.
class Decoder {
 public:
  explicit Decoder(BytesView in) : at_(in.data()), end_(in.data() + in.size()) {}

  bool at_end() const { return at_ == end_; }
  std::size_t left() const { return static_cast<std::size_t>(end_ - at_); }
  /// What is not yet read.
  BytesView rest() const { return {at_, left()}; }

  Result<std::uint8_t> u8() {
    if (at_ == end_) {
      return fail(CrdtError::truncated);
    }
    return *at_++;
  }
  /// Errors: truncated, number_too_large (above `max`, which is at least 127).
  Result<std::uint64_t> var_uint(std::uint64_t max = (std::uint64_t{1} << 53) - 1) {
    if (at_ != end_ && *at_ < 0x80) {
      return *at_++;
    }
    if (left() >= sizeof(std::uint64_t)) {
      std::uint64_t word = 0;
      std::memcpy(&word, at_, sizeof(word));
      if (const std::uint64_t ends = ~word & 0x8080'8080'8080'8080; ends != 0) {
        const auto bits = static_cast<unsigned>(std::countr_zero(ends)) + 1;  // 16 to 64
        const std::uint64_t value = gathered(word & (~std::uint64_t{0} >> (64 - bits)));
        if (value <= max) {
          at_ += bits / 8;
          return value;
        }
      }
    }
    return long_var_uint(max);
  }
  /// For readers of their own: reads what var_uint() would at `at`, where eight bytes may be read.
  /// False: it is longer or too large.
  static bool quick_var_uint(const std::uint8_t*& at, std::uint64_t& value) {
    if (*at < 0x80) {
      value = *at++;
      return true;
    }
    std::uint64_t word = 0;
    std::memcpy(&word, at, sizeof(word));
    const std::uint64_t ends = ~word & 0x8080'8080'8080'8080;
    if (ends == 0) {
      return false;
    }
    const auto bits = static_cast<unsigned>(std::countr_zero(ends)) + 1;
    value = gathered(word & (~std::uint64_t{0} >> (64 - bits)));
    at += bits / 8;
    return value < std::uint64_t{1} << 53;
  }
  /// The same without a branch on how long it is, and up to four bytes.
  static bool quick_var_uint28(const std::uint8_t*& at, std::uint64_t& value) {
    std::uint32_t word = 0;
    std::memcpy(&word, at, sizeof(word));
    const std::uint32_t ends = ~word & 0x8080'8080;
    if (ends == 0) {
      return false;
    }
    const std::uint32_t last = ends & (0 - ends);  // with all below it: what is of the number
    std::uint32_t bits = word & (last - 1) & 0x7f7f'7f7f;
    bits -= (bits & 0x7f00'7f00) >> 1;
    bits -= 3 * ((bits & 0x3fff'0000) >> 2);
    value = bits;
    at += (static_cast<unsigned>(std::countr_zero(last)) + 1) / 8;
    return true;
  }
  /// And then goes on behind it; `at` lies in what is not yet read.
  void go_on_at(const std::uint8_t* at) { at_ = at; }
  /// Errors: truncated, number_too_large. -0 reads as 0.
  Result<std::int64_t> var_int();
  struct SignedNumber {
    std::uint64_t magnitude = 0;
    bool negative = false;
  };
  /// As var_int(), with -0 told apart.
  Result<SignedNumber> signed_number();
  /// UTF-8, checked, a view into the input. Errors: truncated, bad_utf8.
  Result<std::string_view> var_string();
  /// A view into the input. Errors: truncated.
  Result<BytesView> var_bytes() {
    VIVIM_TRY(const std::uint64_t size, var_uint());
    return raw(size);
  }
  /// `size` bytes, a view into the input. Errors: truncated.
  Result<BytesView> raw(std::size_t size) {
    if (size > left()) {
      return fail(CrdtError::truncated, size);
    }
    const BytesView bytes(at_, size);
    at_ += size;
    return bytes;
  }
  /// Errors: truncated, bad_any, too_deep, bad_utf8, number_too_large.
  Result<Any> any();
  /// Checks an `any` and appends its canonical encoding to `out`, without building a value. Errors
  /// as any().
  Result<void> copy_any(Encoder& out);

 private:
  // The low seven bits of each byte, side by side.
  static std::uint64_t gathered(std::uint64_t bytes) {
    static_assert(std::endian::native == std::endian::little);
    bytes &= 0x7f7f'7f7f'7f7f'7f7f;
    bytes = (bytes & 0x007f'007f'007f'007f) | (bytes & 0x7f00'7f00'7f00'7f00) >> 1;
    bytes = (bytes & 0x0000'3fff'0000'3fff) | (bytes & 0x3fff'0000'3fff'0000) >> 2;
    return (bytes & 0x0000'0000'0fff'ffff) | (bytes & 0x0fff'ffff'0000'0000) >> 4;
  }
  Result<std::uint64_t> long_var_uint(std::uint64_t max);
  Result<double> number(std::uint8_t tag);
  Result<Any> any(std::uint32_t depth);
  Result<Any> any_array(std::uint32_t depth);
  Result<Any> any_object(std::uint32_t depth);

  const std::uint8_t* at_;
  const std::uint8_t* end_;
};

}  // namespace vivim::crdt::lib0
