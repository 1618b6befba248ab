#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "vivim/base/bytes.hpp"
#include "vivim/base/result.hpp"
#include "vivim/websocket/error.hpp"

namespace vivim::websocket {

/// Longest head of a handshake, start line and fields, and most fields.
inline constexpr std::size_t k_head_bytes_max = std::size_t{8} * 1024;
inline constexpr std::size_t k_head_fields_max = 64;

/// The start line and fields of an HTTP/1.1 message (RFC 9112): as much HTTP as a WebSocket's
/// handshake needs. Strict about line ends and field names. Sans-IO.
class HttpHead {
 public:
  /// Takes bytes of `in` up to the end of the head, and returns how many; what is behind them
  /// belongs to the WebSocket. Errors: head_too_large, bad_head.
  Result<std::size_t> feed(BytesView in);
  /// Whether the empty line was read.
  bool done() const { return done_; }

  std::string_view start_line() const { return start_line_; }
  /// The value of a field, whatever its case; of the first, if there are several.
  std::optional<std::string_view> find(std::string_view name) const;
  std::size_t count(std::string_view name) const;
  /// Whether a field is a list with this token, whatever the case of either.
  bool has_token(std::string_view name, std::string_view token) const;

 private:
  Result<void> parse();
  Result<void> parse_field(std::string_view line);

  std::string text_;
  std::string_view start_line_;
  std::vector<std::pair<std::string_view, std::string_view>> fields_;
  bool done_ = false;
};

/// Equal but for the case of ASCII letters.
bool equals_ignoring_case(std::string_view a, std::string_view b);

}  // namespace vivim::websocket
