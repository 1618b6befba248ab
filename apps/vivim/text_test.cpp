#include "apps/vivim/text.hpp"

#include <clocale>
#include <cstdlib>
#include <ctime>

#include <doctest/doctest.h>

#include "apps/vivim/progress.hpp"
#include "apps/vivim/table.hpp"
#include "apps/vivim/units.hpp"

namespace vivim::cli {
namespace {

struct Locale {
  Locale() {
    std::setlocale(LC_CTYPE, "C.UTF-8");
    ::setenv("TZ", "UTC", 1);
    ::tzset();
  }
};

TEST_CASE_FIXTURE(Locale, "text: what could command a terminal becomes visible") {
  CHECK(sanitize("plain\n\ttext") == "plain\n\ttext");
  CHECK(sanitize("a\x1b[2Jb\x07\x7f") == "a␛[2Jb␇␡");
  CHECK(sanitize("a\xc2\x9b"
                 "2J") ==
        "a\uFFFD"
        "2J");
  CHECK(sanitize("x\u202Ey\u2066z") == "xyz");
  CHECK(sanitize("line\r\nline") == "line\nline");
  CHECK(sanitize("bad \xff\xc0\x80\xed\xa0\x80 end") ==
        "bad \uFFFD\uFFFD\uFFFD\uFFFD\uFFFD\uFFFD end");
  CHECK(one_line("  a\n\n b\t ") == "a b");
}

TEST_CASE_FIXTURE(Locale, "text: widths are columns") {
  CHECK(display_width("abc") == 3);
  CHECK(display_width("äöü") == 3);
  CHECK(display_width("日本") == 4);
  CHECK(display_width("e\u0301") == 1);
  CHECK(truncate("日本語", 6) == "日本語");
  CHECK(truncate("日本語", 5) == "日本…");
  CHECK(truncate("one two", 5) == "one…");
  CHECK(truncate("abc", 1) == "…");
  CHECK(truncate("abc", 0).empty());
  CHECK(pad("日", 4, Align::left) == "日  ");
  CHECK(pad("7", 3, Align::right) == "  7");
}

TEST_CASE_FIXTURE(Locale, "text: wrapping breaks between words, and keeps lines and indents") {
  const std::vector<std::string> words = {"one two", "three", "four"};
  CHECK(wrap("one two three four", 8) == words);
  const std::vector<std::string> lines = {"a", "", "b"};
  CHECK(wrap("a\n\nb", 20) == lines);
  const std::vector<std::string> item = {"  - one", "  two"};
  CHECK(wrap("  - one two", 8) == item);
  const std::vector<std::string> cut = {"abcdefgh", "ijkl"};
  CHECK(wrap("abcdefghijkl", 8) == cut);
  for (const auto& line : wrap("日本語の長い文章はどこでも切れる", 8)) {
    CHECK(display_width(line) <= 8);
  }
}

TEST_CASE_FIXTURE(Locale, "units: counts, sizes, durations") {
  CHECK(format_count(0) == "0");
  CHECK(format_count(1234567) == "1,234,567");
  CHECK(format_count_of(1, "turn") == "1 turn");
  CHECK(format_count_of(2, "turn") == "2 turns");
  CHECK(format_bytes(1) == "1 byte");
  CHECK(format_bytes(999) == "999 bytes");
  CHECK(format_bytes(1234) == "1.2 kB");
  CHECK(format_bytes(340'000) == "340 kB");
  CHECK(format_bytes(999'999) == "1.0 MB");
  CHECK(format_bytes(2'147'483'648) == "2.1 GB");
  using std::chrono::milliseconds;
  CHECK(format_duration(milliseconds(4999)) == "4 s");
  CHECK(format_duration(milliseconds(125'000)) == "2 min 5 s");
  CHECK(format_duration(milliseconds(3'600'000)) == "1 h");
  CHECK(format_duration(milliseconds(100'000'000)) == "1 day 3 h");
  CHECK(format_duration(milliseconds(-5)) == "0 s");
}

TEST_CASE_FIXTURE(Locale, "units: times relative to now") {
  constexpr std::int64_t now = 1'714'744'920'000;  // 2024-05-03 14:02 UTC
  constexpr std::int64_t minute = 60'000;
  CHECK(format_time(now) == "2024-05-03 14:02");
  CHECK(format_relative(now - 5'000, now) == "just now");
  CHECK(format_relative(now + 5'000, now) == "just now");
  CHECK(format_relative(now - 5 * minute, now) == "5 min ago");
  CHECK(format_relative(now - 180 * minute, now) == "3 h ago");
  CHECK(format_relative(now - 20 * 60 * minute, now) == "yesterday");
  CHECK(format_relative(now - 3 * 24 * 60 * minute, now) == "30 Apr 2024");
  CHECK(format_relative(now + 24 * 60 * minute, now) == "4 May 2024");
}

TEST_CASE_FIXTURE(Locale, "table: columns are aligned, the last one is cut off on a terminal") {
  Table table({{.header = "ID"}, {.header = "N", .align = Align::right}, {.header = "TITLE"}});
  table.add({"日", "7", "a title that is long enough to be cut"});
  table.add({"abc", "12", "b"});
  const Terminal file{};
  CHECK(table.render(file) ==
        "ID    N  TITLE\n日    7  a title that is long enough to be cut\nabc  12  b\n");
  const Terminal narrow{.is_terminal = true, .colour = false, .columns = 28};
  CHECK(table.render(narrow) == "ID    N  TITLE\n日    7  a title that is lo…\nabc  12  b\n");
}

TEST_CASE_FIXTURE(Locale, "progress: bar, rate and the time that is left fit the line") {
  using std::chrono::seconds;
  const Progress half{.bytes = 500'000'000, .bytes_total = 1'000'000'000};
  CHECK(render_progress(half, seconds(5), 100) ==
        "━━━━━━━━━━━━━━━╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌  50 %  500 MB of 1.0 GB  100 MB/s  5 s left");
  CHECK(display_width(render_progress(half, seconds(5), 40)) <= 40);
  CHECK(render_progress({.bytes = 0, .bytes_total = 10}, seconds(0), 60).find("0 %") !=
        std::string::npos);
  CHECK(render_progress({.bytes = 5}, seconds(1), 60) == "5 bytes  5 bytes/s");
}

TEST_CASE("terminal: styles only where there are colours") {
  CHECK(styled({.colour = false}, Style::red, "x") == "x");
  CHECK(styled({.colour = true}, Style::red, "x") == "\x1b[31mx\x1b[0m");
}

}  // namespace
}  // namespace vivim::cli
