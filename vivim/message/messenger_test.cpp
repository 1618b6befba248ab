// Messages between whole hosts, direct and through a mailbox.
#include <doctest/doctest.h>

#include "vivim/libp2p/delimited/delimited.hpp"
#include "vivim/message/sealed.hpp"
#include "vivim/message/world_test_detail.hpp"

using namespace vivim;
using namespace vivim::message;
using namespace vivim::message::test;
using namespace std::chrono_literals;
using EventKind = MessageEvent::Kind;

namespace {

struct Pair {
  explicit Pair(Machine::Options of_bob = {}) : bob(world, 2, std::move(of_bob)) {
    alice.know(bob);
    bob.know(alice);
  }
  rt::sim::World world{1};
  Machine alice{world, 1, {}};
  Machine bob;
};

struct Trio {
  explicit Trio(MailboxOptions options = {})
      : carol(world, 3, {.keeps_for_others = true, .mailbox = options}) {
    silence_log();
    alice.know(bob);
    bob.know(alice);
    alice.use_mailbox(carol);
    bob.use_mailbox(carol);
    world.run_for(1s);
  }
  bool settled() { return alice.messenger().pending().empty(); }

  rt::sim::World world{2};
  Machine alice{world, 1, {}};
  Machine bob{world, 2, {}};
  Machine carol;
};

/// Talks to a protocol byte by byte.
rt::Co<std::optional<Frame>> say(libp2p::Host& host, PeerId to, std::string protocol, Bytes bytes) {
  const std::vector<std::string> protocols{std::move(protocol)};
  auto opened = co_await host.open_stream(to, protocols);
  if (!opened || !co_await opened->stream->write(bytes)) {
    co_return std::nullopt;
  }
  libp2p::DelimitedReader reader(k_mails_bytes_max);
  const auto body = co_await libp2p::read_message(*opened->stream, reader);
  (void)co_await opened->stream->close_write();
  auto frame = body ? decode_frame(*body) : Result<Frame>(fail(body.error()));
  co_return frame ? std::optional(std::move(*frame)) : std::nullopt;
}

/// A mailbox that gives the same again and again, whatever is said of it.
rt::Co<void> repeat(libp2p::InboundStream inbound, rt::Loop& loop, Mails mails, int& answers) {
  Conversation conversation(std::move(inbound.stream), loop, 20s);
  for (;;) {
    const auto request = co_await conversation.read_or_end();
    if (!request || !*request) {
      co_return;
    }
    const bool fetch = std::holds_alternative<Fetch>(**request);
    answers += fetch ? 1 : 0;
    if (!co_await conversation.write(fetch ? Frame(mails) : Frame(Receipt{}))) {
      co_return;
    }
  }
}

}  // namespace

TEST_CASE("messenger: a message arrives, and its sender learns of it") {
  Pair p;
  REQUIRE(p.alice.send(p.bob, "hello"));
  REQUIRE(p.alice.send(p.bob, "once", Delivery::exactly_once));
  REQUIRE(p.alice.send(p.bob, "perhaps", Delivery::best_effort));
  CHECK(p.alice.messenger().pending().size() == 3);
  REQUIRE(p.world.run_until([&] { return p.alice.count(EventKind::delivered) == 3; }, 10s));
  CHECK(p.alice.messenger().pending().empty());
  CHECK(p.bob.texts().size() == 3);
  CHECK(p.bob.count(EventKind::received) == 3);
  CHECK(p.alice.count(EventKind::delivered) == 3);
  CHECK(p.alice.messenger().counts().delivered == 3);
  CHECK(p.alice.host().metrics_text().find(R"(vivim_messages_total{event="delivered"} 3)") !=
        std::string::npos);
  CHECK(p.world.run(p.alice.messenger().send({.to = p.alice.id(), .payload = {}}))
            .error()
            .is(MessageError::unknown_recipient));
}

