#include "vivim/libp2p/delimited/delimited.hpp"

#include <doctest/doctest.h>

#include "vivim/base/varint.hpp"
#include "vivim/rt/sim/stream_pair.hpp"
#include "vivim/rt/sim/world.hpp"

using namespace vivim;
using namespace vivim::libp2p;

TEST_CASE("delimited: messages in pieces of any size, and what is behind them") {
  Bytes flight = delimited(as_bytes("one"));
  append(flight, delimited(Bytes{}));
  append(flight, delimited(Bytes(300, 7)));
  append(flight, as_bytes("rest"));
  for (const std::size_t piece : {1, 2, 5, 100, 1000}) {
    DelimitedReader reader(300);
    std::vector<Bytes> messages;
    for (BytesView in = flight; !in.empty();) {
      const auto part = in.first(std::min(piece, in.size()));
      reader.feed(part);
      in = in.subspan(part.size());
      while (messages.size() < 3) {
        auto message = reader.next();
        REQUIRE(message);
        if (!*message) {
          break;
        }
        messages.push_back(std::move(**message));
      }
    }
    REQUIRE(messages.size() == 3);
    CHECK(messages[0] == to_bytes("one"));
    CHECK(messages[1].empty());
    CHECK(messages[2] == Bytes(300, 7));
    CHECK(reader.take_rest() == to_bytes("rest"));
    CHECK(reader.empty());
  }
}

TEST_CASE("delimited: limits and errors") {
  DelimitedReader reader(300);
  reader.feed(delimited(Bytes(301)));
  CHECK(reader.next().error().is(DelimitedError::too_large));
  CHECK(reader.next().error().is(DelimitedError::too_large));
  DelimitedReader broken(300);
  broken.feed(Bytes{0x80, 0x00});
  CHECK(broken.next().error().is(DelimitedError::malformed_length));
}

TEST_CASE("GHSA-xqvc-92cf-94j4: a length that nobody means to send allocates nothing") {
  for (const std::uint64_t announced :
       {std::uint64_t{4097}, std::uint64_t{1} << 32, ~std::uint64_t{0} >> 1}) {
    Bytes length;
    append_varint(length, announced);
    DelimitedReader reader(4096);
    for (const auto byte : length) {  // refused as soon as it is known
      reader.feed(BytesView(&byte, 1));
    }
    const auto refused = reader.next();
    REQUIRE(!refused);
    CHECK(refused.error().is(DelimitedError::too_large));
    CHECK(refused.error().detail() == announced);
    CHECK(reader.take_rest().capacity() <= 64);
  }
}

TEST_CASE("delimited: read from a stream; what is behind a message stays for others") {
  rt::sim::World world(1);
  auto& node = world.add_node("a");
  auto [left, right] = rt::sim::make_stream_pair(node.loop());
  Bytes sent = delimited(as_bytes("hello"));
  append(sent, as_bytes("early"));
  REQUIRE(world.run(left->write(sent)));
  DelimitedReader reader(100);
  CHECK(world.run(read_message(*right, reader)).value() == to_bytes("hello"));
  CHECK(reader.take_rest() == to_bytes("early"));
  DelimitedReader again(100);
  REQUIRE(world.run(left->write(Bytes{0x05, 0x01})));
  REQUIRE(world.run(left->close_write()));
  CHECK(world.run(read_message(*right, again)).error().is(DelimitedError::truncated));
}
