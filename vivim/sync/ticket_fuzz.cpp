// Whatever reads as a ticket must write as one that reads the same.
#include <cstdlib>

#include "vivim/sync/ticket.hpp"

using namespace vivim;
using namespace vivim::sync;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto ticket = Ticket::parse(as_text({data, size}));
  if (ticket && Ticket::parse(ticket->to_text())->addresses != ticket->addresses) {
    std::abort();
  }
  return 0;
}
