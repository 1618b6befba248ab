// Bytes as they come from a socket: the parser must take them the same in one piece and in two, and
// a request that it accepts must have the properties that the rest relies on.
#include <cstdint>
#include <cstdlib>

#include "vivim/gateway/request_parser.hpp"

namespace {

using namespace vivim;
using namespace vivim::gateway;

struct Seen {
  bool failed = false;
  bool head = false;
  bool done = false;
  std::string target;
  std::size_t fields = 0;
  Bytes body;

  bool operator==(const Seen&) const = default;
};

Seen parse(BytesView in, std::size_t first) {
  static const ServerLimits k_limits{
      .header_bytes_max = 512, .header_fields_max = 8, .target_bytes_max = 128};
  Seen seen;
  RequestParser parser(k_limits);
  Bytes buffer;
  for (const auto piece : {in.first(first), in.subspan(first)}) {
    append(buffer, piece);
    bool progress = true;
    while (progress && !buffer.empty() && !seen.done) {
      auto used =
          parser.head_done() ? parser.feed_body(buffer, seen.body) : parser.feed_head(buffer);
      if (!used) {
        seen.failed = true;
        return seen;
      }
      progress = *used > 0;
      buffer.erase(buffer.begin(), buffer.begin() + static_cast<std::ptrdiff_t>(*used));
      if (parser.head_done() && !seen.head) {
        const auto head = parser.take_head();
        seen.head = true;
        seen.target = head.target;
        seen.fields = head.headers.size();
        if (!head.target.starts_with('/') || head.headers.size() > k_limits.header_fields_max ||
            head.headers.count("Host") > 1) {
          std::abort();
        }
      }
      seen.done = parser.head_done() && parser.done();
    }
  }
  return seen;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) {
    return 0;
  }
  const BytesView in(data + 1, size - 1);
  const auto whole = parse(in, in.size());
  const auto split = parse(in, std::min<std::size_t>(data[0], in.size()));
  // What failed may have failed earlier or later in the body; all else is equal.
  if (!whole.failed && !(whole == split)) {
    std::abort();
  }
  return 0;
}
