#include "vivim/libp2p/noise/transport.hpp"

#include <algorithm>
#include <limits>

#include <doctest/doctest.h>

using namespace vivim;
using namespace vivim::libp2p::noise;

namespace {

crypto::AeadKey key() {
  return crypto::AeadKey(Bytes(32, 9));
}

Bytes pattern(std::size_t size) {
  Bytes out(size);
  for (std::size_t i = 0; i < size; ++i) {
    out[i] = static_cast<std::uint8_t>(i * 31 + i / 251);
  }
  return out;
}

/// Everything that can be opened now.
Bytes drain(Receiver& receiver) {
  Bytes out;
  for (auto piece = receiver.next();; piece = receiver.next()) {
    REQUIRE(piece);
    if (!piece->has_value()) {
      return out;
    }
    append(out, **piece);
  }
}

}  // namespace

TEST_CASE("transport: any size, any frame size, any chunks") {
  for (const std::size_t size : {0UL, 1UL, 100UL, 65519UL, 65520UL, 200'000UL}) {
    for (const std::size_t frame : {64UL, k_frame_plaintext_default, k_frame_plaintext_max}) {
      for (const std::size_t chunk : {97UL, 16384UL, 1'000'000UL}) {
        Sender sender(key());
        Receiver receiver(key());
        const Bytes plaintext = pattern(size);
        Bytes sealed{1, 2};  // seal appends
        REQUIRE(sender.seal(plaintext, sealed, frame));
        CHECK(sealed.size() == 2 + Sender::sealed_size(size, frame));
        BytesView rest = BytesView(sealed).subspan(2);
        Bytes opened;
        while (!rest.empty()) {
          const std::size_t fed = receiver.feed(rest.first(std::min(chunk, rest.size())));
          CHECK(fed > 0);
          rest = rest.subspan(fed);
          append(opened, drain(receiver));
        }
        CHECK(opened == plaintext);
        CHECK(receiver.buffered() == 0);
      }
    }
  }
}

TEST_CASE("transport: reading in place gives room for the frame under way") {
  Sender sender(key());
  Receiver receiver(key());
  const Bytes plaintext = pattern(k_frame_plaintext_max);
  Bytes sealed;
  REQUIRE(sender.seal(plaintext, sealed, k_frame_plaintext_max));
  CHECK(sealed.size() == k_frame_header_bytes + k_frame_body_max);
  receiver.feed(BytesView(sealed).first(100));
  const MutableBytes room = receiver.prepare(10);
  REQUIRE(room.size() == sealed.size() - 100);
  std::ranges::copy(BytesView(sealed).subspan(100), room.begin());
  receiver.commit(room.size());
  CHECK(drain(receiver) == plaintext);
  CHECK(receiver.held_bytes() >= sealed.size());
  receiver.release();
  CHECK(receiver.held_bytes() == 0);
  CHECK(receiver.prepare(10).size() == 10);
}

TEST_CASE("transport: the buffer is bounded when nobody drains it") {
  Receiver receiver(key());
  const Bytes chunk(50'000);
  std::size_t fed = 0;
  for (int i = 0; i < 10; ++i) {
    fed += receiver.feed(chunk);
  }
  CHECK(fed == k_receive_buffer_max);
  CHECK(receiver.feed(chunk) == 0);
  CHECK(receiver.buffered() == k_receive_buffer_max);
}

TEST_CASE("transport: empty frames are skipped") {
  crypto::SealingKey sealing(crypto::Aead::chacha20_poly1305, key());
  Bytes frame(k_frame_header_bytes + crypto::k_aead_tag_bytes);
  store_be16(frame, crypto::k_aead_tag_bytes);
  sealing.seal({}, {}, {}, MutableBytes(frame).subspan(k_frame_header_bytes));
  Receiver receiver(key());
  receiver.feed(frame);
  CHECK(drain(receiver).empty());
  CHECK(receiver.buffered() == 0);
  Sender sender(key(), 1);
  Bytes sealed;
  REQUIRE(sender.seal(as_bytes("after"), sealed));
  receiver.feed(sealed);
  CHECK(drain(receiver) == to_bytes("after"));
}

TEST_CASE(
    "transport: damaged, replayed, reordered or short frames fail, and go on failing "
    "(RUSTSEC-2024-0011)") {
  Sender sender(key());
  Bytes sealed;
  REQUIRE(sender.seal(as_bytes("one"), sealed));
  const std::size_t first = sealed.size();
  REQUIRE(sender.seal(as_bytes("two"), sealed));
  const auto fails = [](const Bytes& bytes, NoiseError error) {
    Receiver receiver(key());
    receiver.feed(bytes);
    auto opened = receiver.next();
    for (int i = 0; opened && i < 3; ++i) {
      opened = receiver.next();
    }
    REQUIRE_FALSE(opened);
    CHECK(opened.error().is(error));
    receiver.feed(bytes);
    CHECK(receiver.next().error().is(error));
  };
  for (std::size_t i = k_frame_header_bytes; i < first; ++i) {
    Bytes damaged = sealed;
    damaged[i] ^= 0x80;
    fails(damaged, NoiseError::cannot_decrypt);
  }
  Bytes replayed(sealed.begin(), sealed.begin() + static_cast<std::ptrdiff_t>(first));
  replayed.insert(replayed.end(), replayed.begin(), replayed.end());
  fails(replayed, NoiseError::cannot_decrypt);
  fails(Bytes(sealed.begin() + static_cast<std::ptrdiff_t>(first), sealed.end()),
        NoiseError::cannot_decrypt);
  fails(Bytes{0, 15}, NoiseError::frame_too_short);
  fails(Bytes{0, 0}, NoiseError::frame_too_short);
}

TEST_CASE("transport: a cut frame waits") {
  Sender sender(key());
  Bytes sealed;
  REQUIRE(sender.seal(as_bytes("hello"), sealed));
  Receiver receiver(key());
  receiver.feed(BytesView(sealed).first(sealed.size() - 1));
  CHECK(drain(receiver).empty());
  CHECK(receiver.buffered() == sealed.size() - 1);
  receiver.release();  // keeps what waits
  receiver.feed(BytesView(sealed).last(1));
  CHECK(drain(receiver) == to_bytes("hello"));
}

TEST_CASE("transport: the last nonce is never used") {
  constexpr std::uint64_t last = std::numeric_limits<std::uint64_t>::max();
  Sender sender(key(), last - 1);
  Receiver receiver(key(), last - 1);
  Bytes sealed;
  CHECK(sender.seal(as_bytes("ab"), sealed, 1).error().is(NoiseError::nonces_exhausted));
  CHECK(sealed.empty());
  REQUIRE(sender.seal(as_bytes("a"), sealed));
  CHECK(sender.seal(as_bytes("b"), sealed).error().is(NoiseError::nonces_exhausted));
  receiver.feed(sealed);
  receiver.feed(sealed);
  const auto opened = receiver.next();
  REQUIRE(opened);
  CHECK(as_text(**opened) == "a");
  CHECK(receiver.next().error().is(NoiseError::nonces_exhausted));
}
