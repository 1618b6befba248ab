#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace vivim::gateway {

/// A request target taken apart and percent-decoded.
struct Target {
  std::string path;                   ///< as received, before '?'
  std::vector<std::string> segments;  ///< "/a/b%20c" -> {"a", "b c"}; "/" -> {}
  bool trailing_slash = false;        ///< "/a/" (and "/")
  std::vector<std::pair<std::string, std::string>> query;

  /// The first value of a query parameter.
  std::optional<std::string_view> find(std::string_view name) const;
};

/// Most segments and most query parameters that are read.
inline constexpr std::size_t k_segments_max = 16;
inline constexpr std::size_t k_query_parameters_max = 32;

/// Parses an origin-form target. None when it is ambiguous or malformed: bad percent escapes,
/// control characters, text that is not UTF-8, empty, "." or ".." segments, an escaped '/' or a
/// '\', too many parts.
std::optional<Target> parse_target(std::string_view target);

/// Percent-decodes; with `plus_is_space` as query strings are. None for bad escapes.
enum class Plus : unsigned char { literal, space };
std::optional<std::string> percent_decode(std::string_view text, Plus plus);
/// Escapes everything but RFC 3986's unreserved characters.
std::string percent_encode(std::string_view text);

}  // namespace vivim::gateway
