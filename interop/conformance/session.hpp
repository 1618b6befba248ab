#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "interop/conformance/chance.hpp"
#include "interop/conformance/program.hpp"
#include "vivim/base/bytes.hpp"
#include "vivim/crdt/doc.hpp"
#include "vivim/crdt/lib0.hpp"
#include "vivim/crdt/snapshot.hpp"
#include "vivim/crdt/update.hpp"
#include "vivim/crdt/value.hpp"

namespace vivim::interop::conformance {

/// One replica on our side; Yjs has its twin.
struct Replica {
  std::unique_ptr<crdt::Doc> doc;
  bool collects = true;
  std::vector<crdt::Subscription> subscriptions;
  std::vector<Bytes> v1;         ///< update events since they were last compared
  std::vector<Bytes> v2;         ///< the same in the other format
  std::vector<Bytes> inbox;      ///< updates (v1) that are on their way to it
  std::vector<Bytes> snapshots;  ///< of versions that it was at
  std::uint32_t last_position = 0;
};

/// Runs a program on our engine and writes down, as commands for the Node worker, what was done and
/// every byte that came of it.
class Session {
 public:
  explicit Session(const Program& program);

  /// What our side itself found wrong.
  const std::optional<std::string>& failure() const { return failure_; }
  BytesView commands() const { return out_.view(); }
  std::size_t transactions() const { return transactions_; }

 private:
  enum Command : std::uint8_t {
    k_make,
    k_edit,
    k_apply,
    k_structs,
    k_merge,
    k_diff,
    k_vector,
    k_convert,
    k_obfuscate,
    k_version,
    k_swarm,
  };

  void make_replica(std::size_t index);
  void step(std::uint64_t number);
  void settle();
  void compare_replicas();
  void fail(const std::string& what) {
    if (!failure_) {
      failure_ = what;
    }
  }

  // Steps (session_steps.cpp).
  void edit(std::size_t index);
  void deliver(std::size_t index, BytesView update);
  void deliver_one(std::size_t index);
  void deliver_merged(std::size_t index);
  void deliver_difference(std::size_t index);
  void synchronise(std::size_t to, std::size_t from);
  void take_snapshot(std::size_t index);
  void restore_version(std::size_t index);
  void inspect(BytesView update);
  void forge();
  void broadcast(const Bytes& update, std::size_t from);
  Bytes take(Replica& replica);

  // What the worker compares.
  void check(std::size_t index);
  void expect(BytesView ours) { out_.var_bytes(ours); }
  void expect_pending(const crdt::Doc& doc);
  void expect_structs(std::size_t index);
  Bytes merge(const std::vector<Bytes>& updates, crdt::UpdateFormat format);
  Bytes convert(BytesView update, crdt::UpdateFormat from);
  crdt::UpdateFormat format() {
    return chance_.one_in(2) ? crdt::UpdateFormat::v1 : crdt::UpdateFormat::v2;
  }

  Chance chance_;
  bool swarm_ = false;
  std::vector<std::unique_ptr<Replica>> replicas_;
  std::vector<Bytes> log_;  ///< all that anybody sent
  std::uint64_t forger_ = 0;
  std::uint64_t forged_clock_ = 0;
  std::vector<std::uint64_t> forged_types_;
  crdt::lib0::Encoder out_;
  std::size_t transactions_ = 0;
  std::optional<std::string> failure_;
};

/// Edits `doc` `count` times at random places within one transaction, and writes down how.
void edit_at_random(Replica& replica, Chance& chance, crdt::Transaction& transaction,
                    std::size_t count, crdt::lib0::Encoder& program);

/// What a document holds, as the worker words it.
std::string show(crdt::Doc& doc);

}  // namespace vivim::interop::conformance
