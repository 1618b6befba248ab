#pragma once

#include <cstdint>
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
  void u8(std::uint8_t value) { out_.push_back(value); }
  /// LEB128, up to 2^53 - 1.
  void var_uint(std::uint64_t value) {
    while (value >= 0x80) {
      out_.push_back(static_cast<std::uint8_t>(value | 0x80));
      value >>= 7;
    }
    out_.push_back(static_cast<std::uint8_t>(value));
  }
  /// Sign and magnitude: 6 bits in the first byte, 7 in the others. A negative zero is written with
  /// `var_int_negative_zero`.
  void var_int(std::int64_t value);
  /// Writes -0, which lib0 tells apart from 0.
  void var_int_negative_zero() { u8(0x40); }
  /// Length in bytes, then UTF-8.
  void var_string(std::string_view utf8) { var_bytes(as_bytes(utf8)); }
  /// Length, then bytes.
  void var_bytes(BytesView bytes) {
    var_uint(bytes.size());
    raw(bytes);
  }
  /// Bytes without a length.
  void raw(BytesView bytes) { append(out_, bytes); }
  /// A tagged value (lib0 encoding.js writeAny): numbers in JavaScript's canonical choice,
  /// integer-like keys first.
  void any(const Any& value);
  /// As any() with a string; what is not UTF-8 becomes U+FFFD.
  void any_string(std::string_view utf8);

  std::size_t size() const { return out_.size(); }
  BytesView view() const { return out_; }
  Bytes& bytes() { return out_; }
  Bytes take() { return std::move(out_); }

 private:
  void number(double value);
  void repaired_string(std::string_view text);
  Bytes out_;
};

/// Reads values from borrowed bytes. After an error its position is unspecified.
class Decoder {
 public:
  explicit Decoder(BytesView in) : at_(in.data()), end_(in.data() + in.size()) {}

  bool at_end() const { return at_ == end_; }
  std::size_t left() const { return static_cast<std::size_t>(end_ - at_); }
  /// What is not yet read.
  BytesView rest() const { return {at_, left()}; }

  Result<std::uint8_t> u8();
  /// Errors: truncated, number_too_large (above `max`).
  Result<std::uint64_t> var_uint(std::uint64_t max = (std::uint64_t{1} << 53) - 1);
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
  Result<BytesView> var_bytes();
  /// `size` bytes, a view into the input. Errors: truncated.
  Result<BytesView> raw(std::size_t size);
  /// Errors: truncated, bad_any, too_deep, bad_utf8, number_too_large.
  Result<Any> any();
  /// Checks an `any` and appends its canonical encoding to `out`, without building a value. Errors
  /// as any().
  Result<void> copy_any(Encoder& out);

 private:
  Result<double> number(std::uint8_t tag);
  Result<Any> any(std::uint32_t depth);
  Result<Any> any_array(std::uint32_t depth);
  Result<Any> any_object(std::uint32_t depth);

  const std::uint8_t* at_;
  const std::uint8_t* end_;
};

}  // namespace vivim::crdt::lib0
