#include "vivim/base/error.hpp"

namespace vivim {

std::string Error::message() const {
  std::string text(domain_->name);
  text += ": ";
  text += domain_->describe(code_).message;
  if (detail_ != 0) {
    text += " (" + std::to_string(detail_) + ")";
  }
  return text;
}

std::string Error::site() const {
  return std::string(file_) + ":" + std::to_string(line_);
}

}  // namespace vivim
