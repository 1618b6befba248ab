#include "vivim/rt/path.hpp"

#include "vivim/rt/error.hpp"

namespace vivim::rt {

Result<void> check_path(std::string_view path) {
  if (path.empty() || path.size() > k_path_bytes_max || path.contains('\0')) {
    return fail(RtError::bad_path);
  }
  while (true) {
    const std::size_t slash = path.find('/');
    const std::string_view part = path.substr(0, slash);
    if (part.empty() || part == "." || part == "..") {
      return fail(RtError::bad_path);
    }
    if (slash == std::string_view::npos) {
      return {};
    }
    path.remove_prefix(slash + 1);
  }
}

}  // namespace vivim::rt
