#include "apps/vivim/json.hpp"

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

namespace vivim::cli {

namespace {

const Json& nothing() {
  static const Json value;
  return value;
}

}  // namespace

std::optional<Json> parse_json(std::string_view text) {
  boost::system::error_code error;
  boost::json::parse_options options;
  options.max_depth = 256;
  Json value = boost::json::parse({text.data(), text.size()}, error, {}, options);
  return error ? std::nullopt : std::optional<Json>(std::move(value));
}

Outcome<Json> parse_answer(std::string_view text) {
  auto json = parse_json(text);
  if (!json) {
    return std::unexpected(
        Problem{.kind = ProblemKind::internal,
                .code = "bad_answer",
                .message = "The node's answer is not JSON.",
                .hint = "Are the node and this program of the same version? See: vivim version"});
  }
  return std::move(*json);
}

const Json& member(const Json& value, std::string_view name) {
  const auto* object = value.if_object();
  const auto* found = object == nullptr ? nullptr : object->if_contains({name.data(), name.size()});
  return found == nullptr ? nothing() : *found;
}

std::string text_at(const Json& value, std::string_view name) {
  const auto* text = member(value, name).if_string();
  return text == nullptr ? "" : std::string(text->data(), text->size());
}

std::optional<std::int64_t> number_at(const Json& value, std::string_view name) {
  const Json& found = member(value, name);
  if (const auto* whole = found.if_int64()) {
    return *whole;
  }
  constexpr double k_max = 9e18;
  const auto* number = found.if_double();
  if (number == nullptr || !(*number > -k_max && *number < k_max)) {
    return std::nullopt;
  }
  return static_cast<std::int64_t>(*number);
}

double decimal_at(const Json& value, std::string_view name) {
  const Json& found = member(value, name);
  boost::system::error_code error;
  const double number = found.to_number<double>(error);
  return error ? 0 : number;
}

std::string words_at(const Json& value, std::string_view name) {
  std::string out;
  for (const auto& item : items_at(value, name)) {
    if (const auto* text = item.if_string()) {
      out += (out.empty() ? "" : " ") + std::string(text->data(), text->size());
    }
  }
  return out;
}

std::uint64_t count_at(const Json& value, std::string_view name) {
  const auto number = number_at(value, name).value_or(0);
  return number < 0 ? 0 : static_cast<std::uint64_t>(number);
}

bool flag_at(const Json& value, std::string_view name) {
  const auto* flag = member(value, name).if_bool();
  return flag != nullptr && *flag;
}

const boost::json::array& items_at(const Json& value, std::string_view name) {
  const auto* items = member(value, name).if_array();
  static const boost::json::array none;
  return items == nullptr ? none : *items;
}

std::string to_text(const Json& value) {
  return boost::json::serialize(value);
}

}  // namespace vivim::cli
