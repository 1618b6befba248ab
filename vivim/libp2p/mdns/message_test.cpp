#include "vivim/libp2p/mdns/message.hpp"

#include <doctest/doctest.h>

using namespace vivim;
using namespace vivim::libp2p::mdns;

namespace {

Bytes header(std::uint8_t questions, std::uint8_t answers) {
  return {0, 0, 0x84, 0, 0, questions, 0, answers, 0, 0, 0, 0};
}

Error refused(const Bytes& packet) {
  const auto message = decode(packet);
  REQUIRE_FALSE(message);
  return message.error();
}

}  // namespace

TEST_CASE("mdns message: the query is what RFC 1035 says") {
  const Bytes expected = [] {
    Bytes bytes{0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0};
    append(bytes, as_bytes(std::string_view("\x04_p2p\x04_udp\x05local\0\0\x0c\0\x01", 21)));
    return bytes;
  }();
  CHECK(encode_query("_p2p._udp.local") == expected);
  const auto message = decode(expected);
  REQUIRE(message);
  CHECK_FALSE(message->response);
  REQUIRE(message->questions.size() == 1);
  CHECK(message->questions[0].name == "_p2p._udp.local");
  CHECK(message->questions[0].type == 12);
}

TEST_CASE("mdns message: an answer is read as it was written") {
  const Announcement announcement{.service = "_p2p._udp.local",
                                  .peer_name = std::string(40, 'x'),
                                  .ttl = 360,
                                  .port = 4001,
                                  .texts = {"dnsaddr=/ip4/10.0.0.1/tcp/1", std::string(255, 'y')},
                                  .ip = {10, 0, 0, 1}};
  const auto message = decode(encode_answer(announcement));
  REQUIRE(message);
  CHECK(message->response);
  REQUIRE(message->records.size() == 4);
  const std::string instance = std::string(40, 'x') + "._p2p._udp.local";
  CHECK(message->records[0].name == "_p2p._udp.local");
  CHECK(message->records[0].target == instance);
  CHECK(message->records[0].ttl == 360);
  CHECK(message->records[1].type == 33);
  CHECK(message->records[1].name == instance);
  CHECK(message->records[2].name == instance);
  CHECK(message->records[2].texts == announcement.texts);
  CHECK(message->records[3].name == std::string(40, 'x') + ".local");
}

TEST_CASE("mdns message: names in capitals are the same names") {
  Bytes packet = encode_query("_P2P._UDP.LOCAL");
  CHECK(decode(packet)->questions[0].name == "_p2p._udp.local");
}

TEST_CASE(
    "hostile: compression pointers that loop, point forward, or are cut off (RUSTSEC-2018-0007)") {
  Bytes self = header(1, 0);
  append(self, Bytes{0xc0, 12, 0, 12, 0, 1});
  CHECK(refused(self).is(MdnsError::bad_name));
  Bytes forward = header(1, 0);
  append(forward, Bytes{0xc0, 14, 0, 0, 12, 0, 1});
  CHECK(refused(forward).is(MdnsError::bad_name));
  Bytes mutual = header(1, 0);
  append(mutual, Bytes{1, 'a', 0xc0, 16, 1, 'b', 0xc0, 12, 0, 12, 0, 1});
  CHECK(refused(mutual).is(MdnsError::bad_name));
  Bytes behind = header(1, 0);  // a name that points into itself after a label
  append(behind, Bytes{1, 'a', 0xc0, 12, 0, 12, 0, 1});
  CHECK(refused(behind).is(MdnsError::bad_name));
  Bytes cut = header(1, 0);
  cut.push_back(0xc0);
  CHECK(refused(cut).is(MdnsError::truncated));
}

TEST_CASE("hostile: names, records and packets above their limits") {
  Bytes long_name = header(1, 0);
  for (int i = 0; i < 5; ++i) {
    long_name.push_back(63);
    append(long_name, Bytes(63, 'a'));
  }
  append(long_name, Bytes{0, 0, 12, 0, 1});
  CHECK(refused(long_name).is(MdnsError::bad_name));
  CHECK(refused(Bytes{0, 0, 0, 0, 1, 1, 0, 0, 0, 0, 0, 0}).is(MdnsError::too_many));
  CHECK(refused(Bytes(k_packet_bytes_max + 1)).is(MdnsError::too_large));
  Bytes dotted = header(1, 0);
  append(dotted, Bytes{3, 'a', '.', 'b', 0, 0, 12, 0, 1});
  CHECK(refused(dotted).is(MdnsError::bad_name));
  Bytes reserved = header(1, 0);
  append(reserved, Bytes{0x41, 'a', 0, 0, 12, 0, 1});
  CHECK(refused(reserved).is(MdnsError::bad_name));
}

TEST_CASE("mdns message: every cut of a packet is refused, none is read beyond its end") {
  const Bytes whole = encode_answer({.service = "_p2p._udp.local",
                                     .peer_name = "peer",
                                     .ttl = 1,
                                     .texts = {"dnsaddr=/ip4/10.0.0.1/tcp/1"}});
  for (std::size_t size = 0; size < whole.size(); ++size) {
    CHECK_FALSE(decode(BytesView(whole).first(size)));
  }
  CHECK(decode(whole));
}
