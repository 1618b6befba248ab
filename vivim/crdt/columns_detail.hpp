#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "vivim/base/bytes.hpp"
#include "vivim/base/result.hpp"
#include "vivim/crdt/lib0.hpp"

/// The run-length encodings of lib0 in which update format v2 keeps each field of all structs: a
/// column each. A reader takes as many values as its caller asks for: a run may be longer than
/// anything that fits in memory, so the caller limits how often it asks.
namespace vivim::crdt::detail {

/// lib0 RleEncoder of bytes: value, then how often it repeats; the last run has no end.
class ByteColumnWriter {
 public:
  /// As write(), for values that follow no pattern: what is not to be there is written over.
  void write_any(std::uint8_t value) {
    constexpr std::uint64_t k_one_byte = 0x80;
    if (count_ == 0 || count_ > k_one_byte) {
      write(value);
      return;
    }
    std::uint8_t* const at = out_.begin(2);
    at[0] = static_cast<std::uint8_t>(count_ - 1);
    at[1] = value;
    const bool same = value == value_;
    out_.finish(at + (same ? 0 : 2));
    count_ = same ? count_ + 1 : 1;
    value_ = value;
  }
  void write(std::uint8_t value) {
    if (count_ > 0 && value == value_) {
      ++count_;
      return;
    }
    if (count_ > 0) {
      out_.var_uint(count_ - 1);
    }
    out_.u8(value);
    value_ = value;
    count_ = 1;
  }
  BytesView finish() const { return out_.view(); }

  std::size_t size() const { return out_.size() + 8; }

 private:
  lib0::Encoder out_;
  std::uint8_t value_ = 0;
  std::uint64_t count_ = 0;
};

/// Puts `number` and, if it is `count` times there, how often it repeats beyond twice.
inline void put_run(lib0::Encoder& out, lib0::Encoder::Short number, std::uint64_t count) {
  std::uint8_t* at = out.begin(2 * lib0::Encoder::k_short_max);
  at = lib0::Encoder::put(at, number);
  out.finish(count > 1 ? lib0::Encoder::put(at, lib0::Encoder::short_var_uint(count - 2)) : at);
}

/// lib0 UintOptRleEncoder: a number, or negative (-0 too) and how often it repeats.
class UintColumnWriter {
 public:
  /// As write(), for values that follow no pattern: what is not to be there is written over.
  void write_any(std::uint64_t value) {
    constexpr std::uint64_t k_one_byte = 0x80;
    if (count_ - 1 >= k_one_byte || value_ > k_small_max) [[unlikely]] {
      write(value);
      return;
    }
    std::uint8_t* const at = out_.begin(2);
    at[0] = static_cast<std::uint8_t>(value_ | (count_ > 1 ? 0x40 : 0));
    at[1] = static_cast<std::uint8_t>(count_ - 2);
    const bool same = value == value_;
    out_.finish(at + (same ? 0 : count_ > 1 ? 2 : 1));
    count_ = same ? count_ + 1 : 1;
    value_ = value;
  }
  void write(std::uint64_t value) {
    if (value == value_) {
      ++count_;
      return;
    }
    flush();
    value_ = value;
    count_ = 1;
  }
  void reserve(std::size_t values) { out_.reserve(2 * values); }
  BytesView finish() {
    flush();
    count_ = 0;
    return out_.view();
  }

  std::size_t size() const { return out_.size() + 2 * lib0::Encoder::k_short_max; }

 private:
  static constexpr std::uint64_t k_small_max = 0x3f;  ///< what a byte holds beside sign and end

  void flush() {
    if (count_ > 0) {
      put_run(out_, lib0::Encoder::short_var_int(value_, count_ > 1), count_);
    }
  }
  lib0::Encoder out_;
  std::uint64_t value_ = 0;
  std::uint64_t count_ = 0;
};

/// lib0 IntDiffOptRleEncoder: differences, doubled to hold whether a count of repeats follows.
class DiffColumnWriter {
 public:
  /// As write(), sooner where hardly any difference is the one before.
  void write_any(std::uint64_t value) {
    constexpr std::int64_t k_small = std::int64_t{1} << 26;
    const auto diff = static_cast<std::int64_t>(value) - static_cast<std::int64_t>(value_);
    if (diff == diff_ || count_ != 1 || diff_ >= k_small || diff_ <= -k_small) [[unlikely]] {
      write(value);
      return;
    }
    const auto sign = static_cast<std::int32_t>(diff_ >> 63);
    const auto doubled =
        static_cast<std::uint32_t>((static_cast<std::int32_t>(diff_) ^ sign) - sign) * 2;
    // As short_var_int() has it.
    const std::uint32_t number =
        doubled + (doubled & ~0x3fU) + (static_cast<std::uint32_t>(sign) & 0x40);
    out_.finish(lib0::Encoder::put(out_.begin(lib0::Encoder::k_short_max),
                                   lib0::Encoder::short_var_uint28(number)));
    value_ = value;
    diff_ = diff;
  }
  void write(std::uint64_t value) {
    const auto diff = static_cast<std::int64_t>(value) - static_cast<std::int64_t>(value_);
    value_ = value;
    if (diff == diff_) {
      ++count_;
      return;
    }
    flush();
    diff_ = diff;
    count_ = 1;
  }
  void reserve(std::size_t values) { out_.reserve(2 * values); }
  BytesView finish() {
    flush();
    count_ = 0;
    return out_.view();
  }

