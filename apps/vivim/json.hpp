#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/value.hpp>

#include "vivim/base/problem.hpp"

/// Reading the node's JSON: every question may be asked of every value, and what is not there is
/// empty.
namespace vivim::cli {

using Json = boost::json::value;

/// Nothing when it is not JSON.
std::optional<Json> parse_json(std::string_view text);
/// The same for an answer of the node: a Problem when it is not JSON.
Outcome<Json> parse_answer(std::string_view text);

/// The member of an object; null if there is none.
const Json& member(const Json& value, std::string_view name);
std::string text_at(const Json& value, std::string_view name);
/// Numbers with a fraction are cut off.
std::optional<std::int64_t> number_at(const Json& value, std::string_view name);
/// Zero when it is no number.
double decimal_at(const Json& value, std::string_view name);
std::uint64_t count_at(const Json& value, std::string_view name);
bool flag_at(const Json& value, std::string_view name);
/// The elements; none if it is not an array.
const boost::json::array& items_at(const Json& value, std::string_view name);
/// The texts of an array, with spaces between them.
std::string words_at(const Json& value, std::string_view name);

/// JSON text.
std::string to_text(const Json& value);

}  // namespace vivim::cli
