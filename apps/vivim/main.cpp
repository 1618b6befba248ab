#include "apps/vivim/program.hpp"

int main(int count, char** words) {
  return vivim::cli::run_program({words + 1, words + count});
}
