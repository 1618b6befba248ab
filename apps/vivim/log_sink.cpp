#include "apps/vivim/log_sink.hpp"

#include <cstdio>
#include <ctime>
#include <filesystem>
#include <memory>

namespace vivim::cli {

namespace {

/// Opened to append, closed when the last line was written; null when it cannot be.
std::shared_ptr<std::FILE> open_log(const std::string& path) {
  std::FILE* file = std::fopen(path.c_str(), "ae");
  return file == nullptr ? nullptr : std::shared_ptr<std::FILE>(file, &std::fclose);
}

/// "2026-01-01T00:00:00.123Z"
std::string timestamp(rt::WallMs now) {
  const auto seconds = static_cast<std::time_t>(now / 1000);
  std::tm parts{};
  ::gmtime_r(&seconds, &parts);
  std::array<char, 64> buffer{};
  const auto size = std::strftime(buffer.data(), buffer.size(), "%Y-%m-%dT%H:%M:%S.", &parts);
  const std::string fraction = std::to_string(1000 + now % 1000).substr(1);
  return std::string(buffer.data(), size) + fraction + "Z ";
}

void rotate(const std::string& path) {
  std::error_code error;
  const auto size = std::filesystem::file_size(path, error);
  if (!error && size > k_log_bytes_max) {
    std::filesystem::rename(path, path + ".1", error);
  }
}

}  // namespace

void log_to(const std::string& path, log::Level level_min, log::Level terminal_level_min,
            const rt::Clock& clock) {
  rotate(path);
  const auto file = open_log(path);
  log::set_sink(
      [file, terminal_level_min, &clock](log::Level level, std::string_view component,
                                         std::string_view message,
                                         std::initializer_list<log::Field> fields) {
        const std::string line = log::format(level, component, message, fields) + "\n";
        if (file) {
          std::fputs((timestamp(clock.wall_now_ms()) + line).c_str(), file.get());
          std::fflush(file.get());
        }
        if (!file || level >= terminal_level_min) {
          std::fputs(line.c_str(), stderr);
        }
      },
      level_min);
}

void log_to_terminal() {
  log::set_sink({}, log::Level::warning);
}

}  // namespace vivim::cli
