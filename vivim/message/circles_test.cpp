#include "vivim/message/circles.hpp"

#include <algorithm>
#include <map>

#include <doctest/doctest.h>

#include "vivim/message/members_test_detail.hpp"
#include "vivim/rt/sim/world.hpp"

using namespace vivim;
using namespace vivim::message;
using namespace vivim::message::test;
using namespace std::chrono_literals;

namespace {

CircleSecret secret_of(std::uint8_t number) {
  return CircleSecret(Bytes(32, number));
}

crypto::RandomSource counting() {
  return [n = std::uint8_t{0}](MutableBytes out) mutable {
    std::ranges::generate(out, [&n] { return n++; });
  };
}

/// A network on which everybody hears every topic that they subscribed to, some time later.
struct Bus;

/// Somebody in circles, on a machine of their own.
class Person {
 public:
  Person(Bus& bus, std::uint64_t number, CirclesOptions options = {});
  ~Person() {
    if (circles_) {
      stop(true);
    }
  }
  Person(const Person&) = delete;
  Person& operator=(const Person&) = delete;

  void start();
  void stop(bool orderly);
  void crash() {
    node_.crash();
    stop(false);
  }
  void start_again() {
    node_.restart();
    start();
  }

  Circles& circles() { return *circles_; }
  Result<MessageId> say(const CircleTopic& topic, std::string_view text);
  CircleId join(std::uint8_t secret);
  const PeerId& id() const { return id_; }
  rt::sim::Node& node() { return node_; }

  std::vector<CircleMessage> heard;
  std::set<std::string> topics;

 private:
  Bus& bus_;
  rt::sim::Node& node_;
  std::uint64_t number_;
  PeerId id_;
  CirclesOptions options_;
  std::unique_ptr<rt::Worker> worker_;
  std::unique_ptr<store::Store> store_;
  std::optional<Circles> circles_;
};

struct Bus {
  explicit Bus(std::uint64_t seed) : world(seed) {}
  ~Bus() { world.run_for(1h); }  // what is still in the air

  void carry(const Person* from, const std::string& topic, BytesView data) {
    for (Person* person : people) {
      for (int copies = 1 + (world.rng().below(4) == 0 ? 1 : 0); copies > 0; --copies) {
        if (person != from && world.rng().below(100) >= loss_percent) {
          world.after(
              std::chrono::milliseconds(world.rng().below(delay_ms)),
              [this, person, topic, bytes = to_bytes(data)] { land(person, topic, bytes); });
        }
      }
    }
  }
  void land(Person* person, const std::string& topic, const Bytes& bytes) {
    if (std::ranges::count(people, person) > 0 && person->topics.contains(topic)) {
      ++verdicts[person->circles().take(topic, bytes)];
    }
  }

