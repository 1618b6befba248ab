#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "vivim/base/bytes.hpp"
#include "vivim/base/result.hpp"

namespace vivim::crdt {

/// A plain value inside a document: what JavaScript would hold and lib0 calls `any`. A value type:
/// copies are deep. Strings are UTF-8. Numbers are doubles, as in JavaScript; -0 and NaN survive.
class Any {
 public:
  struct Undefined {
    friend bool operator==(const Undefined&, const Undefined&) = default;
  };
  struct Null {
    friend bool operator==(const Null&, const Null&) = default;
  };
  /// A 64-bit JavaScript BigInt.
  struct BigInt {
    std::int64_t value = 0;
    friend bool operator==(const BigInt&, const BigInt&) = default;
  };
  using Array = std::vector<Any>;
  /// Keys in order of insertion. Encoding puts integer-like keys first, as JavaScript does.
  using Object = std::vector<std::pair<std::string, Any>>;
  using Variant =
      std::variant<Undefined, Null, bool, double, BigInt, std::string, Bytes, Array, Object>;

  Any() = default;                                        ///< undefined
  Any(std::nullptr_t) : value_(Null{}) {}                 // NOLINT(google-explicit-constructor)
  Any(bool value) : value_(value) {}                      // NOLINT(google-explicit-constructor)
  Any(double value) : value_(value) {}                    // NOLINT(google-explicit-constructor)
  Any(int value) : value_(static_cast<double>(value)) {}  // NOLINT(google-explicit-constructor)
  Any(std::uint32_t value)
      : value_(static_cast<double>(value)) {}  // NOLINT(google-explicit-constructor)
  Any(std::int64_t value)
      : value_(static_cast<double>(value)) {}  // NOLINT(google-explicit-constructor)
  Any(std::uint64_t value)
      : value_(static_cast<double>(value)) {}           // NOLINT(google-explicit-constructor)
  Any(BigInt value) : value_(value) {}                  // NOLINT(google-explicit-constructor)
  Any(std::string value) : value_(std::move(value)) {}  // NOLINT(google-explicit-constructor)
  Any(std::string_view value)
      : value_(std::string(value)) {}                     // NOLINT(google-explicit-constructor)
  Any(const char* value) : value_(std::string(value)) {}  // NOLINT(google-explicit-constructor)
  Any(Bytes value) : value_(std::move(value)) {}          // NOLINT(google-explicit-constructor)
  Any(Array value) : value_(std::move(value)) {}          // NOLINT(google-explicit-constructor)
  Any(Object value) : value_(std::move(value)) {}         // NOLINT(google-explicit-constructor)

  bool is_undefined() const { return std::holds_alternative<Undefined>(value_); }
  bool is_null() const { return std::holds_alternative<Null>(value_); }
  bool is_string() const { return std::holds_alternative<std::string>(value_); }
  bool is_number() const { return std::holds_alternative<double>(value_); }
  bool is_bool() const { return std::holds_alternative<bool>(value_); }
  bool is_array() const { return std::holds_alternative<Array>(value_); }
  bool is_object() const { return std::holds_alternative<Object>(value_); }

  /// The value if it has that type, else null.
  const std::string* if_string() const { return std::get_if<std::string>(&value_); }
  const double* if_number() const { return std::get_if<double>(&value_); }
  const bool* if_bool() const { return std::get_if<bool>(&value_); }
  const Bytes* if_bytes() const { return std::get_if<Bytes>(&value_); }
  const Array* if_array() const { return std::get_if<Array>(&value_); }
  const Object* if_object() const { return std::get_if<Object>(&value_); }

  /// The value of `key` if this is an object that has it, else null.
  const Any* find(std::string_view key) const;

  const Variant& variant() const { return value_; }
  Variant& variant() { return value_; }

  /// JSON as JavaScript's JSON.stringify writes it: undefined becomes null, bytes an object of
  /// indexes, BigInt a number, NaN and infinities null.
  std::string to_json() const;

  /// Deep; NaN equals NaN, and -0 differs from 0, so that equal values encode to equal bytes.
  friend bool operator==(const Any& a, const Any& b);

 private:
  Variant value_;
};

}  // namespace vivim::crdt
