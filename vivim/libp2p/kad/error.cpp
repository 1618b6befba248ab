#include "vivim/libp2p/kad/error.hpp"

#include <array>

namespace vivim::libp2p::kad {

namespace {

/// In the order of KadError.
constexpr std::array k_infos{
    ErrorInfo{"malformed", "not a message of the DHT", Blame::peer},
    ErrorInfo{"unexpected", "an answer to something else", Blame::peer},
    ErrorInfo{"too_slow", "the peer did not answer in time", Blame::transient},
    ErrorInfo{"rate_limited", "the peer asks too often", Blame::peer},
    ErrorInfo{"not_its_own", "a peer may announce only itself as a provider", Blame::peer},
    ErrorInfo{"bad_key", "the key is empty or too long", Blame::peer},
    ErrorInfo{"unknown_namespace", "no validator for the key's namespace", Blame::peer},
    ErrorInfo{"invalid_record", "the value is not valid for its key", Blame::peer},
    ErrorInfo{"record_too_large", "the value is larger than the limit", Blame::peer},
    ErrorInfo{"record_expired", "the value has expired", Blame::transient},
    ErrorInfo{"worse_record", "a better value is known", Blame::peer},
    ErrorInfo{"no_room", "the store is full", Blame::transient},
    ErrorInfo{"too_many_messages", "too many messages on one stream", Blame::peer},
    ErrorInfo{"no_peers", "no node of the DHT is known: connect with one first", Blame::transient},
    ErrorInfo{"not_found", "nobody who was asked knows it", Blame::transient},
    ErrorInfo{"bad_provider", "a signed provider record that does not hold", Blame::peer},
    ErrorInfo{"bad_snapshot", "not a snapshot of a routing table", Blame::local},
    ErrorInfo{"too_many_provided", "too many keys to provide", Blame::local},
    ErrorInfo{"stopping", "the DHT is stopping", Blame::local},
};

}  // namespace

const ErrorDomain& error_domain(KadError) {
  static constexpr ErrorDomain k_domain{
      "kad", [](int code) -> ErrorInfo {
        const auto index = static_cast<std::size_t>(code);
        return index < k_infos.size() ? k_infos[index]
                                      : ErrorInfo{"unknown", "unknown error", Blame::local};
      }};
  return k_domain;
}

}  // namespace vivim::libp2p::kad
