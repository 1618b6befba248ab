#include "vivim/crdt/awareness.hpp"

#include <doctest/doctest.h>

#include "vivim/crdt/lib0.hpp"

namespace vivim::crdt {
namespace {

constexpr ClientId k_a{10};
constexpr ClientId k_b{20};

Bytes one(ClientId client, std::uint64_t clock, std::string_view json) {
  lib0::Encoder out;
  out.var_uint(1);
  out.var_uint(value_of(client));
  out.var_uint(clock);
  out.var_string(json);
  return out.take();
}

}  // namespace

TEST_CASE("awareness: states travel, newer clocks win, old news is ignored") {
  Awareness a(k_a);
  Awareness b(k_b);
  a.set_local_state(R"({"name":"A"})", 0);
  CHECK(b.apply(a.encode_all(), Origin{1}, 0).value().added == std::vector{k_a});
  CHECK(b.states().at(k_a) == R"({"name":"A"})");
  const Bytes old = a.encode_all();
  a.set_local_state(R"({"name":"AA"})", 1);
  CHECK(b.apply(a.encode_all(), Origin{1}, 1).value().updated == std::vector{k_a});
  CHECK(b.apply(old, Origin{1}, 1).value().empty());
  a.set_local_state(std::nullopt, 2);
  CHECK(b.apply(a.encode({k_a}), Origin{1}, 2).value().removed == std::vector{k_a});
  CHECK(b.states().empty());
}

TEST_CASE("awareness: nobody removes my state") {
  Awareness a(k_a);
  a.set_local_state("{}", 0);
  const auto change = a.apply(one(k_a, 5, "null"), Origin{1}, 1).value();
  CHECK(change.renewed == std::vector{k_a});
  CHECK(a.states().contains(k_a));
  CHECK(a.encode({k_a}) == one(k_a, 6, "{}"));
}

TEST_CASE("awareness: silence removes, the own state is renewed") {
  Awareness a(k_a);
  a.set_local_state("{}", 0);
  REQUIRE(a.apply(one(k_b, 1, "{}"), Origin{1}, 0).has_value());
  CHECK(a.expire(k_awareness_renew_ms - 1).empty());
  CHECK(a.expire(k_awareness_renew_ms).renewed == std::vector{k_a});
  CHECK(a.expire(k_awareness_timeout_ms).removed == std::vector{k_b});
  CHECK(a.remove({k_a}, 0).empty());
}

TEST_CASE("awareness: limits and malformed updates change nothing") {
  Awareness a;
  CHECK(a.apply(one(k_b, 1, std::string(k_awareness_state_bytes_max + 1, 'x')), {}, 0)
            .error()
            .is(CrdtError::too_many));
  for (std::uint64_t i = 0; i < k_awareness_clients_max; ++i) {
    REQUIRE(a.apply(one(ClientId{i}, 1, "{}"), {}, 0).has_value());
  }
  CHECK(a.apply(one(ClientId{k_awareness_clients_max}, 1, "{}"), {}, 0)
            .error()
            .is(CrdtError::too_many));
  CHECK(a.states().size() == k_awareness_clients_max);
  Bytes cut = one(k_a, 1, "{}");
  cut.pop_back();
  CHECK(a.apply(cut, {}, 0).error().is(CrdtError::truncated));
  // Those that left make room.
  REQUIRE(a.apply(one(ClientId{0}, 2, "null"), {}, 0).has_value());
  CHECK(a.apply(one(ClientId{k_awareness_clients_max}, 1, "{}"), {}, 0).has_value());
}

TEST_CASE("awareness: observers hear of changes") {
  Awareness a(k_a);
  int calls = 0;
  {
    const auto watching = a.on_change([&](const AwarenessChange&, Origin) { ++calls; });
    a.set_local_state("{}", 0);
  }
  a.set_local_state("{}", 1);
  CHECK(calls == 1);
}

}  // namespace vivim::crdt
