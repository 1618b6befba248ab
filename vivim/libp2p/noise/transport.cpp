#include "vivim/libp2p/noise/transport.hpp"

#include <algorithm>
#include <cstring>
#include <limits>

#include "vivim/base/assert.hpp"
#include "vivim/libp2p/noise/xx.hpp"

namespace vivim::libp2p::noise {
namespace {

/// The last nonce is reserved (Noise section 5.1).
constexpr std::uint64_t k_nonce_reserved = std::numeric_limits<std::uint64_t>::max();

std::size_t frame_count(std::size_t plaintext_size, std::size_t frame_plaintext) {
  VIVIM_ASSERT(frame_plaintext > 0 && frame_plaintext <= k_frame_plaintext_max);
  return (plaintext_size + frame_plaintext - 1) / frame_plaintext;
}

}  // namespace

std::size_t Sender::sealed_size(std::size_t plaintext_size, std::size_t frame_plaintext) {
  return plaintext_size + frame_count(plaintext_size, frame_plaintext) * k_frame_overhead_bytes;
}

Result<void> Sender::seal_frame(MutableBytes frame) {
  VIVIM_ASSERT(frame.size() > k_frame_overhead_bytes &&
               frame.size() <= k_frame_header_bytes + k_frame_body_max);
  if (nonce_ == k_nonce_reserved) {
    return fail(NoiseError::nonces_exhausted);
  }
  const MutableBytes body = frame.subspan(k_frame_header_bytes);
  store_be16(frame, static_cast<std::uint16_t>(body.size()));
  key_.seal(nonce_of(nonce_++), {}, body.first(body.size() - crypto::k_aead_tag_bytes), body);
  return {};
}

Result<void> Sender::seal(BytesView plaintext, Bytes& out, std::size_t frame_plaintext) {
  if (frame_count(plaintext.size(), frame_plaintext) > k_nonce_reserved - nonce_) {
    return fail(NoiseError::nonces_exhausted);
  }
  std::size_t at = out.size();
  out.resize(at + sealed_size(plaintext.size(), frame_plaintext));
  while (!plaintext.empty()) {
    const BytesView piece = plaintext.first(std::min(plaintext.size(), frame_plaintext));
    const MutableBytes frame = MutableBytes(out).subspan(at, piece.size() + k_frame_overhead_bytes);
    std::ranges::copy(piece, frame.subspan(k_frame_header_bytes).begin());
    VIVIM_TRYV(seal_frame(frame));
    at += frame.size();
    plaintext = plaintext.subspan(piece.size());
  }
  return {};
}

MutableBytes Receiver::prepare(std::size_t wanted) {
  if (begin_ > 0) {
    std::memmove(buffer_.data(), buffer_.data() + begin_, buffered());
    end_ = buffered();
    begin_ = 0;
  }
  const std::size_t whole = frame_size().value_or(0);
  wanted = std::min(std::max(wanted, whole - std::min(whole, end_)), k_receive_buffer_max - end_);
  if (buffer_.size() < end_ + wanted) {
    buffer_.resize(end_ + wanted);
  }
  return MutableBytes(buffer_).subspan(end_, wanted);
}

void Receiver::commit(std::size_t size) {
  VIVIM_ASSERT(size <= buffer_.size() - end_);
  end_ += size;
}

std::size_t Receiver::feed(BytesView chunk) {
  const MutableBytes room = prepare(chunk.size());
  const std::size_t size = std::min(room.size(), chunk.size());
  std::ranges::copy(chunk.first(size), room.begin());
  commit(size);
  return size;
}

std::optional<std::size_t> Receiver::frame_size() const {
  if (buffered() < k_frame_header_bytes) {
    return std::nullopt;
  }
  return k_frame_header_bytes + load_be16(BytesView(buffer_).subspan(begin_));
}

Result<std::optional<BytesView>> Receiver::next() {
  while (!failed_) {
    const auto size = frame_size();
    if (size && *size < k_frame_overhead_bytes) {
      failed_ = Error(NoiseError::frame_too_short, *size - k_frame_header_bytes);
      break;
    }
    if (!size || buffered() < *size) {
      return std::nullopt;
    }
    auto plaintext = open_frame(*size);
    if (!plaintext) {
      failed_ = plaintext.error();
    } else if (!(*plaintext)->empty()) {
      return plaintext;
    }
  }
  return fail(*failed_);
}

Result<std::optional<BytesView>> Receiver::open_frame(std::size_t size) {
  if (nonce_ == k_nonce_reserved) {
    return fail(NoiseError::nonces_exhausted);
  }
  const MutableBytes sealed =
      MutableBytes(buffer_).subspan(begin_ + k_frame_header_bytes, size - k_frame_header_bytes);
  const MutableBytes plaintext = sealed.first(sealed.size() - crypto::k_aead_tag_bytes);
  if (!key_.open(nonce_of(nonce_), {}, sealed, plaintext)) {
    return fail(NoiseError::cannot_decrypt, nonce_);
  }
  ++nonce_;
  begin_ += size;
  return BytesView(plaintext);
}

void Receiver::release() {
  if (buffered() == 0) {
    buffer_ = Bytes();  // "= {}" would keep its memory
    begin_ = 0;
    end_ = 0;
  }
}

}  // namespace vivim::libp2p::noise
