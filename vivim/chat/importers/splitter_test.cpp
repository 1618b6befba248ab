#include "vivim/chat/importers/splitter.hpp"

#include <string>

#include <doctest/doctest.h>

using namespace vivim;
using namespace vivim::chat;

namespace {

struct Split {
  std::vector<Element> elements;
  std::optional<Error> error;
  std::uint64_t position = 0;
  std::uint64_t line = 0;

  std::vector<std::string> texts() const {
    std::vector<std::string> out;
    for (const auto& element : elements) {
      out.emplace_back(element.view());
    }
    return out;
  }
};

Split split(std::string_view text, std::size_t step, SplitterOptions options = {}) {
  Splitter splitter(options);
  Split out;
  while (!text.empty() && !out.error) {
    splitter.feed(text.substr(0, step));
    text.remove_prefix(std::min(step, text.size()));
    while (true) {
      auto element = splitter.poll();
      if (!element) {
        out.error = element.error();
        break;
      }
      if (!*element) {
        break;
      }
      out.elements.push_back(std::move(**element));
    }
  }
  if (!out.error) {
    if (auto end = splitter.finish(); !end) {
      out.error = end.error();
    }
  }
  out.position = splitter.position();
  out.line = splitter.line();
  return out;
}

}  // namespace

TEST_CASE("elements, whatever the pieces") {
  const std::string text =
      "\xef\xbb\xbf [\n  {\"a\": \"]}\\\"{\", \"b\": [1, {}]},\n\t{},  17 ,\"x,]\\\",\",[[]],\n "
      "null]\n ";
  const std::vector<std::string> expected = {
      "{\"a\": \"]}\\\"{\", \"b\": [1, {}]}", "{}", "17 ", "\"x,]\\\",\"", "[[]]", "null"};
  for (const std::size_t step : {1, 2, 3, 5, 7, 16, 17, 1000}) {
    CAPTURE(step);
    const auto result = split(text, step);
    CHECK_FALSE(result.error.has_value());
    CHECK(result.texts() == expected);
    for (const auto& element : result.elements) {
      CHECK(text.substr(element.offset, element.size) == element.view());
    }
    CHECK(result.elements[0].line == 2);
    CHECK(result.elements[1].line == 3);
    CHECK(result.elements[5].line == 4);
    CHECK(result.position == text.size());
    CHECK(result.line == 5);
  }
}

TEST_CASE("random brackets, quotes and backslashes: the pieces change nothing") {
  constexpr std::string_view k_signs = "{}[]\"\"\\\\ ,:a\n";
  std::uint64_t state = 1;
  for (int round = 0; round < 3000; ++round) {
    std::string text = "[{";
    for (int i = 0; i < 400; ++i) {
      state = state * 6364136223846793005U + 1442695040888963407U;
      // many plain bytes in every other round, so that blocks without brackets occur too
      const auto sign = (state >> 33) % (round % 2 == 0 ? k_signs.size() : 60);
      text += sign < k_signs.size() ? k_signs[sign] : 'x';
    }
    const auto slow = split(text, 1);
    for (const std::size_t step : {100, 402}) {
      const auto fast = split(text, step);
      CHECK(fast.texts() == slow.texts());
      CHECK(fast.position == slow.position);
      CHECK(fast.line == slow.line);
      CHECK(fast.error.has_value() == slow.error.has_value());
    }
  }
}

TEST_CASE("a single object is a list of one") {
  const auto result = split(" {\"a\": 1}\n", 4);
  CHECK(result.texts() == std::vector<std::string>{"{\"a\": 1}"});
  CHECK_FALSE(result.error.has_value());
  CHECK(split("[]", 1).elements.empty());
}

TEST_CASE("garbage and truncation say where") {
  const auto check = [](std::string_view text, ImportError error, std::uint64_t position) {
    CAPTURE(text);
    for (const std::size_t step : {1, 100}) {
      const auto result = split(text, step);
      REQUIRE(result.error.has_value());
      CHECK(result.error->is(error));
      CHECK(result.position == position);
    }
  };
  check("hello", ImportError::garbage, 0);
  check("[,]", ImportError::garbage, 1);
  check("[{} {}]", ImportError::garbage, 4);
  check("[{}] x", ImportError::garbage, 5);
  check("{}{}", ImportError::garbage, 2);
  check("[{}", ImportError::truncated, 3);
  check("[{\"a", ImportError::truncated, 4);
  check("[1", ImportError::truncated, 2);
  check("\n", ImportError::truncated, 1);
  CHECK(split("[{}, {\"a\": 1", 3).elements.size() == 1);
}

TEST_CASE("an element over the limit is skipped, the others come") {
  const std::string big = "{\"a\": \"" + std::string(1000, 'x') + "\"}";
  const auto text = "[{}," + big + ",{\"b\":1}]";
  for (const std::size_t step : {1, 10, 5000}) {
    const auto result = split(text, step, {.element_bytes_max = 100});
    REQUIRE(result.elements.size() == 3);
    CHECK(result.elements[1].too_large);
    CHECK(result.elements[1].text.empty());
    CHECK(result.elements[1].offset == 4);
    CHECK(result.elements[1].size == big.size());
    CHECK(result.elements[2].view() == "{\"b\":1}");
    CHECK_FALSE(result.error.has_value());
  }
}

TEST_CASE("brackets without end need no memory beyond the limit") {
  Splitter splitter({.element_bytes_max = 1000});
  const std::string deep(10'000, '[');
  for (int i = 0; i < 100; ++i) {
    splitter.feed(deep);
    CHECK_FALSE(splitter.poll().value().has_value());
  }
  CHECK(splitter.rest().text.empty());
  CHECK(splitter.finish().error().is(ImportError::truncated));
}
