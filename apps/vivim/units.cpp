#include "apps/vivim/units.hpp"

#include <array>
#include <ctime>

namespace vivim::cli {

namespace {

constexpr std::int64_t k_second_ms = 1000;
constexpr std::int64_t k_minute_ms = 60 * k_second_ms;
constexpr std::int64_t k_hour_ms = 60 * k_minute_ms;
constexpr std::int64_t k_day_ms = 24 * k_hour_ms;

std::tm local_time(std::int64_t when_ms) {
  const auto seconds = static_cast<std::time_t>(when_ms / k_second_ms);
  std::tm parts{};
  ::localtime_r(&seconds, &parts);
  return parts;
}

std::string format_parts(const std::tm& parts, const char* format) {
  std::array<char, 64> buffer{};
  return {buffer.data(), std::strftime(buffer.data(), buffer.size(), format, &parts)};
}

/// "3 h 12 min"; the second unit is left out when it is zero.
std::string two_units(std::int64_t value, std::int64_t per_unit, std::string_view unit,
                      std::string_view small_unit, std::int64_t per_small) {
  std::string text = std::to_string(value / per_unit) + " " + std::string(unit);
  if (const auto rest = value % per_unit / per_small; rest > 0) {
    text += " " + std::to_string(rest) + " " + std::string(small_unit);
  }
  return text;
}

}  // namespace

std::string format_count(std::uint64_t count) {
  std::string text = std::to_string(count);
  for (std::size_t at = text.size(); at > 3; at -= 3) {
    text.insert(at - 3, 1, ',');
  }
  return text;
}

std::string format_count_of(std::uint64_t count, std::string_view one) {
  return format_count(count) + " " + std::string(one) + (count == 1 ? "" : "s");
}

std::string format_bytes(std::uint64_t bytes) {
  if (bytes < 1000) {
    return format_count_of(bytes, "byte");
  }
  constexpr std::array k_units = {"kB", "MB", "GB", "TB", "PB", "EB"};
  auto value = static_cast<double>(bytes) / 1000;
  std::size_t unit = 0;
  while (value >= 999.5 && unit + 1 < k_units.size()) {
    value /= 1000;
    ++unit;
  }
  const auto tenths = static_cast<std::uint64_t>(value * 10 + 0.5);
  std::string text = tenths < 100 ? std::to_string(tenths / 10) + "." + std::to_string(tenths % 10)
                                  : std::to_string((tenths + 5) / 10);
  return text + " " + k_units.at(unit);
}

std::string format_duration(std::chrono::milliseconds duration) {
  const std::int64_t ms = std::max<std::int64_t>(duration.count(), 0);
  if (ms < k_minute_ms) {
    return std::to_string(ms / k_second_ms) + " s";
  }
  if (ms < k_hour_ms) {
    return two_units(ms, k_minute_ms, "min", "s", k_second_ms);
  }
  if (ms < k_day_ms) {
    return two_units(ms, k_hour_ms, "h", "min", k_minute_ms);
  }
  return two_units(ms, k_day_ms, ms < 2 * k_day_ms ? "day" : "days", "h", k_hour_ms);
}

std::string format_relative(std::int64_t then_ms, std::int64_t now_ms) {
  const std::int64_t age = now_ms - then_ms;
  if (age >= -k_minute_ms && age < k_minute_ms) {
    return "just now";
  }
  if (age >= 0 && age < k_hour_ms) {
    return std::to_string(age / k_minute_ms) + " min ago";
  }
  const std::tm then = local_time(then_ms);
  const std::tm now = local_time(now_ms);
  const bool same_day = then.tm_year == now.tm_year && then.tm_yday == now.tm_yday;
  if (age >= 0 && same_day) {
    return std::to_string(age / k_hour_ms) + " h ago";
  }
  const std::tm yesterday = local_time(now_ms - k_day_ms);
  if (then.tm_year == yesterday.tm_year && then.tm_yday == yesterday.tm_yday) {
    return "yesterday";
  }
  return format_parts(then, "%-d %b %Y");
}

std::string format_time(std::int64_t when_ms) {
  return format_parts(local_time(when_ms), "%Y-%m-%d %H:%M");
}

}  // namespace vivim::cli
