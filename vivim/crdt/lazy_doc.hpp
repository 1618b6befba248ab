#pragma once

#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <vector>

#include "vivim/base/bytes.hpp"
#include "vivim/base/result.hpp"
#include "vivim/crdt/doc.hpp"
#include "vivim/crdt/equivocation.hpp"
#include "vivim/crdt/state_vector.hpp"
#include "vivim/crdt/update.hpp"

namespace vivim::crdt {

class LazyDoc;
namespace detail {
struct DecodedUpdate;
}

/// What a tree is taken to cost in memory: a part for each document, and a part for each byte of
/// its updates.
inline constexpr std::size_t k_tree_bytes = 8192;
inline constexpr std::size_t k_tree_bytes_per_byte = 20;

/// The documents of a program that have a tree at the moment, and how many bytes they take. Must
/// outlive them.
class ResidentDocs {
 public:
  explicit ResidentDocs(std::size_t bytes_max) : bytes_max_(bytes_max) {}
  ResidentDocs(const ResidentDocs&) = delete;
  ResidentDocs& operator=(const ResidentDocs&) = delete;

  /// Returns the trees that were not used for longest to bytes until the rest fits. To be called
  /// where nobody holds a Doc of a LazyDoc. One with parked structs keeps its tree.
  void trim();

  /// The estimate for all of them.
  std::size_t bytes() const { return bytes_; }
  std::size_t size() const { return order_.size(); }

 private:
  friend class LazyDoc;
  std::list<LazyDoc*> order_;  ///< the longest unused first
  std::size_t bytes_ = 0;
  std::size_t bytes_max_;
};

/// A document that stays bytes until somebody reads or edits it: what a relay does with updates, it
/// does without a tree, in time linear in the bytes. Update format v1. Neither copyable nor
/// movable; used by one thread.
///
/// The bytes are a base and a tail of updates that came after it, which is compacted when it
/// outgrows the base: merged as bytes, and through a tree when merging alone no longer helps.
class LazyDoc {
 public:
  /// `client` and `options` are those of the Doc that is made when one is needed; `residents`
  /// counts it, if given.
  explicit LazyDoc(ClientId client, DocOptions options = {}, ResidentDocs* residents = nullptr);
  ~LazyDoc();
  LazyDoc(const LazyDoc&) = delete;
  LazyDoc& operator=(const LazyDoc&) = delete;

  /// Adds an update that was kept, without looking into it: if it is damaged, what reads it later
  /// says so. Only before the first use.
  void load(Bytes update);

  /// Adds an update, and returns what it brought, as updates to keep and to send on: nothing if all
  /// of it was known. Errors: as apply_update(); then nothing has changed.
  Result<std::vector<Bytes>> apply(BytesView update, Origin origin = {});

  /// Runs `body`, which edits, and returns the updates of its transactions. Errors: damaged bytes.
  Result<std::vector<Bytes>> edit(const std::function<void(Doc&)>& body);

  /// Errors of these three: damaged bytes; a malformed state vector.
  Result<StateVector> state_vector();
  /// What `state_vector` does not cover (empty: everything), as one update. From a tree it is what
  /// Yjs writes; from bytes it has the same structs, less tightly put together.
  Result<Bytes> encode(BytesView state_vector = {});
  /// The document, made if there is none; valid until rest() or ResidentDocs::trim().
  Result<Doc*> doc();

  /// Who wrote two things under one id (equivocation.hpp), since the last call. From bytes it is
  /// found as long as comparing takes no more than the updates that come.
  std::vector<Equivocation> take_equivocations();

  /// Whether there is a tree.
  bool resident() const { return tree_ != nullptr; }
  /// Whether an update was too costly to be integrated at once (update.hpp): the empty update goes
  /// on.
  bool work_left() const;
  /// Whether some of what came waits for what it builds on. apply() then returns all that comes,
  /// known or not.
  bool parked() const;
  /// Gives the tree up. False if it has parked structs, which only a tree can place.
  bool rest();

  /// Puts base and tail together. Errors: damaged bytes.
  Result<void> compact();

  /// Bytes that are kept, without the tree.
  std::size_t bytes() const { return base_.size() + tail_.size(); }
  /// Updates in the tail.
  std::size_t tail_updates() const { return tail_updates_; }

 private:
  friend class ResidentDocs;
  struct Summary;
  struct Tree;

  Result<void> materialise();
  Result<void> survey();
  void append(BytesView update);
  Result<void> find_equivocations(const detail::DecodedUpdate& update, std::size_t bytes,
                                  Origin origin);
  Result<void> compact_if_due();
  Result<std::vector<BytesView>> parts() const;
  Result<void> compact_bytes();
  void count_cost();
  std::vector<Bytes> take_news();

  ClientId client_;
  DocOptions options_;
  std::uint32_t tail_updates_ = 0;
  Bytes base_;
  Bytes tail_;                        ///< each update with its length before it
  std::size_t dense_bytes_ = 0;       ///< size of the base when a tree wrote it last
  std::unique_ptr<Summary> summary_;  ///< what the bytes hold, once somebody asked
  std::unique_ptr<Tree> tree_;
  ResidentDocs* residents_;
};

}  // namespace vivim::crdt
