#include "vivim/libp2p/gossipsub/wire.hpp"

#include <doctest/doctest.h>

#include "vivim/libp2p/gossipsub/message.hpp"

using namespace vivim;
using namespace vivim::libp2p::gossipsub;

namespace {

Bytes only_body_of(BytesView frame) {
  const auto size = decode_varint(frame).value();
  CHECK(size.size + size.value == frame.size());
  return to_bytes(frame.subspan(size.size));
}

Bytes hex(std::string_view text) {
  Bytes out;
  for (std::size_t i = 0; i + 1 < text.size(); i += 2) {
    out.push_back(
        static_cast<std::uint8_t>(std::stoi(std::string(text.substr(i, 2)), nullptr, 16)));
  }
  return out;
}

}  // namespace

TEST_CASE("wire: every field comes back") {
  Bytes subscriptions;
  wire::append_subscription(subscriptions, {.topic = "a", .subscribe = true});
  wire::append_subscription(
      subscriptions,
      {.topic = "b", .subscribe = true, .requests_partial = true, .supports_partial = true});
  wire::append_subscription(subscriptions, {.topic = "c"});
  const Bytes id1{1, 2};
  const Bytes id2{3};
  const std::array<BytesView, 2> ids{id1, id2};
  const std::array<wire::PeerInfo, 2> peers{wire::PeerInfo{.id = id1, .record = id2},
                                            wire::PeerInfo{.id = id2, .record = {}}};
  Bytes control;
  wire::append_extensions(control, {.partial_messages = true});
  wire::append_ihave(control, "a", ids);
  wire::append_ihave(control, "b", std::span(ids).first(1));
  wire::append_iwant(control, ids);
  wire::append_graft(control, "a");
  wire::append_prune(control, "b", peers, 60);
  wire::append_prune(control, "c", {}, std::nullopt);
  wire::append_idontwant(control, ids);
  const Bytes body = only_body_of(wire::frame(subscriptions, control));
  wire::Rpc rpc;
  REQUIRE(wire::decode(body, rpc));
  REQUIRE(rpc.subscriptions.size() == 3);
  CHECK(rpc.subscriptions[0].topic == "a");
  CHECK(rpc.subscriptions[0].subscribe);
  CHECK_FALSE(rpc.subscriptions[0].supports_partial);
  CHECK(rpc.subscriptions[1].requests_partial);
  CHECK(rpc.subscriptions[1].supports_partial);
  CHECK_FALSE(rpc.subscriptions[2].subscribe);
  REQUIRE(rpc.ihave.size() == 2);
  CHECK(rpc.ihave[1].topic == "b");
  CHECK(rpc.ihave[1].first == 2);
  CHECK(rpc.ihave[1].count == 1);
  CHECK(rpc.ihave_ids.size() == 3);
  CHECK(rpc.iwant.size() == 2);
  CHECK(to_bytes(rpc.iwant[1]) == id2);
  CHECK(rpc.graft == std::vector<std::string_view>{"a"});
  REQUIRE(rpc.prune.size() == 2);
  CHECK(rpc.prune[0].count == 2);
  CHECK(rpc.prune[0].backoff == 60);
  CHECK_FALSE(rpc.prune[1].backoff);
  CHECK(to_bytes(rpc.peers[0].record) == id2);
  CHECK(rpc.idontwant.size() == 2);
  REQUIRE(rpc.extensions);
  CHECK(rpc.extensions->partial_messages);
  CHECK_FALSE(rpc.partial);
}

TEST_CASE("wire: a partial message comes back, absent fields stay absent") {
  const Bytes group{9};
  const Bytes part{7, 7};
  wire::Rpc rpc;
  const Bytes whole = only_body_of(
      wire::frame({.topic = "t", .group = group, .message = part, .metadata = std::nullopt}));
  REQUIRE(wire::decode(whole, rpc));
  REQUIRE(rpc.partial);
  CHECK(rpc.partial->topic == "t");
  CHECK(to_bytes(rpc.partial->group) == group);
  REQUIRE(rpc.partial->message);
  CHECK(to_bytes(*rpc.partial->message) == part);
  CHECK_FALSE(rpc.partial->metadata);
}

TEST_CASE("wire: bytes as another protobuf writer makes them") {
  // protoc --encode of RPC {subscriptions{subscribe:true topicid:"x"} publish{from:"f" data:"d"
  // seqno:"s" topic:"x" signature:"g" key:"k"} control{extensions{partialMessages:true}}}.
  const Bytes body =
      hex("0a05080112017812"
          "12"
          "0a0166120164"
          "1a0173"
          "220178"
          "2a0167"
          "32016b"
          "1a04"
          "3202"
          "5001");
  wire::Rpc rpc;
  REQUIRE(wire::decode(body, rpc));
  REQUIRE(rpc.publish.size() == 1);
  CHECK(rpc.publish[0].topic == "x");
  CHECK(as_text(*rpc.publish[0].key) == "k");
  CHECK(rpc.extensions->partial_messages);
  const MessagePtr message = Message::make(rpc.publish[0], as_bytes("id"), {});
  CHECK(only_body_of(message->frame()) == to_bytes(BytesView(body).subspan(7, 20)));
  CHECK(as_text(message->id()) == "id");
  CHECK(as_text(message->signed_part()) == as_text(BytesView(body).subspan(9, 12)));
}

TEST_CASE("wire: what is unknown is skipped, what is broken is not") {
  wire::Rpc rpc;
  // Fields 15 (varint), 16 (bytes), 17 (8 bytes), 18 (4 bytes), and the test extension's.
  CHECK(wire::decode(hex("7801"
                         "820102aabb"
                         "890100000000000000ff"
                         "950100000000"
                         "a293e21800"),
                     rpc));
  for (const std::string_view broken :
       {"0a", "0a05", "0affffffffffffffffff01", "80", "0b", "00", "0801", "12020801", "1a020801",
        "1a0208ff", "ffffffffffffffffffff01"}) {
    CAPTURE(broken);
    CHECK(wire::decode(hex(broken), rpc).error().is(GossipsubError::malformed));
  }
}

TEST_CASE("wire: limits of an RPC") {
  wire::Rpc rpc;
  Bytes messages;
  for (std::size_t i = 0; i < wire::k_entries_max; ++i) {
    append(messages, Bytes{0x12, 0});
  }
  CHECK(wire::decode(messages, rpc));
  append(messages, Bytes{0x12, 0});
  CHECK(wire::decode(messages, rpc).error().is(GossipsubError::too_many));
  const Bytes id{1};
  const std::vector<BytesView> ids(wire::k_ids_max + 100, id);
  Bytes control;
  wire::append_ihave(control, "t", ids);
  wire::append_iwant(control, ids);
  wire::append_idontwant(control, ids);
  const std::vector<wire::PeerInfo> peers(wire::k_peers_max + 1, {.id = id, .record = {}});
  wire::append_prune(control, "t", peers, 1);
  REQUIRE(wire::decode(only_body_of(wire::frame({}, control)), rpc));
  CHECK(rpc.ihave[0].count == wire::k_ids_max);
  CHECK(rpc.iwant.size() == wire::k_ids_max);
  CHECK(rpc.idontwant.size() == wire::k_ids_max);
  CHECK(rpc.peers.size() == wire::k_peers_max);
  rpc.clear();
  CHECK(rpc.iwant.capacity() <= 1024);
}
