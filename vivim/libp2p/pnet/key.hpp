#pragma once

#include <string>

#include "vivim/base/bytes.hpp"
#include "vivim/crypto/random.hpp"
#include "vivim/crypto/xsalsa20.hpp"
#include "vivim/libp2p/pnet/error.hpp"

namespace vivim::libp2p::pnet {

/// Longest key file that is read.
inline constexpr std::size_t k_key_file_bytes_max = 256;

/// The key that all members of a private network share (libp2p/specs pnet).
class PreSharedKey {
 public:
  static PreSharedKey generate(const crypto::RandomSource& random);
  /// Reads a key file ("swarm.key"): "/key/swarm/psk/1.0.0/", then "/base16/", "/base64/" or
  /// "/bin/", then the 32 bytes so encoded; white space may follow. Fails with bad_key_file.
  static Result<PreSharedKey> parse(BytesView file);

  PreSharedKey clone() const { return PreSharedKey(key_.clone()); }
  /// The key file, in base16. Secret.
  crypto::SecretBytes to_file() const;
  /// 32 hexadecimal digits by which people compare keys, and that say nothing about the key: what
  /// kubo prints as the swarm key's fingerprint.
  std::string fingerprint() const;
  const crypto::XSalsa20Key& secret() const { return key_; }

 private:
  explicit PreSharedKey(crypto::XSalsa20Key key) : key_(std::move(key)) {}

  crypto::XSalsa20Key key_;
};

}  // namespace vivim::libp2p::pnet
