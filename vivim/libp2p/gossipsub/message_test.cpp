// Ids and signatures.
#include <doctest/doctest.h>

#include "vivim/libp2p/gossipsub/message_id.hpp"
#include "vivim/libp2p/gossipsub/router_test_detail.hpp"
#include "vivim/libp2p/gossipsub/signature.hpp"

using namespace vivim;
using namespace vivim::libp2p;
using namespace vivim::libp2p::gossipsub;
using namespace vivim::libp2p::gossipsub::test;

namespace {

Bytes id_of(IdProfile profile, SignaturePolicy policy, const wire::MessageView& message) {
  Bytes id;
  append_id(profile, policy, message, id);
  return id;
}

struct Signed {
  Signed() {
    view.signature = signature;
    message = Message::make(view, {}, {});
  }
  PeerId author = peer_of(5);
  Bytes seqno{0, 0, 0, 0, 0, 0, 1, 2};
  wire::MessageView view{
      .from = author.bytes(), .data = as_bytes("hello"), .seqno = seqno, .topic = "t"};
  Bytes signature = sign(record::Signer::of(key_of(5)), Message::make(view, {}, {})->signed_part());
  MessagePtr message;
  Bytes scratch;
};

}  // namespace

TEST_CASE("ids: each profile makes those of its implementation") {
  const Signed of;
  const auto signed_id = [&of](IdProfile profile) {
    return id_of(profile, SignaturePolicy::strict_sign, of.view);
  };
  Bytes author_and_number = to_bytes(of.author.bytes());
  append(author_and_number, of.seqno);
  CHECK(signed_id(IdProfile::go) == author_and_number);
  CHECK(signed_id(IdProfile::vivim) == author_and_number);
  CHECK(as_text(signed_id(IdProfile::rust)) == of.author.to_string() + "258");
  Bytes key_and_number = of.author.public_key()->encode();
  append(key_and_number, of.seqno);
  CHECK(signed_id(IdProfile::js) == key_and_number);
}

TEST_CASE("ids: of anonymous messages, the topic counts") {
  const wire::MessageView one{.data = as_bytes("hello"), .topic = "t"};
  const wire::MessageView other{.data = as_bytes("hello"), .topic = "u"};
  const auto policy = SignaturePolicy::strict_no_sign;
  CHECK(id_of(IdProfile::vivim, policy, one).size() == 20);
  CHECK(id_of(IdProfile::vivim, policy, one) != id_of(IdProfile::vivim, policy, other));
  CHECK(id_of(IdProfile::js, policy, one) == id_of(IdProfile::js, policy, other));
  // SHA-256 of "hello".
  CHECK(to_hex(id_of(IdProfile::js, policy, one)).starts_with("2cf24dba5fb0a30e"));
}

TEST_CASE("ids: those of another implementation are recognised") {
  const Signed of;
  const auto policy = SignaturePolicy::strict_sign;
  for (const IdProfile profile : {IdProfile::go, IdProfile::rust, IdProfile::js}) {
    const Bytes id = id_of(profile, policy, of.view);
    CHECK(can_be_id(profile, policy, id));
    const auto seen_as = recognise_id(policy, id);
    REQUIRE(seen_as);
    CHECK((*seen_as == profile || (profile == IdProfile::go && *seen_as == IdProfile::vivim)));
    CHECK(can_be_id(IdProfile::vivim, policy, id) == (profile == IdProfile::go));
    CHECK(parse_id_profile(to_string(profile)) == profile);
  }
  CHECK_FALSE(recognise_id(policy, as_bytes("short")));
  CHECK_FALSE(parse_id_profile("cpp"));
  CHECK(recognise_id(SignaturePolicy::strict_no_sign, Bytes(32)) == IdProfile::js);
  CHECK(recognise_id(SignaturePolicy::strict_no_sign, Bytes(20)) == IdProfile::vivim);
}

TEST_CASE("signature: good, and spoilt in every byte of the message") {
  Signed of;
  CHECK(verify(*of.message, of.scratch));
  const Bytes body = body_of(of.message->frame());
  std::size_t good = 0;
  for (std::size_t at = 0; at < body.size(); ++at) {
    Bytes spoilt = body;
    spoilt[at] ^= 1U;
    wire::Rpc rpc;
    if (!wire::decode(spoilt, rpc) || rpc.publish.size() != 1) {
      continue;
    }
    const MessagePtr message = Message::make(rpc.publish[0], {}, {});
    good +=
        check_fields(SignaturePolicy::strict_sign, rpc.publish[0]) && verify(*message, of.scratch)
            ? 1
            : 0;
  }
  CHECK(good == 0);
}

TEST_CASE("signature: a key beside the author must be the author's") {
  Signed of;
  const Bytes own = of.author.public_key()->encode();
  of.view.key = own;
  CHECK(verify(*Message::make(of.view, {}, {}), of.scratch));
  const Bytes other = peer_of(6).public_key()->encode();
  of.view.key = other;
  CHECK(verify(*Message::make(of.view, {}, {}), of.scratch).error().is(GossipsubError::bad_sender));
  // Not signed, and part of the ids of js: written in one way alone, else a message has many ids.
  Bytes longer = own;
  longer.insert(longer.end(), {0x1a, 0x01, 0x00});
  of.view.key = longer;
  CHECK(verify(*Message::make(of.view, {}, {}), of.scratch).error().is(GossipsubError::bad_sender));
  of.view.key = as_bytes("no key");
  CHECK_FALSE(verify(*Message::make(of.view, {}, {}), of.scratch));
}

TEST_CASE("signature: policies ask for their fields, and for no others") {
  const Signed of;
  const auto check_signed = [](const wire::MessageView& view) {
    return check_fields(SignaturePolicy::strict_sign, view);
  };
  CHECK(check_signed(of.view));
  wire::MessageView without = of.view;
  without.from.reset();
  CHECK(check_signed(without).error().is(GossipsubError::bad_sender));
  without = of.view;
  without.seqno = BytesView(of.seqno).first(7);
  CHECK(check_signed(without).error().is(GossipsubError::bad_sender));
  without = of.view;
  without.signature.reset();
  CHECK(check_signed(without).error().is(GossipsubError::bad_signature));
  const wire::MessageView anonymous{.data = as_bytes("hello"), .topic = "t"};
  CHECK(check_fields(SignaturePolicy::strict_no_sign, anonymous));
  for (int field = 0; field < 4; ++field) {
    wire::MessageView told = anonymous;
    (field == 0   ? told.from
     : field == 1 ? told.seqno
     : field == 2 ? told.signature
                  : told.key) = BytesView();
    CHECK(check_fields(SignaturePolicy::strict_no_sign, told)
              .error()
              .is(GossipsubError::not_anonymous));
  }
}
