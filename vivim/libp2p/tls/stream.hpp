#pragma once

#include <memory>

#include "vivim/libp2p/tls/session.hpp"
#include "vivim/libp2p/transport/batch_buffer.hpp"
#include "vivim/libp2p/transport/security.hpp"
#include "vivim/rt/stream.hpp"

namespace vivim::libp2p::tls {

/// A transport secured by TLS. Many records go out in one write, and are opened many at a time.
class TlsStream final : public FrameStream {
 public:
  /// `session` is established, and has nothing to transmit.
  TlsStream(std::unique_ptr<rt::Stream> transport, Session session);

  /// The plaintext of the next records, at most 64 KiB. Errors: the transport's, TlsError's,
  /// RtError::end_of_stream when the transport ended without close_notify.
  rt::Co<Result<BytesView>> read_frame() override;
  rt::Co<Result<std::size_t>> write_frames(FrameSource& source) override;
  rt::Co<Result<std::size_t>> read_some(MutableBytes into) override;
  rt::Co<Result<void>> write(BytesView bytes) override;
  /// Sends close_notify, or the alert for what the peer did wrong, and closes the transport's
  /// writing side.
  rt::Co<Result<void>> close_write() override;
  void reset(std::uint32_t reason) override { transport_->reset(reason); }
  std::size_t held_bytes() const override {
    return session_.held_bytes() + batch_.held_bytes() + sealed_.capacity();
  }
  void trim() override;

  const Session& session() const { return session_; }

 private:
  rt::Co<Result<void>> send_sealed();

  std::unique_ptr<rt::Stream> transport_;
  Session session_;
  BytesView unread_;
  BatchBuffer batch_;
  Bytes sealed_;
  std::size_t read_bytes_wanted_;
  bool writing_ = false;
};

/// The handshake of `session` over `transport`; a refused peer is told why by an alert. No deadline
/// here: the caller resets the transport, which it may keep a pointer to until this returns or,
/// later, until the stream goes. Errors: the transport's, the session's, RtError::end_of_stream.
///
///   auto stream = co_await shake_hands(std::move(tcp), Session(context, {.server_name =
///   "a.org"}));
rt::Co<Result<std::unique_ptr<TlsStream>>> shake_hands(std::unique_ptr<rt::Stream> transport,
                                                       Session session);

}  // namespace vivim::libp2p::tls
