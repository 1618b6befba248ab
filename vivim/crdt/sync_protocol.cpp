#include "vivim/crdt/sync_protocol.hpp"

namespace vivim::crdt::protocol {

void write_sync(lib0::Encoder& out, SyncType type, BytesView payload) {
  out.var_uint(static_cast<std::uint64_t>(type));
  out.var_bytes(payload);
}

Bytes encode_sync(SyncType type, BytesView payload) {
  lib0::Encoder out;
  write_sync(out, type, payload);
  return out.take();
}

Result<SyncMessage> read_sync(lib0::Decoder& in) {
  VIVIM_TRY(const std::uint64_t type, in.var_uint());
  if (type > static_cast<std::uint64_t>(SyncType::update)) {
    return fail(CrdtError::bad_message, type);
  }
  VIVIM_TRY(const BytesView payload, in.var_bytes());
  return SyncMessage{.type = static_cast<SyncType>(type), .payload = payload};
}

Bytes websocket_sync(SyncType type, BytesView payload) {
  lib0::Encoder out;
  out.var_uint(static_cast<std::uint64_t>(WebsocketType::sync));
  write_sync(out, type, payload);
  return out.take();
}

Bytes websocket_awareness(BytesView awareness_update) {
  lib0::Encoder out;
  out.var_uint(static_cast<std::uint64_t>(WebsocketType::awareness));
  out.var_bytes(awareness_update);
  return out.take();
}

Bytes websocket_denied(std::string_view reason) {
  lib0::Encoder out;
  out.var_uint(static_cast<std::uint64_t>(WebsocketType::auth));
  out.var_uint(0);
  out.var_string(reason);
  return out.take();
}

}  // namespace vivim::crdt::protocol
