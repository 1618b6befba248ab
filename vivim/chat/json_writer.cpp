#include "vivim/chat/json_writer.hpp"

#include <array>
#include <charconv>
#include <cmath>

namespace vivim::chat {

namespace {

bool is_plain(std::string_view text, std::size_t i) {
  const char c = text[i];
  const bool closes_tag = c == '/' && i > 0 && text[i - 1] == '<';
  return static_cast<std::uint8_t>(c) >= 0x20 && c != '"' && c != '\\' && !closes_tag;
}

void append_escape(std::string& out, char c) {
  constexpr std::string_view k_hex = "0123456789abcdef";
  switch (c) {
    case '\n':
      out += "\\n";
      return;
    case '\r':
      out += "\\r";
      return;
    case '\t':
      out += "\\t";
      return;
    case '"':
    case '\\':
    case '/':
      out += '\\';
      out += c;
      return;
    default:
      out += "\\u00";
      out += k_hex[static_cast<std::uint8_t>(c) >> 4];
      out += k_hex[static_cast<std::uint8_t>(c) & 15];
  }
}

}  // namespace

void append_json_string(std::string& out, std::string_view text) {
  out += '"';
  std::size_t from = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (!is_plain(text, i)) {
      out += text.substr(from, i - from);
      append_escape(out, text[i]);
      from = i + 1;
    }
  }
  out += text.substr(from);
  out += '"';
}

void append_json_number(std::string& out, double value) {
  if (!std::isfinite(value)) {
    out += "null";
    return;
  }
  std::array<char, 32> buffer{};
  // whole numbers without an exponent, as JavaScript writes them
  const bool whole = value == std::floor(value) && std::abs(value) < 1e15;
  const auto result = whole ? std::to_chars(buffer.data(), buffer.data() + buffer.size(),
                                            static_cast<std::int64_t>(value))
                            : std::to_chars(buffer.data(), buffer.data() + buffer.size(), value);
  out.append(buffer.data(), result.ptr);
}

void JsonWriter::separate() {
  if (!first_ && !after_key_) {
    *out_ += ',';
  }
  first_ = false;
  after_key_ = false;
}

void JsonWriter::open(char bracket) {
  separate();
  *out_ += bracket;
  first_ = true;
}

void JsonWriter::close(char bracket) {
  *out_ += bracket;
  first_ = false;
}

void JsonWriter::key(std::string_view name) {
  separate();
  append_json_string(*out_, name);
  *out_ += ':';
  after_key_ = true;
}

void JsonWriter::string(std::string_view text) {
  separate();
  append_json_string(*out_, text);
}

void JsonWriter::number(double value) {
  separate();
  append_json_number(*out_, value);
}

void JsonWriter::boolean(bool value) {
  raw(value ? "true" : "false");
}

void JsonWriter::null() {
  raw("null");
}

void JsonWriter::raw(std::string_view json) {
  separate();
  *out_ += json;
}

void JsonWriter::field(std::string_view name, const std::string& text) {
  if (!text.empty()) {
    key(name);
    string(text);
  }
}

void JsonWriter::field(std::string_view name, const std::optional<double>& value) {
  if (value) {
    key(name);
    number(*value);
  }
}

void JsonWriter::field(std::string_view name, const Json& value) {
  if (!value.text.empty()) {
    key(name);
    raw(value.text);
  }
}

void JsonWriter::field(std::string_view name, const std::vector<Thought>& thoughts) {
  if (thoughts.empty()) {
    return;
  }
  key(name);
  begin_array();
  for (const auto& thought : thoughts) {
    begin_object();
    field("summary", thought.summary);
    field("content", thought.content);
    end_object();
  }
  end_array();
}

void write_part(JsonWriter& writer, const Part& part) {
  writer.begin_object();
  writer.key("type");
  writer.string(part_type(part));
  std::visit(
      [&]<class Type>(const Type& value) {
        Type::fields(
            value, [&](std::string_view name, const auto& member) { writer.field(name, member); });
      },
      part);
  writer.end_object();
}

}  // namespace vivim::chat
