#pragma once

#include <string>
#include <vector>

namespace vivim::cli {

/// The whole program, given the words after its name; returns the exit code.
int run_program(std::vector<std::string> words);

}  // namespace vivim::cli
