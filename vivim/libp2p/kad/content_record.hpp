#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "vivim/libp2p/kad/validator.hpp"
#include "vivim/libp2p/record/envelope.hpp"
#include "vivim/multiformats/peer_id.hpp"

namespace vivim::libp2p::kad {

using multiformats::PeerId;

inline constexpr std::string_view k_content_namespace = "vivim/content";

/// What a publisher says under a name of its own (docs/protocol/kad.md). A later sequence number
/// replaces an earlier one.
struct ContentRecord {
  PeerId publisher;
  std::string name;
  std::uint64_t sequence = 0;
  rt::WallMs expires_ms = 0;
  Bytes value;

  friend bool operator==(const ContentRecord&, const ContentRecord&) = default;
};

/// "/vivim/content/<peer id in base58>/<name>".
Bytes content_key(const PeerId& publisher, std::string_view name);

/// The record as a value of the DHT, under content_key(): an envelope signed by `signer`.
Bytes seal_content(const record::Signer& signer, std::string_view name, std::uint64_t sequence,
                   rt::WallMs expires_ms, BytesView value);

/// Reads a value and checks that the publisher that the key names signed it for this key. Does not
/// look at the time. Error: invalid_record.
Result<ContentRecord> open_content(BytesView key, BytesView sealed);

/// Values of "/vivim/content/": signed by whom the key names, not expired and not for longer than
/// k_content_life_max; the highest sequence number is the best, then the latest expiry, then the
/// larger bytes.
class ContentValidator final : public Validator {
 public:
  Result<void> validate(BytesView key, BytesView value, rt::WallMs wall) const override;
  bool better(BytesView key, BytesView value, BytesView other) const override;
};

/// Longest time that a record may be valid for.
inline constexpr std::chrono::hours k_content_life_max{24 * 30};

}  // namespace vivim::libp2p::kad
