#pragma once

#include <map>
#include <string>
#include <vector>

namespace vivim::interop {

/// What one check of one case found.
struct Finding {
  bool ok = false;
  std::string detail;
};

/// Checks by cases, in the order in which they were first set.
class Matrix {
 public:
  /// Names the cases: the columns.
  explicit Matrix(std::vector<std::string> cases) : cases_(std::move(cases)) {}

  void set(const std::string& name, const std::string& check, Finding finding);
  /// True when every check of every case is there and was passed.
  bool ok() const;
  std::string to_text() const;
  std::string to_markdown() const;

 private:
  std::string cell(const std::string& check, const std::string& name) const;

  std::vector<std::string> cases_;
  std::vector<std::string> checks_;
  std::map<std::string, std::map<std::string, Finding>> findings_;  ///< check, case
};

}  // namespace vivim::interop
