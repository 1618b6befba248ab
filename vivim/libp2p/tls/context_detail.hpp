#pragma once

#include "vivim/libp2p/tls/context.hpp"
#include "vivim/libp2p/tls/openssl_detail.hpp"

namespace vivim::libp2p::tls {

struct Context::State {
  detail::Openssl<SSL_CTX> openssl;
  bool checks_name = false;  ///< a client that trusts authorities: the server's name counts
};

}  // namespace vivim::libp2p::tls
