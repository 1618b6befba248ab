#include "vivim/chat/importers/assets.hpp"
#include "vivim/chat/importers/source.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const vivim::BytesView bytes(data, size);
  auto files =
      vivim::chat::open_zip(vivim::chat::open_memory(bytes), {.member_bytes_max = 1 << 20});
  if (!files) {
    return 0;
  }
  for (const auto& member : (*files)->members()) {
    auto unpacked = vivim::chat::read_member(**files, member, 1 << 20);
  }
  return 0;
}
