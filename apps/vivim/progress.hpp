#pragma once

#include <cstdint>
#include <string>

#include "apps/vivim/terminal.hpp"
#include "vivim/rt/clock.hpp"

namespace vivim::cli {

/// How far a job is.
struct Progress {
  std::uint64_t bytes = 0;
  std::uint64_t bytes_total = 0;  ///< 0: not known yet
};

/// One line: bar, percent, bytes, rate and the time that is left, at most `columns` wide.
std::string render_progress(const Progress& progress, rt::Duration elapsed, std::size_t columns);

/// A progress line on standard error that replaces itself; nothing when that is not a terminal.
class ProgressLine {
 public:
  ProgressLine(const Terminal& error_terminal, rt::Clock& clock);
  /// Clears the line.
  ~ProgressLine();
  ProgressLine(const ProgressLine&) = delete;
  ProgressLine& operator=(const ProgressLine&) = delete;

  void show(const Progress& progress);
  /// The same place for a word on what is going on.
  void show_text(std::string_view text);

 private:
  void write(const std::string& line);

  Terminal terminal_;
  rt::Clock& clock_;
  rt::TimePoint started_;
  bool shown_ = false;
};

}  // namespace vivim::cli