TEST_CASE("messenger: without a way it waits, and goes when there is one") {
  Pair p;
  p.world.partition(p.alice.node(), p.bob.node());
  REQUIRE(p.alice.send(p.bob, "later"));
  REQUIRE(p.alice.send(p.bob, "lost", Delivery::best_effort));
  p.world.run_for(1min);
  CHECK(p.alice.messenger().pending().size() == 1);
  p.alice.crash();
  p.alice.start_again();
  p.alice.know(p.bob);
  CHECK(p.alice.messenger().pending().size() == 1);
  p.world.heal_all();
  REQUIRE(p.world.run_until([&] { return p.alice.messenger().pending().empty(); }, 30min));
  CHECK(p.bob.texts() == std::vector<std::string>{"later"});
}

TEST_CASE("messenger: what nobody acknowledges in time is over") {
  Pair p;
  p.world.partition(p.alice.node(), p.bob.node());
  p.alice.set_lifetime(120s);
  REQUIRE(p.alice.send(p.bob, "too late"));
  REQUIRE(p.world.run_until([&] { return p.alice.count(EventKind::expired) == 1; }, 10min));
  CHECK(p.alice.messenger().pending().empty());
  CHECK(p.alice.messenger().counts().expired == 1);
  p.world.heal_all();
  p.world.run_for(10min);
  CHECK(p.bob.texts().empty());
}

TEST_CASE("messenger: a recipient that is full or throttles gets it later") {
  Pair p({.messenger = {.inbox = {.rates = {.each = {.burst = 1, .interval = 10s},
                                            .all = {.burst = 8, .interval = 1s}}},
                        .quota = {.rows_per_sender_max = 2}}});
  for (const auto* text : {"a", "b", "c"}) {
    REQUIRE(p.alice.send(p.bob, text));
  }
  p.world.run_for(5min);
  CHECK(p.bob.texts().size() == 2);
  CHECK(p.alice.messenger().pending().size() == 1);
  p.bob.remove_newest();
  REQUIRE(p.world.run_until([&] { return p.alice.count(EventKind::delivered) == 3; }, 30min));
  CHECK(p.alice.messenger().pending().empty());
}

TEST_CASE("messenger: stops while it writes, without waiting for what comes next") {
  rt::sim::World world(4);
  Machine slow(world, 1, {.node = {.job_min = 1s}});
  world.run_for(500ms);  // it forgets old marks
  const auto before = world.now();
  slow.stop(true);
  CHECK(world.now() - before < 8s);
}

TEST_CASE("messenger: an effect that fails undoes the message, which comes again") {
  Pair p;
  REQUIRE(p.world.run(p.bob.store().write([](store::Database& db) {
    return db.execute(
        "CREATE TRIGGER no BEFORE INSERT ON effects BEGIN SELECT "
        "RAISE(ABORT, 'no'); END");
  })));
  REQUIRE(p.alice.send(p.bob, "twice tried", Delivery::exactly_once));
  p.world.run_for(10s);
  CHECK(p.bob.texts().empty());
  REQUIRE(p.world.run(
      p.bob.store().write([](store::Database& db) { return db.execute("DROP TRIGGER no"); })));
  REQUIRE(p.world.run_until([&] { return p.alice.messenger().pending().empty(); }, 10min));
  CHECK(p.bob.effects(p.alice.id(), "twice tried") == 1);
}

TEST_CASE(
    "mailbox: keeps what its recipient cannot get now, and tells its sender when it arrived") {
  Trio t;
  t.bob.crash();
  REQUIRE(t.alice.send(t.bob, "while you were away", Delivery::exactly_once));
  REQUIRE(t.world.run_until([&] { return t.alice.count(EventKind::stored) == 1; }, 5min));
  CHECK(t.alice.messenger().pending().at(0).stored);
  CHECK(t.carol.mailbox().counts().stored == 1);
  // What the mailbox has was synced: it may die, and so may the sender.
  t.carol.crash();
  t.alice.crash();
  t.carol.start_again();
  t.bob.start_again();
  REQUIRE(t.world.run_until([&] { return t.bob.count(EventKind::received) == 1; }, 5min));
  CHECK(t.bob.texts() == std::vector<std::string>{"while you were away"});
  // The receipt waits at the mailbox until the sender is back.
  t.world.run_for(2min);
  t.world.partition(t.alice.node(), t.bob.node());
  t.alice.start_again();
  REQUIRE(t.world.run_until([&] { return t.alice.count(EventKind::delivered) == 1; }, 5min));
  CHECK(t.settled());
  t.world.run_for(1s);
  CHECK(t.bob.effects(t.alice.id(), "while you were away") == 1);
  CHECK(t.carol.mailbox().counts().taken == 2);  // the message, and the receipt
}

