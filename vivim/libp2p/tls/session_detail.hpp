#pragma once

#include "vivim/libp2p/tls/openssl_detail.hpp"
#include "vivim/libp2p/tls/session.hpp"

namespace vivim::libp2p::tls {

/// What OpenSSL's callbacks see of a session; its address is in the SSL's application data.
struct Session::State {
  std::shared_ptr<const Context> context;
  SessionOptions options;
  detail::Openssl<SSL> ssl;
  Bytes sealed;  ///< from the peer, [begin, end)
  std::size_t begin = 0;
  std::size_t end = 0;
  Bytes transmit;
  Bytes* sink = &transmit;  ///< where OpenSSL's output goes
  Bytes plaintext;
  std::size_t plaintext_wanted = k_record_plaintext_max;
  std::optional<multiformats::PublicKey> peer_key;
  std::optional<Error> refused;  ///< why we refused the peer's certificate
  std::optional<Error> failed;
  std::uint64_t records = 0;  ///< sent under the current key
  std::size_t handshake_bytes = 0;
  bool shrink = false;  ///< the next prepare() may begin with an empty buffer
  bool established = false;
  bool peer_closed = false;
  bool closed = false;

  Error take_error();
  Result<void> check_protocol() const;
  Result<void> shake();
  std::size_t open_records();
};

/// Everything that OpenSSL calls.
struct Callbacks {
  static Session::State& state_of(const SSL* ssl);
  /// A BIO that reads from State::sealed and appends to State::sink.
  static detail::Openssl<BIO> make_bio(Session::State& state);
  static int select_protocol(SSL* ssl, const unsigned char** out, unsigned char* out_size,
                             const unsigned char* in, unsigned in_size, void*);
  static int verify_libp2p(X509_STORE_CTX* store, void*);

 private:
  static int bio_read(BIO* bio, char* into, int size);
  static int bio_write(BIO* bio, const char* bytes, int size);
  static long bio_control(BIO* bio, int command, long number, void* pointer);
};

}  // namespace vivim::libp2p::tls
