#include <cstdlib>

#include "vivim/chat/importers/mapping.hpp"
#include "vivim/chat/tree.hpp"

// One element of an export, of either provider: read, mapped, its tree walked.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  vivim::chat::Imported imported;
  imported.source.assign(reinterpret_cast<const char*>(data),
                         reinterpret_cast<const char*>(data) + size);
  vivim::chat::JsonIndex index;
  if (!index.parse({imported.source.data(), imported.source.size()}, {.depth_max = 64})) {
    return 0;
  }
  vivim::chat::ImportReport report;
  const vivim::chat::MapContext context{.report = report};
  if (!vivim::chat::map_conversation(index.root(), context, imported)) {
    return 0;
  }
  const auto& conversation = imported.conversation;
  const vivim::chat::Tree tree(conversation);
  for (std::size_t i = 0; i < conversation.turns.size(); ++i) {
    if (tree.branch_through(i).empty() ||
        !vivim::chat::is_utf8(vivim::chat::searchable_text(conversation.turns[i]))) {
      std::abort();
    }
  }
  return 0;
}
