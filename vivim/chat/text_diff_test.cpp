#include "vivim/chat/text_diff.hpp"

#include <random>

#include <doctest/doctest.h>

using namespace vivim::chat;

namespace {

std::u16string utf16(std::string_view text) {
  std::u16string out;
  for (std::size_t i = 0; i < text.size();) {
    const auto byte = static_cast<std::uint8_t>(text[i]);
    const int size = byte < 0x80 ? 1 : byte < 0xe0 ? 2 : byte < 0xf0 ? 3 : 4;
    char32_t point = size == 1 ? byte : byte & (0x7f >> size);
    for (int k = 1; k < size; ++k) {
      point =
          (point << 6) | (static_cast<std::uint8_t>(text[i + static_cast<std::size_t>(k)]) & 0x3f);
    }
    if (point >= 0x10000) {
      out.push_back(static_cast<char16_t>(0xd800 + ((point - 0x10000) >> 10)));
      out.push_back(static_cast<char16_t>(0xdc00 + ((point - 0x10000) & 0x3ff)));
    } else {
      out.push_back(static_cast<char16_t>(point));
    }
    i += static_cast<std::size_t>(size);
  }
  return out;
}

std::size_t check(std::string_view before, std::string_view after) {
  auto text = utf16(before);
  std::size_t touched = 0;
  for (const auto& edit : diff_text(before, after)) {
    const auto insert = utf16(edit.insert);
    text.replace(edit.index, edit.remove, insert);
    touched += edit.remove + insert.size();
  }
  CHECK(text == utf16(after));
  return touched;
}

}  // namespace

TEST_CASE("only what differs is touched") {
  CHECK(check("", "") == 0);
  CHECK(check("same", "same") == 0);
  CHECK(check("", "abc") == 3);
  CHECK(check("abc", "") == 3);
  CHECK(check("hello world", "hello brave world") == 6);
  CHECK(check("one two three", "ONE two THREE") == 16);
  CHECK(check("a\xf0\x9f\x98\x80z", "a\xf0\x9f\x98\x81z") == 4);
  CHECK(check("\xc3\xa9t\xc3\xa9", "\xc3\xa9t\xc3\xa8s") == 3);
  const auto edits = diff_text("abc", "axc");
  CHECK(edits == std::vector<TextEdit>{{.index = 1, .remove = 1, .insert = "x"}});
}

TEST_CASE("a text that is quite another is replaced") {
  const std::string a(5000, 'a');
  const std::string b(4000, 'b');
  CHECK(check("x" + a + "y", "x" + b + "y") == 9000);
  CHECK(diff_text("x" + a + "y", "x" + b + "y").size() == 1);
}

TEST_CASE("random edits") {
  std::mt19937 rng(7);
  const std::vector<std::string> letters = {"a", "b", "\xc3\xa9", "\xf0\x9f\x98\x80", " ", "\n"};
  for (int round = 0; round < 500; ++round) {
    std::string before;
    std::string after;
    for (int i = 0; i < 60; ++i) {
      const auto& letter = letters[rng() % letters.size()];
      const auto choice = rng() % 10;
      before += choice == 0 ? "" : letter;
      after += choice == 1 ? "" : choice == 2 ? letters[rng() % letters.size()] : letter;
    }
    check(before, after);
  }
}
