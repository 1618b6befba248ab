#include "cmake/test_paths.hpp"

namespace vivim::test_paths {

std::string repository() {
  return VIVIM_SOURCE_DIR;
}

std::string shared_data() {
  return repository() + "/../shared/data";
}

}  // namespace vivim::test_paths
