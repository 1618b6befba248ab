// Frames as they come from a socket: the same events in one piece and in two, and no message above
// the limit.
#include <cstdint>
#include <cstdlib>

#include "vivim/base/utf8.hpp"
#include "vivim/websocket/message_decoder.hpp"

namespace {

using namespace vivim;
using namespace vivim::websocket;

constexpr std::size_t k_message_bytes_max = 256;

std::vector<MessageEvent> decode(BytesView in, std::size_t first, bool& failed) {
  MessageDecoder decoder(Masking::required, k_message_bytes_max);
  std::vector<MessageEvent> events;
  for (const auto piece : {in.first(first), in.subspan(first)}) {
    failed = failed || !decoder.feed(piece);
    while (auto event = decoder.poll()) {
      events.push_back(std::move(*event));
    }
    if (failed) {
      break;
    }
  }
  return events;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) {
    return 0;
  }
  const BytesView in(data + 1, size - 1);
  bool whole_failed = false;
  bool split_failed = false;
  const auto whole = decode(in, in.size(), whole_failed);
  const auto split = decode(in, std::min<std::size_t>(data[0], in.size()), split_failed);
  if (whole_failed != split_failed || whole.size() != split.size()) {
    std::abort();
  }
  for (const auto& event : whole) {
    if (event.data.size() > k_message_bytes_max ||
        (event.opcode == Opcode::text && !is_utf8(as_text(event.data)))) {
      std::abort();
    }
  }
  return 0;
}
