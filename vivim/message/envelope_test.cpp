#include "vivim/message/envelope.hpp"

#include <algorithm>
#include <map>
#include <variant>

#include <doctest/doctest.h>

#include "vivim/base/varint.hpp"
#include "vivim/crypto/ecdsa.hpp"
#include "vivim/message/members_test_detail.hpp"
#include "vivim/multiformats/private_key.hpp"

using namespace vivim;
using namespace vivim::message;
using namespace vivim::message::test;
using namespace std::chrono_literals;

namespace {

constexpr std::int64_t k_now = 1'800'000'000'000;

Message example() {
  return {.id = message_id(7),
          .time_ms = k_now,
          .lifetime = 1h,
          .ttl = 3,
          .from = peer(1),
          .to = peer(2),
          .priority = Priority::high,
          .delivery = Delivery::exactly_once,
          .payload = to_bytes("hello")};
}

Signer signer(std::uint64_t number = 1) {
  return Signer::of(key_pair(number));
}

std::uint64_t malformed_field(const Message& message) {
  const auto sealed = seal(signer(), message);
  REQUIRE_FALSE(sealed);
  REQUIRE(sealed.error().is(MessageError::malformed));
  return sealed.error().detail();
}

/// A protobuf, field by field: to write what seal() would not.
class Proto {
 public:
  Proto() = default;
  explicit Proto(BytesView in) {
    while (!in.empty()) {
      const auto tag = next(in);
      if (tag % 8 == 0) {
        set(tag / 8, next(in));
      } else {
        const auto size = next(in);
        set(tag / 8, to_bytes(in.first(size)));
        in = in.subspan(size);
      }
    }
  }
  void set(std::uint64_t field, std::uint64_t value) { fields_[field] = value; }
  void set(std::uint64_t field, Bytes value) { fields_[field] = std::move(value); }
  void set(std::uint64_t field, std::string_view text) { set(field, to_bytes(text)); }
  void clear(std::uint64_t field) { fields_.erase(field); }
  const Bytes& bytes(std::uint64_t field) const { return std::get<Bytes>(fields_.at(field)); }

  Bytes serialize() const {
    Bytes out;
    for (const auto& [field, value] : fields_) {
      const auto* bytes = std::get_if<Bytes>(&value);
      append_varint(out, field * 8 + (bytes != nullptr ? 2 : 0));
      if (bytes != nullptr) {
        append_varint(out, bytes->size());
        append(out, *bytes);
      } else {
        append_varint(out, std::get<std::uint64_t>(value));
      }
    }
    return out;
  }

 private:
  static std::uint64_t next(BytesView& in) {
    const auto varint = decode_varint(in);
    REQUIRE(varint);
    in = in.subspan(varint->size);
    return varint->value;
  }

  std::map<std::uint64_t, std::variant<std::uint64_t, Bytes>> fields_;
};

/// An envelope around a protobuf that its sender signed, whatever is in it.
Bytes envelope_of(const Proto& message) {
  const Bytes inner = message.serialize();
  Proto proto;
  proto.set(1, inner);
  proto.set(2, signer().sign(libp2p::record::signed_bytes("vivim-message",
                                                          as_bytes("/vivim/message/1"), inner)));
  return proto.serialize();
}

Proto proto_of(const Message& message) {
  return Proto(Proto(seal(signer(), message).value()).bytes(1));
}

}  // namespace

TEST_CASE("envelope: what was sealed opens, to a peer and to a topic") {
  Message message = example();
  auto opened = open(seal(signer(), message).value());
  REQUIRE(opened);
  CHECK(opened->message == message);
  CHECK(opened->hops == 0);
  message.to = std::string("/vivim/circles/abc/chat");
  REQUIRE(message.clock.increment(peer(1)));
  message.priority = Priority::low;
  message.delivery = Delivery::best_effort;
  message.kind = Kind::receipt;
  message.payload = {};
  opened = open(seal(signer(), message).value());
  REQUIRE(opened);
  CHECK(opened->message == message);
}

TEST_CASE("envelope: a bit that is not as it was signed is found") {
  const Bytes sealed = seal(signer(), example()).value();
  for (std::size_t i = 0; i < sealed.size(); ++i) {
    Bytes damaged = sealed;
    damaged[i] ^= 1;
    CHECK_FALSE(open(damaged));
  }
  for (std::size_t size = 0; size < sealed.size(); ++size) {
    CHECK_FALSE(open(BytesView(sealed).first(size)));
  }
}

TEST_CASE("envelope: only its sender can sign it, and only as a message") {
  CHECK(seal(signer(2), example()).error().is(MessageError::wrong_signer));
  const Bytes inner = proto_of(example()).serialize();
  const Bytes other_domain =
      libp2p::record::signed_bytes("libp2p-peer-record", as_bytes("/vivim/message/1"), inner);
  Proto proto;
  proto.set(1, inner);
  for (const auto& bytes : {inner, other_domain}) {
    proto.set(2, signer().sign(bytes));
    CHECK(open(proto.serialize()).error().is(MessageError::bad_signature));
  }
}

