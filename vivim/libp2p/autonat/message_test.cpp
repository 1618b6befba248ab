#include "vivim/libp2p/autonat/message.hpp"

#include <doctest/doctest.h>

#include "vivim/libp2p/autonat/autonat_test_detail.hpp"

using namespace vivim;
using namespace vivim::libp2p::autonat;
using namespace vivim::libp2p::autonat::test;

TEST_CASE("autonat v1 message: field numbers of libp2p/specs autonat/autonat-v1.md") {
  const auto id = to_hex(peer(1).bytes());
  const v1::Dial dial{.peer = peer(1), .addresses = {address("/ip4/1.2.3.4/tcp/4001")}};
  CHECK(to_hex(v1::encode(dial)) ==
        "08001234"
        "0a32"
        "0a26" +
            id +
            "1208"
            "040102030406"
            "0fa1");
  CHECK(v1::decode(v1::encode(dial)).value() == v1::Message(dial));
  const v1::DialResponse response{.status = v1::Status::dial_refused};
  CHECK(to_hex(v1::encode(response)) == "08011a020865");
  CHECK(v1::decode(v1::encode(response)).value() == v1::Message(response));
  const v1::DialResponse reached{.status = v1::Status::ok,
                                 .address = address("/ip4/1.2.3.4/tcp/4001")};
  CHECK(v1::decode(v1::encode(reached)).value() == v1::Message(reached));
}

TEST_CASE("autonat v2 message: field numbers of libp2p/specs autonat/autonat-v2.md") {
  const v2::DialRequest request{.addresses = {address("/ip4/1.2.3.4/tcp/4001")},
                                .nonce = 0x0102030405060708};
  // The nonce is a fixed64.
  CHECK(to_hex(v2::encode(request)) ==
        "0a130a0804010203"
        "04060fa1"
        "110807060504030201");
  CHECK(to_hex(v2::encode(v2::DialResponse{.status = v2::ResponseStatus::ok,
                                           .address_index = 1,
                                           .dial_status = v2::DialStatus::dial_error})) ==
        "120708c801100118"
        "64");
  CHECK(to_hex(v2::encode(v2::DialDataRequest{.address_index = 0, .bytes = 30000})) ==
        "1a06080010b0ea01");
  CHECK(to_hex(v2::encode(v2::DialDataResponse{.bytes = 2})) == "22040a020000");
  CHECK(to_hex(v2::encode_dial_back(1)) == "090100000000000000");
  CHECK(to_hex(v2::encode_dial_back_response()) == "0800");
  const std::vector<v2::Message> all{
      request, v2::DialResponse{.status = v2::ResponseStatus::dial_refused},
      v2::DialDataRequest{.address_index = 3, .bytes = 7}, v2::DialDataResponse{.bytes = 4096}};
  for (const auto& message : all) {
    CHECK(v2::decode(v2::encode(message)).value() == message);
  }
  CHECK(v2::decode_dial_back(v2::encode_dial_back(42)).value() == 42);
}

TEST_CASE("autonat message: what is broken, and the limits") {
  for (const Bytes& broken : {Bytes{}, Bytes{0xff}, Bytes{0x08, 0x00}, Bytes{0x08, 0x05}}) {
    CHECK(v1::decode(broken).error().is(AutonatError::malformed));
  }
  for (const Bytes& broken : {Bytes{}, Bytes{0xff}, Bytes{0x28, 0x00}}) {
    CHECK(v2::decode(broken).error().is(AutonatError::malformed));
  }
  CHECK(v2::decode_dial_back(Bytes{}).error().is(AutonatError::malformed));
  CHECK(v2::decode(v2::encode(v2::DialDataResponse{.bytes = k_data_piece_bytes_max + 1}))
            .error()
            .is(AutonatError::malformed));
  CHECK(v2::decode(Bytes(k_message_bytes_max + 1)).error().is(AutonatError::malformed));
  v2::DialRequest request;
  for (std::uint16_t port = 1; port <= 100; ++port) {
    request.addresses.push_back(Multiaddr::from_tcp("1.2.3.4", port).value());
  }
  const auto bytes = v2::encode(request);
  CHECK(bytes.size() <= 4096);
  CHECK(std::get<v2::DialRequest>(v2::decode(bytes).value()).addresses.size() == k_addresses_max);
  // What is not understood keeps its place: an index means the same to both.
  const auto mixed = v2::decode(Bytes{0x0a, 0x06, 0x0a, 0x02, 0xff, 0x7f, 0x0a, 0x00});
  REQUIRE(mixed);
  const auto& addresses = std::get<v2::DialRequest>(*mixed).addresses;
  REQUIRE(addresses.size() == 2);
  CHECK(addresses[0].empty());
}
