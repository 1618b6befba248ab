#include "vivim/crdt/any.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <charconv>
#include <cmath>

#include "vivim/crdt/json_detail.hpp"

namespace vivim::crdt {
namespace {

void write_json(std::string& out, const Any& value);

// JavaScript's Number::toString (ECMA-262 6.1.6.1.20) from the shortest digits.
void write_number(std::string& out, double value) {
  if (!std::isfinite(value)) {
    out += "null";
    return;
  }
  if (value == 0) {
    out += '0';
    return;
  }
  std::array<char, 32> buffer{};
  const auto end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), std::abs(value),
                                 std::chars_format::scientific)
                       .ptr;
  const std::string_view text(buffer.data(), static_cast<std::size_t>(end - buffer.data()));
  const std::size_t e = text.find('e');
  std::string digits(text.substr(0, e));
  std::erase(digits, '.');
  const auto exponent_text = text.substr(text[e + 1] == '+' ? e + 2 : e + 1);
  int exponent = 0;
  std::from_chars(exponent_text.data(), exponent_text.data() + exponent_text.size(), exponent);
  const int point = exponent + 1;
  const int count = static_cast<int>(digits.size());
  if (value < 0) {
    out += '-';
  }
  if (count <= point && point <= 21) {
    out += digits + std::string(static_cast<std::size_t>(point - count), '0');
  } else if (0 < point && point <= 21) {
    out += digits.substr(0, static_cast<std::size_t>(point)) + "." +
           digits.substr(static_cast<std::size_t>(point));
  } else if (-6 < point && point <= 0) {
    out += "0." + std::string(static_cast<std::size_t>(-point), '0') + digits;
  } else {
    out += digits.substr(0, 1) + (count > 1 ? "." + digits.substr(1) : "") + "e" +
           (point - 1 < 0 ? "-" : "+") + std::to_string(std::abs(point - 1));
  }
}

void write_string(std::string& out, std::string_view text) {
  constexpr std::string_view k_hex = "0123456789abcdef";
  out += '"';
  for (const char c : text) {
    switch (c) {
      case '"':
        out += "\\\"";
        break;
      case '\\':
        out += "\\\\";
        break;
      case '\b':
        out += "\\b";
        break;
      case '\f':
        out += "\\f";
        break;
      case '\n':
        out += "\\n";
        break;
      case '\r':
        out += "\\r";
        break;
      case '\t':
        out += "\\t";
        break;
      default:
        if (static_cast<std::uint8_t>(c) < 0x20) {
          out += "\\u00";
          out += k_hex[static_cast<std::uint8_t>(c) >> 4];
          out += k_hex[static_cast<std::uint8_t>(c) & 15];
        } else {
          out += c;
        }
    }
  }
  out += '"';
}

struct JsonWriter {
  std::string& out;

  void operator()(Any::Undefined) const { out += "null"; }
  void operator()(Any::Null) const { out += "null"; }
  void operator()(bool value) const { out += value ? "true" : "false"; }
  void operator()(double value) const { write_number(out, value); }
  void operator()(Any::BigInt value) const { out += std::to_string(value.value); }
  void operator()(const std::string& value) const { write_string(out, value); }
  void operator()(const Bytes& value) const {
    out += '{';
    for (std::size_t i = 0; i < value.size(); ++i) {
      out += (i == 0 ? "\"" : ",\"") + std::to_string(i) + "\":" + std::to_string(value[i]);
    }
    out += '}';
  }
  void operator()(const Any::Array& values) const {
    out += '[';
    for (std::size_t i = 0; i < values.size(); ++i) {
      out += i == 0 ? "" : ",";
      write_json(out, values[i]);
    }
    out += ']';
  }
  void operator()(const Any::Object& members) const {
    out += '{';
    bool first = true;
    const auto write = [&](std::string_view key, const Any& value) {
      if (!value.is_undefined()) {  // as JSON.stringify leaves out undefined members
        out += first ? "" : ",";
        first = false;
        write_string(out, key);
        out += ':';
        write_json(out, value);
      }
    };
    const auto has_index = [](const auto& member) {
      return !member.first.empty() && member.first[0] >= '0' && member.first[0] <= '9';
    };
    if (std::ranges::any_of(members, has_index)) {
      for (const auto& [key, value] : detail::enumerated(members)) {
        write(key, *value);
      }
    } else {
      for (const auto& [key, value] : members) {
        write(key, value);
      }
    }
    out += '}';
  }
};

void write_json(std::string& out, const Any& value) {
  std::visit(JsonWriter{out}, value.variant());
}

}  // namespace

const Any* Any::find(std::string_view key) const {
  if (const auto* members = if_object()) {
    for (const auto& [name, value] : *members) {
      if (name == key) {
        return &value;
      }
    }
  }
  return nullptr;
}

std::string Any::to_json() const {
  std::string out;
  write_json(out, *this);
  return out;
}

bool operator==(const Any& a, const Any& b) {
  const double* x = a.if_number();
  const double* y = b.if_number();
  if (x != nullptr && y != nullptr) {
    return (std::isnan(*x) && std::isnan(*y)) ||
           std::bit_cast<std::uint64_t>(*x) == std::bit_cast<std::uint64_t>(*y);
  }
  return a.value_ == b.value_;
}

}  // namespace vivim::crdt