  std::size_t size() const { return out_.size() + 2 * lib0::Encoder::k_short_max; }

 private:
  void flush() {
    if (count_ > 0) {
      const auto magnitude = static_cast<std::uint64_t>(diff_ < 0 ? -diff_ : diff_);
      // Doubled, and one more where a count follows.
      const std::uint64_t more = count_ > 1 ? 1 : 0;
      const bool negative = diff_ < 0;
      put_run(out_,
              lib0::Encoder::short_var_int(negative ? 2 * magnitude - more : 2 * magnitude + more,
                                           negative),
              count_);
    }
  }
  lib0::Encoder out_;
  std::uint64_t value_ = 0;
  std::int64_t diff_ = 0;
  std::uint64_t count_ = 0;
};

/// lib0 StringEncoder: all strings as one, then their lengths in UTF-16 units.
class StringColumnWriter {
 public:
  /// Valid UTF-8 of `units` UTF-16 units.
  void write(std::string_view utf8, std::uint64_t units) {
    text_.raw(as_bytes(utf8));
    lengths_.write(units);
  }
  void write(std::string_view utf8);
  /// ASCII of `size` bytes that `put` copies to where it is told; it may write `room` beyond.
  template <class Put>
  void write_by(std::size_t size, std::size_t room, Put&& put) {
    put_text(size + room, put)->write_any(size);
  }
  /// The same without its length, which is to be written to what is returned. `room` is for both.
  template <class Put>
  UintColumnWriter* put_text(std::size_t room, Put&& put) {
    text_.finish(put(text_.begin(room)));
    return &lengths_;
  }
  void reserve(std::size_t strings, std::size_t bytes) {
    text_.reserve(bytes);
    lengths_.reserve(strings);
  }
  /// Appends the column, with its size before it.
  void finish(lib0::Encoder& out);

  std::size_t size() const { return text_.size() + lengths_.size() + lib0::Encoder::k_short_max; }

 private:
  lib0::Encoder text_;
  UintColumnWriter lengths_;
};

/// Errors: truncated, number_too_large.
class ByteColumnReader {
 public:
  ByteColumnReader() = default;
  explicit ByteColumnReader(BytesView column) : in_(column) {}
  Result<std::uint8_t> read() {
    if (count_ == 0) {
      VIVIM_TRYV(begin_run());
    }
    --count_;
    return value_;
  }

 private:
  Result<void> begin_run();
  lib0::Decoder in_{BytesView()};
  std::uint8_t value_ = 0;
  std::uint64_t count_ = 0;
};

/// Errors: truncated, number_too_large.
class UintColumnReader {
 public:
  UintColumnReader() = default;
  explicit UintColumnReader(BytesView column) : in_(column) {}
  Result<std::uint64_t> read() {
    if (count_ == 0) {
      VIVIM_TRYV(begin_run());
    }
    --count_;
    return value_;
  }

 private:
  Result<void> begin_run();
  lib0::Decoder in_{BytesView()};
  std::uint64_t value_ = 0;
  std::uint64_t count_ = 0;
};

/// Errors: truncated, number_too_large (outside of 0 to 2^53 - 1).
class DiffColumnReader {
 public:
  DiffColumnReader() = default;
  explicit DiffColumnReader(BytesView column) : in_(column) {}
  Result<std::uint64_t> read();

 private:
  Result<void> begin_run();
  lib0::Decoder in_{BytesView()};
  std::int64_t value_ = 0;
  std::int64_t diff_ = 0;
  std::uint64_t count_ = 0;
};

/// Strings are views into the column, but for one that begins or ends inside a surrogate pair: each
/// half is U+FFFD then, and the string is kept here.
class StringColumnReader {
 public:
  struct String {
    std::string_view utf8;
    std::uint64_t units = 0;
  };
  /// Errors: truncated, bad_utf8.
  static Result<StringColumnReader> open(BytesView column);
  /// Errors: truncated, number_too_large. `repaired` keeps what is not a view.
  Result<String> read(std::string& repaired);

 private:
  std::string_view text_;
  std::size_t at_ = 0;
  bool inside_pair_ = false;  ///< `at_` is behind a pair whose second half was not read
  bool ascii_ = false;
  UintColumnReader lengths_;
};

}  // namespace vivim::crdt::detail
