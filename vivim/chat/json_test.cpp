#include "vivim/chat/json.hpp"

#include <doctest/doctest.h>

#include "vivim/chat/json_writer.hpp"

using namespace vivim;
using namespace vivim::chat;

namespace {

Error error_of(std::string_view text, const JsonLimits& limits = {}) {
  JsonIndex index;
  const auto outcome = index.parse(text, limits);
  REQUIRE_FALSE(outcome.has_value());
  CHECK(index.root().is_absent());
  return outcome.error();
}

std::string string_of(std::string_view text) {
  JsonIndex index;
  REQUIRE(index.parse(text));
  return index.root().string();
}

}  // namespace

TEST_CASE("values are found where they stand") {
  const std::string text = R"( {"a": [1, -2.5e3, true, null], "b\u0063": {"d": "x\ny"}, "a": 7} )";
  JsonIndex index;
  REQUIRE(index.parse(text));
  const auto root = index.root();
  CHECK(root.is_object());
  CHECK(root.size() == 3);
  CHECK(root["a"].raw() == "[1, -2.5e3, true, null]");
  CHECK(root["a"].size() == 4);
  CHECK(root["bc"]["d"].string() == "x\ny");
  CHECK(root["bc"]["d"].equals("x\ny"));
  CHECK(root["missing"]["deeper"].is_absent());
  CHECK(root["missing"].string().empty());
  std::vector<std::string> kinds;
  root["a"].for_each_element([&](JsonValue value) { kinds.emplace_back(value.raw()); });
  CHECK(kinds == std::vector<std::string>{"1", "-2.5e3", "true", "null"});
  std::vector<std::string> keys;
  root.for_each_member([&](JsonValue key, JsonValue) { keys.push_back(key.string()); });
  CHECK(keys == std::vector<std::string>{"a", "bc", "a"});
}

TEST_CASE("numbers and words") {
  JsonIndex index;
  REQUIRE(index.parse("[0, -0.5, 1e400, 1772692034.706836, true, false]"));
  std::vector<std::optional<double>> numbers;
  bool truth = false;
  index.root().for_each_element([&](JsonValue value) {
    numbers.push_back(value.number());
    truth = truth || value.is_true();
  });
  CHECK(numbers[0] == 0.0);
  CHECK(numbers[1] == -0.5);
  CHECK_FALSE(numbers[2].has_value());
  CHECK(numbers[3] == 1772692034.706836);
  CHECK_FALSE(numbers[4].has_value());
  CHECK(truth);
}

TEST_CASE("strings become valid UTF-8 whatever they hold") {
  CHECK(string_of(R"("\ud83d\ude00 \u00e9 \"\\\/\b\f\n\r\t")") ==
        "\xf0\x9f\x98\x80 \xc3\xa9 \"\\/\b\f\n\r\t");
  CHECK(string_of(R"("a\ud83d")") == "a\xef\xbf\xbd");
  CHECK(string_of(R"("\ud83dx\ude00")") == "\xef\xbf\xbdx\xef\xbf\xbd");
  CHECK(string_of(R"("\ud83d\ud83d\ude00")") == "\xef\xbf\xbd\xf0\x9f\x98\x80");
  CHECK(string_of("\"a\xff\xc0\x80z\xe2\x82\"") ==
        "a\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbdz\xef\xbf\xbd\xef\xbf\xbd");
  CHECK(string_of("\"\xed\xa0\x80\"") == "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd");
  CHECK(string_of(R"("\u0000")") == std::string(1, '\0'));
}

TEST_CASE("every error, with its position") {
  CHECK(error_of("").is(JsonError::unexpected_end));
  CHECK(error_of("{\"a\": [1, 2").is(JsonError::unexpected_end));
  CHECK(error_of("\"abc").is(JsonError::unexpected_end));
  CHECK(error_of("\"a\\").is(JsonError::unexpected_end));
  CHECK(error_of("\"a\\u12").is(JsonError::unexpected_end));
  CHECK(error_of("tru").is(JsonError::unexpected_end));
  CHECK(error_of("[1, x]").is(JsonError::unexpected_character));
  CHECK(error_of("[1, x]").detail() == 4);
  CHECK(error_of("[1,]").detail() == 3);
  CHECK(error_of("{\"a\" 1}").detail() == 5);
  CHECK(error_of("{1: 2}").is(JsonError::unexpected_character));
  CHECK(error_of("[1}").is(JsonError::unexpected_character));
  CHECK(error_of("\"\\x\"").is(JsonError::bad_string));
  CHECK(error_of("\"\\u12g4\"").is(JsonError::bad_string));
  CHECK(error_of("01").is(JsonError::bad_number));
  CHECK(error_of("-x").is(JsonError::bad_number));
  CHECK(error_of("1.").is(JsonError::unexpected_end));
  CHECK(error_of("1 2").is(JsonError::trailing_characters));
  CHECK(error_of("[1,2,3,4]", {.values_max = 4}).is(JsonError::too_many_values));
}

TEST_CASE("a bomb of brackets is refused at the limit") {
  const std::string deep(1'000'000, '[');
  CHECK(error_of(deep).is(JsonError::too_deep));
  CHECK(error_of(deep).detail() == JsonLimits{}.depth_max);
  const auto at_limit = std::string(256, '[') + std::string(256, ']');
  JsonIndex index;
  CHECK(index.parse(at_limit).has_value());
}

TEST_CASE("what is written can be read") {
  std::string out;
  JsonWriter writer(out);
  writer.begin_object();
  writer.field("empty", std::string());
  writer.field("s", std::string("</script>\"\\\n\x01"));
  writer.field("n", std::optional<double>(1772692034706.836));
  writer.key("list");
  writer.begin_array();
  writer.number(3);
  writer.number(1e300);
  writer.null();
  writer.begin_array();
  writer.end_array();
  writer.end_array();
  writer.field("yes", true);
  writer.field("no", false);
  writer.end_object();
  CHECK(out ==
        "{\"s\":\"<\\/script>\\\"\\\\\\n\\u0001\",\"n\":1772692034706.836,\"list\":[3,1e+300,"
        "null,[]],\"yes\":true}");
  JsonIndex index;
  REQUIRE(index.parse(out));
  CHECK(index.root()["s"].string() == "</script>\"\\\n\x01");
}