TEST_CASE("mailbox: who can reach only the mailbox talks through it, both ways") {
  Trio t;
  t.world.partition(t.alice.node(), t.bob.node());
  for (int i = 0; i < 100; ++i) {
    REQUIRE(t.alice.send(t.bob, "to bob " + std::to_string(i)));
    REQUIRE(t.bob.send(t.alice, "to alice " + std::to_string(i)));
  }
  REQUIRE(
      t.world.run_until([&] { return t.settled() && t.bob.messenger().pending().empty(); }, 20min));
  t.world.run_for(1s);
  CHECK(t.bob.texts().size() == 100);
  CHECK(t.alice.texts().size() == 100);
  CHECK(t.alice.count(EventKind::delivered) == 100);
}

TEST_CASE("mailbox: who waits for mail has it at once") {
  Trio t;
  t.world.partition(t.alice.node(), t.bob.node());
  t.world.run_for(1min);
  REQUIRE(t.alice.send(t.bob, "first"));
  REQUIRE(t.world.run_until([&] { return t.settled(); }, 5min));  // the way is known then
  const auto before = t.world.now();
  REQUIRE(t.bob.send(t.alice, "answer"));
  REQUIRE(t.world.run_until([&] { return t.alice.count(EventKind::received) == 1; }, 5min));
  CHECK(t.world.now() - before < 15s);
}

TEST_CASE("mailbox: what it keeps it cannot read") {
  Trio t;
  t.bob.crash();
  REQUIRE(t.alice.send(t.bob, "a secret of two"));
  REQUIRE(t.world.run_until([&] { return t.alice.count(EventKind::stored) == 1; }, 5min));
  const auto rows = t.world.run(t.carol.store().read([&](store::Database& db) {
    return store::Mailbox(db).list(t.bob.id().bytes(), 0, 0, 10, 1 << 20);
  }));
  REQUIRE(rows->size() == 1);
  const auto& row = rows->front();
  CHECK(as_text(row.sealed).find("a secret of two") == std::string::npos);
  CHECK(as_text(row.sealed).find(as_text(t.alice.id().bytes())) == std::string::npos);
  const Mail mail{.to = t.bob.id(),
                  .item = MessageId::from_bytes(row.item).value(),
                  .expires_ms = row.expires,
                  .sealed = row.sealed};
  CHECK_FALSE(open_mail(crypto::x25519_of(t.carol.key()), mail));
  CHECK(open(open_mail(crypto::x25519_of(t.bob.key()), mail).value())->message.payload ==
        to_bytes("a secret of two"));
}

TEST_CASE("mailbox: what is not taken holds up nothing behind it") {
  Trio t;
  REQUIRE(t.bob.send(t.alice, "so we know each other"));
  REQUIRE(t.world.run_until([&] { return t.bob.messenger().pending().empty(); }, 5min));
  t.bob.crash();
  t.bob.options().messenger.quota.stranger_rows_max = 1;
  for (std::uint64_t number = 100; number < 200; ++number) {
    const Message message{.id = message_id(number),
                          .time_ms = t.carol.node().clock().wall_now_ms(),
                          .lifetime = k_lifetime_max,
                          .from = peer(number),
                          .to = t.bob.id()};
    const auto mail =
        seal_mail({.to = t.bob.id(), .item = message.id, .expires_ms = message.expires_ms()},
                  seal(Signer::of(key_pair(number)), message).value(),
                  [&](MutableBytes out) { t.carol.node().rng().fill(out); })
            .value();
    REQUIRE(t.world.run(t.carol.store().write([&](store::Database& db) {
      return store::Mailbox(db).put({.recipient = to_bytes(mail.to.bytes()),
                                     .item = to_bytes(mail.item.view()),
                                     .sender = to_bytes(peer(number).bytes()),
                                     .expires = mail.expires_ms,
                                     .sealed = mail.sealed});
    })));
  }
  REQUIRE(t.alice.send(t.bob, "from a friend"));
  REQUIRE(t.world.run_until([&] { return t.alice.count(EventKind::stored) == 1; }, 5min));
  t.world.partition(t.alice.node(), t.bob.node());
  t.bob.start_again();
  t.world.run_for(1min);
  const auto texts = t.bob.texts();
  CHECK(std::ranges::count(texts, "from a friend") == 1);
  CHECK(texts.size() == 2);  // one stranger's
  // As soon as there is room, the next one comes.
  REQUIRE(t.world.run(t.bob.store().write(
      [](store::Database& db) { return db.execute("DELETE FROM messages WHERE stranger = 1"); })));
  t.world.run_for(1min);
  CHECK(t.bob.texts().size() == 2);
}

