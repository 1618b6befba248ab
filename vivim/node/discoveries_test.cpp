#include "vivim/node/discoveries.hpp"

#include <doctest/doctest.h>

#include "vivim/base/bytes.hpp"

namespace vivim::node {
namespace {

multiformats::PeerId peer(std::uint32_t number) {
  Bytes bytes = {0x00, 36, 0x08, 0x01, 0x12, 0x20};
  bytes.resize(38);
  store_be32(MutableBytes(bytes).subspan(6), number);
  return multiformats::PeerId::from_bytes(bytes).value();
}

TEST_CASE("discoveries: a peer is found once, by what told of it first") {
  Discoveries discoveries;
  CHECK(discoveries.note(peer(1), "mdns"));
  CHECK_FALSE(discoveries.note(peer(1), "identify"));
  CHECK(discoveries.note(peer(2), "rendezvous"));
  CHECK(discoveries.counts().at("mdns") == 1);
  CHECK(discoveries.counts().at("rendezvous") == 1);
  CHECK_FALSE(discoveries.counts().contains("identify"));
}

TEST_CASE("discoveries: the first make room for new ones") {
  Discoveries discoveries;
  for (std::uint32_t i = 0; i <= k_discoveries_max; ++i) {
    CHECK(discoveries.note(peer(i), "identify"));
  }
  CHECK_FALSE(discoveries.note(peer(k_discoveries_max), "identify"));
  CHECK(discoveries.note(peer(0), "identify"));
}

}  // namespace
}  // namespace vivim::node
