#include "vivim/libp2p/transport/memory_account.hpp"

#include <vector>

#include <doctest/doctest.h>

#include "vivim/rt/error.hpp"

using namespace vivim;
using namespace vivim::libp2p;

TEST_CASE("memory account: nothing is told of what belongs to rest, the rest in steps") {
  MemoryAccount account;
  std::vector<std::uint64_t> told;
  CHECK(account.update(1 << 30));  // nobody listens yet
  account.open([&](std::uint64_t bytes) -> Result<void> {
    told.push_back(bytes);
    return {};
  });
  constexpr auto k_rest = k_resting_buffer_bytes;
  constexpr auto k_step = k_memory_step_bytes;
  for (const auto held :
       {std::uint64_t{0}, k_rest, k_rest + 1, k_rest + k_step, k_rest + 5 * k_step,
        k_rest + 4 * k_step, k_rest + 3 * k_step, k_rest + 3 * k_step - 1, k_rest + 1, k_rest}) {
    CHECK(account.update(held));
  }
  CHECK(told == std::vector<std::uint64_t>{k_step, 5 * k_step, 3 * k_step, k_step, 0});
}

TEST_CASE("memory account property: what is told covers what is held, and follows it down") {
  MemoryAccount account;
  std::uint64_t told = 0;
  int times = 0;
  account.open([&](std::uint64_t bytes) -> Result<void> {
    told = bytes;
    ++times;
    return {};
  });
  std::uint64_t held = 0;
  for (std::uint64_t i = 1; i < 20'000; ++i) {
    held = i * 7919 * 31 % 3 == 0 ? held / 2 : held + i * 104'729 % 9000;
    REQUIRE(account.update(held));
    REQUIRE(held <= told + k_resting_buffer_bytes);
    REQUIRE(told <= held + 2 * k_memory_step_bytes);
  }
  CHECK(account.update(0));
  CHECK(told == 0);
  CHECK(times > 10);
}

TEST_CASE("memory account: after a refusal and close() only less is told") {
  MemoryAccount account;
  std::vector<std::uint64_t> told;
  bool full = false;
  account.open([&](std::uint64_t bytes) -> Result<void> {
    if (full) {
      return fail(rt::RtError::no_space);
    }
    told.push_back(bytes);
    return {};
  });
  CHECK(account.update(300'000));
  full = true;
  CHECK(account.update(900'000).error().is(rt::RtError::no_space));
  CHECK(!account.update(900'000));
  account.close();
  CHECK(account.update(900'000));
  full = false;
  CHECK(account.update(0));
  CHECK(account.update(900'000));
  CHECK(told == std::vector<std::uint64_t>{5 * k_memory_step_bytes, 0});
}
