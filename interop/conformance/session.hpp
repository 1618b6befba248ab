#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "interop/conformance/chance.hpp"
#include "interop/conformance/editor.hpp"
#include "interop/conformance/gap_reader.hpp"
#include "interop/conformance/peers.hpp"
#include "interop/conformance/program.hpp"
#include "vivim/base/bytes.hpp"
#include "vivim/crdt/doc.hpp"
#include "vivim/crdt/lib0.hpp"
#include "vivim/crdt/snapshot.hpp"
#include "vivim/crdt/undo_manager.hpp"
#include "vivim/crdt/update.hpp"
#include "vivim/crdt/value.hpp"

namespace vivim::interop::conformance {

/// One replica on our side; Yjs has its twin.
struct Replica {
  std::unique_ptr<crdt::Doc> doc;
  bool collects = true;
  std::vector<std::unique_ptr<crdt::UndoManager>> managers;
  std::vector<crdt::Subscription> subscriptions;
  std::vector<Bytes> v1;         ///< update events since they were last compared
  std::vector<Bytes> v2;         ///< the same in the other format
  std::string told;              ///< what observers heard since then, a line each
  std::vector<Bytes> inbox;      ///< updates (v1) that are on their way to it
  std::vector<Bytes> snapshots;  ///< of versions that it was at
  std::uint32_t last_position = 0;
};

/// Runs a program on our engine and writes down, as commands for the Node worker, what was done and
/// every byte that came of it.
class Session {
 public:
  /// `peers` are asked while the session runs.
  /// With `gaps` one more replica integrates over gaps, beside its twin of Yjs 14.
  Session(const Program& program, Peers& peers, bool gaps);

  /// What our side itself found wrong.
  const std::optional<std::string>& failure() const { return failure_; }
  BytesView commands() const { return out_.view(); }
  std::size_t transactions() const { return transactions_; }
  std::size_t origins_in_garbage() const { return origins_in_garbage_; }
  /// How many peers of Yjs 14 and of yrs took part.
  const std::array<std::size_t, 2>& guests() const { return guest_engines_; }

 private:
  /// As interop/js/conformance-worker.mjs numbers them.
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
    k_undo_make,
    k_undo,
    k_position,
    k_load,
    k_clock,
    k_contains,
  };

  void make_replica(std::size_t index);
  void observe(Replica& replica);
  void step(std::uint64_t number);
  void step_gap_reader(std::uint64_t number);
  void settle();
  bool settled() const;
  void compare_replicas();
  void compare_reader(crdt::Doc& first);
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
  void inspect(BytesView update);
  void broadcast(const Bytes& update, std::size_t from);
  Bytes take(Replica& replica);
  Bytes merge(const std::vector<Bytes>& updates, crdt::UpdateFormat format);
  Bytes convert(BytesView update, crdt::UpdateFormat from);
  void forge();  // forge.cpp

  // What is built on documents (session_features.cpp).
  void take_snapshot(std::size_t index);
  void restore_version(std::size_t index);
  void make_undo(std::size_t index);
  void undo(std::size_t index);
  bool undo_action(Replica& replica, crdt::UndoManager& manager, std::size_t action,
                   std::size_t argument);
  void make_position(std::size_t index);
  void load_documents(std::size_t index);
  void wait();

  // What the worker compares (session_checks.cpp).
  void check(std::size_t index, std::size_t new_from = 0);
  void expect(BytesView ours) { out_.var_bytes(ours); }
  Bytes some_state();
  void expect_state(const crdt::Doc& doc);
  void expect_pending(const crdt::Doc& doc);
  void expect_positions(crdt::Doc& doc);
  void expect_structs(std::size_t index);

  // Peers of other engines (session_swarm.cpp).
  void invite(bool yrs);
  void guest_step();
  void deliver_to_guest(std::size_t guest, const Bytes& update);
  void settle_guests();
  void compare_guests();
  void note_failure_of_peers();

  crdt::UpdateFormat format() {
    return chance_.one_in(2) ? crdt::UpdateFormat::v1 : crdt::UpdateFormat::v2;
  }

  Chance chance_;
  Content content_ = Content::plain;
  bool swarm_ = false;  ///< other engines are shown the end of it
  bool live_ = false;   ///< other engines take part
  std::unique_ptr<Editor> editor_;
  std::vector<std::unique_ptr<Replica>> replicas_;
  std::unique_ptr<GapReader>
      gap_reader_;  ///< hears all that the replicas do, where no surrogate pair is cut
  Peers* peers_;
  struct Guest {
    Peers::Engine engine{};
    std::vector<Bytes> inbox;  ///< updates (v1) that are on their way to it
  };
  std::vector<Guest> guests_;
  std::array<std::size_t, 2> guest_engines_{};
  std::vector<Bytes> log_;  ///< all that anybody sent
  std::vector<Bytes> positions_;
  std::uint64_t now_ms_ = 1;
  std::uint64_t forger_ = 0;
  std::uint64_t forged_clock_ = 0;
  std::vector<std::uint64_t> forged_types_;
  crdt::lib0::Encoder out_;
  std::size_t transactions_ = 0;
  std::size_t origins_in_garbage_ = 0;
  std::optional<std::string> failure_;
};

/// What a document holds, as the worker words it.
crdt::Any content_of(crdt::Doc& doc);

}  // namespace vivim::interop::conformance
