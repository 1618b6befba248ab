#pragma once

#include <cstdint>
#include <functional>
#include <initializer_list>
#include <string>
#include <string_view>
#include <variant>

namespace vivim::log {

enum class Level : std::uint8_t { debug, info, warning, error };

/// One named value of a log line. Secrets never become fields.
struct Field {
  std::string_view key;
  std::variant<std::int64_t, std::uint64_t, std::string_view> value;
};

/// Receives every line at or above the level; called from any thread, one call at a time.
using Sink = std::function<void(Level, std::string_view component, std::string_view message,
                                std::initializer_list<Field>)>;

/// Where lines go; main() sets it once, before threads start. Default: warnings and errors to
/// stderr.
void set_sink(Sink sink, Level level_min);

/// `log::write(log::Level::info, "sync", "peer opened a document", {{"peer", peer}, {"doc", id}});`
void write(Level level, std::string_view component, std::string_view message,
           std::initializer_list<Field> fields = {});

/// "2026-01-01T00:00:00Z info sync: peer opened a document peer=12D3 doc=abc" without the time.
std::string format(Level level, std::string_view component, std::string_view message,
                   std::initializer_list<Field> fields);

}  // namespace vivim::log
