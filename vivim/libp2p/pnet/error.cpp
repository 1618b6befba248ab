#include "vivim/libp2p/pnet/error.hpp"

#include <array>

namespace vivim::libp2p::pnet {
namespace {

constexpr std::array k_infos{
    ErrorInfo{"bad_key_file", "not a key file of a private network (line)", Blame::local},
    ErrorInfo{"wrong_key", "the peer is not in this private network: its key is another one"},
    ErrorInfo{"public_network", "the peer is in no private network"},
    ErrorInfo{"not_private", "this transport cannot be part of a private network", Blame::local},
};

}  // namespace

const ErrorDomain& error_domain(PnetError) {
  static constexpr ErrorDomain k_domain{
      "pnet", [](int code) -> ErrorInfo {
        const auto index = static_cast<std::size_t>(code);
        return index < k_infos.size() ? k_infos[index]
                                      : ErrorInfo{"unknown", "unknown error", Blame::local};
      }};
  return k_domain;
}

}  // namespace vivim::libp2p::pnet
