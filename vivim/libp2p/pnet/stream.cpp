#include "vivim/libp2p/pnet/stream.hpp"

#include <algorithm>
#include <string_view>

#include "vivim/rt/error.hpp"

namespace vivim::libp2p::pnet {

namespace {

/// multistream's header with its length in front: the first bytes of every libp2p connection.
constexpr std::string_view k_greeting = "\x13/multistream/1.0.0\n";
static_assert(k_greeting.size() < crypto::k_xsalsa20_nonce_bytes);

crypto::XSalsa20Nonce fresh_nonce(const crypto::RandomSource& random) {
  crypto::XSalsa20Nonce nonce;
  random(nonce);
  return nonce;
}

}  // namespace

PrivateStream::PrivateStream(std::unique_ptr<rt::Stream> transport, const PreSharedKey& key,
                             const crypto::RandomSource& random)
    : transport_(std::move(transport)),
      key_(key.secret().clone()),
      nonce_(fresh_nonce(random)),
      sending_(key_, nonce_) {}

rt::Co<Result<void>> PrivateStream::send_nonce() {
  enciphered_.clear();
  take_nonce(enciphered_);
  if (!enciphered_.empty()) {
    VIVIM_CO_TRYV(co_await transport_->write(enciphered_));
  }
  co_return Result<void>{};
}

/// False when the peer ended the stream before it sent anything.
rt::Co<Result<bool>> PrivateStream::read_nonce() {
  crypto::XSalsa20Nonce nonce{};
  for (std::size_t size = 0; size < nonce.size();) {
    VIVIM_CO_TRY(const auto count,
                 co_await transport_->read_some(MutableBytes(nonce).subspan(size)));
    if (count == 0) {
      if (size > 0) {
        co_return fail(rt::RtError::end_of_stream);
      }
      co_return false;
    }
    size += count;
    if (size >= k_greeting.size() && as_text(nonce).starts_with(k_greeting)) {
      co_return fail(PnetError::public_network);
    }
  }
  receiving_.emplace(key_, nonce);
  co_return true;
}

Result<void> PrivateStream::check_greeting(BytesView plaintext) {
  const auto rest = k_greeting.substr(greeting_seen_);
  const auto count = std::min(rest.size(), plaintext.size());
  if (as_text(plaintext.first(count)) != rest.substr(0, count)) {
    return fail(PnetError::wrong_key);
  }
  greeting_seen_ += count;
  return {};
}

rt::Co<Result<std::size_t>> PrivateStream::read_some(MutableBytes into) {
  if (!receiving_) {
    VIVIM_CO_TRYV(co_await send_nonce());  // peers exist that send nothing before they have it
    const auto came = co_await read_nonce();
    if (!came || !*came) {
      if (!came && came.error().is(PnetError::public_network)) {
        transport_->reset(0);
      }
      co_return came ? Result<std::size_t>(0) : fail(came.error());
    }
  }
  VIVIM_CO_TRY(const auto count, co_await transport_->read_some(into));
  receiving_->apply(into.first(count));
  if (const auto checked = check_greeting(into.first(count)); !checked) {
    transport_->reset(0);
    co_return fail(checked.error());
  }
  co_return count;
}

void PrivateStream::take_nonce(Bytes& out) {
  if (!std::exchange(nonce_sent_, true)) {
    append(out, nonce_);
  }
}

rt::Co<Result<void>> PrivateStream::write(BytesView bytes) {
  while (!bytes.empty()) {
    const BytesView batch = bytes.first(std::min(bytes.size(), k_batch_bytes_max));
    bytes = bytes.subspan(batch.size());
    enciphered_.clear();
    take_nonce(enciphered_);
    const std::size_t start = enciphered_.size();
    append(enciphered_, batch);
    sending_.apply(MutableBytes(enciphered_).subspan(start));
    VIVIM_CO_TRYV(co_await transport_->write(enciphered_));
  }
  co_return Result<void>{};
}

rt::Co<Result<void>> PrivateStream::close_write() {
  VIVIM_CO_TRYV(co_await send_nonce());
  co_return co_await transport_->close_write();
}

}  // namespace vivim::libp2p::pnet
