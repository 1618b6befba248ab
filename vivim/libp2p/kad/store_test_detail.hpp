#pragma once

#include <cstdint>
#include <string_view>

#include "vivim/libp2p/kad/content_record.hpp"
#include "vivim/libp2p/kad/kad_test_detail.hpp"
#include "vivim/libp2p/kad/providers.hpp"

namespace vivim::libp2p::kad::test {

inline constexpr rt::WallMs k_wall = 1'795'824'000'000;
inline constexpr rt::WallMs k_hour_ms = 3'600'000;

/// Who signs what is stored.
struct Publisher {
  explicit Publisher(std::uint64_t number)
      : key(key_pair(number)), signer(record::Signer::of(key)), peer(PeerId::of(key)) {}

  Bytes seal(std::uint64_t sequence, std::string_view value = "v",
             rt::WallMs expires = k_wall + k_hour_ms) const {
    return seal_content(signer, "name", sequence, expires, as_bytes(value));
  }
  Bytes content() const { return content_key(peer, "name"); }
  Bytes pk_key() const {
    Bytes bytes = to_bytes("/pk/");
    append(bytes, peer.bytes());
    return bytes;
  }

  crypto::KeyPair key;
  record::Signer signer;
  PeerId peer;
};

inline PeerInfo provider(std::uint64_t number) {
  return {.contact = contact(number)};
}

}  // namespace vivim::libp2p::kad::test