TEST_CASE("mailbox: quotas and rates of who brings, and what is over goes") {
  Trio t({.quota = {.items_per_sender_max = 3},
          .rates = {.each = {.burst = 4, .interval = 10s}, .all = {.burst = 64, .interval = 1s}}});
  t.bob.crash();
  for (int i = 0; i < 5; ++i) {
    REQUIRE(t.alice.send(t.bob, std::to_string(i)));
  }
  t.world.run_for(5min);
  CHECK(t.alice.count(EventKind::stored) == 3);
  CHECK(t.carol.mailbox().counts().full > 0);
  CHECK(t.carol.mailbox().counts().throttled > 0);
  CHECK(t.carol.host().metrics_text().find(R"(vivim_mailbox_items_total{result="stored"} 3)") !=
        std::string::npos);
  t.bob.start_again();
  REQUIRE(t.world.run_until([&] { return t.settled(); }, 1h));
  CHECK(t.bob.texts().size() == 5);
}

TEST_CASE("hostile: a mailbox and a recipient bear with everything on their streams") {
  Trio t;
  REQUIRE(t.world.run(t.alice.host().connect(t.carol.address())));
  const auto at_mailbox = [&](const Bytes& bytes) {
    return t.world.run(
        say(t.alice.host(), t.carol.id(), std::string(k_mailbox_protocol_id), bytes));
  };
  const auto deposit = [&](std::int64_t expires_ms, Bytes sealed) {
    return std::get<Receipt>(*at_mailbox(libp2p::delimited(
                                 encode(Deposit{.mail = {.to = t.bob.id(),
                                                         .expires_ms = expires_ms,
                                                         .sealed = std::move(sealed)}}))))
        .status;
  };
  const auto now = t.alice.node().clock().wall_now_ms();
  CHECK(deposit(now + 60'000, Bytes{1}) == Status::stored);
  CHECK(deposit(now - 1, Bytes{1}) == Status::refused);
  CHECK(deposit(now + std::int64_t{15} * 24 * 3600 * 1000, Bytes{1}) == Status::refused);
  CHECK(deposit(now + 1000, {}) == Status::refused);
  CHECK_FALSE(at_mailbox(libp2p::delimited(Bytes{0xff})));
  CHECK_FALSE(at_mailbox(libp2p::delimited(encode(Send{}))));
  CHECK_FALSE(at_mailbox(Bytes{0xff, 0xff, 0x7f}));
  // Nobody gets or forgets what is for another.
  const auto mails = at_mailbox(libp2p::delimited(encode(Fetch{})));
  CHECK(std::get<Mails>(*mails).mails.empty());
  CHECK(at_mailbox(libp2p::delimited(encode(Taken{.items = {MessageId()}}))));
  CHECK(t.carol.mailbox().counts().refused == 6);

  REQUIRE(t.world.run(t.alice.host().connect(t.bob.address())));
  const auto at_bob = [&](const Bytes& bytes) {
    return t.world.run(say(t.alice.host(), t.bob.id(), std::string(k_protocol_id), bytes));
  };
  const auto junk = at_bob(libp2p::delimited(encode(Send{.envelope = Bytes{1, 2}})));
  CHECK(std::get<Receipt>(*junk).status == Status::refused);
  CHECK_FALSE(at_bob(libp2p::delimited(Bytes{0xff})));
  CHECK_FALSE(at_bob(libp2p::delimited(encode(Fetch{}))));
  // The junk for bob was fetched, could not be opened, and is not fetched again.
  CHECK(t.bob.messenger().counts().broken == 3);
  t.world.run_for(2min);
  CHECK(t.bob.messenger().counts().broken == 3);
  REQUIRE(t.alice.send(t.bob, "still well"));
  REQUIRE(t.world.run_until([&] { return t.settled(); }, 1min));
}

TEST_CASE("hostile: a mailbox that repeats mails of strangers takes no room from messages" *
          doctest::test_suite("long")) {
  silence_log();
  Mails mails;
  int answers = 0;
  rt::sim::World world(3);
  Machine alice(world, 1, {.messenger = {.outbox = {.messages_max = 100}}});
  Machine bob(world, 2, {});
  Machine mallory(world, 4, {});
  alice.know(bob);
  for (std::uint64_t number = 100; number < 100 + k_mails_max; ++number) {
    const Message message{.id = message_id(number),
                          .time_ms = alice.node().clock().wall_now_ms(),
                          .lifetime = k_lifetime_max,
                          .from = peer(number),
                          .to = alice.id()};
    mails.mails.push_back(
        seal_mail({.to = alice.id(), .item = message.id, .expires_ms = message.expires_ms()},
                  seal(Signer::of(key_pair(number)), message).value(),
                  [&](MutableBytes out) { mallory.node().rng().fill(out); })
            .value());
  }
  REQUIRE(
      mallory.host().handle(std::string(k_mailbox_protocol_id), [&](libp2p::InboundStream inbound) {
        return repeat(std::move(inbound), mallory.node().loop(), mails, answers);
      }));
  REQUIRE(world.run(alice.host().connect(mallory.address())));
  REQUIRE(world.run_until([&] { return answers >= 10; }, 24h));
  world.run_for(1min);
  CHECK(alice.texts().size() == k_mails_max);
  CHECK(alice.host().metrics_text().find("\nvivim_messages_waiting 64\n") != std::string::npos);
  REQUIRE(alice.send(bob, "not held up"));
  REQUIRE(world.run_until([&] { return bob.count(EventKind::received) == 1; }, 1min));
  // What brings nothing new is asked for ever more slowly.
  const int before = answers;
  world.run_for(10min);
  CHECK(answers - before < 600);
  // Nor are there other receipts after a restart.
  alice.crash();
  alice.start_again();
  REQUIRE(world.run(alice.host().connect(mallory.address())));
  world.run_for(1min);
  CHECK(alice.host().metrics_text().find("\nvivim_messages_waiting 64\n") != std::string::npos);
}

TEST_CASE("hostile: silent streams are bounded and end in time") {
  Trio t;
  REQUIRE(t.world.run(t.alice.host().connect(t.carol.address())));
  REQUIRE(t.world.run(t.alice.host().connect(t.bob.address())));
  std::vector<std::unique_ptr<rt::Stream>> streams;
  const auto open_streams = [&](PeerId to, std::string_view protocol) {
    const std::vector<std::string> protocols{std::string(protocol)};
    for (int i = 0; i < 6; ++i) {
      auto opened = t.world.run(t.alice.host().open_stream(to, protocols));
      if (opened) {
        streams.push_back(std::move(opened->stream));
      }
    }
    t.world.run_for(1s);
  };
  open_streams(t.carol.id(), k_mailbox_protocol_id);
  open_streams(t.bob.id(), k_protocol_id);
  CHECK(t.carol.mailbox().streams().refused() == 3);  // one of hers waits for mail
  CHECK(t.bob.messenger().streams().refused() == 2);
  t.world.run_for(1min);
  CHECK(t.carol.mailbox().counts().refused == 3);
  CHECK(t.bob.messenger().counts().broken == 4);
  REQUIRE(t.alice.send(t.bob, "after it"));
  REQUIRE(t.world.run_until([&] { return t.settled(); }, 5min));
}
