#pragma once

#include <cstdint>
#include <functional>
#include <string_view>

#include "vivim/crdt/envelope/envelope.hpp"
#include "vivim/multiformats/peer_id.hpp"
#include "vivim/sync/hub_test_detail.hpp"

/// For tests of documents that several keys write.
namespace vivim::sync::testing {

inline constexpr std::uint8_t k_own = 1;  ///< this node's key

inline Bytes peer_id(std::uint8_t seed) {
  return to_bytes(multiformats::PeerId::of(signing_key(seed).public_key()).bytes());
}

inline SubscriberPeer peer(std::uint8_t seed, store::Access access) {
  return {.peer = peer_id(seed), .access = access};
}

/// Somebody with a key and a document of their own.
struct Author {
  std::uint8_t seed;
  multiformats::PrivateKey key = signing_key(seed);
  crdt::Author session{.document = k_document.view(), .session = 77};
  crdt::Doc doc{crdt::client_of(key.public_key(), session)};

  explicit Author(std::uint8_t of) : seed(of) {}

  Bytes write(std::string_view words) { return remote_edit(doc, words); }
  Bytes seal(BytesView update) { return crdt::seal(key, session, update).value(); }
};

/// What `body` changes.
inline Bytes changed(crdt::Doc& doc, const std::function<void(crdt::Transaction&)>& body) {
  Bytes update;
  const auto watching =
      doc.on_update([&update](BytesView bytes, crdt::Origin) { update = to_bytes(bytes); });
  doc.transact(body);
  return update;
}

inline rt::Co<std::uint64_t> envelopes_on_disk(Home& home) {
  const auto count = co_await home.store->read(
      [](store::Database& database) { return store::Envelopes(database).count(k_document); });
  REQUIRE(count);
  co_return *count;
}

}  // namespace vivim::sync::testing
