#pragma once

#include <concepts>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "vivim/chat/part.hpp"

namespace vivim::chat {

/// Appends `text` (UTF-8) as a JSON string with its quotes; "</" is written as "<\/", so that the
/// result may stand in a script element.
void append_json_string(std::string& out, std::string_view text);

/// Appends a number as short as it round-trips; what is not finite becomes null.
void append_json_number(std::string& out, double value);

/// Writes JSON to the end of a string: commas and quotes come by themselves.
class JsonWriter {
 public:
  explicit JsonWriter(std::string& out) : out_(&out) {}

  void begin_object() { open('{'); }
  void end_object() { close('}'); }
  void begin_array() { open('['); }
  void end_array() { close(']'); }
  void key(std::string_view name);
  void string(std::string_view text);
  void number(double value);
  void boolean(bool value);  // NOLINT: a JSON boolean is one
  void null();
  /// A value that is JSON already.
  void raw(std::string_view json);

  /// A member, left out when it is empty, absent or false.
  void field(std::string_view name, const std::string& text);
  void field(std::string_view name, const std::optional<double>& value);
  void field(std::string_view name, const Json& value);
  void field(std::string_view name, const std::vector<Thought>& thoughts);
  template <std::same_as<bool> Bool>
  void field(std::string_view name, const Bool& value) {
    if (value) {
      key(name);
      boolean(true);
    }
  }

 private:
  void separate();
  void open(char bracket);
  void close(char bracket);

  std::string* out_;
  bool first_ = true;
  bool after_key_ = false;
};

/// Writes a part as docs/protocol/conversation.md#parts has it.
void write_part(JsonWriter& writer, const Part& part);

}  // namespace vivim::chat
