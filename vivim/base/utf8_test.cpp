#include "vivim/base/utf8.hpp"

#include <doctest/doctest.h>

using namespace vivim;

TEST_CASE("utf8: well-formed and not") {
  for (const char* good : {"", "abc", "\xc3\xa4", "\xe2\x82\xac", "\xed\x9f\xbf",
                           "\xf0\x9f\x98\x80", "\xf4\x8f\xbf\xbf"}) {
    CHECK(is_utf8(good));
  }
  for (const char* bad :
       {"\x80", "\xc0\x80", "\xc1\xbf", "\xc3", "\xe0\x9f\xbf", "\xed\xa0\x80", "\xf0\x8f\xbf\xbf",
        "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xe2\x82", "\xe2\x82x", "\xff"}) {
    CHECK_FALSE(is_utf8(bad));
  }
}
