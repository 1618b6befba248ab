#include "apps/vivim/progress.hpp"

#include <cstdio>

#include "apps/vivim/text.hpp"
#include "apps/vivim/units.hpp"

namespace vivim::cli {

namespace {

constexpr std::size_t k_bar_columns_max = 30;
/// A rate measured over less time says nothing.
constexpr auto k_rate_time_min = std::chrono::milliseconds(300);

std::string bar(double fraction, std::size_t columns) {
  const auto filled = static_cast<std::size_t>(fraction * static_cast<double>(columns));
  std::string out;
  for (std::size_t i = 0; i < columns; ++i) {
    out += i < filled ? "━" : "╌";
  }
  return out;
}

std::string rate_and_rest(const Progress& progress, rt::Duration elapsed) {
  if (elapsed < k_rate_time_min || progress.bytes == 0) {
    return "";
  }
  const double seconds = std::chrono::duration<double>(elapsed).count();
  const double rate = static_cast<double>(progress.bytes) / seconds;
  std::string text = "  " + format_bytes(static_cast<std::uint64_t>(rate)) + "/s";
  if (progress.bytes_total > progress.bytes) {
    const auto left = static_cast<double>(progress.bytes_total - progress.bytes) / rate;
    const std::chrono::milliseconds rest(static_cast<std::int64_t>(left * 1000) + 999);
    text += "  " + format_duration(rest) + " left";
  }
  return text;
}

}  // namespace

std::string render_progress(const Progress& progress, rt::Duration elapsed, std::size_t columns) {
  if (progress.bytes_total == 0) {
    return truncate(format_bytes(progress.bytes) + rate_and_rest(progress, elapsed), columns);
  }
  const double fraction = std::min(
      1.0, static_cast<double>(progress.bytes) / static_cast<double>(progress.bytes_total));
  const std::string percent =
      pad(std::to_string(static_cast<int>(fraction * 100)) + " %", 5, Align::right);
  const std::string rest = "  " + format_bytes(progress.bytes) + " of " +
                           format_bytes(progress.bytes_total) + rate_and_rest(progress, elapsed);
  const std::size_t bar_columns = std::min(k_bar_columns_max, columns / 3);
  return truncate(bar(fraction, bar_columns) + " " + percent + rest, columns);
}

ProgressLine::ProgressLine(const Terminal& error_terminal, rt::Clock& clock)
    : terminal_(error_terminal), clock_(clock), started_(clock.now()) {}

ProgressLine::~ProgressLine() {
  if (shown_) {
    std::fputs("\r\x1b[K", stderr);
  }
}

void ProgressLine::write(const std::string& line) {
  if (!terminal_.is_terminal) {
    return;
  }
  shown_ = true;
  std::fputs(("\r\x1b[K" + line).c_str(), stderr);
}

void ProgressLine::show(const Progress& progress) {
  write(render_progress(progress, clock_.now() - started_, terminal_.columns - 1));
}

void ProgressLine::show_text(std::string_view text) {
  write(truncate(text, terminal_.columns - 1));
}

}  // namespace vivim::cli
