#pragma once

#include <memory>
#include <optional>

#include "vivim/crypto/random.hpp"
#include "vivim/crypto/xsalsa20.hpp"
#include "vivim/libp2p/pnet/key.hpp"
#include "vivim/rt/stream.hpp"

namespace vivim::libp2p::pnet {

/// Plaintext that one write to the transport carries at most.
inline constexpr std::size_t k_batch_bytes_max = std::size_t{256} * 1024;

/// A transport of a private network: each direction is a nonce of 24 bytes and then enciphered by
/// XSalsa20 (libp2p/specs pnet). It authenticates nothing; the security protocol above does. The
/// nonce goes out with the first write, so it costs no round trip; before the first read if nothing
/// was written by then. No write may be under way when the first read begins.
///
/// What the peer sends first must be multistream's greeting: another key is recognised by that.
class PrivateStream final : public rt::Stream {
 public:
  PrivateStream(std::unique_ptr<rt::Stream> transport, const PreSharedKey& key,
                const crypto::RandomSource& random);

  /// Errors: the transport's; wrong_key and public_network, after which the transport is reset;
  /// RtError::end_of_stream inside the nonce.
  rt::Co<Result<std::size_t>> read_some(MutableBytes into) override;
  rt::Co<Result<void>> write(BytesView bytes) override;
  /// Sends the nonce if nothing was written.
  rt::Co<Result<void>> close_write() override;
  void reset(std::uint32_t reason) override { transport_->reset(reason); }

 private:
  rt::Co<Result<void>> send_nonce();
  rt::Co<Result<bool>> read_nonce();
  Result<void> check_greeting(BytesView plaintext);
  /// What goes out before everything else: the nonce, once.
  void take_nonce(Bytes& out);

  std::unique_ptr<rt::Stream> transport_;
  crypto::XSalsa20Key key_;
  crypto::XSalsa20Nonce nonce_{};
  crypto::XSalsa20 sending_;
  std::optional<crypto::XSalsa20> receiving_;
  Bytes enciphered_;
  std::size_t greeting_seen_ = 0;
  bool nonce_sent_ = false;
};

}  // namespace vivim::libp2p::pnet
