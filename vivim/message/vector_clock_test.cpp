#include "vivim/message/vector_clock.hpp"

#include <algorithm>

#include <doctest/doctest.h>

#include "vivim/base/varint.hpp"
#include "vivim/message/members_test_detail.hpp"
#include "vivim/rt/sim/engine.hpp"

using namespace vivim;
using namespace vivim::message;
using namespace vivim::message::test;

namespace {

VectorClock join(VectorClock a, const VectorClock& b) {
  REQUIRE(a.merge(b));
  return a;
}

/// Every clock of three members that counts up to 2: 27 of them.
std::vector<VectorClock> small_clocks() {
  std::vector<VectorClock> all;
  for (std::uint64_t a = 0; a < 3; ++a) {
    for (std::uint64_t b = 0; b < 3; ++b) {
      for (std::uint64_t c = 0; c < 3; ++c) {
        all.push_back(clock_of({{0, a}, {1, b}, {2, c}}));
      }
    }
  }
  return all;
}

VectorClock random_clock(rt::Rng& rng, const std::vector<PeerId>& members) {
  VectorClock clock;
  for (std::uint64_t i = rng.below(12); i > 0; --i) {
    REQUIRE(clock.raise(members[rng.below(members.size())], rng.below(5)));
  }
  return clock;
}

ClockOrder reversed(ClockOrder order) {
  if (order == ClockOrder::before) {
    return ClockOrder::after;
  }
  return order == ClockOrder::after ? ClockOrder::before : order;
}

/// The laws that hold for any three clocks: join is a semilattice, and the order is its order.
bool lawful(const VectorClock& a, const VectorClock& b, const VectorClock& c) {
  const auto ab = join(a, b);
  const bool idempotent = join(a, a) == a && join(ab, b) == ab;
  const bool commutative = ab == join(b, a);
  const bool associative = join(ab, c) == join(a, join(b, c));
  const bool upper = a.within(ab) && b.within(ab);
  const bool least = !(a.within(c) && b.within(c)) || ab.within(c);
  const bool order_of_join = a.within(b) == (ab == b);
  const bool antisymmetric = !(a.within(b) && b.within(a)) || a == b;
  const bool transitive = !(a.within(b) && b.within(c)) || a.within(c);
  const bool reverses = a.compare(b) == reversed(b.compare(a));
  const bool agrees = (a.compare(b) == ClockOrder::equal) == (a == b);
  return idempotent && commutative && associative && upper && least && order_of_join &&
         antisymmetric && transitive && reverses && agrees;
}

}  // namespace

TEST_CASE("vector clock: before, after, equal, concurrent") {
  VectorClock alice;
  VectorClock bob;
  CHECK(alice.compare(bob) == ClockOrder::equal);
  CHECK(alice.increment(peer(0)).value() == 1);
  CHECK(bob.compare(alice) == ClockOrder::before);
  CHECK(alice.compare(bob) == ClockOrder::after);
  CHECK(bob.increment(peer(1)).value() == 1);
  CHECK(alice.compare(bob) == ClockOrder::concurrent);
  REQUIRE(bob.merge(alice));
  CHECK(alice.compare(bob) == ClockOrder::before);
  CHECK(bob.at(peer(0)) == 1);
  CHECK(bob.at(peer(2)) == 0);
  CHECK(bob.increment(peer(1)).value() == 2);
  CHECK(bob == clock_of({{0, 1}, {1, 2}}));
}

TEST_CASE("vector clock: a lattice, for all clocks of three members that count up to two") {
  const auto clocks = small_clocks();
  bool all = true;
  for (const auto& a : clocks) {
    for (const auto& b : clocks) {
      for (const auto& c : clocks) {
        all = all && lawful(a, b, c);
      }
    }
  }
  CHECK(all);
}

TEST_CASE("vector clock: a lattice, for random clocks of many members") {
  const auto members = peers(9);
  for (std::uint64_t seed = 1; seed <= 300; ++seed) {
    CAPTURE(seed);
    rt::sim::Engine engine(seed);
    rt::Rng& rng = engine.rng();
    const auto a = random_clock(rng, members);
    const auto b = random_clock(rng, members);
    const auto c = random_clock(rng, members);
    CHECK(lawful(a, b, c));
    auto more = a;
    REQUIRE(more.increment(members[rng.below(9)]));
    CHECK(a.compare(more) == ClockOrder::before);
    for (const auto& each : {a, b, c, more}) {
      CHECK(decode_clock(encode(each)).value() == each);
    }
  }
}

TEST_CASE("vector clock: entries and counts are bounded") {
  const auto members = peers(k_clock_entries_max + 1);
  VectorClock full;
  for (std::size_t i = 0; i < k_clock_entries_max; ++i) {
    REQUIRE(full.increment(members[i]));
  }
  const auto before = full;
  CHECK(full.increment(members.back()).error().is(MessageError::clock_full));
  VectorClock other;
  REQUIRE(other.raise(members.back(), 1));
  REQUIRE(other.raise(members.front(), 7));
  CHECK(full.merge(other).error().is(MessageError::clock_full));
  CHECK(full == before);
  CHECK(decode_clock(encode(full)).value() == full);
  Bytes too_many = encode(full);
  const PeerId last = peers(200).back();
  CHECK(decode_clock(too_many).has_value());
  // One more entry, behind all others in the order of ids.
  PeerId greatest = *std::ranges::max_element(members);
  for (std::uint64_t i = 1000; greatest <= full.counts().rbegin()->first; ++i) {
    greatest = peer(i);
  }
  append_varint(too_many, greatest.bytes().size());
  append(too_many, greatest.bytes());
  append_varint(too_many, 1);
  CHECK(decode_clock(too_many).error().is(MessageError::clock_full));
  VectorClock old;
  REQUIRE(old.raise(last, k_clock_count_max + 1));
  CHECK(old.at(last) == k_clock_count_max);
  CHECK(old.increment(last).error().is(MessageError::clock_overflow));
}

TEST_CASE("vector clock: each clock has one encoding") {
  CHECK(encode(VectorClock()).empty());
  CHECK(decode_clock({})->empty());
  const Bytes bytes = encode(clock_of({{0, 1}, {1, 300}}));
  const std::size_t first = 1 + peer(0).bytes().size() + 1;
  const bool zero_first = peer(0) < peer(1);
  const std::size_t half = zero_first ? first : bytes.size() - first;
  Bytes swapped(bytes.begin() + static_cast<std::ptrdiff_t>(half), bytes.end());
  swapped.insert(swapped.end(), bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(half));
  Bytes twice = encode(clock_of({{0, 1}}));
  append(twice, encode(clock_of({{0, 1}})));
  Bytes zero = encode(clock_of({{0, 1}}));
  zero.back() = 0;
  for (const auto& wrong : {swapped, twice, zero, Bytes{0}, Bytes{1, 0, 1}, Bytes{0xff}}) {
    CHECK(decode_clock(wrong).error().is(MessageError::malformed));
  }
  for (std::size_t size = 1; size < bytes.size(); ++size) {
    if (size != half) {
      CHECK_FALSE(decode_clock(BytesView(bytes).first(size)));
    }
  }
}
