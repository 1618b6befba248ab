#pragma once

#include <string>

#include "vivim/base/problem.hpp"
#include "vivim/base/result.hpp"
#include "vivim/gateway/http.hpp"

namespace vivim::gateway {

/// The HTTP status of a kind of problem: 400, 404, 403, 409, 503 or 500.
unsigned status_of(ProblemKind kind);

/// application/problem+json (RFC 9457): {type, title, status, code, detail, hint}. `status` 0: that
/// of the kind.
Response problem_response(const Problem& problem, unsigned status = 0);

/// What a connection-level error is answered with: 400, 408, 413, 414, 431, 501, 505.
Response problem_response(const Error& error);

/// `text` as a JSON string, quotes included; what is not UTF-8 is replaced.
std::string json_quote(std::string_view text);

}  // namespace vivim::gateway
