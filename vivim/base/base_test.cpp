#include <doctest/doctest.h>

#include "vivim/base/bytes.hpp"
#include "vivim/base/log.hpp"
#include "vivim/base/problem.hpp"
#include "vivim/base/result.hpp"
#include "vivim/base/varint.hpp"

using namespace vivim;

namespace {

Result<int> half(int value) {
  if (value % 2 != 0) {
    return fail(VarintError::overflow, static_cast<std::uint64_t>(value));
  }
  return value / 2;
}

Result<int> quarter(int value) {
  VIVIM_TRY(const auto once, half(value));
  VIVIM_TRY(const auto twice, half(once));
  return twice;
}

}  // namespace

TEST_CASE("result: VIVIM_TRY passes values and errors on") {
  CHECK(quarter(8) == 2);
  const auto failed = quarter(6);
  REQUIRE_FALSE(failed);
  CHECK(failed.error().is(VarintError::overflow));
  CHECK(failed.error().detail() == 3);
  CHECK(failed.error().message() == "varint: varint is larger than allowed here (3)");
  CHECK(failed.error().site().find("base_test.cpp:") != std::string::npos);
}

TEST_CASE("problem: tells what was done, and blames the right side") {
  const auto problem =
      Problem::from(Error(VarintError::truncated), "Could not read the ticket", "Copy it whole.");
  CHECK(problem.kind == ProblemKind::bad_input);
  CHECK(problem.code == "varint.truncated");
  CHECK(problem.message == "Could not read the ticket: varint: the input ends inside a varint");
}

TEST_CASE("bytes: big-endian integers and hex") {
  Bytes buffer(8);
  store_be16(buffer, 0x0102);
  CHECK(load_be16(buffer) == 0x0102);
  store_be32(buffer, 0x01020304);
  CHECK(load_be32(buffer) == 0x01020304);
  store_be64(buffer, 0x0102030405060708);
  CHECK(load_be64(buffer) == 0x0102030405060708);
  CHECK(to_hex(buffer) == "0102030405060708");
}

TEST_CASE("log: fields are appended in order") {
  CHECK(log::format(log::Level::info, "sync", "opened",
                    {{"doc", std::string_view("a")}, {"n", std::uint64_t{3}}}) ==
        "info sync: opened doc=a n=3");
}
