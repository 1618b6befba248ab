#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "vivim/base/result.hpp"
#include "vivim/rt/network.hpp"
#include "vivim/rt/resolver.hpp"
#include "vivim/rt/stream.hpp"

namespace vivim::interop {

enum class RespError {
  malformed,  ///< peer: not RESP, or longer than k_resp_bytes_max
  refused,    ///< peer: the server answered with an error
};
const ErrorDomain& error_domain(RespError);

inline constexpr std::size_t k_resp_bytes_max = std::size_t{64} * 1024;
inline constexpr std::int64_t k_resp_items_max = 64;

/// What a Redis server answered: strings, numbers in decimal; an array is its items; none is null.
using RespAnswer = std::optional<std::vector<std::string>>;

/// The few words of RESP 2 that the libp2p project's interop harness needs of Redis.
class RespClient {
 public:
  /// `address` is "host:port", with a name or an IP address. Errors: RtError::bad_address, the
  /// resolver's, the network's.
  static rt::Co<Result<std::unique_ptr<RespClient>>> connect(rt::Network& network,
                                                             rt::Resolver& resolver,
                                                             std::string address);

  /// Sends a command and awaits its answer. Errors: RespError, the stream's.
  rt::Co<Result<RespAnswer>> ask(std::vector<std::string> words);

 private:
  explicit RespClient(std::unique_ptr<rt::Stream> stream) : stream_(std::move(stream)) {}

  rt::Co<Result<std::string>> read_line();
  rt::Co<Result<std::optional<std::string>>> read_item(std::string line);
  rt::Co<Result<void>> fill();

  std::unique_ptr<rt::Stream> stream_;
  std::string pending_;
};

}  // namespace vivim::interop
