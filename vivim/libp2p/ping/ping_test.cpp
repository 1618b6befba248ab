#include "vivim/libp2p/ping/ping.hpp"

#include <doctest/doctest.h>

using namespace vivim;
using namespace vivim::libp2p::ping;
using namespace std::chrono_literals;

namespace {

Payload payload_of(std::uint8_t first) {
  Payload payload;
  for (std::size_t i = 0; i < payload.size(); ++i) {
    payload[i] = static_cast<std::uint8_t>(first + i);
  }
  return payload;
}

}  // namespace

TEST_CASE("ping: several pings on one stream measure by the times passed in") {
  Pinger pinger;
  Responder responder;
  for (std::uint8_t round = 1; round <= 3; ++round) {
    const auto payload = payload_of(round);
    REQUIRE(pinger.begin(payload, 10s));
    CHECK(pinger.in_progress());
    CHECK(responder.feed(payload) == k_payload_bytes);
    const auto echo = responder.echo();
    REQUIRE(echo);
    const auto rtt = pinger.feed(*echo, 10s + round * 1ms);
    REQUIRE(rtt);
    CHECK(*rtt == round * 1ms);
    CHECK_FALSE(pinger.in_progress());
  }
  CHECK(responder.finish());
}

TEST_CASE("ping: pieces of any size") {
  for (std::size_t cut = 1; cut < k_payload_bytes; ++cut) {
    const auto payload = payload_of(7);
    const BytesView bytes(payload);
    Responder responder;
    CHECK(responder.feed(bytes.first(cut)) == cut);
    CHECK_FALSE(responder.echo());
    CHECK(responder.finish().error().is(PingError::truncated));
    CHECK(responder.feed(bytes.subspan(cut)) == k_payload_bytes - cut);
    CHECK(responder.echo() == payload);

    Pinger pinger;
    REQUIRE(pinger.begin(payload, 0s));
    CHECK(pinger.feed(bytes.first(cut), 1ms).value() == std::optional<Time>{});
    CHECK(pinger.feed(bytes.subspan(cut), 2ms).value() == std::optional<Time>{2ms});
  }
}

TEST_CASE("ping: a responder takes one payload at a time") {
  Responder responder;
  const Bytes two(2 * k_payload_bytes, 0xab);
  CHECK(responder.feed(two) == k_payload_bytes);
  CHECK(responder.feed(BytesView(two).subspan(k_payload_bytes)) == 0);
  REQUIRE(responder.echo());
  CHECK(responder.feed(BytesView(two).subspan(k_payload_bytes)) == k_payload_bytes);
}

TEST_CASE("ping: errors") {
  const auto payload = payload_of(1);
  Pinger idle;
  CHECK(idle.feed(payload, 0s).error().is(PingError::unasked));
  CHECK(idle.feed({}, 0s).value() == std::optional<Time>{});

  Pinger twice;
  REQUIRE(twice.begin(payload, 0s));
  CHECK(twice.begin(payload, 0s).error().is(PingError::in_progress));

  Pinger wrong;
  REQUIRE(wrong.begin(payload, 0s));
  CHECK(wrong.feed(payload_of(2), 0s).error().is(PingError::wrong_echo));

  Pinger more;
  REQUIRE(more.begin(payload, 0s));
  CHECK(more.feed(Bytes(k_payload_bytes + 1, 1), 0s).error().is(PingError::unasked));
}
