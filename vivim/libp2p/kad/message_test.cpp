#include "vivim/libp2p/kad/message.hpp"

#include <doctest/doctest.h>

#include "vivim/libp2p/kad/kad_test_detail.hpp"

namespace vivim::libp2p::kad::test {

namespace {

Message full_message() {
  PeerInfo plain{.contact = contact(1), .connection = ConnectionType::connected};
  PeerInfo bare{.contact = {.peer = peer(2), .addresses = {}}};
  PeerInfo signed_one{.contact = contact(3),
                      .connection = ConnectionType::cannot_connect,
                      .signed_record = Bytes(90, 1),
                      .provider_record = Bytes(120, 2)};
  return {.type = Type::get_providers,
          .key = to_bytes("key"),
          .record = Record{.key = to_bytes("key"),
                           .value = to_bytes("value"),
                           .time_received = "2026-11-28T00:00:00Z"},
          .closer = {plain, bare},
          .providers = {signed_one}};
}

/// Bytes of a test, as hexadecimal.
Bytes hex(std::string_view text) {
  Bytes bytes;
  for (std::size_t i = 0; i + 1 < text.size(); i += 2) {
    bytes.push_back(
        static_cast<std::uint8_t>(std::stoi(std::string(text.substr(i, 2)), nullptr, 16)));
  }
  return bytes;
}

}  // namespace

TEST_CASE("message: there and back") {
  const Message message = full_message();
  CHECK(decode(encode(message)).value() == message);
  for (const Type type : {Type::put_value, Type::get_value, Type::add_provider, Type::get_providers,
                          Type::find_node, Type::ping}) {
    CHECK(decode(encode({.type = type})).value() == Message{.type = type});
  }
}

TEST_CASE("message: the bytes of the specification's fields") {
  // type 4, key "k"
  CHECK(encode({.type = Type::find_node, .key = to_bytes("k")}) == hex("080412016b"));
  // proto3 peers leave out a type of 0; a cluster level is ignored
  const auto put =
      decode(hex("12016b1a060a016b120176"
                 "5003"));
  REQUIRE(put);
  CHECK(put->type == Type::put_value);
  CHECK(put->record->value == to_bytes("v"));
  // rust's publisher (666) and ttl (777) of a record are skipped
  const auto rust = decode(hex("08001a0d0a016b120176d22901aac83005"));
  REQUIRE(rust);
  CHECK(rust->record->value == to_bytes("v"));
}

TEST_CASE("message: what is malformed, and what is skipped") {
  CHECK(decode(hex("ff")).error().is(KadError::malformed));
  CHECK(decode(hex("0806")).error().is(KadError::malformed));  // no such type
  CHECK(decode(Bytes(k_answer_bytes_max + 1)).error().is(KadError::malformed));
  CHECK(decode({}).value() == Message{.type = Type::put_value});
  // a peer whose id is none, and one whose address is none
  const Bytes id = to_bytes(peer(5).bytes());
  Bytes entry = hex("0a22");
  append(entry, id);
  append(entry, hex("120199"));
  Bytes body =
      hex("0804"
          "42040a02ffff"
          "42");
  body.push_back(static_cast<std::uint8_t>(entry.size()));
  append(body, entry);
  const auto message = decode(body);
  REQUIRE(message);
  REQUIRE(message->closer.size() == 1);
  CHECK(message->closer[0].contact == Contact{.peer = peer(5), .addresses = {}});
}

TEST_CASE("message: addresses lose the peer they name; of another peer they are skipped") {
  PeerInfo info{.contact = {.peer = peer(1),
                            .addresses = {address("1.2.3.4").with_peer(peer(1)).value(),
                                          address("1.2.3.5").with_peer(peer(2)).value()}}};
  const auto read = decode(encode({.type = Type::find_node, .closer = {info}}));
  CHECK(read->closer[0].contact.addresses == std::vector{address("1.2.3.4")});
}

TEST_CASE("message: lists, addresses and signed records are bounded") {
  Message message{.type = Type::find_node};
  for (std::uint64_t number = 0; number < 100; ++number) {
    message.closer.push_back({.contact = contact(number)});
  }
  for (unsigned port = 1; port < 50; ++port) {
    message.closer[0].contact.addresses.push_back(address("1.2.3.4", port));
  }
  message.closer[1].signed_record = Bytes(5000, 1);
  const auto read = decode(encode(message, 1 << 20));
  REQUIRE(read);
  CHECK(read->closer.size() == k_message_peers_max);
  CHECK(read->closer[0].contact.addresses.size() == k_contact_addresses_max);
  CHECK(read->closer[1].signed_record.empty());
}

TEST_CASE("message: what is written fits rust-libp2p's limit, with some who are nearer") {
  Message message{.type = Type::get_providers};
  for (std::uint64_t number = 0; number < 60; ++number) {
    message.closer.push_back({.contact = contact(number)});
    message.providers.push_back(
        {.contact = contact(100 + number), .provider_record = Bytes(400, 7)});
  }
  const Bytes bytes = encode(message);
  CHECK(bytes.size() <= k_sent_bytes_max);
  const auto read = decode(bytes);
  CHECK(read->closer.size() >= 8);
  CHECK(read->providers.size() > 25);
}

}  // namespace vivim::libp2p::kad::test
