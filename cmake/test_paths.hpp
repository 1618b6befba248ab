#pragma once

#include <string>

/// Where tests and benchmarks find files: one object holds the paths, so that all others are the
/// same in every copy of the repository.
namespace vivim::test_paths {

/// The repository.
std::string repository();

/// Real exports, test vectors and traces, which may be missing: what reads them says "skipped"
/// then.
std::string shared_data();

}  // namespace vivim::test_paths
