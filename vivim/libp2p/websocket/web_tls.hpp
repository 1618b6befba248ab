#pragma once

#include <memory>
#include <string>

#include "vivim/libp2p/tls/context.hpp"
#include "vivim/libp2p/websocket/tls_layer.hpp"
#include "vivim/rt/clock.hpp"
#include "vivim/rt/disk.hpp"

namespace vivim::libp2p::websocket {

/// Largest file of certificates or keys that is read.
inline constexpr std::size_t k_pem_bytes_max = std::size_t{1} << 20;

/// Only used while a WebTls is made.
struct WebTlsOptions {
  std::string_view chain_pem;  ///< our certificate and those up to an authority; empty: only dials
  std::string_view key_pem;    ///< its private key
  tls::Trust trust = {};       ///< whose certificates we take when we dial
};

/// TLS 1.3 as the web has it: certificates for names, from authorities.
class WebTls final : public TlsLayer {
 public:
  /// Error: TlsError::bad_configuration.
  static Result<std::unique_ptr<WebTls>> make(const WebTlsOptions& options, rt::Clock& clock);
  /// With certificate and key from files. Errors: the disk's, RtError::limit, bad_configuration.
  static Result<std::unique_ptr<WebTls>> from_files(rt::Disk& disk, std::string_view chain_path,
                                                    std::string_view key_path, tls::Trust trust,
                                                    rt::Clock& clock);

  bool can_serve() const override { return server_ != nullptr; }
  rt::Co<Result<std::unique_ptr<rt::Stream>>> connect(std::unique_ptr<rt::Stream> transport,
                                                      std::string server_name) override;
  rt::Co<Result<std::unique_ptr<rt::Stream>>> serve(std::unique_ptr<rt::Stream> transport) override;

 private:
  explicit WebTls(rt::Clock& clock) : clock_(clock) {}

  rt::Clock& clock_;
  std::shared_ptr<const tls::Context> client_;
  std::shared_ptr<const tls::Context> server_;
};

}  // namespace vivim::libp2p::websocket
