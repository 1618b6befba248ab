#include "vivim/libp2p/host/observed_addresses.hpp"

#include <doctest/doctest.h>

#include "vivim/libp2p/host/parts_test_detail.hpp"

using namespace vivim;
using namespace vivim::libp2p;
using namespace vivim::libp2p::test;
using namespace std::chrono_literals;
using multiformats::Multiaddr;

namespace {

constexpr rt::TimePoint k_now{1h};

Multiaddr observer(int n) {
  return at("/ip4/9.9.9." + std::to_string(n) + "/tcp/5000");
}

const Multiaddr k_local = at("/ip4/10.0.0.7/tcp/4001");
const Multiaddr k_seen = at("/ip4/5.5.5.5/tcp/14001");

}  // namespace

TEST_CASE("observed addresses: believed when four observers agree, for all that shares the port") {
  ObservedAddresses observed;
  for (int n = 1; n <= 3; ++n) {
    observed.observe(k_local, k_seen, observer(n), k_now);
    observed.observe(k_local, k_seen, observer(n), k_now);
  }
  CHECK(!observed.update(k_now));
  CHECK(observed.external(k_local, k_now).empty());
  observed.observe(k_local, at("/ip4/5.5.5.5/tcp/14001/ws"), observer(4), k_now);
  CHECK(observed.update(k_now));
  CHECK(!observed.update(k_now));
  CHECK(observed.external(at("/ip4/0.0.0.0/tcp/4001"), k_now) == std::vector{k_seen});
  CHECK(observed.external(at("/ip4/0.0.0.0/tcp/4001/ws"), k_now) ==
        std::vector{at("/ip4/5.5.5.5/tcp/14001/ws")});
  CHECK(observed.external(at("/ip4/0.0.0.0/tcp/4002"), k_now).empty());
  CHECK(observed.external(at("/ip4/0.0.0.0/udp/4001/quic-v1"), k_now).empty());
  CHECK(observed.external(at("/memory/1"), k_now).empty());
}

TEST_CASE("observed addresses: neighbours are one observer") {
  ObservedAddresses observed;
  const auto local = at("/ip6/fd00::1/udp/4001/quic-v1");
  const auto seen = at("/ip6/2001:db8::1/udp/4001/quic-v1");
  for (int n = 1; n <= 9; ++n) {
    observed.observe(local, seen,
                     at("/ip6/2001:db8:0:ff" + std::to_string(n) + "::1/udp/1/quic-v1"), k_now);
  }
  CHECK(observed.external(local, k_now).empty());
  for (int n = 1; n <= 3; ++n) {
    observed.observe(local, seen, at("/ip6/2001:db8:" + std::to_string(n) + "::1/udp/1/quic-v1"),
                     k_now);
  }
  CHECK(observed.external(local, k_now) == std::vector{seen});
}

TEST_CASE("observed addresses: what cannot be ours, or was seen from elsewhere, is ignored") {
  ObservedAddresses observed;
  for (int n = 1; n <= 9; ++n) {
    observed.observe(k_local, at("/ip4/127.0.0.1/tcp/1"), observer(n), k_now);
    observed.observe(k_local, at("/ip4/192.168.1.1/tcp/1"), observer(n), k_now);
    observed.observe(k_local, at("/ip4/5.5.5.5/udp/1"), observer(n), k_now);
    observed.observe(k_local, at("/ip6/2001:db8::1/tcp/1"), observer(n), k_now);
    observed.observe(k_local, at("/dns4/a.example/tcp/1"), observer(n), k_now);
    observed.observe(k_local, k_seen, at("/ip4/192.168.1." + std::to_string(n) + "/tcp/1"), k_now);
    observed.observe(at("/memory/1"), k_seen, observer(n), k_now);
  }
  CHECK(!observed.update(k_now));
}

TEST_CASE("observed addresses: forgotten when nobody repeats them") {
  ObservedAddresses observed;
  for (int n = 1; n <= 4; ++n) {
    observed.observe(k_local, k_seen, observer(n), k_now + std::chrono::minutes(n));
  }
  CHECK(observed.update(k_now + 4min));
  CHECK(observed.external(k_local, k_now + 30min).size() == 1);
  CHECK(observed.external(k_local, k_now + 31min).empty());
  CHECK(observed.update(k_now + 31min));
  CHECK(!observed.update(k_now + 2h));
}

TEST_CASE("observed addresses: limits on sockets, places and observers") {
  ObservedAddresses observed;
  for (int n = 1; n <= 250; ++n) {
    observed.observe(k_local, at("/ip4/5.5.5.5/tcp/" + std::to_string(20000 + n)), observer(n),
                     k_now);
    observed.observe(k_local, k_seen, observer(n), k_now);
    observed.observe(at("/ip4/10.0.0.7/tcp/" + std::to_string(100 + n)), k_seen, observer(n),
                     k_now);
  }
  CHECK(observed.external(k_local, k_now) == std::vector{k_seen});
  for (int n = 1; n <= 4; ++n) {  // beyond the sockets that are looked at
    observed.observe(at("/ip4/10.0.0.7/tcp/9"), k_seen, observer(n), k_now);
  }
  CHECK(observed.external(at("/ip4/10.0.0.7/tcp/9"), k_now).empty());
  ObservedAddresses many;
  for (int place = 1; place <= 5; ++place) {
    for (int n = 1; n <= 4 + place; ++n) {
      many.observe(k_local, at("/ip4/5.5.5.5/tcp/" + std::to_string(place)), observer(n), k_now);
    }
  }
  CHECK(many.external(k_local, k_now) ==
        std::vector{at("/ip4/5.5.5.5/tcp/5"), at("/ip4/5.5.5.5/tcp/4"), at("/ip4/5.5.5.5/tcp/3")});
}

TEST_CASE(
    "observed addresses: who is seen by some, most first, and not one observer's many claims") {
  ObservedAddresses observed;
  for (int n = 0; n < 3; ++n) {
    observed.observe(k_local, k_seen, observer(n), k_now);
  }
  for (int port = 1; port <= 40; ++port) {
    observed.observe(k_local, at("/ip4/6.6.6.6/tcp/" + std::to_string(port)), observer(9), k_now);
  }
  CHECK(observed.external(k_local, k_now).empty());
  CHECK(observed.seen_by(2, at("/ip4/10.0.0.7/tcp/4001/ws"), k_now) ==
        std::vector{at("/ip4/5.5.5.5/tcp/14001/ws")});
  const auto any = observed.seen_by(1, k_local, k_now);
  REQUIRE(any.size() == 3);
  CHECK(any.front() == k_seen);
  // An address that leads through a relay is the relay's.
  CHECK(observed
            .seen_by(1,
                     at("/ip4/1.2.3.4/tcp/4001/p2p/"
                        "12D3KooWJ1TsijH7H5F74hfAD5XishQz3sxrmAtVY37GtNd9CqYf/p2p-circuit"),
                     k_now)
            .empty());
}
