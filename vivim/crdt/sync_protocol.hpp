#pragma once

#include "vivim/base/bytes.hpp"
#include "vivim/base/result.hpp"
#include "vivim/crdt/error.hpp"
#include "vivim/crdt/lib0.hpp"

/// The sync messages of y-protocols (sync.js), without the outer frame that y-websocket or
/// /vivim/sync put around them.
namespace vivim::crdt::protocol {

enum class SyncType : std::uint8_t {
  step1 = 0,   ///< "this is my state vector": answer with step2
  step2 = 1,   ///< an update with what the state vector lacked
  update = 2,  ///< an update as it was made
};

/// A message; `payload` borrows from the input.
struct SyncMessage {
  SyncType type = SyncType::step1;
  BytesView payload;
};

/// Appends varUint type and varUint8Array payload.
void write_sync(lib0::Encoder& out, SyncType type, BytesView payload);

/// The message alone, as bytes.
Bytes encode_sync(SyncType type, BytesView payload);

/// Reads one message. Errors: truncated, number_too_large, bad_message.
Result<SyncMessage> read_sync(lib0::Decoder& in);

/// y-websocket's outer message types.
enum class WebsocketType : std::uint8_t { sync = 0, awareness = 1, auth = 2, query_awareness = 3 };

/// A whole binary WebSocket message: type 0 and a sync message.
Bytes websocket_sync(SyncType type, BytesView payload);

/// A whole binary WebSocket message: type 1 and an awareness update as varUint8Array.
Bytes websocket_awareness(BytesView awareness_update);

/// Type 2: permission denied with a reason for a person.
Bytes websocket_denied(std::string_view reason);

}  // namespace vivim::crdt::protocol
