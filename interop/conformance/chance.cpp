#include "interop/conformance/chance.hpp"

#include <iterator>
#include <limits>

namespace vivim::interop::conformance {

using crdt::Any;

std::string Chance::text() {
  static constexpr const char* k_pieces[] = {
      "a", "b", "xyz", " ", "\n", "é", "漢字", "0", "\xf0\x9f\x98\x80", "\xf0\x9f\x91\x8d"};
  std::string text;
  const std::size_t count = one_in(400) ? 12'000 : 1 + pick(one_in(6) ? 40 : 4);
  for (std::size_t i = 0; i < count; ++i) {
    text += k_pieces[pick(emoji_ ? std::size(k_pieces) : 8)];
  }
  return text;
}

Any Chance::plain() {
  constexpr double k_two_53 = 9007199254740992.0;
  switch (pick(13)) {
    case 0:
      return nullptr;
    case 1:
      return one_in(2);
    case 2:
      return static_cast<double>(pick(100)) - 50;
    case 3:
      return static_cast<double>(number() >> pick(64));
    case 4:
      return static_cast<double>(pick(1000)) / 8;
    case 5:
      return static_cast<double>(pick(100'000)) / 7;
    case 6:
      return -0.0;
    case 7:
      return (one_in(2) ? 1 : -1) * (2147483646.0 + static_cast<double>(pick(4)));
    case 8:
      return (one_in(2) ? 1 : -1) * (k_two_53 - static_cast<double>(pick(3)));
    case 9:
      return std::numeric_limits<double>::quiet_NaN();
    case 10:
      return (one_in(2) ? 1 : -1) * std::numeric_limits<double>::infinity();
    default:
      return text();
  }
}

Any Chance::any(std::size_t depth) {
  const std::size_t choice = pick(depth < 2 ? 10 : 7);
  if (choice < 7) {
    return plain();
  }
  if (choice == 7) {
    return depth == 0 && one_in(3) ? Any(Bytes(pick(5), 7)) : Any("");
  }
  if (choice == 8) {
    Any::Array values;
    for (std::size_t count = pick(4); count > 0; --count) {
      values.push_back(any(depth + 1));
    }
    return values;
  }
  Any::Object members;
  static constexpr const char* k_keys[] = {"x", "10", "9", "y", "01", ""};
  for (const char* key : k_keys) {
    if (one_in(3)) {
      members.emplace_back(key, any(depth + 1));
    }
  }
  return members;
}

Any Chance::format() {
  switch (pick(8)) {
    case 0:
    case 1:
      return nullptr;
    case 2:
      return one_in(2);
    case 3:
      return Any(Any::Object{{"href", Any("u")}});
    case 4:
      return Any(Any::Object{{"in", Any(Any::Object{{"deep", Any(1)}})}});
    case 5:
      return static_cast<double>(pick(2));
    default:
      return true;
  }
}

crdt::TextAttributes Chance::formats() {
  static constexpr const char* k_names[] = {"bold", "link", "2", "1", "em"};
  crdt::TextAttributes formats;
  for (const char* name : k_names) {
    if (one_in(3)) {
      formats.emplace_back(name, format());
    }
  }
  return formats;
}

}  // namespace vivim::interop::conformance
