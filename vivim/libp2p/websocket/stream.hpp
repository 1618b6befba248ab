#pragma once

#include <array>
#include <memory>
#include <optional>

#include "vivim/libp2p/websocket/error.hpp"
#include "vivim/rt/loop.hpp"
#include "vivim/rt/rng.hpp"
#include "vivim/rt/stream.hpp"
#include "vivim/rt/wait.hpp"
#include "vivim/websocket/frame.hpp"

namespace vivim::libp2p::websocket {

/// Largest frame that is read; its bytes pass through, no memory is taken for it.
inline constexpr std::uint64_t k_frame_bytes_max = std::uint64_t{16} << 20;
/// Largest payload that we put into one frame: peers that read whole messages start early.
inline constexpr std::size_t k_sent_payload_bytes_max = std::size_t{128} << 10;

/// Which end of the WebSocket this is: a client masks.
enum class Role : std::uint8_t { client, server };

/// The bytes of binary messages, one after the other, as a stream; message borders mean nothing.
///
/// Half-close as far as WebSocket has it: close_write() sends a close frame, after which the other
/// side's data is still read until its close frame comes. A close frame of the other side reads as
/// the end, and is answered by our own close_write(): what was being sent before still goes out.
/// Pings are answered while somebody reads. Payloads are unmasked where they were read to.
class WebSocketStream final : public rt::Stream {
 public:
  /// `transport` comes from a finished handshake, with what arrived behind it in front.
  WebSocketStream(std::unique_ptr<rt::Stream> transport, Role role, rt::Loop& loop, rt::Rng& rng);
  ~WebSocketStream() override;

  /// Errors: the transport's; end_of_stream inside a frame; those of websocket::FrameReader and
  /// text_message: these also close the connection.
  rt::Co<Result<std::size_t>> read_some(MutableBytes into) override;
  rt::Co<Result<void>> write(BytesView bytes) override;
  rt::Co<Result<void>> close_write() override;
  void reset(std::uint32_t reason = 0) override;

 private:
  class WriteTurn;

  std::size_t unpack(MutableBytes buffer, std::size_t size);
  Result<void> take_control(const vivim::websocket::Piece& piece);
  rt::Co<Result<std::size_t>> at_end();
  rt::Co<void> answer();
  rt::Co<Result<void>> flush_control();
  rt::Co<Result<void>> write_frame(vivim::websocket::Opcode opcode, BytesView payload);
  std::optional<vivim::websocket::Mask> next_mask();

  std::unique_ptr<rt::Stream> transport_;
  Role role_;
  rt::Rng& rng_;
  vivim::websocket::FrameReader reader_;
  rt::Event write_free_;
  Bytes out_;                    ///< the frame being written
  std::optional<Bytes> pong_;    ///< the last ping's payload, to be answered
  std::optional<Error> failed_;  ///< what the peer broke; told when what came before was read
  std::array<std::uint8_t, 64> random_{};
  std::size_t random_used_ = 64;
  bool writing_ = false;
  bool close_sent_ = false;
  bool close_received_ = false;
};

}  // namespace vivim::libp2p::websocket
