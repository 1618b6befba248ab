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
};

}  // namespace vivim::libp2p::quic