  rt::sim::World world;
  std::vector<Person*> people;
  std::map<TopicVerdict, int> verdicts;
  std::uint64_t loss_percent = 0;
  std::uint64_t delay_ms = 3000;
};

Person::Person(Bus& bus, std::uint64_t number, CirclesOptions options)
    : bus_(bus),
      node_(bus.world.add_node("person" + std::to_string(number))),
      number_(number),
      id_(peer(number)),
      options_(std::move(options)) {
  start();
}

void Person::start() {
  worker_ = node_.make_worker();
  store::StoreOptions store_options{
      .database = {.path = "vivim.db", .disk = &node_.disk(), .random_seed = 7}};
  auto opened = bus_.world.run(store::Store::open(node_.loop(), *worker_, store_options));
  REQUIRE(opened);
  store_ = std::move(*opened);
  Gossip gossip{.subscribe = [this](const std::string& topic) -> Result<void> {
                  topics.insert(topic);
                  return {};
                },
                .unsubscribe = [this](const std::string& topic) { topics.erase(topic); },
                .publish = [this](const std::string& topic, BytesView data) -> Result<void> {
                  bus_.carry(this, topic, data);
                  return {};
                }};
  auto options = options_;
  options.on_message = [this](const CircleMessage& message) { heard.push_back(message); };
  circles_.emplace(node_.loop(), *store_, node_.rng(), Signer::of(key_pair(number_)),
                   std::move(gossip), std::move(options));
  REQUIRE(bus_.world.run(circles_->start()));
  bus_.people.push_back(this);
}

void Person::stop(bool orderly) {
  std::erase(bus_.people, this);
  topics.clear();
  bus_.world.run(circles_->stop());
  circles_.reset();
  if (orderly) {
    REQUIRE(bus_.world.run(store_->close()));
  }
  store_.reset();
  worker_.reset();
}

Result<MessageId> Person::say(const CircleTopic& topic, std::string_view text) {
  return bus_.world.run(circles_->publish(topic, to_bytes(text)));
}

CircleId Person::join(std::uint8_t secret) {
  return bus_.world.run(circles_->join(secret_of(secret), "test"))->id;
}

/// What `number` says in the circle of `secret` with this clock.
Bytes said_by(std::uint64_t number, std::uint8_t secret, std::uint64_t id, VectorClock clock,
              std::int64_t time_ms, std::size_t bytes = 1) {
  const Circle circle(secret_of(secret));
  const std::string topic = CircleTopic{.circle = circle.id(), .subtopic = {}}.to_text();
  const Message message{.id = message_id(id),
                        .time_ms = time_ms,
                        .lifetime = 24h,
                        .from = peer(number),
                        .to = topic,
                        .clock = std::move(clock),
                        .payload = circle.seal(peer(number), topic, Bytes(bytes, 1), counting())};
  return seal(Signer::of(key_pair(number)), message).value();
}

/// What a member asks others for, as those can read it.
VectorClock asked_by(Person& person, std::uint8_t secret) {
  const Circle circle(secret_of(secret));
  const auto ask = person.circles().ask(circle.id()).value();
  const auto label = CircleTopic{.circle = circle.id(), .subtopic = {}}.to_text() + "?clock";
  return decode_clock(circle.open(person.id(), label, ask.sealed_clock).value()).value();
}

/// Whether what was heard in order comes after all that its sender had seen.
bool causal(const Person& person) {
  VectorClock known;
  for (const auto& [topic, message, order] : person.heard) {
    VectorClock needed = message.clock;
    REQUIRE(known.raise(message.from, message.clock.at(message.from)));
    if (known.at(person.id()) < needed.at(person.id())) {
      REQUIRE(known.raise(person.id(), needed.at(person.id())));  // what they said themselves
    }
    if (order == Order::causal && !needed.within(known)) {
      return false;
    }
    REQUIRE(known.merge(needed));
  }
  return true;
}

}  // namespace

TEST_CASE("circle: members read what members say, nobody else does") {
  const Circle circle(secret_of(1));
  const Circle other(secret_of(2));
  CHECK(circle.id() != other.id());
  const std::string topic = CircleTopic{.circle = circle.id(), .subtopic = "x"}.to_text();
  const Bytes text = to_bytes("hello");
  const Bytes sealed = circle.seal(peer(1), topic, text, counting());
  CHECK(sealed.size() == text.size() + k_circle_overhead_bytes);
  CHECK(circle.open(peer(1), topic, sealed).value() == text);
  using crypto::CryptoError;
  CHECK(other.open(peer(1), topic, sealed).error().is(CryptoError::authentication_failed));
  CHECK(circle.open(peer(2), topic, sealed).error().is(CryptoError::authentication_failed));
  CHECK(circle.open(peer(1), topic + "y", sealed).error().is(CryptoError::authentication_failed));
  CHECK(
      circle.open(peer(1), topic, BytesView(sealed).first(27)).error().is(CryptoError::too_short));
}

TEST_CASE("circle: topics") {
  const CircleTopic topic{.circle = CircleId{.bytes = {1}}, .subtopic = {}};
  CHECK(topic.to_text() == "/vivim/circles/01000000000000000000000000000000");
  const auto check = [](const std::string& text) {
    const auto parsed = CircleTopic::parse(text);
    return parsed && parsed->to_text() == text;
  };
  CHECK(check(topic.to_text()));
  CHECK(check(topic.to_text() + "/a/b"));
  CHECK(check(topic.to_text() + "/" + std::string(k_subtopic_bytes_max, 'x')));
  for (const std::string& text :
       {std::string("/vivim/circles/"), std::string("/vivim/circles/01"), topic.to_text() + "x",
        topic.to_text() + "/", topic.to_text() + "/ ", std::string("/vivim/crdt/x"),
        topic.to_text() + "/" + std::string(k_subtopic_bytes_max + 1, 'x')}) {
    CHECK(CircleTopic::parse(text).error().is(MessageError::malformed));
  }
}

