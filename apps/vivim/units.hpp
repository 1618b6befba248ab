#pragma once

#include <chrono>
#include <cstdint>
#include <string>

/// Numbers, sizes and times as people read them.
namespace vivim::cli {

/// "12,345"
std::string format_count(std::uint64_t count);
/// "3 turns", "1 turn"; `one` is the singular, an "s" makes the plural.
std::string format_count_of(std::uint64_t count, std::string_view one);
/// "1.2 GB", "340 kB", "17 bytes": decimal units.
std::string format_bytes(std::uint64_t bytes);
/// "4 s", "2 min 5 s", "3 h 12 min", "2 days 4 h".
std::string format_duration(std::chrono::milliseconds duration);
/// How long before `now_ms` something was: "just now", "5 min ago", "yesterday", "3 May 2024"
/// (local time). Both are milliseconds since 1970.
std::string format_relative(std::int64_t then_ms, std::int64_t now_ms);
/// "2024-05-03 14:02" in local time.
std::string format_time(std::int64_t when_ms);

}  // namespace vivim::cli
