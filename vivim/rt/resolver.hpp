#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "vivim/base/result.hpp"
#include "vivim/rt/clock.hpp"
#include "vivim/rt/co.hpp"
#include "vivim/rt/network.hpp"

namespace vivim::rt {

/// Longest name that is asked for.
inline constexpr std::size_t k_name_bytes_max = 253;
/// Most records of one answer; the rest is left out.
inline constexpr std::size_t k_answers_max = 100;
/// Longest text record that is kept, its strings joined; a longer one is left out.
inline constexpr std::size_t k_text_record_bytes_max = 4096;

/// Which address records are asked for.
enum class AddressFamily : std::uint8_t { v4, v6 };

/// Asks the name service, or its simulation.
class Resolver {
 public:
  virtual ~Resolver() = default;
  /// The addresses of `name`: of its A or AAAA records, or of the hosts file; at least one. Errors:
  /// no_such_name, timed_out (after `timeout`), bad_address (not a name), limit (too many
  /// questions under way), closed (after cancel()), io.
  virtual Co<Result<std::vector<IpAddress>>> addresses(std::string name, AddressFamily family,
                                                       Duration timeout) = 0;
  /// The TXT records of `name`, each one's strings joined; at least one. Errors as above.
  virtual Co<Result<std::vector<std::string>>> texts(std::string name, Duration timeout) = 0;
  /// Ends every question that is under way with RtError::closed: for an owner that stops.
  virtual void cancel() = 0;
};

}  // namespace vivim::rt
