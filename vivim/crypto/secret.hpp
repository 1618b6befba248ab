#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <utility>

#include "vivim/base/assert.hpp"
#include "vivim/base/bytes.hpp"

namespace vivim::crypto {

/// Overwrites `bytes` with zeros; the compiler may not leave it out.
void wipe(MutableBytes bytes) noexcept;

/// True when both hold the same bytes. The time taken depends on the sizes only, never on the
/// contents.
[[nodiscard]] bool equal(BytesView a, BytesView b) noexcept;

/// `N` bytes that nobody may see: wiped when destroyed or moved from, never copied by accident,
/// never printed.
template <std::size_t N>
class Secret {
 public:
  static constexpr std::size_t k_bytes = N;

  /// All zeros, to be filled through `writable()`.
  Secret() = default;
  /// Copies `bytes`, which must be exactly N long. The caller wipes its own copy.
  explicit Secret(BytesView bytes) {
    VIVIM_ASSERT(bytes.size() == N);
    std::ranges::copy(bytes, bytes_.begin());
  }
  Secret(Secret&& other) noexcept : bytes_(other.bytes_) { wipe(other.bytes_); }
  Secret& operator=(Secret&& other) noexcept {
    if (this != &other) {
      bytes_ = other.bytes_;
      wipe(other.bytes_);
    }
    return *this;
  }
  Secret(const Secret&) = delete;
  Secret& operator=(const Secret&) = delete;
  ~Secret() { wipe(bytes_); }

  /// A second copy, where one is truly needed.
  Secret clone() const { return Secret(view()); }

  BytesView view() const { return bytes_; }
  MutableBytes writable() { return bytes_; }

 private:
  std::array<std::uint8_t, N> bytes_{};
};

/// Constant-time comparison. There is deliberately no operator==.
template <std::size_t N>
[[nodiscard]] bool equal(const Secret<N>& a, const Secret<N>& b) noexcept {
  return equal(a.view(), b.view());
}

/// Secret bytes of a length known at run time; otherwise as Secret.
class SecretBytes {
 public:
  SecretBytes() = default;
  /// `size` zeros, to be filled through `writable()`.
  explicit SecretBytes(std::size_t size) : bytes_(size) {}
  /// Copies `bytes`. The caller wipes its own copy.
  explicit SecretBytes(BytesView bytes) : bytes_(bytes.begin(), bytes.end()) {}
  SecretBytes(SecretBytes&& other) noexcept : bytes_(std::exchange(other.bytes_, {})) {}
  SecretBytes& operator=(SecretBytes&& other) noexcept {
    if (this != &other) {
      wipe(bytes_);
      bytes_ = std::exchange(other.bytes_, {});
    }
    return *this;
  }
  SecretBytes(const SecretBytes&) = delete;
  SecretBytes& operator=(const SecretBytes&) = delete;
  ~SecretBytes() { wipe(bytes_); }

  std::size_t size() const { return bytes_.size(); }
  BytesView view() const { return bytes_; }
  MutableBytes writable() { return bytes_; }

 private:
  Bytes bytes_;
};

}  // namespace vivim::crypto
