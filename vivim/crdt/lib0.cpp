#include "vivim/crdt/lib0.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <optional>

#include "vivim/crdt/id.hpp"
#include "vivim/crdt/json_detail.hpp"
#include "vivim/crdt/utf_detail.hpp"

namespace vivim::crdt::lib0 {
namespace {

// lib0 encoding.js, writeAny.
enum Tag : std::uint8_t {
  k_bytes = 116,
  k_array = 117,
  k_object = 118,
  k_string = 119,
  k_true = 120,
  k_false = 121,
  k_bigint = 122,
  k_float64 = 123,
  k_float32 = 124,
  k_integer = 125,
  k_null = 126,
  k_undefined = 127,
};

constexpr double k_integer_max = 2147483647;

bool is_integer(double value) {
  return std::isfinite(value) && std::trunc(value) == value && std::abs(value) <= k_integer_max;
}

}  // namespace

// A vector writes zeros to what it grows by: a little at a time, so that they are still in the
// first cache when what is to be there comes.
void Encoder::grow(std::size_t bytes) {
  constexpr std::size_t k_first = 32;
  constexpr std::size_t k_step = 4096;
  const std::size_t least = size_ + bytes;
  if (least > out_.capacity()) {
    out_.reserve(std::max({least, 2 * size_, k_first}));
  }
  out_.resize(std::min(out_.capacity(), least + k_step));
}

void Encoder::number(double value) {
  if (is_integer(value)) {
    u8(k_integer);
    if (value == 0 && std::signbit(value)) {
      var_int_negative_zero();
    } else {
      var_int(static_cast<std::int64_t>(value));
    }
    return;
  }
  std::uint8_t buffer[8];
  const auto narrow = static_cast<float>(value);
  if (static_cast<double>(narrow) == value) {
    u8(k_float32);
    store_be32(buffer, std::bit_cast<std::uint32_t>(narrow));
    raw({buffer, 4});
    return;
  }
  u8(k_float64);
  store_be64(buffer,
             std::isnan(value) ? 0x7ff8'0000'0000'0000 : std::bit_cast<std::uint64_t>(value));
  raw({buffer, 8});
}

void Encoder::repaired_string(std::string_view text) {
  detail::utf16_length(text) ? var_string(text) : var_string(detail::repaired_utf8(text));
}

void Encoder::any_string(std::string_view utf8) {
  u8(k_string);
  repaired_string(utf8);
}

void Encoder::any(const Any& value) {
  struct Writer {
    Encoder& out;
    void operator()(Any::Undefined) const { out.u8(k_undefined); }
    void operator()(Any::Null) const { out.u8(k_null); }
    void operator()(bool flag) const { out.u8(flag ? k_true : k_false); }
    void operator()(double number) const { out.number(number); }
    void operator()(Any::BigInt number) const {
      std::uint8_t buffer[8];
      store_be64(buffer, static_cast<std::uint64_t>(number.value));
      out.u8(k_bigint);
      out.raw(buffer);
    }
    void operator()(const std::string& text) const { out.any_string(text); }
    void operator()(const Bytes& bytes) const {
      out.u8(k_bytes);
      out.var_bytes(bytes);
    }
    void operator()(const Any::Array& values) const {
      out.u8(k_array);
      out.var_uint(values.size());
      for (const Any& element : values) {
        out.any(element);
      }
    }
    void operator()(const Any::Object& object) const {
      const auto members = detail::enumerated(object);
      out.u8(k_object);
      out.var_uint(members.size());
      for (const auto& [key, member] : members) {
        out.repaired_string(key);
        out.any(*member);
      }
    }
  };
  std::visit(Writer{*this}, value.variant());
}

Result<std::uint64_t> Decoder::long_var_uint(std::uint64_t max) {
  std::uint64_t value = 0;
  for (unsigned shift = 0; at_ != end_; shift += 7) {
    const std::uint8_t byte = *at_++;
    if (shift >= 56 && (byte & 0x7f) != 0) {
      return fail(CrdtError::number_too_large);
    }
    if (shift < 64) {
      value |= static_cast<std::uint64_t>(byte & 0x7f) << shift;
    }
    if (byte < 0x80) {
      if (value > max) {
        return fail(CrdtError::number_too_large, value);
      }
      return value;
    }
    if (shift >= 63) {
      return fail(CrdtError::number_too_large);
    }
  }
  return fail(CrdtError::truncated);
}

Result<Decoder::SignedNumber> Decoder::signed_number() {
  VIVIM_TRY(const std::uint8_t first, u8());
  SignedNumber number{.magnitude = first & 0x3fU, .negative = (first & 0x40) != 0};
  if ((first & 0x80) != 0) {
    VIVIM_TRY(const std::uint64_t rest, var_uint(k_number_max >> 6));
    number.magnitude |= rest << 6;
  }
  return number;
}

Result<std::int64_t> Decoder::var_int() {
  VIVIM_TRY(const SignedNumber number, signed_number());
  const auto magnitude = static_cast<std::int64_t>(number.magnitude);
  return number.negative ? -magnitude : magnitude;
}

Result<std::string_view> Decoder::var_string() {
  VIVIM_TRY(const BytesView bytes, var_bytes());
  if (!detail::utf16_length(as_text(bytes))) {
    return fail(CrdtError::bad_utf8);
  }
  return as_text(bytes);
}

Result<double> Decoder::number(std::uint8_t tag) {
  if (tag == k_integer) {
    VIVIM_TRY(const SignedNumber number, signed_number());
    const auto magnitude = static_cast<double>(number.magnitude);
    return number.negative ? -magnitude : magnitude;
  }
  if (tag == k_float32) {
    VIVIM_TRY(const BytesView bytes, raw(4));
    return static_cast<double>(std::bit_cast<float>(load_be32(bytes)));
  }
  VIVIM_TRY(const BytesView bytes, raw(8));
  return std::bit_cast<double>(load_be64(bytes));
}

Result<Any> Decoder::any() {
  return any(0);
}

Result<Any> Decoder::any(std::uint32_t depth) {
  if (depth > k_any_depth_max) {
    return fail(CrdtError::too_deep);
  }
  VIVIM_TRY(const std::uint8_t tag, u8());
  switch (tag) {
    case k_undefined:
      return Any();
    case k_null:
      return Any(nullptr);
    case k_true:
      return Any(true);
    case k_false:
      return Any(false);
    case k_integer:
    case k_float32:
    case k_float64: {
      VIVIM_TRY(const double value, number(tag));
      return Any(value);
    }
    case k_bigint: {
      VIVIM_TRY(const BytesView bytes, raw(8));
      return Any(Any::BigInt{static_cast<std::int64_t>(load_be64(bytes))});
    }
    case k_string: {
      VIVIM_TRY(const std::string_view text, var_string());
      return Any(text);
    }
    case k_bytes: {
      VIVIM_TRY(const BytesView bytes, var_bytes());
      return Any(to_bytes(bytes));
    }
    case k_array:
      return any_array(depth);
    case k_object:
      return any_object(depth);
    default:
      return fail(CrdtError::bad_any, tag);
  }
}

Result<Any> Decoder::any_array(std::uint32_t depth) {
  VIVIM_TRY(const std::uint64_t count, var_uint());
  if (count > left()) {  // every element takes at least a byte
    return fail(CrdtError::truncated, count);
  }
  Any::Array values;
  for (std::uint64_t i = 0; i < count; ++i) {
    VIVIM_TRY(Any value, any(depth + 1));
    values.push_back(std::move(value));
  }
  return Any(std::move(values));
}

Result<Any> Decoder::any_object(std::uint32_t depth) {
  VIVIM_TRY(const std::uint64_t count, var_uint());
  if (count > left() / 2) {  // every member takes at least two bytes
    return fail(CrdtError::truncated, count);
  }
  Any::Object members;
  for (std::uint64_t i = 0; i < count; ++i) {
    VIVIM_TRY(const std::string_view key, var_string());
    VIVIM_TRY(Any value, any(depth + 1));
    members.emplace_back(key, std::move(value));
  }
  return Any(std::move(members));
}

Result<void> Decoder::copy_any(Encoder& out) {
  // Scalars and strings, nearly all values of real documents, are checked and copied; the rest is
  // rebuilt.
  if (at_ != end_ && (*at_ == k_string || *at_ >= k_null || *at_ == k_true || *at_ == k_false)) {
    const std::uint8_t tag = *at_++;
    out.u8(tag);
    if (tag == k_string) {
      VIVIM_TRY(const std::string_view text, var_string());
      out.var_string(text);
    }
    if (tag > k_undefined) {
      return fail(CrdtError::bad_any, tag);
    }
    return {};
  }
  VIVIM_TRY(const Any value, any(0));
  out.any(value);
  return {};
}

}  // namespace vivim::crdt::lib0
