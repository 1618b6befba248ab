#include "vivim/crdt/lazy_doc.hpp"

#include <algorithm>
#include <utility>

#include "vivim/base/assert.hpp"
#include "vivim/crdt/equivocation_detail.hpp"
#include "vivim/crdt/known_detail.hpp"
#include "vivim/crdt/lib0.hpp"
#include "vivim/crdt/subscription.hpp"

namespace vivim::crdt {
namespace {

// A tail below this is left alone, and so is what merged bytes take more than a tree's.
constexpr std::size_t k_tail_bytes_min = 4096;

// Comparing an update with what is here reads all of it: small documents always, large ones once
// for that many bytes that came.
constexpr std::size_t k_compared_bytes_min = 65'536;
constexpr std::size_t k_compared_per_byte = 64;

Bytes empty_update() {
  return {0, 0};
}

}  // namespace

/// What the bytes hold. If something waits the document needs its tree to know.
struct LazyDoc::Summary {
  detail::Known known;
  detail::Evidence evidence;
  std::size_t compared_bytes_left = k_compared_bytes_min;
  bool whole = true;  ///< nothing waits for something else
};

struct LazyDoc::Tree {
  explicit Tree(ClientId client, DocOptions options) : doc(client, options) {}

  Doc doc;
  Subscription on_update;
  std::vector<Bytes> news;  ///< emitted, and neither handed on nor in the bytes
  std::list<LazyDoc*>::iterator place;
  std::size_t cost = 0;
};

LazyDoc::LazyDoc(ClientId client, DocOptions options, ResidentDocs* residents)
    : client_(client), options_(options), residents_(residents) {}

LazyDoc::~LazyDoc() {
  if (tree_ && residents_ != nullptr) {
    residents_->bytes_ -= tree_->cost;
    residents_->order_.erase(tree_->place);
  }
}

void LazyDoc::load(Bytes update) {
  VIVIM_ASSERT(!tree_ && !summary_);
  if (base_.empty()) {
    update.shrink_to_fit();
    base_ = std::move(update);
    dense_bytes_ = base_.size();
  } else {
    append(update);
  }
}

void LazyDoc::append(BytesView update) {
  lib0::Encoder length;
  length.var_uint(update.size());
  vivim::append(tail_, length.view());
  vivim::append(tail_, update);
  ++tail_updates_;
}

Result<std::vector<BytesView>> LazyDoc::parts() const {
  std::vector<BytesView> parts;
  parts.reserve(1 + tail_updates_);
  if (!base_.empty()) {
    parts.emplace_back(base_);
  }
  lib0::Decoder in(tail_);
  while (!in.at_end()) {
    VIVIM_TRY(parts.emplace_back(), in.var_bytes());
  }
  return parts;
}

// Learns what the bytes hold.
Result<void> LazyDoc::survey() {
  if (summary_) {
    return {};
  }
  auto summary = std::make_unique<Summary>();
  VIVIM_TRY(const auto updates, parts());
  for (const BytesView update : updates) {
    VIVIM_TRY(const auto decoded, detail::decode_update(update));
    if (summary->known.lacks(decoded)) {
      summary->whole = false;
    } else {
      summary->known.add(decoded);
    }
  }
  summary_ = std::move(summary);
  return {};
}

Result<void> LazyDoc::materialise() {
  if (tree_) {
    if (residents_ != nullptr) {
      residents_->order_.splice(residents_->order_.end(), residents_->order_, tree_->place);
    }
    return {};
  }
  auto tree = std::make_unique<Tree>(client_, options_);
  VIVIM_TRY(const auto updates, parts());
  for (const BytesView update : updates) {
    VIVIM_TRYV(apply_update(tree->doc, update));
  }
  // These are our own bytes: each round gets further, and nobody waits for less.
  while (crdt::work_left(tree->doc)) {
    VIVIM_TRYV(apply_update(tree->doc, empty_update()));
  }
  tree->on_update = tree->doc.on_update(
      [at = tree.get()](BytesView update, Origin) { at->news.push_back(to_bytes(update)); });
  tree_ = std::move(tree);
  summary_.reset();
  if (residents_ != nullptr) {
    tree_->place = residents_->order_.insert(residents_->order_.end(), this);
    count_cost();
  }
  return {};
}

void LazyDoc::count_cost() {
  if (residents_ == nullptr || !tree_) {
    return;
  }
  const std::size_t cost = k_tree_bytes + bytes() * k_tree_bytes_per_byte;
  residents_->bytes_ += cost - tree_->cost;
  tree_->cost = cost;
}

std::vector<Bytes> LazyDoc::take_news() {
  for (const Bytes& update : tree_->news) {
    append(update);
  }
  count_cost();
  return std::exchange(tree_->news, {});
}

Result<void> LazyDoc::find_equivocations(const detail::DecodedUpdate& update, std::size_t bytes,
                                         Origin origin) {
  std::size_t& left = summary_->compared_bytes_left;
  left = std::min(left + bytes * k_compared_per_byte, k_compared_bytes_min + this->bytes());
  const auto& state = summary_->known.state();
  const auto repeated = detail::repeated(update, [&](std::uint64_t client) {
    const auto it = state.find(ClientId{client});
    return it == state.end() ? 0 : it->second;
  });
  if (repeated.empty() || this->bytes() > left) {
    return {};
  }
  left -= this->bytes();
  left = std::max(left, k_compared_bytes_min);
  VIVIM_TRYV(compact_bytes());
  VIVIM_TRY(const auto here, detail::decode_update(base_));
  for (const auto& [theirs, range] : repeated) {
    const std::uint64_t client = theirs.front().client;
    const auto group = std::ranges::find(here.groups, client, [](const auto& items) {
      return items.empty() ? 0 : items.front().client;
    });
    const auto first = std::ranges::upper_bound(*group, range.from, {}, &detail::WireStruct::clock);
    const auto ours =
        std::span(*group).subspan(static_cast<std::size_t>(first - group->begin()) - 1);
    if (const auto found = detail::first_difference(ours, theirs, range)) {
      summary_->evidence.add({.client = ClientId{client},
                              .clocks = *found,
                              .kept = detail::as_update(ours, *found),
                              .refused = detail::as_update(theirs, *found),
                              .from = origin,
                              .kept_from = {}});
    }
  }
  return {};
}

std::vector<Equivocation> LazyDoc::take_equivocations() {
  if (tree_) {
    return crdt::take_equivocations(tree_->doc);
  }
  return summary_ ? summary_->evidence.take() : std::vector<Equivocation>();
}

Result<std::vector<Bytes>> LazyDoc::apply(BytesView update, Origin origin) {
  if (!tree_) {
    VIVIM_TRY(const auto decoded, detail::decode_update(update));
    VIVIM_TRYV(survey());
    if (summary_->whole && !summary_->known.lacks(decoded)) {
      VIVIM_TRYV(find_equivocations(decoded, update.size(), origin));
      if (summary_->known.covers(decoded)) {
        return std::vector<Bytes>();
      }
      summary_->known.add(decoded);
      append(update);
      VIVIM_TRYV(compact_if_due());
      return std::vector<Bytes>{to_bytes(update)};
    }
  }
  VIVIM_TRYV(materialise());
  auto& news = tree_->news;
  const std::size_t before = news.size();
  VIVIM_TRYV(apply_update(tree_->doc, update, origin));
  if (has_pending(tree_->doc)) {
    // What is parked is in no emitted update: it is kept as it came.
    news.resize(before);
    news.push_back(to_bytes(update));
  }
  auto brought = take_news();
  VIVIM_TRYV(compact_if_due());
  return brought;
}

Result<std::vector<Bytes>> LazyDoc::edit(const std::function<void(Doc&)>& body) {
  VIVIM_TRYV(materialise());
  body(tree_->doc);
  auto brought = take_news();
  VIVIM_TRYV(compact_if_due());
  return brought;
}

Result<StateVector> LazyDoc::state_vector() {
  if (!tree_) {
    VIVIM_TRYV(survey());
    if (summary_->whole) {
      return summary_->known.state();
    }
    VIVIM_TRYV(materialise());
  }
  return crdt::state_vector(tree_->doc);
}

Result<Bytes> LazyDoc::encode(BytesView state_vector) {
  if (!tree_) {
    VIVIM_TRYV(survey());
    if (summary_->whole) {
      VIVIM_TRYV(compact_bytes());
      return state_vector.empty() ? base_ : diff_update(base_, state_vector);
    }
    VIVIM_TRYV(materialise());
  }
  return encode_state_as_update(tree_->doc, state_vector);
}

Result<Doc*> LazyDoc::doc() {
  VIVIM_TRYV(materialise());
  return &tree_->doc;
}

bool LazyDoc::work_left() const {
  return tree_ && crdt::work_left(tree_->doc);
}

bool LazyDoc::parked() const {
  return tree_ && has_pending(tree_->doc);
}

bool LazyDoc::rest() {
  if (!tree_) {
    return true;
  }
  if (has_pending(tree_->doc)) {
    return false;
  }
  static_cast<void>(take_news());
  if (residents_ != nullptr) {
    residents_->bytes_ -= tree_->cost;
    residents_->order_.erase(tree_->place);
  }
  tree_.reset();
  tail_.shrink_to_fit();
  return true;
}

Result<void> LazyDoc::compact() {
  if (!tree_) {
    return compact_bytes();
  }
  base_ = encode_state_as_update(tree_->doc);
  dense_bytes_ = base_.size();
  tail_.clear();
  tail_updates_ = 0;
  count_cost();
  return {};
}

// Each byte of the base is written again only after as many came in the tail.
Result<void> LazyDoc::compact_if_due() {
  return tail_.size() > std::max(k_tail_bytes_min, base_.size()) ? compact() : Result<void>();
}

Result<void> LazyDoc::compact_bytes() {
  if (tail_.empty()) {
    if (base_.empty()) {
      base_ = empty_update();
    }
    return {};
  }
  VIVIM_TRY(const auto updates, parts());
  VIVIM_TRY(Bytes merged, merge_updates(updates));
  if (merged.size() > 2 * dense_bytes_ + k_tail_bytes_min) {
    // Merged bytes never lose what was deleted, nor put runs together: a tree does.
    Doc dense(client_, options_);
    VIVIM_TRYV(apply_update(dense, merged));
    while (crdt::work_left(dense)) {
      VIVIM_TRYV(apply_update(dense, empty_update()));
    }
    if (!has_pending(dense)) {
      merged = encode_state_as_update(dense);
    }
    dense_bytes_ = merged.size();
  }
  merged.shrink_to_fit();
  base_ = std::move(merged);
  tail_ = Bytes();
  tail_updates_ = 0;
  return {};
}

void ResidentDocs::trim() {
  auto oldest = order_.begin();
  while (bytes_ > bytes_max_ && oldest != order_.end()) {
    LazyDoc& doc = **oldest;
    ++oldest;
    static_cast<void>(doc.rest());
  }
}

}  // namespace vivim::crdt
