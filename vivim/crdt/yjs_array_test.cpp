// Yjs' own tests of arrays (tests/y-array.tests.js of 13.6.31), by their names.

#include <vector>

#include <doctest/doctest.h>

#include "vivim/crdt/yjs_users_test_detail.hpp"

namespace vivim::crdt {
namespace {

using Values = Any::Array;

Any shown(Users& users, std::size_t i) {
  return users.array(i).to_any();
}

TEST_CASE("yjs array: testBasicUpdate") {
  Doc first(ClientId{1});
  Doc second(ClientId{2});
  first.transact([&](Transaction& t) { first.array("array").insert(t, 0, {"hi"}); });
  REQUIRE(apply_update(second, encode_state_as_update(first)).has_value());
  CHECK(second.array("array").to_any() == Any(Values{"hi"}));
}

TEST_CASE("yjs array: testArrayFrom") {
  Doc doc(ClientId{1});
  doc.transact([&](Transaction& t) {
    Array nested = doc.map("root").set_array(t, "array");
    nested.insert(t, 0, {0, 1, 2});
    CHECK(nested.to_any() == Any(Values{0, 1, 2}));
  });
}

TEST_CASE("yjs array: testLengthIssue") {
  Doc doc(ClientId{1});
  Array array = doc.array("array");
  const auto check = [&] { CHECK(array.length() == array.to_any().if_array()->size()); };
  doc.transact([&](Transaction& t) { array.insert(t, 0, {0, 1, 2, 3}); });
  doc.transact([&](Transaction& t) { array.remove(t, 0); });
  doc.transact([&](Transaction& t) { array.insert(t, 0, {0}); });
  check();
  doc.transact([&](Transaction& t) {
    for (const std::uint32_t at : {1U, 2U}) {
      array.remove(t, at);
      check();
      array.insert(t, at, {static_cast<int>(at)});
      check();
    }
  });
  check();
  doc.transact([&](Transaction& t) { array.remove(t, 1); });
  check();
  doc.transact([&](Transaction& t) { array.insert(t, 1, {1}); });
  check();
}

TEST_CASE("yjs array: testLengthIssue2") {
  // Where Yjs throws for an index beyond the end, ours goes to the end.
  Doc doc(ClientId{1});
  Array array = doc.array("");
  const auto insert = [&](std::uint32_t at, const char* word) {
    doc.transact([&](Transaction& t) { array.insert(t, at, {word}); });
  };
  insert(0, "group2");
  insert(1, "rectangle3");
  doc.transact([&](Transaction& t) {
    array.remove(t, 0);
    array.insert(t, 0, {"rectangle3"});
  });
  doc.transact([&](Transaction& t) { array.remove(t, 1); });
  insert(1, "ellipse4");
  insert(2, "ellipse3");
  insert(3, "ellipse2");
  doc.transact([&](Transaction& t) {
    doc.transact([&](Transaction&) { array.insert(t, 4, {"rectangle2"}); });
    doc.transact([&](Transaction&) { array.remove(t, 4); });
  });
  CHECK(array.to_any() == Any(Values{"rectangle3", "ellipse4", "ellipse3", "ellipse2"}));
  CHECK(array.length() == 4);
}

TEST_CASE("yjs array: testDeleteInsert") {
  Users users(2);
  users.remove(0, 0, 0);
  users.remove(0, 1, 1);
  users.insert(0, 0, {"A"});
  users.remove(0, 1, 0);
  CHECK(shown(users, 0) == Any(Values{"A"}));
  users.compare();
}

TEST_CASE("yjs array: testInsertThreeElementsTryRegetProperty") {
  Users users(2);
  users.insert(0, 0, {1, true, false});
  CHECK(shown(users, 0) == Any(Values{1, true, false}));
  users.flush();
  CHECK(shown(users, 1) == Any(Values{1, true, false}));
  users.compare();
}

TEST_CASE("yjs array: testConcurrentInsertWithThreeConflicts") {
  Users users(3);
  for (int i = 0; i < 3; ++i) {
    users.insert(static_cast<std::size_t>(i), 0, {i});
  }
  users.compare();
}

TEST_CASE("yjs array: testConcurrentInsertDeleteWithThreeConflicts") {
  Users users(3);
  users.insert(0, 0, {"x", "y", "z"});
  users.flush();
  users.insert(0, 1, {0});
  users.remove(1, 0);
  users.remove(1, 1);
  users.insert(2, 1, {2});
  users.compare();
}

TEST_CASE("yjs array: testInsertionsInLateSync") {
  Users users(3);
  users.insert(0, 0, {"x", "y"});
  users.flush();
  users.disconnect(1);
  users.disconnect(2);
  users.insert(0, 1, {"user0"});
  users.insert(1, 1, {"user1"});
  users.insert(2, 1, {"user2"});
  users.connect(1);
  users.connect(2);
  users.flush();
  users.compare();
}

TEST_CASE("yjs array: testDisconnectReallyPreventsSendingMessages") {
  Users users(3);
  users.insert(0, 0, {"x", "y"});
  users.flush();
  users.disconnect(1);
  users.disconnect(2);
  users.insert(0, 1, {"user0"});
  users.insert(1, 1, {"user1"});
  users.flush();
  CHECK(shown(users, 0) == Any(Values{"x", "user0", "y"}));
  CHECK(shown(users, 1) == Any(Values{"x", "user1", "y"}));
  users.compare();
}

TEST_CASE("yjs array: testDeletionsInLateSync") {
  Users users(2);
  users.insert(0, 0, {"x", "y"});
  users.flush();
  users.disconnect(1);
  users.remove(1, 1);
  users.remove(0, 0, 2);
  users.connect(1);
  users.compare();
}

TEST_CASE("yjs array: testInsertThenMergeDeleteOnSync") {
  Users users(2);
  users.insert(0, 0, {"x", "y", "z"});
  users.flush();
  users.disconnect(0);
  users.remove(1, 0, 3);
  users.connect(0);
  users.compare();
}

TEST_CASE("yjs array: testGarbageCollector") {
  Users users(3);
  users.insert(0, 0, {"x", "y", "z"});
  users.flush();
  users.disconnect(0);
  users.remove(0, 0, 3);
  users.connect(0);
  users.flush();
  users.compare();
}

TEST_CASE("yjs array: testIteratingArrayContainingTypes") {
  Doc doc(ClientId{1});
  Array array = doc.array("arr");
  for (int i = 0; i < 10; ++i) {
    doc.transact([&](Transaction& t) { array.insert_map(t, array.length()).set(t, "value", i); });
  }
  int count = 0;
  array.for_each([&](const Value& element) {
    CHECK(*element.if_map()->get("value")->if_any() == Any(count++));
  });
  CHECK(count == 10);
}

}  // namespace
}  // namespace vivim::crdt
