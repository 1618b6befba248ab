#pragma once

#include <cstdio>
#include <functional>
#include <string_view>
#include <vector>

/// What the tests of vivim/crdt use of doctest, for a target without exceptions, files and signals,
/// where doctest itself does not build. A failed REQUIRE ends the program: there is nothing to
/// unwind with.
namespace runner {

struct Case {
  const char* name;
  void (*run)();
};
std::vector<Case>& cases();
bool add(const char* name, void (*run)());

/// Counts a check; false if it failed, which is printed.
bool check(bool ok, const char* what, const char* file, int line);
void require(bool ok, const char* what, const char* file, int line);

}  // namespace runner

#define RUNNER_CAT2(a, b) a##b
#define RUNNER_CAT(a, b) RUNNER_CAT2(a, b)
#define RUNNER_CASE(function, name)                                                              \
  static void function();                                                                        \
  [[maybe_unused]] static const bool RUNNER_CAT(function, _added) = runner::add(name, function); \
  static void function()

#define TEST_CASE(name) RUNNER_CASE(RUNNER_CAT(runner_case_, __LINE__), name)
#define CHECK(...) \
  (void)runner::check(static_cast<bool>(__VA_ARGS__), #__VA_ARGS__, __FILE__, __LINE__)
#define CHECK_FALSE(...) \
  (void)runner::check(!(__VA_ARGS__), "not " #__VA_ARGS__, __FILE__, __LINE__)
#define REQUIRE(...) \
  runner::require(static_cast<bool>(__VA_ARGS__), #__VA_ARGS__, __FILE__, __LINE__)
#define REQUIRE_FALSE(...) runner::require(!(__VA_ARGS__), "not " #__VA_ARGS__, __FILE__, __LINE__)
#define CAPTURE(...) (void)(__VA_ARGS__)
#define MESSAGE(...) (void)0
#define INFO(...) (void)0
