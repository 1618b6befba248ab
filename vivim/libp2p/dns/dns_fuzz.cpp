// A name service that lies: every answer is a slice of the input. The resolution ends, within its
// limits, with addresses without names.
#include <cstddef>
#include <cstdint>

#include "vivim/base/assert.hpp"
#include "vivim/libp2p/dns/resolution.hpp"

using namespace vivim;
using namespace vivim::libp2p::dns;

namespace {

/// Takes a line of the input, from the start again when it is used up.
std::string next_line(BytesView& in, BytesView all) {
  if (in.empty()) {
    in = all;
  }
  const std::string_view text = as_text(in);
  const std::size_t end = std::min(text.find('\n'), text.size());
  std::string line(text.substr(0, end));
  in = in.subspan(std::min(end + 1, in.size()));
  return line;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const BytesView all(data, size);
  BytesView in = all;
  if (all.empty()) {
    return 0;
  }
  const auto address = Multiaddr::parse(next_line(in, all));
  if (!address) {
    return 0;
  }
  Resolution resolution(*address);
  std::size_t questions = 0;
  while (!resolution.done()) {
    const auto question = resolution.next_question();
    VIVIM_ASSERT(question && ++questions <= k_questions_max);
    std::vector<std::string> texts;
    for (int i = 0; i < 3; ++i) {
      texts.push_back("dnsaddr=" + next_line(in, all));
    }
    if (question->kind == Question::Kind::text) {
      resolution.take_texts(*question, texts);
    } else {
      resolution.take_addresses(*question, {rt::IpAddress::v4(data[0], 0, 2, 1)});
    }
  }
  if (const auto results = resolution.results()) {
    VIVIM_ASSERT(results->size() <= k_results_max);
    for (const auto& result : *results) {
      VIVIM_ASSERT(!has_name(result));
    }
  }
  return 0;
}
