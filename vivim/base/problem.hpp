#pragma once

#include <expected>
#include <optional>
#include <string>
#include <utility>

#include "vivim/base/error.hpp"

namespace vivim {

/// What kind of trouble a Problem is: the command line makes an exit code of it, the HTTP API a
/// status.
enum class ProblemKind : std::uint8_t {
  bad_input,    ///< what the person gave is wrong                  exit 2, HTTP 400
  not_found,    ///< no such thing                                  exit 3, HTTP 404
  refused,      ///< not allowed                                    exit 4, HTTP 403
  conflict,     ///< it is already so, or somebody else was faster  exit 5, HTTP 409
  unavailable,  ///< the node or a peer cannot be reached           exit 6, HTTP 503
  internal,     ///< our fault                                      exit 1, HTTP 500
};

/// A failure told to a person: what happened to what, and what to do about it.
struct Problem {
  ProblemKind kind = ProblemKind::internal;
  std::string code;     ///< stable, for scripts: "conversation_not_found"
  std::string message;  ///< "No conversation matches 'abc'."
  std::string hint;     ///< "List them with: vivim ls". May be empty.

  /// Wraps a machine's error with what was being done: "Could not open /data/vivim.db: store: disk
  /// is full".
  static Problem from(const Error& error, std::string doing, std::string hint = {});
};

/// A value, or a Problem. Used only where a person is the reader; everything below uses Result.
template <class T = void>
using Outcome = std::expected<T, Problem>;

}  // namespace vivim
