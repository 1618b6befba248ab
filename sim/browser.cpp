#include "browser.hpp"

#include <algorithm>

#include "vivim/base/assert.hpp"
#include "vivim/crdt/array.hpp"
#include "vivim/crdt/update.hpp"
#include "vivim/crdt/value.hpp"

namespace vivim::sim {

rt::Co<void> Browser::reconnect() {
  if (subscription_) {
    co_return;
  }
  lease_.release();
  if (!peer_.running()) {
    co_return;
  }
  auto lease = co_await peer_.hub().open(document_);
  if (!lease) {
    co_return;
  }
  const auto subscription = (*lease)->subscribe(*this);
  if (!subscription) {
    co_return;
  }
  lease_ = std::move(*lease);
  subscription_ = *subscription;
  // Each side tells what the other lacks.
  (void)lease_->answer_step_one(*subscription_, crdt::encode_state_vector(doc_));
  on_durable(lease_->durable());
  const auto missing = crdt::encode_state_as_update(doc_, lease_->durable());
  VIVIM_ASSERT(missing.has_value());
  (void)lease_->receive(*subscription_, *missing);
}

void Browser::disconnect() {
  if (const auto subscription = std::exchange(subscription_, std::nullopt)) {
    lease_->unsubscribe(*subscription);
  }
  lease_.release();
}

void Browser::insert(std::string token, std::uint64_t place) {
  Bytes update;
  const auto watching =
      doc_.on_update([&update](BytesView bytes, crdt::Origin) { update = to_bytes(bytes); });
  doc_.transact([&](crdt::Transaction& transaction) {
    auto log = doc_.array("log");
    log.insert(transaction, static_cast<std::uint32_t>(place % (log.length() + 1)),
               {crdt::Any(token)});
  });
  tokens_.push_back(std::move(token));
  if (subscription_) {
    (void)lease_->receive(*subscription_, update);
  }
}

std::vector<std::string> Browser::acknowledged() const {
  const auto count = std::min<std::uint64_t>(durable_, tokens_.size());
  return {tokens_.begin(), tokens_.begin() + static_cast<std::ptrdiff_t>(count)};
}

void Browser::on_update(BytesView update) {
  VIVIM_ASSERT(crdt::apply_update(doc_, update).has_value());
}

void Browser::on_durable(BytesView state_vector) {
  const auto state = crdt::decode_state_vector(state_vector);
  VIVIM_ASSERT(state.has_value());
  const auto own = state->find(doc_.client_id());
  durable_ = std::max(durable_, own == state->end() ? 0 : own->second);
}

}  // namespace vivim::sim
