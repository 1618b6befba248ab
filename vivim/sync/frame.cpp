#include "vivim/sync/frame.hpp"

#include <algorithm>
#include <utility>

#include "vivim/base/varint.hpp"
#include "vivim/crdt/lib0.hpp"

namespace vivim::sync {

namespace {

using crdt::lib0::Decoder;
using crdt::lib0::Encoder;

/// Channel numbers stay below this, so that they fit everywhere.
constexpr std::uint64_t k_channel_max = 0x7fff'ffff;

void channel(Encoder& out, ChannelId id) {
  out.var_uint(value_of(id));
}

void encode(Encoder& out, const HelloFrame& frame) {
  out.var_uint(0);
  out.var_uint(frame.version);
  out.var_bytes(frame.nonce);
  out.var_string(frame.agent);
}

void encode(Encoder& out, const OpenFrame& frame) {
  out.var_uint(1);
  channel(out, frame.channel);
  out.var_bytes(frame.document.view());
  out.var_bytes(frame.grant.view());
  out.var_bytes(frame.proof);
  if (!frame.state.empty()) {  // earlier versions end here
    out.var_bytes(frame.state);
  }
}

void encode(Encoder& out, const OpenedFrame& frame) {
  out.var_uint(2);
  channel(out, frame.channel);
  out.var_bytes(frame.proof);
  out.var_uint(frame.access);
}

void encode(Encoder& out, const CloseFrame& frame) {
  out.var_uint(3);
  channel(out, frame.channel);
  out.var_uint(std::to_underlying(frame.reason));
  out.var_string(frame.detail);
}

void encode(Encoder& out, const SyncFrame& frame) {
  out.var_uint(4);
  channel(out, frame.channel);
  crdt::protocol::write_sync(out, frame.message.type, frame.message.payload);
}

void encode(Encoder& out, const AwarenessFrame& frame) {
  out.var_uint(5);
  channel(out, frame.channel);
  out.var_bytes(frame.update);
}

void encode(Encoder& out, const DurableFrame& frame) {
  out.var_uint(6);
  channel(out, frame.channel);
  out.var_bytes(frame.state_vector);
}

void encode(Encoder& out, const WantFrame& frame) {
  out.var_uint(7);
  channel(out, frame.channel);
  out.var_uint(frame.blobs.size());
  for (const auto& blob : frame.blobs) {
    out.var_bytes(blob.cid());
  }
}

void encode(Encoder& out, const BlockFrame& frame) {
  out.var_uint(8);
  channel(out, frame.channel);
  out.var_bytes(frame.blob.cid());
  out.var_uint(frame.bytes ? 1 : 0);
  out.var_bytes(frame.bytes.value_or(BytesView{}));
}

void encode(Encoder& out, const ByeFrame& frame) {
  out.var_uint(9);
  out.var_uint(std::to_underlying(frame.reason));
  out.var_string(frame.detail);
}

void encode(Encoder& out, const SignedFrame& frame) {
  out.var_uint(10);
  channel(out, frame.channel);
  out.var_bytes(frame.envelope);
}

void encode(Encoder& out, const DeniedFrame& frame) {
  out.var_uint(11);
  channel(out, frame.channel);
  out.var_string(frame.reason);
}

void encode(Encoder& out, const UnknownFrame& frame) {
  out.var_uint(frame.type);
}

Result<ChannelId> read_channel(Decoder& in) {
  VIVIM_TRY(const auto number, in.var_uint(k_channel_max));
  return ChannelId{static_cast<std::uint32_t>(number)};
}

Result<Reason> read_reason(Decoder& in) {
  VIVIM_TRY(const auto number, in.var_uint());
  return number <= std::to_underlying(Reason::internal)
             ? static_cast<Reason>(static_cast<std::uint8_t>(number))
             : Reason::internal;
}

Result<std::string_view> read_text(Decoder& in) {
  VIVIM_TRY(const auto text, in.var_string());
  if (text.size() > k_text_bytes_max) {
    return fail(SyncError::bad_frame, text.size());
  }
  return text;
}

Result<Frame> read_hello(Decoder& in) {
  HelloFrame frame;
  VIVIM_TRY(frame.version, in.var_uint());
  if (frame.version != 1) {
    return fail(SyncError::bad_version, frame.version);
  }
  VIVIM_TRY(const auto nonce, in.var_bytes());
  if (nonce.size() != k_nonce_bytes) {
    return fail(SyncError::bad_frame, 0);
  }
  std::ranges::copy(nonce, frame.nonce.begin());
  VIVIM_TRY(frame.agent, read_text(in));
  return frame;
}

Result<BytesView> read_proof(Decoder& in) {
  VIVIM_TRY(const auto proof, in.var_bytes());
  if (proof.size() != k_proof_bytes) {
    return fail(SyncError::bad_frame, proof.size());
  }
  return proof;
}

Result<Frame> read_open(Decoder& in) {
  OpenFrame frame;
  VIVIM_TRY(frame.channel, read_channel(in));
  VIVIM_TRY(const auto document, in.var_bytes());
  VIVIM_TRY(frame.document, store::DocumentId::from_bytes(document));
  VIVIM_TRY(const auto grant, in.var_bytes());
  VIVIM_TRY(frame.grant, store::GrantId::from_bytes(grant));
  VIVIM_TRY(frame.proof, read_proof(in));
  if (!in.at_end()) {
    VIVIM_TRY(frame.state, in.var_bytes());
    if (frame.state.size() > k_open_state_bytes_max) {
      return fail(SyncError::bad_frame, frame.state.size());
    }
  }
  return frame;
}

Result<Frame> read_opened(Decoder& in) {
  OpenedFrame frame;
  VIVIM_TRY(frame.channel, read_channel(in));
  VIVIM_TRY(frame.proof, read_proof(in));
  VIVIM_TRY(frame.access, in.var_uint());
  return frame;
}

Result<Frame> read_close(Decoder& in) {
  CloseFrame frame;
  VIVIM_TRY(frame.channel, read_channel(in));
  VIVIM_TRY(frame.reason, read_reason(in));
  VIVIM_TRY(frame.detail, read_text(in));
  return frame;
}

Result<Frame> read_sync_frame(Decoder& in) {
  SyncFrame frame;
  VIVIM_TRY(frame.channel, read_channel(in));
  VIVIM_TRY(frame.message, crdt::protocol::read_sync(in));
  return frame;
}

Result<Frame> read_awareness(Decoder& in) {
  AwarenessFrame frame;
  VIVIM_TRY(frame.channel, read_channel(in));
  VIVIM_TRY(frame.update, in.var_bytes());
  return frame;
}

Result<Frame> read_durable(Decoder& in) {
  DurableFrame frame;
  VIVIM_TRY(frame.channel, read_channel(in));
  VIVIM_TRY(frame.state_vector, in.var_bytes());
  return frame;
}

Result<Frame> read_want(Decoder& in) {
  WantFrame frame;
  VIVIM_TRY(frame.channel, read_channel(in));
  VIVIM_TRY(const auto count, in.var_uint());
  if (count > k_want_blocks_max) {
    return fail(SyncError::bad_frame, 7);
  }
  for (std::uint64_t i = 0; i < count; ++i) {
    VIVIM_TRY(const auto cid, in.var_bytes());
    VIVIM_TRY(const auto blob, store::BlobId::from_cid(cid));
    frame.blobs.push_back(blob);
  }
  return frame;
}

Result<Frame> read_block(Decoder& in) {
  BlockFrame frame;
  VIVIM_TRY(frame.channel, read_channel(in));
  VIVIM_TRY(const auto cid, in.var_bytes());
  VIVIM_TRY(frame.blob, store::BlobId::from_cid(cid));
  VIVIM_TRY(const auto found, in.var_uint(1));
  VIVIM_TRY(const auto bytes, in.var_bytes());
  if (found == 1) {
    frame.bytes = bytes;
  }
  return frame;
}

Result<Frame> read_bye(Decoder& in) {
  ByeFrame frame;
  VIVIM_TRY(frame.reason, read_reason(in));
  VIVIM_TRY(frame.detail, read_text(in));
  return frame;
}

Result<Frame> read_signed(Decoder& in) {
  SignedFrame frame;
  VIVIM_TRY(frame.channel, read_channel(in));
  VIVIM_TRY(frame.envelope, in.var_bytes());
  return frame;
}

Result<Frame> read_denied(Decoder& in) {
  DeniedFrame frame;
  VIVIM_TRY(frame.channel, read_channel(in));
  VIVIM_TRY(frame.reason, read_text(in));
  return frame;
}

Result<Frame> read_body(std::uint64_t type, Decoder& in) {
  switch (type) {
    case 0:
      return read_hello(in);
    case 1:
      return read_open(in);
    case 2:
      return read_opened(in);
    case 3:
      return read_close(in);
    case 4:
      return read_sync_frame(in);
    case 5:
      return read_awareness(in);
    case 6:
      return read_durable(in);
    case 7:
      return read_want(in);
    case 8:
      return read_block(in);
    case 9:
      return read_bye(in);
    case 10:
      return read_signed(in);
    case 11:
      return read_denied(in);
    default:
      return UnknownFrame{type};
  }
}

}  // namespace

void append_frame(Bytes& out, const Frame& frame) {
  Encoder body;
  std::visit([&body](const auto& value) { encode(body, value); }, frame);
  append_varint(out, body.size());
  append(out, body.view());
}

Result<Frame> decode_frame(BytesView body) {
  Decoder in(body);
  const auto type = in.var_uint();
  if (!type) {
    return fail(SyncError::bad_frame);
  }
  auto frame = read_body(*type, in);
  if (!frame && !frame.error().is(SyncError::bad_version)) {
    return fail(SyncError::bad_frame, *type);
  }
  return frame;
}

void FrameReader::feed(BytesView bytes) {
  if (read_ > 0) {
    buffer_.erase(buffer_.begin(), buffer_.begin() + static_cast<std::ptrdiff_t>(read_));
    read_ = 0;
  }
  append(buffer_, bytes);
}

Result<std::optional<BytesView>> FrameReader::next(std::size_t bytes_max) {
  const auto unread = BytesView(buffer_).subspan(read_);
  const auto length = decode_varint(unread);
  if (!length) {
    if (length.error().is(VarintError::truncated)) {
      return std::optional<BytesView>();
    }
    return fail(SyncError::bad_frame);
  }
  if (length->value > bytes_max) {
    return fail(SyncError::frame_too_large, length->value);
  }
  if (unread.size() - length->size < length->value) {
    return std::optional<BytesView>();
  }
  read_ += length->size + length->value;
  return std::optional<BytesView>(unread.subspan(length->size, length->value));
}

}  // namespace vivim::sync
