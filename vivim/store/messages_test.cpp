#include "vivim/store/messages.hpp"

#include <doctest/doctest.h>

#include "vivim/store/error.hpp"
#include "vivim/store/store_test_detail.hpp"

namespace vivim::store {
namespace {

using namespace testing;
using Taken = Messages::Taken;
using Put = Mailbox::Put;

Bytes id_of(std::uint64_t number) {
  Bytes id(16);
  store_be64(id, number);
  return id;
}

MessageRow message(std::uint64_t id, std::string_view sender = "alice", std::size_t bytes = 5) {
  return {.sender = to_bytes(sender),
          .id = id_of(id),
          .topic = {},
          .priority = 2,
          .delivery = 1,
          .sent = 10,
          .received = 20,
          .payload = Bytes(bytes, 'x')};
}

MailRow mail(std::uint64_t item, std::string_view recipient = "bob",
             std::string_view sender = "alice", std::size_t bytes = 10) {
  return {.recipient = to_bytes(recipient),
          .item = id_of(item),
          .sender = to_bytes(sender),
          .expires = 1000,
          .sealed = Bytes(bytes, 's')};
}

TEST_CASE("messages: kept once, listed, removed") {
  Fixture fixture;
  Messages messages(*fixture.db);
  MessageRow to_topic = message(2, "bob");
  to_topic.topic = "/vivim/circles/x";
  CHECK(must(messages.take(message(1), {})) == Taken::fresh);
  CHECK(must(messages.take(to_topic, {})) == Taken::fresh);
  CHECK(must(messages.take(message(1), {})) == Taken::known);
  CHECK(must(messages.take(message(1, "bob"), {})) == Taken::fresh);  // an id is its sender's
  const auto rows = must(messages.newest(10));
  REQUIRE(rows.size() == 3);
  CHECK(rows[2].sender == to_bytes("alice"));
  CHECK(rows[2].payload == Bytes(5, 'x'));
  CHECK_FALSE(rows[2].topic);
  CHECK(rows[1].topic == "/vivim/circles/x");
  CHECK(must(messages.newest(1)).at(0).seq == rows[0].seq);
  CHECK(must(messages.received()).bytes == 15);
  must(messages.remove(rows[2].seq));
  CHECK(fails(messages.remove(rows[2].seq), StoreError::not_found));
  CHECK(must(messages.received()).items == 2);
  // Without a mark nothing remembers it.
  CHECK(must(messages.take(message(1), {})) == Taken::fresh);
}

TEST_CASE("messages: a mark outlives its message, until it is over") {
  Fixture fixture;
  Messages messages(*fixture.db);
  CHECK(must(messages.take(message(1), 500)) == Taken::fresh);
  must(messages.remove(must(messages.newest(1)).at(0).seq));
  CHECK(must(messages.take(message(1), 500)) == Taken::known);
  CHECK(must(messages.take(message(1), {})) == Taken::known);
  CHECK(must(messages.take(message(2), 600)) == Taken::fresh);
  fixture.crash_and_open();
  Messages again(*fixture.db);
  CHECK(must(again.take(message(1), 500)) == Taken::known);
  CHECK(must(again.expire_marks(500)) == 1);
  CHECK(must(again.marks()).items == 1);
  CHECK(must(again.take(message(1), {})) == Taken::fresh);
}

TEST_CASE("messages: rows, bytes and marks are bounded, of one sender and of all") {
  Fixture fixture;
  const MessageQuota quota{.rows_max = 4,
                           .bytes_max = 100,
                           .rows_per_sender_max = 2,
                           .marks_max = 3,
                           .marks_per_sender_max = 2};
  Messages messages(*fixture.db, quota);
  CHECK(must(messages.take(message(1), {})) == Taken::fresh);
  CHECK(must(messages.take(message(2), {})) == Taken::fresh);
  CHECK(must(messages.take(message(3), {})) == Taken::full);
  CHECK(must(messages.take(message(3, "bob", 91), {})) == Taken::full);
  CHECK(must(messages.take(message(3, "bob", 90), {})) == Taken::fresh);
  CHECK(must(messages.take(message(4, "carol", 0), 900)) == Taken::fresh);
  CHECK(must(messages.take(message(5, "dave", 0), {})) == Taken::full);
  CHECK(must(messages.received()).items == 4);
  // Marks outlive their messages.
  const auto take_and_remove = [&](std::uint64_t id, std::string_view sender) {
    const auto taken = must(messages.take(message(id, sender, 0), 900));
    if (taken == Taken::fresh) {
      must(messages.remove(must(messages.newest(1)).at(0).seq));
    }
    return taken;
  };
  must(messages.remove(must(messages.newest(1)).at(0).seq));  // carol's
  must(messages.remove_from(to_bytes("alice"), 10));
  CHECK(take_and_remove(11, "alice") == Taken::fresh);
  CHECK(take_and_remove(12, "alice") == Taken::fresh);
  CHECK(take_and_remove(13, "alice") == Taken::full);
  CHECK(take_and_remove(13, "bob") == Taken::full);
  CHECK(must(messages.received()).items == 1);
  CHECK(must(messages.marks()).items == 3);
}

TEST_CASE("messages: strangers have a share, and whom we know is taken all the same") {
  Fixture fixture;
  const MessageQuota quota{
      .stranger_rows_max = 4, .stranger_bytes_max = 50, .rows_per_stranger_max = 2};
  Messages messages(*fixture.db, quota);
  const auto take = [&](std::uint64_t id, std::string_view sender, std::size_t bytes = 5) {
    return must(messages.take(message(id, sender, bytes), {}));
  };
  CHECK(take(1, "s1") == Taken::fresh);
  CHECK(take(2, "s1") == Taken::fresh);
  CHECK(take(3, "s1") == Taken::full);
  CHECK(take(1, "s2", 41) == Taken::full);
  CHECK(take(1, "s2", 40) == Taken::fresh);
  CHECK(take(1, "s3", 1) == Taken::full);
  CHECK(take(1, "s3", 0) == Taken::fresh);
  CHECK(take(1, "s4", 0) == Taken::full);
  // Who was written to, and who says something in a circle.
  must(Correspondents(*fixture.db).add(to_bytes("friend")));
  MessageRow said = message(1, "member");
  said.topic = "/vivim/circles/" + std::string(32, 'a');
  CHECK(must(messages.take(said, 900)) == Taken::fresh);
  for (const std::uint64_t id : {2, 3, 4}) {
    CHECK(take(id, "friend", 100) == Taken::fresh);
    CHECK(take(id, "member", 100) == Taken::fresh);
  }
  // A stranger who is written to is none any more.
  must(Correspondents(*fixture.db).add(to_bytes("s2")));
  CHECK(must(messages.of_strangers()).items == 3);
  CHECK(must(messages.of_strangers()).bytes == 10);
  CHECK(take(2, "s2", 100) == Taken::fresh);
  CHECK(take(1, "s4", 0) == Taken::fresh);
  CHECK(take(1, "s5", 0) == Taken::full);
  CHECK(must(messages.remove_from(to_bytes("s1"), 1)) == 1);
  CHECK(must(messages.remove_from(to_bytes("s1"), 10)) == 1);
  CHECK(must(messages.remove_from(to_bytes("s1"), 10)) == 0);
  CHECK(must(messages.of_strangers()).items == 2);
  fixture.crash_and_open();
  CHECK(must(Messages(*fixture.db, quota).take(message(1, "s5", 0), {})) == Taken::fresh);
}

TEST_CASE("messages: who was written to is remembered, but not without end") {
  Fixture fixture;
  Correspondents correspondents(*fixture.db);
  must(correspondents.add(to_bytes("first")));
  must(correspondents.add(to_bytes("first")));
  must(fixture.db->execute(
      "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 19999) "
      "INSERT INTO correspondents(peer) SELECT CAST('p' || i AS BLOB) FROM n"));
  const auto count = [&] {
    Query query = fixture.db->query("SELECT count(*) FROM correspondents");
    must(query.row());
    return query.integer(0);
  };
  CHECK(count() == k_correspondents_max);
  must(correspondents.add(to_bytes("last")));
  CHECK(count() == k_correspondents_max);
  const MessageQuota quota{.stranger_rows_max = 0};
  CHECK(must(Messages(*fixture.db, quota).take(message(1, "first"), {})) == Taken::full);
  CHECK(must(Messages(*fixture.db, quota).take(message(1, "last"), {})) == Taken::fresh);
}

TEST_CASE("messages: the oldest of the circle that said most makes room for what is said") {
  Fixture fixture;
  const MessageQuota quota{.rows_max = 1,
                           .rows_per_sender_max = 1,
                           .said_rows_max = 4,
                           .said_bytes_max = 100,
                           .marks_per_sender_max = 2};
  Messages messages(*fixture.db, quota);
  const auto said = [&](std::uint64_t id, char circle, std::size_t bytes = 5) {
    MessageRow row = message(id, "alice", bytes);
    row.topic = "/vivim/circles/" + std::string(32, circle) + (id % 2 == 0 ? "/plans" : "");
    return must(messages.take(row, 900));
  };
  const auto ids = [&] {
    std::vector<std::uint64_t> all;
    for (const auto& row : must(messages.newest(100))) {
      all.insert(all.begin(), load_be64(row.id));
    }
    return all;
  };
  using Ids = std::vector<std::uint64_t>;
  CHECK(must(messages.take(message(1, "bob"), {})) == Taken::fresh);  // to us: it stays
  CHECK(must(messages.take(message(2, "bob"), {})) == Taken::full);
  CHECK(said(10, 'a') == Taken::fresh);
  for (const std::uint64_t id : {11, 12, 13, 14, 15}) {
    CHECK(said(id, 'b') == Taken::fresh);
  }
  CHECK(ids() == Ids{1, 10, 13, 14, 15});
  CHECK(must(messages.marks()).items == 2);  // no more of one sender
  CHECK(said(10, 'a') == Taken::known);
  CHECK(said(11, 'b') == Taken::known);  // by its mark
  CHECK(said(13, 'b') == Taken::known);  // by its row
  CHECK(said(16, 'c', 90) == Taken::fresh);
  CHECK(ids() == Ids{1, 10, 15, 16});
  CHECK(said(17, 'a', 40) == Taken::fresh);  // the circle with most bytes
  CHECK(ids() == Ids{1, 10, 15, 17});
  CHECK(said(18, 'a', 101) == Taken::fresh);  // even so
  CHECK(ids() == Ids{1, 18});
  CHECK(must(messages.said()).bytes == 101);
  fixture.crash_and_open();
  Messages again(*fixture.db, quota);
  must(again.remove(must(again.newest(1)).at(0).seq));
  CHECK(must(again.said()).items == 0);
  CHECK(must(again.received()).items == 1);
}

TEST_CASE("messages: what is on its way survives, with what became of it") {
  Fixture fixture;
  OutgoingMessages outgoing(*fixture.db);
  const OutgoingRow row{
      .recipient = to_bytes("bob"), .id = id_of(1), .expires = 7, .envelope = Bytes{1, 2}};
  must(outgoing.add(row));
  CHECK(fails(outgoing.add(row), StoreError::exists));
  OutgoingRow second = row;
  second.id = id_of(2);
  must(outgoing.add(second));
  must(outgoing.set_stored(row.recipient, row.id));
  fixture.crash_and_open();
  OutgoingMessages again(*fixture.db);
  auto rows = must(again.list(10));
  REQUIRE(rows.size() == 2);
  CHECK(rows[0].stored);
  CHECK_FALSE(rows[1].stored);
  CHECK(rows[1].envelope == Bytes{1, 2});
  CHECK(must(again.list(1)).size() == 1);
  must(again.remove(row.recipient, row.id));
  must(again.remove(row.recipient, row.id));
  CHECK(must(again.list(10)).size() == 1);
}

TEST_CASE("circles: joined once, with their clocks, and not without end") {
  Fixture fixture;
  Circles circles(*fixture.db);
  const auto row = [](std::uint64_t number) {
    return CircleRow{.id = id_of(number),
                     .secret = Bytes(32, 1),
                     .name = "family",
                     .clock = {},
                     .joined = static_cast<rt::WallMs>(number)};
  };
  must(circles.add(row(1)));
  CHECK(fails(circles.add(row(1)), StoreError::exists));
  must(circles.set_clock(id_of(1), Bytes{7}));
  CHECK(must(circles.clock(id_of(1))) == Bytes{7});
  CHECK(fails(circles.set_clock(id_of(2), Bytes{7}), StoreError::not_found));
  CHECK(fails(circles.clock(id_of(2)), StoreError::not_found));
  for (std::uint64_t i = 2; i <= k_circles_max; ++i) {
    must(circles.add(row(i)));
  }
  CHECK(fails(circles.add(row(999)), StoreError::too_large));
  const auto rows = must(circles.list());
  CHECK(rows.size() == k_circles_max);
  CHECK(rows[0].clock == Bytes{7});
  CHECK(rows[0].name == "family");
  must(circles.remove(id_of(1)));
  CHECK(fails(circles.remove(id_of(1)), StoreError::not_found));
}

TEST_CASE("circle log: in order, until it is over, and bounded in rows and bytes") {
  Fixture fixture;
  Circles circles(*fixture.db);
  for (const std::uint64_t circle : {1, 2}) {
    must(circles.add({.id = id_of(circle), .secret = Bytes(32, 1), .name = "c", .clock = {}}));
  }
  CircleLog log(*fixture.db, {.rows_max = 3, .bytes_max = 100});
  const auto said = [](std::uint64_t number, std::size_t bytes = 10) {
    return SaidRow{.sender = to_bytes("alice"),
                   .number = number,
                   .expires = 1'000 + static_cast<rt::WallMs>(number),
                   .envelope = Bytes(bytes, 'e')};
  };
  const auto numbers = [&](std::uint64_t circle, rt::WallMs now = 0, std::size_t limit = 10,
                           std::size_t bytes = 1'000) {
    std::vector<std::uint64_t> found;
    for (const auto& row :
         must(log.list(id_of(circle), now, limit, bytes,
                       [](BytesView, std::uint64_t number) { return number != 3; }))) {
      found.push_back(row.number);
    }
    return found;
  };
  using Numbers = std::vector<std::uint64_t>;
  for (const std::uint64_t number : {2, 1, 1, 3}) {
    must(log.add(id_of(1), said(number)));
  }
  must(log.add(id_of(9), said(1)));  // we are in no such circle
  CHECK(numbers(1) == Numbers{2, 1});
  CHECK(numbers(1, 1'001) == Numbers{2});
  CHECK(numbers(1, 0, 1) == Numbers{2});
  CHECK(numbers(1, 0, 10, 15) == Numbers{2});
  CHECK(numbers(1, 0, 10, 1) == Numbers{2});
  CHECK(numbers(2).empty());
  must(log.add(id_of(1), said(4)));  // the oldest goes
  CHECK(numbers(1) == Numbers{1, 4});
  must(log.add(id_of(1), said(5, 95)));  // all others go
  CHECK(numbers(1) == Numbers{5});
  CHECK(must(log.total(id_of(1))).bytes == 95);
  must(log.add(id_of(1), said(6, 200)));  // one stays in any case
  CHECK(numbers(1) == Numbers{6});
  must(log.add(id_of(2), said(7)));
  CHECK(must(log.expire(1'006)) == 1);
  CHECK(numbers(1).empty());
  must(circles.remove(id_of(2)));
  CHECK(must(log.total(id_of(2))).items == 0);
}

TEST_CASE("mailbox: keeps what is not over, in order, for its recipient") {
  Fixture fixture;
  Mailbox mailbox(*fixture.db);
  CHECK(must(mailbox.put(mail(1))) == Put::stored);
  CHECK(must(mailbox.put(mail(1))) == Put::known);
  CHECK(must(mailbox.put(mail(2))) == Put::stored);
  CHECK(must(mailbox.put(mail(3, "carol"))) == Put::stored);
  MailRow late = mail(4);
  late.expires = 2000;
  CHECK(must(mailbox.put(late)) == Put::stored);
  CHECK(must(mailbox.list(to_bytes("bob"), 0, 0, 10, 1000)).size() == 3);
  CHECK(must(mailbox.list(to_bytes("bob"), 0, 0, 2, 1000)).size() == 2);
  CHECK(must(mailbox.list(to_bytes("bob"), 0, 0, 10, 20)).size() == 2);
  CHECK(must(mailbox.list(to_bytes("bob"), 0, 0, 10, 1)).at(0).item == id_of(1));
  CHECK(must(mailbox.list(to_bytes("bob"), 0, 1000, 10, 1000)).size() == 1);
  const auto second = must(mailbox.list(to_bytes("bob"), 0, 0, 10, 1000)).at(1);
  CHECK(must(mailbox.list(to_bytes("bob"), second.seq, 0, 10, 1000)).at(0).item == id_of(4));
  must(mailbox.remove(to_bytes("carol"), id_of(1)));
  must(mailbox.remove(to_bytes("bob"), id_of(1)));
  CHECK(must(mailbox.total()).items == 3);
  CHECK(must(mailbox.expire(1000, 1)) == 1);
  CHECK(must(mailbox.expire(1000, 10)) == 1);
  CHECK(must(mailbox.total()).items == 1);
  CHECK(must(mailbox.total()).bytes == 10);
}

TEST_CASE("mailbox: one sender cannot fill the box of a recipient") {
  Fixture fixture;
  Mailbox mailbox(*fixture.db);
  const MailQuota quota;
  for (std::int64_t i = 0; i < quota.items_per_pair_max; ++i) {
    CHECK(must(mailbox.put(mail(static_cast<std::uint64_t>(i)))) == Put::stored);
  }
  CHECK(must(mailbox.put(mail(1'000))) == Put::full);
  CHECK(must(mailbox.put(mail(1'000, "bob", "carol"))) == Put::stored);
  CHECK(must(mailbox.put(mail(1'001, "dave"))) == Put::stored);
  const auto half = static_cast<std::size_t>(quota.bytes_per_pair_max / 2);
  CHECK(must(mailbox.put(mail(1'002, "erin", "alice", half))) == Put::stored);
  CHECK(must(mailbox.put(mail(1'003, "erin", "alice", half))) == Put::stored);
  CHECK(must(mailbox.put(mail(1'004, "erin"))) == Put::full);
}

TEST_CASE("mailbox: quotas of a recipient, of a sender and of all, in items and bytes") {
  Fixture fixture;
  const auto put = [&](const MailQuota& quota, const MailRow& row) {
    return must(Mailbox(*fixture.db, quota).put(row));
  };
  CHECK(put({}, mail(1)) == Put::stored);
  CHECK(put({.items_per_recipient_max = 1}, mail(2)) == Put::full);
  CHECK(put({.items_per_recipient_max = 1}, mail(1)) == Put::known);
  CHECK(put({.items_per_recipient_max = 1}, mail(2, "carol")) == Put::stored);
  CHECK(put({.bytes_per_recipient_max = 19}, mail(3)) == Put::full);
  CHECK(put({.bytes_per_recipient_max = 20}, mail(3)) == Put::stored);
  CHECK(put({.items_per_sender_max = 3}, mail(4)) == Put::full);
  CHECK(put({.items_per_sender_max = 3}, mail(4, "bob", "dave")) == Put::stored);
  CHECK(put({.bytes_per_sender_max = 39}, mail(5)) == Put::full);
  CHECK(put({.items_max = 4}, mail(5)) == Put::full);
  CHECK(put({.bytes_max = 49}, mail(5)) == Put::full);
  CHECK(put({.bytes_max = 50}, mail(5)) == Put::stored);
}

}  // namespace
}  // namespace vivim::store
