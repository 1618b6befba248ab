#include "vivim/libp2p/yamux/frame.hpp"

#include "vivim/base/assert.hpp"
#include "vivim/libp2p/yamux/error.hpp"

namespace vivim::libp2p::yamux {

void encode_header(MutableBytes at, const Header& header) {
  VIVIM_ASSERT(at.size() >= k_header_bytes);
  at[0] = 0;
  at[1] = static_cast<std::uint8_t>(header.type);
  store_be16(at.subspan(2), header.flags);
  store_be32(at.subspan(4), header.stream);
  store_be32(at.subspan(8), header.length);
}

Result<Header> decode_header(BytesView in) {
  VIVIM_ASSERT(in.size() >= k_header_bytes);
  if (in[0] != 0) {
    return fail(YamuxError::bad_version, in[0]);
  }
  if (in[1] > static_cast<std::uint8_t>(FrameType::go_away)) {
    return fail(YamuxError::bad_type, in[1]);
  }
  const Header header{.type = static_cast<FrameType>(in[1]),
                      .flags = load_be16(in.subspan(2)),
                      .stream = load_be32(in.subspan(4)),
                      .length = load_be32(in.subspan(8))};
  const bool is_session = header.type == FrameType::ping || header.type == FrameType::go_away;
  if (is_session != (header.stream == 0)) {
    return fail(YamuxError::bad_stream_id, header.stream);
  }
  return header;
}

}  // namespace vivim::libp2p::yamux
