#include "vivim/libp2p/multistream/undecided.hpp"

#include <doctest/doctest.h>

using namespace vivim;
using namespace vivim::libp2p::multistream;

namespace {

template <class... Texts>
Bytes messages(Texts... texts) {
  Bytes out;
  (append_message(out, texts), ...);
  return out;
}

/// Carries bytes both ways, `piece` at a time, until nobody says anything more.
template <class Other>
void converse(Undecided& side, Other& other, std::size_t piece) {
  const auto carry = [piece](auto& from, auto& to) {
    const Bytes all = from.take_output();
    for (BytesView in = all; !in.empty(); in = in.subspan(std::min(piece, in.size()))) {
      const auto given = in.first(std::min(piece, in.size()));
      REQUIRE(to.feed(given) == given.size());
    }
    return !all.empty();
  };
  for (bool said = true; said;) {
    said = carry(side, other);
    said = carry(other, side) || said;
  }
}

Error error_of(Undecided side, const Bytes& in) {
  const auto result = side.feed(in);
  REQUIRE_FALSE(result);
  return result.error();
}

}  // namespace

TEST_CASE("multistream: what a side that may meet another says, of simopen.md") {
  Undecided side({"/noise", "/tls/1.0.0"}, 7);
  CHECK(side.take_output() ==
        messages("/multistream/1.0.0", "/libp2p/simultaneous-connect", "/noise"));
  CHECK(side.feed(messages("/multistream/1.0.0", "/libp2p/simultaneous-connect", "/noise")));
  CHECK(side.take_output() == messages("select:7"));
  CHECK(to_hex(messages("select:7")) == "0973656c6563743a370a");
  CHECK(side.feed(messages("select:18446744073709551615")));
  CHECK(side.take_output() == messages("responder"));
  CHECK(side.feed(messages("initiator", "/tls/1.0.0")));
  CHECK(side.take_output() == messages("/tls/1.0.0"));
  REQUIRE(side.done());
  CHECK_FALSE(side.initiator());
  CHECK(side.protocol() == "/tls/1.0.0");
}

TEST_CASE("multistream: of two that dialled the one with the higher number proposes") {
  for (const std::size_t piece : {1, 7, 1000}) {
    Undecided low({"/tls/1.0.0", "/noise"}, 3);
    Undecided high({"/other", "/noise"}, 1'000'000'000'000'000'000);
    converse(low, high, piece);
    REQUIRE(low.done());
    REQUIRE(high.done());
    CHECK(high.initiator());
    CHECK_FALSE(low.initiator());
    CHECK(low.protocol() == "/noise");
    CHECK(high.protocol() == "/noise");
  }
}

TEST_CASE("multistream: against a listener it is a dialer that asks at once") {
  for (const std::size_t piece : {1, 1000}) {
    Undecided side({"/tls/1.0.0", "/noise"}, 3);
    Listener listener(make_protocol_list({"/noise"}));
    converse(side, listener, piece);
    REQUIRE(side.done());
    CHECK(side.initiator());
    CHECK(side.protocol() == "/noise");
  }
  Undecided side({"/noise"}, 3);
  (void)side.take_output();
  CHECK(side.feed(messages("/multistream/1.0.0", "na", "/noise")));
  CHECK(side.done());  // in the first round trip
}

TEST_CASE("multistream: who listens at first agrees to what the peer proposes") {
  Undecided side({"/noise"}, 3, Opening::listen);
  Dialer dialer({"/tls/1.0.0", "/noise"});
  converse(side, dialer, 5);
  REQUIRE(side.done());
  REQUIRE(dialer.done());
  CHECK(dialer.protocol() == "/noise");
  CHECK(side.protocol() == "/noise");
  CHECK_FALSE(side.initiator());
  side.propose();  // too late: says nothing
  CHECK(side.take_output().empty());
}

TEST_CASE("multistream: who listens in vain proposes") {
  for (const bool header_first : {true, false}) {
    Undecided side({"/noise"}, 3, Opening::listen);
    CHECK(side.take_output() == messages("/multistream/1.0.0"));
    if (header_first) {
      CHECK(side.feed(messages("/multistream/1.0.0")));
    }
    side.propose();
    CHECK(side.take_output() == messages("/libp2p/simultaneous-connect", "/noise"));
    CHECK(side.feed(header_first ? messages("na", "/noise")
                                 : messages("/multistream/1.0.0", "na", "/noise")));
    CHECK(side.done());
    CHECK(side.initiator());
  }
}

TEST_CASE("multistream: two that listened in vain find their roles") {
  Undecided one({"/noise"}, 3, Opening::listen);
  Undecided other({"/noise"}, 4, Opening::listen);
  converse(one, other, 9);
  CHECK_FALSE(one.done());
  one.propose();
  other.propose();
  converse(one, other, 9);
  REQUIRE(one.done());
  REQUIRE(other.done());
  CHECK(other.initiator());
  CHECK_FALSE(one.initiator());
}

TEST_CASE("multistream: what is wrong when both dialled ends the negotiation") {
  const Undecided side({"/noise"}, 7);
  const auto both = [](auto... texts) {
    return messages("/multistream/1.0.0", "/libp2p/simultaneous-connect", "/noise", texts...);
  };
  CHECK(error_of(side, messages("/else")).is(MultistreamError::not_multistream));
  CHECK(error_of(side, messages("/multistream/1.0.0", "/noise"))
            .is(MultistreamError::unexpected_reply));
  CHECK(error_of(side, messages("/multistream/1.0.0", "na", "na"))
            .is(MultistreamError::none_supported));
  for (const auto* const number :
       {"select:", "select:x", "select:-1", "select:1 ", "select:18446744073709551616", "7"}) {
    CAPTURE(number);
    CHECK(error_of(side, both(number)).is(MultistreamError::malformed_number));
  }
  CHECK(error_of(side, both("select:7")).is(MultistreamError::same_number));
  CHECK(error_of(side, both("select:6", "initiator")).is(MultistreamError::unexpected_reply));
  CHECK(error_of(side, both("select:8", "responder")).is(MultistreamError::unexpected_reply));
}
