#include "vivim/libp2p/limits/half_open.hpp"

#include <vector>

#include <doctest/doctest.h>

using namespace vivim::libp2p::limits;
using namespace std::chrono_literals;
using vivim::multiformats::Multiaddr;

namespace {

Multiaddr at(std::string_view ip, int port) {
  const auto family = ip.find(':') == std::string_view::npos ? "/ip4/" : "/ip6/";
  return Multiaddr::parse(family + std::string(ip) + "/tcp/" + std::to_string(port)).value();
}

}  // namespace

TEST_CASE("half open: the oldest of who has the most makes room for others") {
  HalfOpen half_open;
  CHECK_FALSE(half_open.to_make_room(at("10.0.0.1", 1), 0s));
  std::vector<HalfOpen::Id> greedy;
  for (int i = 0; i < 3; ++i) {
    greedy.push_back(half_open.begin(at("10.0.0.1", i), 0s));
  }
  const auto modest = half_open.begin(at("10.0.0.2", 1), 0s);
  CHECK(half_open.to_make_room(at("10.0.0.3", 1), 1s) == greedy[0]);
  CHECK(half_open.to_make_room(at("10.0.0.2", 2), 1s) == greedy[0]);
  CHECK_FALSE(half_open.to_make_room(at("10.0.0.1", 9), 1s));  // not for itself
  half_open.end(greedy[0]);
  half_open.end(greedy[0]);
  CHECK(half_open.to_make_room(at("10.0.0.3", 1), 1s) == greedy[1]);
  CHECK_FALSE(half_open.to_make_room(at("10.0.0.2", 2), 1s));  // as many then
  half_open.end(greedy[1]);
  half_open.end(greedy[2]);
  half_open.end(modest);
  CHECK(half_open.size() == 0);
}

TEST_CASE("half open: of many with one each, the oldest goes when its grace is over") {
  HalfOpen half_open;
  const auto first = half_open.begin(at("10.0.0.1", 1), 0s);
  half_open.begin(at("10.0.0.2", 1), 1s);
  CHECK_FALSE(half_open.to_make_room(at("10.0.0.3", 1), 2s));
  CHECK(half_open.to_make_room(at("10.0.0.3", 1), 2001ms) == first);
  CHECK(half_open.to_make_room(at("10.0.0.1", 2), 2001ms) == first);
}

TEST_CASE("half open: the addresses of one IPv6 /56 are one origin") {
  HalfOpen half_open;
  const auto first = half_open.begin(at("2001:db8::1", 1), 0s);
  half_open.begin(at("2001:db8:0:ff::2", 1), 0s);
  CHECK_FALSE(half_open.to_make_room(at("2001:db8:0:7::3", 1), 0s));
  CHECK(half_open.to_make_room(at("2001:db8:0:100::1", 1), 0s) == first);
}
