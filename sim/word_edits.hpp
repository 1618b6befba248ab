#pragma once

#include <optional>
#include <string>
#include <vector>

#include "editors.hpp"

namespace vivim::sim {

/// Edits of the documents of Editors, and what has to be so of them when all is well again: each
/// document is the same everywhere, and every edit that was acknowledged is in it, exactly once.
class WordEdits {
 public:
  /// Both must outlive it.
  WordEdits(Stage& stage, Editors& editors)
      : stage_(stage), editors_(editors), acknowledged_(editors.documents()) {}

  /// `who` edits until `deadline`, while it runs.
  rt::Co<void> edit(std::size_t who, rt::TimePoint deadline, rt::Duration interval);
  /// What is not as it has to be; nothing: all is.
  rt::Co<std::optional<std::string>> difference();

  std::size_t acknowledged() const { return acknowledged_count_; }
  std::size_t unanswered() const { return unanswered_; }

 private:
  Stage& stage_;
  Editors& editors_;
  std::vector<std::vector<std::string>> acknowledged_;  ///< of each document
  std::size_t acknowledged_count_ = 0;
  std::size_t unanswered_ = 0;
};

}  // namespace vivim::sim
