#include "vivim/libp2p/identify/identify.hpp"

#include <doctest/doctest.h>

#include "vivim/base/varint.hpp"

using namespace vivim;
using namespace vivim::libp2p::identify;
using multiformats::Multiaddr;

namespace {

multiformats::PublicKey key_of(std::uint8_t fill) {
  Bytes encoded{0x08, 0x01, 0x12, 0x20};
  encoded.resize(36, fill);
  return *multiformats::PublicKey::decode(encoded);
}

Multiaddr address_of(std::uint16_t port) {
  return *Multiaddr::from_tcp("127.0.0.1", port);
}

Info small_info() {
  Info info;
  info.protocol_version = "ipfs/0.1.0";
  info.agent_version = "vivim/0.1.0";
  info.public_key = key_of(7);
  info.listen_addresses = {address_of(4001), address_of(4002)};
  info.observed_address = address_of(50000);
  info.protocols = {"/ipfs/id/1.0.0", "/ipfs/ping/1.0.0"};
  info.signed_peer_record = to_bytes("envelope");
  return info;
}

Result<Info> read(BytesView in, std::size_t piece = 1 << 20) {
  Reader reader;
  while (!in.empty()) {
    const auto part = in.first(std::min(piece, in.size()));
    if (auto ok = reader.feed(part); !ok) {
      return fail(ok.error());
    }
    in = in.subspan(part.size());
  }
  return std::move(reader).finish();
}

Bytes framed(BytesView body) {
  Bytes out;
  append_varint(out, body.size());
  append(out, body);
  return out;
}

// Field `number`, wire type 2.
Bytes field(std::uint8_t number, BytesView value) {
  Bytes out{static_cast<std::uint8_t>(number << 3 | 2)};
  append(out, framed(value));
  return out;
}

Bytes text_field(std::uint8_t number, std::string_view value) {
  return field(number, as_bytes(value));
}

Bytes operator+(Bytes a, const Bytes& b) {
  append(a, b);
  return a;
}

}  // namespace

TEST_CASE("identify: field numbers and wire types of libp2p/specs identify/README.md") {
  Info info;
  info.protocol_version = "a";
  info.agent_version = "b";
  info.protocols = {"/c"};
  info.listen_addresses = {address_of(4001)};
  info.observed_address = address_of(1);
  info.signed_peer_record = Bytes{0xee};
  const auto bytes = encode(info);
  REQUIRE(bytes);
  // Fields in order of their numbers: 2, 3, 4, 5, 6, 8.
  CHECK(to_hex(*bytes) ==
        "21"
        "1208047f000001060fa1"
        "1a022f63"
        "2208047f000001060001"
        "2a0161"
        "320162"
        "4201ee");
  CHECK(read(*bytes) == info);
}

TEST_CASE("identify: what is encoded is read, in pieces of any size") {
  const auto info = small_info();
  const auto bytes = encode(info);
  REQUIRE(bytes);
  for (const std::size_t piece : {1, 2, 7, 100, 1000}) {
    CHECK(read(*bytes, piece) == info);
  }
  CHECK(check_peer(info, multiformats::PeerId::of(key_of(7))));
  CHECK(check_peer(info, multiformats::PeerId::of(key_of(8)))
            .error()
            .is(IdentifyError::key_mismatch));
  CHECK(check_peer(Info{}, multiformats::PeerId::of(key_of(8))));
  CHECK(read(*encode(Info{})) == Info{});
}

TEST_CASE("identify: large information is split into messages of 4096 bytes, and merged again") {
  auto info = small_info();
  for (std::uint16_t i = 0; i < 400; ++i) {
    info.listen_addresses.push_back(address_of(static_cast<std::uint16_t>(10000 + i)));
    info.protocols.push_back("/vivim/test/protocol/" + std::to_string(i));
  }
  const auto bytes = encode(info);
  REQUIRE(bytes);
  std::size_t messages = 0;
  for (BytesView rest = *bytes; !rest.empty(); ++messages) {
    const auto length = decode_varint(rest);
    REQUIRE(length);
    CHECK(length->size + length->value <= k_sent_bytes_max);
    rest = rest.subspan(length->size + length->value);
  }
  CHECK(messages > 1);
  CHECK(read(*bytes, 1000) == info);

  info.protocols.assign(2000, std::string(100, 'p'));
  CHECK(encode(info).error().is(IdentifyError::does_not_fit));
  info.protocols.assign(1, std::string(5000, 'p'));
  CHECK(encode(info).error().is(IdentifyError::does_not_fit));
}

TEST_CASE("identify: later messages replace values and add to lists") {
  const auto first = framed(text_field(6, "a/1") + text_field(3, "/x"));
  const auto second = framed(text_field(6, "b/2") + text_field(3, "/x") + text_field(3, "/y"));
  const auto info = read(first + second);
  REQUIRE(info);
  CHECK(info->agent_version == "b/2");
  CHECK(info->protocols == std::vector<std::string>{"/x", "/y"});
}

TEST_CASE("identify: what cannot be understood is skipped, what is shown is printable") {
  const auto info =
      read(framed(text_field(2, "\x01") + text_field(4, "") + text_field(3, "/a\nb") +
                  text_field(3, "/ok") + text_field(6, "n\x01\xc3\xa4") + text_field(9, "new")));
  REQUIRE(info);
  CHECK(info->listen_addresses.empty());
  CHECK_FALSE(info->observed_address);
  CHECK(info->protocols == std::vector<std::string>{"/ok"});
  CHECK(info->agent_version == "n???");
}

TEST_CASE("identify: limits of what is kept") {
  Bytes flight;
  for (int message = 0; message < 12; ++message) {
    Bytes body;
    for (int i = 0; i < 150; ++i) {
      append(body, text_field(3, "/p/" + std::to_string(message) + "/" + std::to_string(i)));
      append(body, field(2, address_of(static_cast<std::uint16_t>(1 + message * 150 + i)).bytes()));
    }
    append(flight, framed(body));
  }
  const auto info = read(flight, 5000);
  REQUIRE(info);
  CHECK(info->protocols.size() == k_protocols_max);
  CHECK(info->listen_addresses.size() == k_addresses_max);

  Reader reader;
  for (std::size_t i = 0; i < k_messages_max; ++i) {
    REQUIRE(reader.feed(framed(text_field(6, "a"))));
  }
  REQUIRE(reader.feed(framed(text_field(6, "ignored"))));
  CHECK(std::move(reader).finish()->agent_version == "a");

  const auto named =
      read(framed(text_field(6, std::string(1000, 'a')) + text_field(3, std::string(1000, 'p'))));
  REQUIRE(named);
  CHECK(named->agent_version->size() == k_text_bytes_max);
  CHECK(named->protocols.empty());
}

TEST_CASE("identify: errors of what is received") {
  Bytes large;
  append_varint(large, k_received_bytes_max + 1);
  CHECK(read(large).error().is(IdentifyError::message_too_large));
  CHECK(
      read(framed(Bytes(k_received_bytes_max, 0xff))).error().is(IdentifyError::malformed_message));
  CHECK(read(Bytes{0x80, 0x00}).error().is(IdentifyError::malformed_length));
  CHECK(read(Bytes{}).error().is(IdentifyError::truncated));
  CHECK(read(Bytes{0x05, 0x00}).error().is(IdentifyError::truncated));
  CHECK(read(framed(text_field(1, "no key"))).error().is(IdentifyError::malformed_message));
  // A whole message counts even if the stream ends inside the next one.
  CHECK(read(framed(text_field(6, "a")) + Bytes{0x05})->agent_version == "a");
}
