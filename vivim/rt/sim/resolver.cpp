#include "vivim/rt/sim/resolver.hpp"

#include <algorithm>

#include "vivim/rt/error.hpp"

namespace vivim::rt::sim {

Co<Result<void>> TableResolver::wait(Duration timeout) {
  ++questions_;
  const std::size_t before = cancelled_;
  co_await sleep_for(loop_, std::min(latency_, timeout));
  if (cancelled_ != before) {
    co_return fail(RtError::closed);
  }
  co_return latency_ > timeout ? fail(RtError::timed_out) : Result<void>{};
}

Co<Result<std::vector<IpAddress>>> TableResolver::addresses(std::string name, AddressFamily family,
                                                            Duration timeout) {
  VIVIM_CO_TRYV(co_await wait(timeout));
  std::vector<IpAddress> found;
  if (const auto known = addresses_.find(name); known != addresses_.end()) {
    std::ranges::copy_if(known->second, std::back_inserter(found), [family](const auto& ip) {
      return ip.is_v6 == (family == AddressFamily::v6);
    });
  }
  if (found.empty()) {
    co_return fail(RtError::no_such_name);
  }
  co_return found;
}

Co<Result<std::vector<std::string>>> TableResolver::texts(std::string name, Duration timeout) {
  VIVIM_CO_TRYV(co_await wait(timeout));
  const auto known = texts_.find(name);
  if (known == texts_.end()) {
    co_return fail(RtError::no_such_name);
  }
  co_return known->second;
}

}  // namespace vivim::rt::sim
