#include "vivim/base/log.hpp"

#include <atomic>
#include <cstdio>
#include <mutex>

namespace vivim::log {

namespace {

constexpr std::string_view k_names[] = {"debug", "info", "warning", "error"};

struct State {
  std::mutex mutex;
  std::atomic<Level> level_min{Level::warning};
  Sink sink;
};

// The one process-wide object: a line of log may come from any thread, at any time, before main
// wired anything.
State& state() {
  static State instance;
  return instance;
}

}  // namespace

void set_sink(Sink sink, Level level_min) {
  const std::lock_guard lock(state().mutex);
  state().sink = std::move(sink);
  state().level_min = level_min;
}

std::string format(Level level, std::string_view component, std::string_view message,
                   std::initializer_list<Field> fields) {
  std::string line(k_names[static_cast<std::size_t>(level)]);
  line.append(" ").append(component).append(": ").append(message);
  for (const auto& field : fields) {
    line.append(" ").append(field.key).append("=");
    if (const auto* text = std::get_if<std::string_view>(&field.value)) {
      line.append(*text);
    } else if (const auto* number = std::get_if<std::int64_t>(&field.value)) {
      line.append(std::to_string(*number));
    } else {
      line.append(std::to_string(std::get<std::uint64_t>(field.value)));
    }
  }
  return line;
}

void write(Level level, std::string_view component, std::string_view message,
           std::initializer_list<Field> fields) {
  auto& shared = state();
  if (level < shared.level_min) {
    return;
  }
  const std::lock_guard lock(shared.mutex);
  if (shared.sink) {
    shared.sink(level, component, message, fields);
    return;
  }
  std::fprintf(stderr, "%s\n", format(level, component, message, fields).c_str());
}

}  // namespace vivim::log
