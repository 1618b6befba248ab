#pragma once

#include <gnutls/gnutls.h>

#include "vivim/libp2p/quic/credentials.hpp"

namespace vivim::libp2p::quic {

struct Credentials::Handle {
  Handle() = default;
  ~Handle();
  Handle(const Handle&) = delete;
  Handle& operator=(const Handle&) = delete;

  gnutls_certificate_credentials_t certificate = nullptr;
  gnutls_priority_t priorities = nullptr;  ///< parsed once: each handshake would otherwise
};

}  // namespace vivim::libp2p::quic
