#include "vivim/multiformats/error.hpp"

#include <array>

namespace vivim::multiformats {
namespace {

constexpr std::array k_infos{
    ErrorInfo{"empty", "nothing where a value must be"},
    ErrorInfo{"truncated", "the input ends too early, after byte"},
    ErrorInfo{"trailing_bytes", "bytes follow the end, at byte"},
    ErrorInfo{"too_long", "longer than the limit"},
    ErrorInfo{"bad_character", "a character that does not belong here, at position"},
    ErrorInfo{"not_canonical", "not the canonical encoding"},
    ErrorInfo{"unknown_base", "unknown multibase prefix"},
    ErrorInfo{"unknown_hash", "unknown hash function"},
    ErrorInfo{"bad_digest_length", "the digest's length does not fit its hash function"},
    ErrorInfo{"bad_cid_version", "not a CID version 0 or 1"},
    ErrorInfo{"unknown_protocol", "unknown protocol in a multiaddr, at position"},
    ErrorInfo{"missing_value", "a protocol in a multiaddr lacks its value, at position"},
    ErrorInfo{"bad_value", "a protocol in a multiaddr has a wrong value, at position"},
    ErrorInfo{"no_leading_slash", "a multiaddr starts with a slash"},
    ErrorInfo{"no_endpoint", "the multiaddr does not begin with a host and a port", Blame::local},
    ErrorInfo{"not_a_peer_id", "not a peer id"},
    ErrorInfo{"bad_key", "not a key as libp2p encodes it"},
    ErrorInfo{"unsupported_key_type", "keys of this type are not supported for this"},
};

}  // namespace

const ErrorDomain& error_domain(MultiformatsError) {
  static constexpr ErrorDomain k_domain{
      "multiformats", [](int code) -> ErrorInfo {
        const auto index = static_cast<std::size_t>(code);
        return index < k_infos.size() ? k_infos[index]
                                      : ErrorInfo{"unknown", "unknown error", Blame::local};
      }};
  return k_domain;
}

}  // namespace vivim::multiformats
