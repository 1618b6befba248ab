#pragma once

#include <concepts>
#include <string>
#include <string_view>
#include <vector>

#include "vivim/chat/json_writer.hpp"

/// Members of JSON objects, each written also when it is empty, 0 or false.
namespace vivim::gateway::members {

inline void text(chat::JsonWriter& writer, std::string_view name, std::string_view value) {
  writer.key(name);
  writer.string(value);
}

template <std::integral Number>
void number(chat::JsonWriter& writer, std::string_view name, Number value) {
  writer.key(name);
  writer.number(static_cast<double>(value));
}

template <std::same_as<bool> Bool>
void flag(chat::JsonWriter& writer, std::string_view name, const Bool& value) {
  writer.key(name);
  writer.boolean(value);
}

inline void texts(chat::JsonWriter& writer, std::string_view name,
                  const std::vector<std::string>& values) {
  writer.key(name);
  writer.begin_array();
  for (const auto& value : values) {
    writer.string(value);
  }
  writer.end_array();
}

/// An object with what `fill` writes into it.
template <class Fill>
std::string object(Fill fill) {
  std::string out;
  chat::JsonWriter writer(out);
  writer.begin_object();
  fill(writer);
  writer.end_object();
  return out;
}

}  // namespace vivim::gateway::members
