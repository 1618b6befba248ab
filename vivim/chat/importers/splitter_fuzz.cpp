#include <cstdlib>
#include <string>

#include "vivim/chat/importers/splitter.hpp"

namespace {

/// All elements and how it ended, with the file arriving in pieces of `step`.
std::string run(std::string_view text, std::size_t step) {
  vivim::chat::Splitter splitter({.element_bytes_max = 256});
  std::string out;
  while (!text.empty()) {
    splitter.feed(text.substr(0, step));
    text.remove_prefix(std::min(step, text.size()));
    while (true) {
      auto element = splitter.poll();
      if (!element) {
        return out + "!" + std::to_string(splitter.position());
      }
      if (!*element) {
        break;
      }
      out += std::string((*element)->view()) + "|" + std::to_string((*element)->offset) + "," +
             std::to_string((*element)->line) + "," + std::to_string((*element)->size) + ";";
    }
  }
  return out + (splitter.finish() ? "." : "?");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto whole = run(text, text.size() + 1);
  if (run(text, 1) != whole || run(text, 37) != whole) {
    std::abort();  // how a file is cut into pieces changed what is in it
  }
  return 0;
}
