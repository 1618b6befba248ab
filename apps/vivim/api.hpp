#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <string_view>

#include "vivim/base/problem.hpp"
#include "vivim/base/result.hpp"

/// The node as a command sees it: its REST API, wherever it runs (docs/adr/0003).
namespace vivim::cli {

/// Largest answer that a command takes: an exported conversation with its images fits.
inline constexpr std::size_t k_answer_bytes_max = std::size_t{1} << 30;

/// A request to /api/v2.
struct ApiRequest {
  std::string method = "GET";
  std::string path;                   ///< "/api/v2/status", with an encoded query
  std::string json;                   ///< a JSON body, or empty
  std::chrono::seconds patience{60};  ///< how long an answer may be silent
};

struct ApiResponse {
  unsigned status = 0;
  std::string content_type;
  std::string body;
};

/// Where requests go.
class Api {
 public:
  virtual ~Api() = default;
  /// An answer of any status; a Problem when there was none.
  virtual Outcome<ApiResponse> call(const ApiRequest& request) = 0;
  /// Lets a job of the node go on for about `time`.
  virtual void wait(std::chrono::milliseconds time) = 0;
};

/// The body of a good answer; the Problem that a bad one carries.
Outcome<std::string> body_of(Outcome<ApiResponse> response);

/// The Problem of an answer that is not 2xx.
Problem problem_of(const ApiResponse& response);

/// `text` for a path segment or a query value: everything but letters, digits and "-._~" as %XX.
std::string percent_encode(std::string_view text);

}  // namespace vivim::cli
