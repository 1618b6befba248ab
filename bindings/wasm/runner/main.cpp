#include <cstdlib>
#include <string_view>

#include "doctest/doctest.h"

namespace runner {
namespace {

std::size_t g_checks = 0;
std::size_t g_failed = 0;

}  // namespace

std::vector<Case>& cases() {
  static std::vector<Case> all;
  return all;
}

bool add(const char* name, void (*run)()) {
  cases().push_back({name, run});
  return true;
}

bool check(bool ok, const char* what, const char* file, int line) {
  ++g_checks;
  if (!ok) {
    ++g_failed;
    std::printf("%s:%d: failed: %s\n", file, line, what);
  }
  return ok;
}

void require(bool ok, const char* what, const char* file, int line) {
  if (!check(ok, what, file, line)) {
    std::printf("cannot go on\n");
    std::exit(1);
  }
}

}  // namespace runner

/// Runs every case, or those whose name begins with the argument.
int main(int argc, char** argv) {
  std::size_t run = 0;
  for (const auto& test : runner::cases()) {
    if (argc > 1 && !std::string_view(test.name).starts_with(argv[1])) {
      continue;
    }
    const std::size_t before = runner::g_failed;
    test.run();
    ++run;
    if (runner::g_failed != before) {
      std::printf("FAILED: %s\n", test.name);
    }
  }
  std::printf("%zu cases, %zu checks, %zu failed\n", run, runner::g_checks, runner::g_failed);
  return runner::g_failed == 0 && run > 0 ? 0 : 1;
}