TEST_CASE("envelope: a sender whose id does not carry its key sends the key along") {
  const crypto::RandomSource random = [n = std::uint8_t{1}](MutableBytes out) mutable {
    std::ranges::generate(out, [&n] { return n++; });
  };
  const multiformats::PrivateKey key(crypto::EcdsaKeyPair::generate(crypto::Curve::p256, random));
  const Signer ecdsa{.key = key.public_key(),
                     .sign = [&key](BytesView bytes) { return key.sign(bytes); }};
  Message message = example();
  message.from = PeerId::of(key.public_key());
  REQUIRE_FALSE(message.from.public_key());
  const Bytes sealed = seal(ecdsa, message).value();
  REQUIRE(open(sealed));
  CHECK(open(sealed)->message == message);
  Proto proto(sealed);
  proto.clear(3);
  CHECK(open(proto.serialize()).error().is(MessageError::wrong_signer));
  proto.set(3, signer().key.encode());
  CHECK(open(proto.serialize()).error().is(MessageError::wrong_signer));
}

TEST_CASE("envelope: hops are counted outside of what is signed, up to what the sender allows") {
  Proto proto(seal(signer(), example()).value());
  for (std::uint32_t hops = 1; hops <= 3; ++hops) {
    proto.set(4, std::uint64_t{hops});
    CHECK(open(proto.serialize())->hops == hops);
    CHECK(open(proto.serialize())->message == example());
  }
  proto.set(4, std::uint64_t{4});
  CHECK(open(proto.serialize()).error().is(MessageError::hops_spent));
}

TEST_CASE("envelope: values that no message may have, for those who seal") {
  Message message = example();
  message.time_ms = -1;
  CHECK(malformed_field(message) == 2);
  message = example();
  message.lifetime = 0s;
  CHECK(malformed_field(message) == 3);
  message.lifetime = k_lifetime_max + 1s;
  CHECK(malformed_field(message) == 3);
  message.lifetime = k_lifetime_max;
  CHECK(seal(signer(), message));
  message = example();
  message.ttl = 0;
  CHECK(malformed_field(message) == 4);
  message.ttl = k_hops_max + 1;
  CHECK(malformed_field(message) == 4);
  message.ttl = k_hops_max;
  for (const std::string& topic : {std::string(), std::string("/"), std::string("no"),
                                   std::string("/a b"), "/" + std::string(256, 'x')}) {
    message.to = topic;
    CHECK(malformed_field(message) == 7);
  }
  message.to = "/" + std::string(255, 'x');
  message.payload = Bytes(k_payload_bytes_max);
  CHECK(open(seal(signer(), message).value()));
  message.payload.push_back(0);
  CHECK(seal(signer(), message).error().is(MessageError::too_large));
}

TEST_CASE("hostile: values that no message may have, though they are signed") {
  const auto wrong = [](auto&& change) {
    auto proto = proto_of(example());
    change(proto);
    const auto opened = open(envelope_of(proto));
    REQUIRE_FALSE(opened);
    CHECK(opened.error().is(MessageError::malformed));
  };
  CHECK(open(envelope_of(proto_of(example()))));
  wrong([](Proto& proto) { proto.set(1, "short"); });
  wrong([](Proto& proto) { proto.set(2, k_clock_count_max); });
  wrong([](Proto& proto) { proto.set(3, k_clock_count_max); });
  wrong([](Proto& proto) { proto.set(4, std::uint64_t{17}); });
  wrong([](Proto& proto) { proto.set(5, "nobody"); });
  wrong([](Proto& proto) { proto.set(6, "nobody"); });
  wrong([](Proto& proto) { proto.clear(6); });
  wrong([](Proto& proto) { proto.set(7, "/vivim/circles/x"); });
  wrong([](Proto& proto) { proto.set(8, std::uint64_t{4}); });
  wrong([](Proto& proto) { proto.set(9, std::uint64_t{3}); });
  wrong([](Proto& proto) { proto.set(10, std::uint64_t{2}); });
  wrong([](Proto& proto) { proto.set(11, "not a clock"); });
  Proto large = proto_of(example());
  large.set(12, Bytes(k_payload_bytes_max + 1));
  CHECK(open(envelope_of(large)).error().is(MessageError::too_large));
  CHECK(open(Bytes(k_envelope_bytes_max + 1)).error().is(MessageError::too_large));
  Proto proto;
  proto.set(1, proto_of(example()).serialize());
  proto.set(2, Bytes(k_signature_bytes_max + 1));
  CHECK(open(proto.serialize()).error().is(MessageError::too_large));
}

TEST_CASE("envelope: times") {
  const Message message = example();
  CHECK(check_time(message, k_now));
  CHECK(check_time(message, k_now - k_clock_skew_max.count()));
  CHECK(check_time(message, k_now - k_clock_skew_max.count() - 1)
            .error()
            .is(MessageError::from_future));
  CHECK(check_time(message, k_now + 3'599'999));
  CHECK(check_time(message, k_now + 3'600'000).error().is(MessageError::expired));
}

TEST_CASE("message: ids and names as text") {
  const MessageId id = message_id(0x1234);
  CHECK(id.to_text() == "00000000000012340000000000000000");
  CHECK(MessageId::parse(id.to_text()).value() == id);
  for (const std::string_view text : {"", "12", "0000000000001234000000000000000G"}) {
    CHECK(MessageId::parse(text).error().is(MessageError::malformed));
  }
  for (const auto priority :
       {Priority::critical, Priority::high, Priority::normal, Priority::low}) {
    CHECK(parse_priority(to_string(priority)) == priority);
  }
  for (const auto delivery :
       {Delivery::best_effort, Delivery::at_least_once, Delivery::exactly_once}) {
    CHECK(parse_delivery(to_string(delivery)) == delivery);
  }
  CHECK_FALSE(parse_priority("urgent"));
  CHECK_FALSE(parse_delivery(""));
}
