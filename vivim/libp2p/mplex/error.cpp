#include "vivim/libp2p/mplex/error.hpp"

#include <array>

namespace vivim::libp2p::mplex {
namespace {

constexpr std::array k_infos{
    ErrorInfo{"bad_header", "a message's header cannot be read"},
    ErrorInfo{"bad_flag", "a message's flag means nothing"},
    ErrorInfo{"message_too_long", "a message is longer than the limit"},
    ErrorInfo{"name_too_long", "a stream's name is longer than the limit"},
    ErrorInfo{"duplicate_stream", "the peer opened a stream that exists"},
    ErrorInfo{"control_flood", "the peer causes answers without reading them"},
    ErrorInfo{"stream_reset", "the peer reset the stream"},
    ErrorInfo{"slow_reader", "the stream was reset: nobody read what arrived", Blame::local},
    ErrorInfo{"stream_closed", "the stream was closed here", Blame::local},
    ErrorInfo{"unknown_stream", "no such stream", Blame::local},
    ErrorInfo{"too_many_streams", "too many streams are open", Blame::local},
};

}  // namespace

const ErrorDomain& error_domain(MplexError) {
  static constexpr ErrorDomain k_domain{
      "mplex", [](int code) -> ErrorInfo {
        const auto index = static_cast<std::size_t>(code);
        return index < k_infos.size() ? k_infos[index]
                                      : ErrorInfo{"unknown", "unknown error", Blame::local};
      }};
  return k_domain;
}

}  // namespace vivim::libp2p::mplex
