#include <cstdint>
#include <cstdlib>

#include "vivim/libp2p/relay/keeper.hpp"
#include "vivim/libp2p/relay/relay_test_detail.hpp"

using namespace vivim;
using namespace vivim::libp2p::relay;
using namespace vivim::libp2p::relay::test;

namespace {

void require(bool holds) {
  if (!holds) {
    std::abort();
  }
}

/// A relay's answer with an expiry of its choosing.
Result<Granted> answered(std::uint64_t expire_unix_s, std::uint64_t unix_s) {
  HopMessage answer;
  answer.type = HopMessage::Type::status;
  answer.status = Status::ok;
  answer.reservation = Reservation{.expire_unix_s = expire_unix_s};
  return check_reservation(answer, peer(1), peer(2), unix_s);
}

}  // namespace

// Whatever a relay answers, and whenever it goes: it is not asked in a loop, nothing is held beyond
// a day, and no deadline passes without something to do.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const KeeperTimes times;
  Keeper keeper(times);
  const std::uint64_t began = 1'700'000'000;
  Time now{};
  Time ended = -times.retry_min;
  for (std::size_t i = 0; i + 1 < size; i += 2) {
    const std::uint64_t value = data[i + 1];
    now += std::chrono::milliseconds(value * value * value);  // up to some hours
    if (keeper.poll(now)) {
      require(now >= ended + times.retry_min && !keeper.next_deadline(now) && keeper.asking());
    }
    const auto unix_s = began + static_cast<std::uint64_t>(
                                    std::chrono::duration_cast<std::chrono::seconds>(now).count());
    if (data[i] % 3 == 0) {
      keeper.lost(now);
      require(!keeper.held(now));
    } else if (keeper.asking()) {
      const auto granted = answered(unix_s + (value << (data[i] % 57)), unix_s);
      const bool counts = granted && keeper.granted(granted->lasts, now);
      require(!granted || counts || !keeper.held(now));
      if (!granted) {
        keeper.failed(now);
      }
      ended = now;
    }
    require(!keeper.held(now + times.lasts_max));
    if (const auto next = keeper.next_deadline(now); next && *next > now) {
      const bool ends = keeper.held(now) && !keeper.held(*next);
      Keeper then = keeper;
      require(ends || then.poll(*next));
    }
  }
  return 0;
}
