#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "interop/conformance/chance.hpp"
#include "interop/conformance/editor.hpp"
#include "vivim/base/bytes.hpp"
#include "vivim/crdt/doc.hpp"
#include "vivim/crdt/lib0.hpp"
#include "vivim/crdt/update.hpp"

namespace vivim::interop::conformance {

/// A replica of a session that integrates over gaps (GapMode::v14) and its twin, a document of
/// Yjs 14: it hears what the others write in any order, lost, twice, put together and cut; after
/// each transaction the two hold the same bytes. It has chances of its own, so that what the others
/// do does not depend on it.
class GapReader {
 public:
  /// Its commands are written to `out`.
  GapReader(std::uint64_t seed, Content content, crdt::lib0::Encoder& out);

  /// `update` is on its way to it, if it is not lost.
  void hear(const Bytes& update);
  /// Perhaps it hears something, or edits.
  void step(std::uint64_t number, const std::function<const crdt::Doc&(std::size_t)>& other,
            std::size_t others);
  /// It gets all that anybody has, and then holds what `other` does, besides its own.
  void settle(const crdt::Doc& other);

  const std::optional<std::string>& failure() const { return failure_; }
  std::size_t transactions() const { return transactions_; }

 private:
  void deliver(BytesView update);
  void deliver_some(const std::function<const crdt::Doc&(std::size_t)>& other, std::size_t others);
  void edit();
  void check(BytesView update, crdt::UpdateFormat by);
  void expect(BytesView ours) { out_.var_bytes(ours); }
  Bytes take();
  Bytes some_state();

  Chance chance_;
  Editor editor_;
  Content content_;
  crdt::lib0::Encoder& out_;
  std::unique_ptr<crdt::Doc> doc_;
  std::vector<crdt::Subscription> subscriptions_;
  std::vector<Bytes> v1_;  ///< update events since they were last compared
  std::vector<Bytes> v2_;
  std::vector<Bytes> inbox_;
  std::uint32_t last_position_ = 0;
  bool compared_ = true;  ///< false: Yjs 14 has lost something
  std::size_t transactions_ = 0;
  std::optional<std::string> failure_;
};

}  // namespace vivim::interop::conformance
