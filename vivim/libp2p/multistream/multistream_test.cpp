#include <doctest/doctest.h>

#include "vivim/libp2p/multistream/negotiation.hpp"

using namespace vivim;
using namespace vivim::libp2p::multistream;

namespace {

Bytes message(std::string_view text) {
  Bytes out;
  append_message(out, text);
  return out;
}

Bytes operator+(Bytes a, const Bytes& b) {
  append(a, b);
  return a;
}

Listener listener_of(std::vector<std::string> protocols) {
  return Listener(make_protocol_list(std::move(protocols)));
}

template <class Side>
Error error_of(Side side, const Bytes& in) {
  const auto result = side.feed(in);
  REQUIRE_FALSE(result);
  return result.error();
}

}  // namespace

TEST_CASE("multistream: vectors of libp2p/specs connections/README.md") {
  CHECK(to_hex(message("na")) == "036e610a");
  CHECK(to_hex(message("/multistream/1.0.0")) == "132f6d756c746973747265616d2f312e302e300a");
  CHECK(to_hex(message(std::string(300, 'a'))).starts_with("ad02"));
}

TEST_CASE("multistream: the first proposal is agreed in one round trip") {
  Dialer dialer({"/noise"});
  auto listener = listener_of({"/tls/1.0.0", "/noise"});
  CHECK_FALSE(dialer.protocol());
  CHECK(listener.feed(dialer.take_output()) == 28U);
  REQUIRE(listener.done());
  CHECK(listener.protocol() == "/noise");
  const auto reply = listener.take_output();
  CHECK(reply == message("/multistream/1.0.0") + message("/noise"));
  CHECK(dialer.feed(reply) == reply.size());
  REQUIRE(dialer.done());
  CHECK(dialer.protocol() == "/noise");
  CHECK(dialer.take_output().empty());
  CHECK(listener.take_output().empty());
}

TEST_CASE("multistream: na leads to the next proposal, and the last na to an error") {
  Dialer dialer({"/a", "/b", "/c"});
  auto listener = listener_of({"/c"});
  for (int round = 0; round < 3; ++round) {
    REQUIRE(listener.feed(dialer.take_output()));
    REQUIRE(dialer.feed(listener.take_output()));
  }
  CHECK(dialer.protocol() == "/c");
  CHECK(listener.protocol() == "/c");

  Dialer refused({"/a"});
  const auto error = error_of(refused, message("/multistream/1.0.0") + message("na"));
  CHECK(error.is(MultistreamError::none_supported));
  CHECK(error.blame() == Blame::peer);
}

TEST_CASE(
    "multistream: optimistic dialers send data behind the proposal, which stays the protocol's") {
  Dialer dialer({"/echo"}, DialMode::optimistic);
  CHECK(dialer.protocol() == "/echo");
  CHECK_FALSE(dialer.done());
  const auto negotiation = dialer.take_output();
  const auto flight = negotiation + to_bytes("hello\n");
  auto listener = listener_of({"/echo"});
  CHECK(listener.feed(flight) == negotiation.size());
  REQUIRE(listener.done());
  CHECK(listener.feed(to_bytes("hello\n")) == 0U);

  const auto answer = listener.take_output();
  CHECK(dialer.feed(answer + to_bytes("world")) == answer.size());
  CHECK(dialer.done());

  Dialer refused({"/other"}, DialMode::optimistic);
  CHECK_FALSE(refused.feed(message("/multistream/1.0.0") + message("na")));
  CHECK_FALSE(refused.protocol());
}

TEST_CASE("multistream: every cut of the bytes gives the same agreement and leftover") {
  const auto flight =
      message("/multistream/1.0.0") + message("/no") + message("/yes") + to_bytes("tail");
  for (std::size_t cut = 0; cut <= flight.size(); ++cut) {
    auto listener = listener_of({"/yes"});
    std::size_t used = *listener.feed(BytesView(flight).first(cut));
    used += *listener.feed(BytesView(flight).subspan(used));
    REQUIRE(listener.done());
    CHECK(used == flight.size() - 4);
    CHECK(listener.take_output() ==
          message("/multistream/1.0.0") + message("na") + message("/yes"));
  }
  auto bytewise = listener_of({"/yes"});
  for (const auto byte : flight) {
    REQUIRE(bytewise.feed(BytesView(&byte, 1)));
  }
  CHECK(bytewise.protocol() == "/yes");
}

TEST_CASE("multistream: ls lists the protocols, no more than fit a message") {
  auto listener = listener_of({"/a", "/bc"});
  REQUIRE(listener.feed(message("/multistream/1.0.0") + message("ls")));
  CHECK_FALSE(listener.done());
  CHECK(listener.take_output() ==
        message("/multistream/1.0.0") + message(as_text(message("/a") + message("/bc"))));
  CHECK(to_hex(message(as_text(message("/a") + message("/bc")))) == "0a032f610a042f62630a0a");

  auto full = listener_of(std::vector<std::string>(100, std::string(40, 'p')));
  REQUIRE(full.feed(message("/multistream/1.0.0") + message("ls")));
  const auto output = full.take_output();
  MessageReader reader;
  const auto header = reader.feed(output);
  REQUIRE(header);
  reader.next();
  CHECK(reader.feed(BytesView(output).subspan(*header)) == output.size() - *header);
  CHECK(reader.complete());
}

TEST_CASE("multistream: errors of messages") {
  const auto header = message("/multistream/1.0.0");
  CHECK(error_of(listener_of({"/a"}), {0x00}).is(MultistreamError::malformed_length));
  CHECK(error_of(listener_of({"/a"}), {0x80, 0x00}).is(MultistreamError::malformed_length));
  CHECK(error_of(listener_of({"/a"}), {0xff, 0xff, 0x01}).is(MultistreamError::message_too_large));
  CHECK(error_of(listener_of({"/a"}), {0x81, 0x08}).is(MultistreamError::message_too_large));
  CHECK(error_of(listener_of({"/a"}), {0x02, 'a', 'b'}).is(MultistreamError::missing_newline));
  CHECK(error_of(listener_of({"/a"}), message("/a")).is(MultistreamError::not_multistream));
  CHECK(error_of(Dialer({"/a"}), message("/a")).is(MultistreamError::not_multistream));
  CHECK(error_of(Dialer({"/a"}), header + message("/b")).is(MultistreamError::unexpected_reply));
}

TEST_CASE("multistream: limits of message length and rounds") {
  CHECK(is_valid_protocol(std::string(1023, 'a')));
  CHECK_FALSE(is_valid_protocol(std::string(1024, 'a')));
  CHECK_FALSE(is_valid_protocol(""));
  CHECK_FALSE(is_valid_protocol("/a\n"));

  auto listener = listener_of({std::string(1023, 'a')});
  REQUIRE(listener.feed(message("/multistream/1.0.0") + message(std::string(1023, 'a'))));
  CHECK(listener.done());

  auto asked = listener_of({"/a"});
  Bytes flight = message("/multistream/1.0.0");
  for (std::size_t i = 0; i < k_rounds_max; ++i) {
    append(flight, message("/b"));
  }
  REQUIRE(asked.feed(flight));
  CHECK(error_of(asked, message("/a")).is(MultistreamError::too_many_rounds));
}