TEST_CASE("circles: members hear each other, by topic, and what was joined stays joined") {
  Bus bus(1);
  Person alice(bus, 1);
  Person bob(bus, 2);
  const CircleId id = alice.join(1);
  CHECK(bob.join(1) == id);
  CHECK(bus.world.run(alice.circles().join(secret_of(1), "again"))->had);
  const CircleTopic main{.circle = id, .subtopic = {}};
  const CircleTopic plans{.circle = id, .subtopic = "plans"};
  REQUIRE(alice.say(main, "hello"));
  REQUIRE(alice.say(plans, "unheard"));
  bus.world.run_for(10s);
  REQUIRE(bob.circles().follow(plans));
  REQUIRE(alice.say(plans, "the second"));
  bus.world.run_for(2min);
  REQUIRE(bob.heard.size() == 2);
  CHECK(bob.heard[0].message.payload == to_bytes("hello"));
  CHECK(bob.heard[0].order == Order::causal);
  CHECK(bob.heard[1].message.payload == to_bytes("the second"));
  CHECK(bob.heard[1].topic.subtopic == "plans");
  CHECK(bob.heard[1].order == Order::gap);  // he knows that he missed something
  bob.stop(true);
  bob.start();
  CHECK(bob.circles().list().at(0).name == "test");
  CHECK(bob.circles().list().at(0).members == 1);
  REQUIRE(bob.say(main, "back"));
  bus.world.run_for(1min);
  CHECK(alice.heard.at(0).message.payload == to_bytes("back"));
  REQUIRE(bus.world.run(bob.circles().leave(id)));
  CHECK(bus.world.run(bob.circles().leave(id)).error().is(MessageError::unknown));
  CHECK(bob.topics.empty());
  CHECK(bob.say(main, "x").error().is(MessageError::unknown));
  CHECK(bob.circles().follow(main).error().is(MessageError::unknown));
}

TEST_CASE("circles: what a crash leaves does not say the same number twice") {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    CAPTURE(seed);
    Bus bus(seed);
    Person alice(bus, 1);
    Person bob(bus, 2);
    const CircleTopic topic{.circle = alice.join(1), .subtopic = {}};
    bob.join(1);
    int said = 0;
    for (int life = 0; life < 4; ++life) {
      for (std::uint64_t i = bus.world.rng().below(4); i > 0; --i) {
        REQUIRE(alice.say(topic, std::to_string(said++)));
      }
      alice.crash();
      alice.start_again();
    }
    bus.world.run_for(5min);
    CHECK(bob.heard.size() == static_cast<std::size_t>(said));
    std::set<std::uint64_t> numbers;
    for (const auto& each : bob.heard) {
      CHECK(numbers.insert(each.message.clock.at(alice.id())).second);
    }
  }
}

TEST_CASE("circles: many talk at once, with delays, copies and losses: each once, causes first") {
  for (std::uint64_t seed = 1; seed <= 40 / VIVIM_SEEDS_PART; ++seed) {
    CAPTURE(seed);
    Bus bus(seed);
    bus.loss_percent = seed % 2 == 0 ? 0 : 10;
    std::vector<std::unique_ptr<Person>> people;
    CircleTopic topic;
    for (std::uint64_t number = 1; number <= 4; ++number) {
      people.push_back(std::make_unique<Person>(bus, number));
      topic.circle = people.back()->join(1);
    }
    std::uint64_t said = 0;
    for (int step = 0; step < 40; ++step) {
      auto& speaker = *people[bus.world.rng().below(people.size())];
      REQUIRE(speaker.say(topic, std::to_string(said++)));
      bus.world.run_for(std::chrono::milliseconds(bus.world.rng().below(2000)));
    }
    bus.world.run_for(5min);
    std::uint64_t heard = 0;
    for (const auto& person : people) {
      CHECK(causal(*person));
      std::set<Bytes> texts;
      for (const auto& each : person->heard) {
        CHECK(texts.insert(each.message.payload).second);
        CHECK((bus.loss_percent > 0 || each.order == Order::causal));
      }
      heard += person->heard.size();
    }
    if (bus.loss_percent == 0) {
      CHECK(heard == said * 3);
    }
    CHECK(bus.verdicts[TopicVerdict::reject] == 0);
  }
}

