// Any bytes are an error, or a message that survives being written and read again.
#include "vivim/base/assert.hpp"
#include "vivim/libp2p/kad/message.hpp"
#include "vivim/libp2p/kad/routing_table.hpp"

using namespace vivim;
using namespace vivim::libp2p::kad;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const BytesView in(data, size);
  (void)decode_snapshot(in);
  const auto message = decode(in);
  if (!message) {
    return 0;
  }
  VIVIM_ASSERT(message->closer.size() <= k_message_peers_max);
  VIVIM_ASSERT(message->providers.size() <= k_message_peers_max);
  const auto again = decode(encode(*message, k_answer_bytes_max));
  VIVIM_ASSERT(again.has_value() && *again == *message);
  VIVIM_ASSERT(decode(encode(*message)).has_value());
  return 0;
}
