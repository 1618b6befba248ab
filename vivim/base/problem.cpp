#include "vivim/base/problem.hpp"

namespace vivim {

Problem Problem::from(const Error& error, std::string doing, std::string hint) {
  const auto info = error.domain().describe(error.code());
  const auto kind = info.blame == Blame::peer        ? ProblemKind::bad_input
                    : info.blame == Blame::transient ? ProblemKind::unavailable
                                                     : ProblemKind::internal;
  return {.kind = kind,
          .code = std::string(error.domain().name) + "." + std::string(info.name),
          .message = std::move(doing) + ": " + error.message(),
          .hint = std::move(hint)};
}

}  // namespace vivim
