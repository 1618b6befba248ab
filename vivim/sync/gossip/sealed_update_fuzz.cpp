// Messages of a document's topic: what is not sealed by us is refused, what is comes back.
#include <cstddef>
#include <cstdint>

#include "vivim/base/assert.hpp"
#include "vivim/sync/gossip/sealed_update.hpp"

using namespace vivim;
using namespace vivim::sync;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static UpdateSeal seal = UpdateSeal::make({{1}}, {{2}}, Bytes(32, 3)).value();
  const BytesView in(data, size);
  (void)grant_of(in);
  VIVIM_ASSERT(!seal.open(in).has_value());
  crypto::AeadNonce nonce{};
  const Bytes message = seal.seal(UpdateForm::signed_, in, nonce);
  const auto back = seal.open(message);
  VIVIM_ASSERT(back && back->form == UpdateForm::signed_ && same_bytes(back->bytes, in));
  return 0;
}
