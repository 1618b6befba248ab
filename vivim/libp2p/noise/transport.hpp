#pragma once

#include <cstdint>
#include <optional>

#include "vivim/base/bytes.hpp"
#include "vivim/crypto/aead.hpp"
#include "vivim/libp2p/noise/error.hpp"

namespace vivim::libp2p::noise {

/// A frame is a big-endian u16 length, then that many bytes: sealed plaintext and tag (specs/noise,
/// wire format).
inline constexpr std::size_t k_frame_header_bytes = 2;
inline constexpr std::size_t k_frame_body_max = 65535;
inline constexpr std::size_t k_frame_plaintext_max = k_frame_body_max - crypto::k_aead_tag_bytes;
/// What one frame carries unless told otherwise: fits the caches, while larger frames do not seal
/// faster.
inline constexpr std::size_t k_frame_plaintext_default = std::size_t{32} * 1024;

/// Most sealed bytes that a Receiver holds: less than one whole frame, and room to read another
/// behind it.
inline constexpr std::size_t k_receive_buffer_max = 2 * (k_frame_header_bytes + k_frame_body_max);

/// What a frame is larger than its plaintext.
inline constexpr std::size_t k_frame_overhead_bytes =
    k_frame_header_bytes + crypto::k_aead_tag_bytes;

/// Seals the bytes of one direction into frames.
class Sender {
 public:
  /// `first_nonce` is 0 except in tests.
  explicit Sender(const crypto::AeadKey& key, std::uint64_t first_nonce = 0)
      : key_(crypto::Aead::chacha20_poly1305, key), nonce_(first_nonce) {}

  /// How many bytes `seal` appends for this much plaintext.
  static std::size_t sealed_size(std::size_t plaintext_size,
                                 std::size_t frame_plaintext = k_frame_plaintext_default);

  /// Seals what lies in `frame` between k_frame_header_bytes and a tag's size before its end, and
  /// writes header and tag around it. Fails with nonces_exhausted.
  Result<void> seal_frame(MutableBytes frame);

  /// Appends `plaintext`, cut into frames of at most `frame_plaintext` bytes of it, to `out`:
  /// several frames for one write to the socket. `out` may not overlap `plaintext`. Fails with
  /// nonces_exhausted, and appends nothing then.
  Result<void> seal(BytesView plaintext, Bytes& out,
                    std::size_t frame_plaintext = k_frame_plaintext_default);

 private:
  crypto::SealingKey key_;
  std::uint64_t nonce_;
};

/// Opens the frames of one direction, as their bytes come in. Reading goes without a copy:
/// `prepare` gives room to read into, `commit` says how much came, `next` opens frames where they
/// lie. After an error every call of `next` fails with it.
class Receiver {
 public:
  explicit Receiver(const crypto::AeadKey& key, std::uint64_t first_nonce = 0)
      : key_(crypto::Aead::chacha20_poly1305, key), nonce_(first_nonce) {}

  /// Room for the next bytes from the peer, `wanted` of them or what the frame under way lacks, if
  /// that is more. Smaller, or empty, only when frames wait in the buffer that `next` was not asked
  /// for. Ends the life of views from `next`.
  MutableBytes prepare(std::size_t wanted = std::size_t{16} * 1024);
  /// The first `size` bytes of what `prepare` gave were filled.
  void commit(std::size_t size);
  /// Copies as much of `chunk` as there is room for, and says how much that was: `prepare` and
  /// `commit` in one.
  std::size_t feed(BytesView chunk);

  /// The plaintext of the next frame, never empty, valid until the next call of any other function;
  /// nothing when more bytes are needed. Fails with frame_too_short, cannot_decrypt or
  /// nonces_exhausted.
  Result<std::optional<BytesView>> next();

  /// Sealed bytes that wait here. At the end of the stream not 0: a frame was cut off.
  std::size_t buffered() const { return end_ - begin_; }
  /// Memory of the buffer.
  std::size_t held_bytes() const { return buffer_.capacity(); }
  /// Gives the buffer's memory back when nothing waits in it, for a connection that rests.
  void release();

 private:
  /// The size of the frame at the front, once its header is here.
  std::optional<std::size_t> frame_size() const;
  Result<std::optional<BytesView>> open_frame(std::size_t size);

  crypto::OpeningKey key_;
  std::uint64_t nonce_;
  Bytes buffer_;
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
  std::optional<Error> failed_;
};

}  // namespace vivim::libp2p::noise
