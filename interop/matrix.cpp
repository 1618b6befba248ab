#include "interop/matrix.hpp"

#include <algorithm>

namespace vivim::interop {

namespace {

constexpr std::size_t k_check_columns = 36;
constexpr std::size_t k_case_columns = 44;

std::string padded(std::string text, std::size_t columns) {
  text.resize(std::max(text.size() + 1, columns), ' ');
  return text;
}

}  // namespace

void Matrix::set(const std::string& name, const std::string& check, Finding finding) {
  if (std::ranges::find(checks_, check) == checks_.end()) {
    checks_.push_back(check);
  }
  findings_[check][name] = std::move(finding);
}

bool Matrix::ok() const {
  return !checks_.empty() && std::ranges::all_of(findings_, [this](const auto& row) {
    return row.second.size() == cases_.size() &&
           std::ranges::all_of(row.second, [](const auto& found) { return found.second.ok; });
  });
}

std::string Matrix::cell(const std::string& check, const std::string& name) const {
  const auto& row = findings_.at(check);
  const auto found = row.find(name);
  if (found == row.end()) {
    return "not reached";
  }
  const auto& [ok, detail] = found->second;
  return (ok ? "ok" : "FAILED") + (detail.empty() ? "" : (ok ? ", " : ": ") + detail);
}

std::string Matrix::to_text() const {
  std::string text = padded("", k_check_columns);
  for (const auto& name : cases_) {
    text += padded(name, k_case_columns);
  }
  for (const auto& check : checks_) {
    text += "\n" + padded(check, k_check_columns);
    for (const auto& name : cases_) {
      text += padded(cell(check, name), k_case_columns);
    }
  }
  return text + "\n";
}

std::string Matrix::to_markdown() const {
  std::string text = "| |";
  std::string rule = "\n|---|";
  for (const auto& name : cases_) {
    text += " " + name + " |";
    rule += "---|";
  }
  text += rule;
  for (const auto& check : checks_) {
    text += "\n| " + check + " |";
    for (const auto& name : cases_) {
      text += " " + cell(check, name) + " |";
    }
  }
  return text + "\n";
}

}  // namespace vivim::interop
