#include "vivim/crdt/archive.hpp"

#include "vivim/base/assert.hpp"
#include "vivim/crdt/doc.hpp"
#include "vivim/crdt/update.hpp"

namespace vivim::crdt {
namespace {

constexpr std::size_t k_small = std::size_t{64} << 10;

// Nobody writes into the documents that an archive makes for itself.
constexpr ClientId k_reader{0};
constexpr DocOptions k_whole{.collect_garbage = false};

void read_all(const std::vector<Bytes>& updates, Doc& doc) {
  for (const Bytes& update : updates) {
    const auto applied = apply_update(doc, update);
    VIVIM_BUG(!applied.has_value());
  }
}

}  // namespace

Archive::Archive(Doc& doc, std::size_t bytes_max)
    : bytes_max_(bytes_max),
      subscription_(doc.on_update([this](BytesView update, Origin) { keep(to_bytes(update)); })) {
  keep(encode_state_as_update(doc));
}

Result<void> Archive::add(BytesView encoded) {
  VIVIM_TRY(Bytes update, convert_update(encoded, UpdateFormat::v2, UpdateFormat::v1));
  if (bytes_ + update.size() > bytes_max_) {
    return fail(CrdtError::too_many, update.size());
  }
  // What was kept comes before what this document may have forgotten of it: the first is taken.
  updates_.insert(updates_.begin(), std::move(update));
  bytes_ += updates_.front().size();
  compact();
  return {};
}

void Archive::keep(Bytes update) {
  if (full_) {
    return;
  }
  if (bytes_ + update.size() > 2 * compacted_bytes_ + k_small ||
      bytes_ + update.size() > bytes_max_) {
    compact();
  }
  full_ = bytes_ + update.size() > bytes_max_;
  if (!full_) {
    bytes_ += update.size();
    updates_.push_back(std::move(update));
  }
}

// A document that collects nothing joins what was typed together: far smaller than the updates.
void Archive::compact() {
  Doc whole(k_reader, k_whole);
  read_all(updates_, whole);
  updates_.assign(1, encode_state_as_update(whole));
  bytes_ = compacted_bytes_ = updates_.front().size();
}

Bytes Archive::encode() {
  Doc whole(k_reader, k_whole);
  read_all(updates_, whole);
  return encode_state_as_update(whole, UpdateFormat::v2);
}

Result<void> Archive::restore(const Snapshot& snapshot, Doc& fresh) {
  Doc whole(k_reader, k_whole);
  read_all(updates_, whole);
  return create_doc_from_snapshot(whole, snapshot, fresh);
}

}  // namespace vivim::crdt