TEST_CASE("hostile: what is not by a member, not of now, too much, or another's") {
  Bus bus(1);
  Person alice(
      bus, 1,
      {.rates = {.each = {.burst = 2, .interval = 1h}, .all = {.burst = 4, .interval = 1h}}});
  const CircleTopic topic{.circle = alice.join(1), .subtopic = {}};
  const std::string name = topic.to_text();
  const Circle circle(secret_of(1));
  const auto wall = alice.node().clock().wall_now_ms();
  const auto envelope = [&](std::uint64_t number, const Circle& by, std::int64_t time_ms,
                            const std::string& to) {
    Message message{.id = message_id(number),
                    .time_ms = time_ms,
                    .lifetime = 1h,
                    .from = peer(5),
                    .to = to,
                    .payload = by.seal(peer(5), name, Bytes{1}, counting())};
    return seal(Signer::of(key_pair(5)), message).value();
  };
  const auto take = [&](const Bytes& bytes) { return alice.circles().take(name, bytes); };
  CHECK(take(Bytes{1, 2}) == TopicVerdict::reject);
  CHECK(take(envelope(1, Circle(secret_of(2)), wall, name)) == TopicVerdict::reject);
  CHECK(take(envelope(1, circle, wall, name + "/other")) == TopicVerdict::reject);
  CHECK(take(envelope(1, circle, wall - 3'600'000, name)) == TopicVerdict::ignore);
  CHECK(alice.circles().take("/vivim/circles/x", {}) == TopicVerdict::ignore);
  CHECK(take(envelope(2, circle, wall, name)) == TopicVerdict::accept);
  CHECK(take(envelope(2, circle, wall, name)) == TopicVerdict::ignore);
  CHECK(take(envelope(3, circle, wall, name)) == TopicVerdict::ignore);  // too many
  CHECK(alice.circles().counts().throttled == 1);
  CHECK(alice.circles().counts().refused == 4);
  bus.world.run_for(1s);
  CHECK(alice.heard.size() == 1);
}

TEST_CASE("hostile: a member whose clock counts for others mutes nobody") {
  Bus bus(1);
  Person alice(bus, 1);
  Person bob(bus, 2);
  const CircleTopic topic{.circle = alice.join(1), .subtopic = {}};
  bob.join(1);
  VectorClock lie;
  REQUIRE(lie.raise(peer(5), 1));
  REQUIRE(lie.raise(alice.id(), k_clock_count_max));
  for (std::uint64_t i = 0; lie.size() < k_clock_entries_max; ++i) {
    REQUIRE(lie.raise(peer(100 + i), 1));
  }
  const auto wall = alice.node().clock().wall_now_ms();
  const auto envelope = said_by(5, 1, 1, lie, wall);
  for (Person* person : {&alice, &bob}) {
    CHECK(person->circles().take(topic.to_text(), envelope) == TopicVerdict::accept);
  }
  bus.world.run_for(1min);
  for (Person* person : {&alice, &bob}) {
    CHECK(person->heard.at(0).order == Order::gap);
    CHECK(asked_by(*person, 1).size() == 1);
  }
  REQUIRE(alice.say(topic, "not muted"));
  bus.world.run_for(1min);
  alice.stop(true);
  alice.start();
  REQUIRE(alice.say(topic, "nor later"));
  bus.world.run_for(1min);
  REQUIRE(bob.heard.size() == 3);
  CHECK(bob.heard[1].order == Order::causal);
  CHECK(bob.heard[2].order == Order::causal);
  CHECK(asked_by(bob, 1).at(alice.id()) == 2);
}

TEST_CASE("circles: where there is no room, what was said longest ago makes some") {
  Bus bus(1);
  Person alice(bus, 1, {.quota = {.rows_per_sender_max = 3, .said_rows_max = 3}});
  Person bob(bus, 2);
  const CircleTopic topic{.circle = alice.join(1), .subtopic = {}};
  bob.join(1);
  for (int i = 0; i < 5; ++i) {
    REQUIRE(bob.say(topic, std::to_string(i)));
  }
  bus.world.run_for(1min);
  CHECK(alice.heard.size() == 5);
  CHECK(asked_by(alice, 1).at(bob.id()) == 5);
}

