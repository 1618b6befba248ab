#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>
#include <variant>
#include <vector>

#include "vivim/base/bytes.hpp"
#include "vivim/base/result.hpp"
#include "vivim/crdt/sync_protocol.hpp"
#include "vivim/store/ids.hpp"
#include "vivim/sync/error.hpp"

/// The frames of /vivim/sync (docs/protocol/sync.md#frames). Views borrow from the decoded
/// bytes.
namespace vivim::sync {

/// The longest frame, and the longest before the greeting is done.
inline constexpr std::size_t k_frame_bytes_max = (std::size_t{64} << 20) + (std::size_t{64} << 10);
inline constexpr std::size_t k_greeting_bytes_max = std::size_t{64} << 10;
/// Blocks asked for in one frame, and bytes of text in a greeting or a reason.
inline constexpr std::size_t k_want_blocks_max = 1024;
inline constexpr std::size_t k_text_bytes_max = 1024;
/// Of a sealed state vector in an `open`; a longer one comes when the document is open.
inline constexpr std::size_t k_open_state_bytes_max = std::size_t{16} << 10;

inline constexpr std::size_t k_nonce_bytes = 32;
using Nonce = std::array<std::uint8_t, k_nonce_bytes>;
inline constexpr std::size_t k_proof_bytes = 32;

/// One document on a stream; even: chosen by the peer that dialled it.
enum class ChannelId : std::uint32_t {};
constexpr std::uint32_t value_of(ChannelId id) {
  return static_cast<std::uint32_t>(id);
}

struct HelloFrame {
  std::uint64_t version = 1;
  Nonce nonce{};
  std::string_view agent;
};
struct OpenFrame {
  ChannelId channel{};
  store::DocumentId document;
  store::GrantId grant;
  BytesView proof;
  BytesView state;  ///< the opener's state vector, sealed; empty: it comes later
};
struct OpenedFrame {
  ChannelId channel{};
  BytesView proof;
  std::uint64_t access = 1;
};
struct CloseFrame {
  ChannelId channel{};
  Reason reason = Reason::done;
  std::string_view detail;
};
struct SyncFrame {
  ChannelId channel{};
  crdt::protocol::SyncMessage message;
};
struct AwarenessFrame {
  ChannelId channel{};
  BytesView update;
};
struct DurableFrame {
  ChannelId channel{};
  BytesView state_vector;
};
struct WantFrame {
  ChannelId channel{};
  std::vector<store::BlobId> blobs;
};
struct BlockFrame {
  ChannelId channel{};
  store::BlobId blob;
  std::optional<BytesView> bytes;  ///< nothing: the sender does not have it
};
struct ByeFrame {
  Reason reason = Reason::done;
  std::string_view detail;
};
/// An update with its author's signature (docs/protocol/envelope.md).
struct SignedFrame {
  ChannelId channel{};
  BytesView envelope;
};
/// An update was not taken; the channel stays.
struct DeniedFrame {
  ChannelId channel{};
  std::string_view reason;
};
/// A type of a later version: skipped.
struct UnknownFrame {
  std::uint64_t type = 0;
};

using Frame = std::variant<HelloFrame, OpenFrame, OpenedFrame, CloseFrame, SyncFrame,
                           AwarenessFrame, DurableFrame, WantFrame, BlockFrame, ByeFrame,
                           SignedFrame, DeniedFrame, UnknownFrame>;

/// Appends the frame with its length.
void append_frame(Bytes& out, const Frame& frame);

/// Decodes a frame's body (without its length). Errors: bad_frame, bad_version.
Result<Frame> decode_frame(BytesView body);

/// Cuts a stream of bytes into frame bodies. Holds at most one frame and what was fed last.
class FrameReader {
 public:
  /// Adds received bytes.
  void feed(BytesView bytes);
  /// The next whole body, valid until the next call; nothing when more bytes are needed.
  /// `bytes_max` is the limit in force now. Errors: frame_too_large, bad_frame (a length that is no
  /// varint).
  Result<std::optional<BytesView>> next(std::size_t bytes_max);

 private:
  Bytes buffer_;
  std::size_t read_ = 0;
};

}  // namespace vivim::sync
