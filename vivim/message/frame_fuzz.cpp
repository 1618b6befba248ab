// Frames and mails of any kind: what can be read is within its limits and reads the same again.
#include <cstddef>
#include <cstdint>

#include "vivim/base/assert.hpp"
#include "vivim/message/frame.hpp"
#include "vivim/message/sealed.hpp"

using namespace vivim;
using namespace vivim::message;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const auto k_own =
      crypto::x25519_of(crypto::Ed25519KeyPair::from_seed(crypto::Ed25519Seed(Bytes(32, 1))));
  const auto frame = decode_frame(BytesView(data, size));
  if (!frame) {
    return 0;
  }
  const auto again = decode_frame(encode(*frame));
  VIVIM_ASSERT(again.has_value() && *again == *frame);
  if (const auto* mails = std::get_if<Mails>(&*frame)) {
    VIVIM_ASSERT(mails->mails.size() <= k_mails_max);
    for (const auto& mail : mails->mails) {
      (void)open_mail(k_own, mail);
    }
  } else if (const auto* deposit = std::get_if<Deposit>(&*frame)) {
    (void)open_mail(k_own, deposit->mail);
  }
  return 0;
}