TEST_CASE("circles: what could not be written is not counted as had, and is written later") {
  Bus bus(1);
  Person alice(bus, 1);
  const CircleTopic topic{.circle = alice.join(1), .subtopic = {}};
  const auto wall = alice.node().clock().wall_now_ms();
  std::vector<Bytes> envelopes;
  for (std::uint64_t number = 1; number <= 4; ++number) {
    VectorClock clock;
    REQUIRE(clock.raise(peer(5), number));
    envelopes.push_back(said_by(5, 1, number, clock, wall, 10'000));
  }
  const auto take = [&](std::size_t index) {
    CHECK(alice.circles().take(topic.to_text(), envelopes[index]) == TopicVerdict::accept);
    bus.world.run_for(1min);
  };
  const auto free_disk = [&] { alice.node().disk().set_capacity_bytes(std::uint64_t{1} << 40); };
  alice.node().disk().set_capacity_bytes(0);
  take(0);
  take(1);
  CHECK(alice.heard.empty());
  CHECK(alice.circles().counts().retried >= 2);
  CHECK(asked_by(alice, 1).empty());
  // Who asks meanwhile does not wait for the disk.
  CHECK(bus.world.run(alice.circles().take_said(topic.circle, {.envelopes = envelopes})).fresh ==
        2);
  free_disk();
  bus.world.run_for(1min);
  CHECK(alice.heard.size() == 4);
  CHECK(causal(alice));
  CHECK(asked_by(alice, 1).at(peer(5)) == 4);
  // And if it stays full until the end, the next life asks for it.
  alice.node().disk().set_capacity_bytes(0);
  VectorClock clock;
  REQUIRE(clock.raise(peer(5), 5));
  envelopes.push_back(said_by(5, 1, 5, clock, wall));
  take(4);
  alice.crash();
  free_disk();
  alice.start_again();
  CHECK(asked_by(alice, 1).at(peer(5)) == 4);
  CHECK(
      bus.world.run(alice.circles().take_said(topic.circle, {.envelopes = {envelopes[4]}})).fresh ==
      1);
  CHECK(alice.heard.size() == 5);
}

TEST_CASE("circles: names, texts, subtopics and what waits for the disk are bounded") {
  Bus bus(1);
  Person alice(bus, 1, {.writing_max = 2});
  CHECK(bus.world.run(alice.circles().join(secret_of(3), std::string(257, 'x')))
            .error()
            .is(MessageError::too_large));
  const CircleId id = alice.join(1);
  for (std::size_t i = 0; i < k_subtopics_max; ++i) {
    REQUIRE(alice.circles().follow({.circle = id, .subtopic = std::to_string(i)}));
  }
  CHECK(alice.circles().follow({.circle = id, .subtopic = "more"}).error().is(MessageError::full));
  const std::string longest(k_payload_bytes_max - k_circle_overhead_bytes, 'x');
  CHECK(alice.say({.circle = id, .subtopic = {}}, longest));
  CHECK(
      alice.say({.circle = id, .subtopic = {}}, longest + "x").error().is(MessageError::too_large));
  // Five at once, before the database has taken any.
  const std::string name = CircleTopic{.circle = id, .subtopic = {}}.to_text();
  std::vector<Bytes> envelopes;
  for (std::uint64_t number = 1; number <= 5; ++number) {
    VectorClock clock;
    REQUIRE(clock.raise(peer(5), number));
    envelopes.push_back(said_by(5, 1, number, clock, alice.node().clock().wall_now_ms()));
    CHECK(alice.circles().take(name, envelopes.back()) ==
          (number <= 2 ? TopicVerdict::accept : TopicVerdict::ignore));
  }
  CHECK(alice.circles().counts().throttled == 3);
  bus.world.run_for(1min);
  CHECK(alice.heard.size() == 2);
  CHECK(asked_by(alice, 1).at(peer(5)) == 2);
  // None of them is lost: members are asked for the rest, as often as there is something new.
  const auto told = [&] {
    return bus.world.run(alice.circles().take_said(id, {.envelopes = envelopes})).fresh;
  };
  CHECK(told() == 2);
  CHECK(told() == 1);
  CHECK(told() == 0);
  CHECK(alice.heard.size() == 5);
  CHECK(causal(alice));
}

TEST_CASE("circles: what waited for its causes reaches the disk, however many wait for it") {
  Bus bus(1);
  Person alice(bus, 1, {.writing_max = 2});
  const std::string name = CircleTopic{.circle = alice.join(1), .subtopic = {}}.to_text();
  const auto take = [&](std::uint64_t number) {
    VectorClock clock;
    REQUIRE(clock.raise(peer(5), number));
    return alice.circles().take(name,
                                said_by(5, 1, number, clock, alice.node().clock().wall_now_ms()));
  };
  for (std::uint64_t number = 20; number >= 1; --number) {
    CHECK(take(number) == TopicVerdict::accept);
  }
  CHECK(take(21) == TopicVerdict::ignore);
  bus.world.run_for(1min);
  CHECK(alice.heard.size() == 20);
  CHECK(causal(alice));
}
