#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "interop/conformance/peers.hpp"
#include "interop/conformance/program.hpp"
#include "interop/node_worker.hpp"

namespace vivim::interop::conformance {

/// What went wrong: of what kind, and the whole story.
struct Difference {
  std::string kind;
  std::string story;
};

/// A program that failed, and how.
struct Failure {
  Program program;
  Difference difference;
};

/// Has programs run by our engine, and their commands by several Node workers meanwhile.
class Runner {
 public:
  /// `gaps`: with a replica over gaps in each session (Session).
  Runner(std::size_t workers, bool gaps);

  /// Runs the program; its verdict may come later. Something that differs, in this program or in
  /// one before it.
  std::optional<Failure> run(const Program& program);
  /// Waits for all verdicts that are still to come.
  std::optional<Failure> finish();
  /// What differs in `program` alone.
  std::optional<Difference> difference(const Program& program);
  /// Has the catalogue of conflicts confirmed by Yjs.
  std::optional<Difference> conflicts();

  std::size_t transactions() const { return transactions_; }
  /// How often what came up.
  const std::map<std::string, std::uint64_t>& seen() const { return seen_; }

 private:
  struct Slot {
    NodeWorker worker{"interop/js/conformance-worker.mjs"};
    std::optional<Program> asked;
  };

  std::optional<Failure> judge(Slot& slot);
  std::optional<Difference> answer(Slot& slot, std::chrono::milliseconds patience);

  std::vector<std::unique_ptr<Slot>> slots_;
  bool gaps_;
  Peers peers_;
  std::size_t next_ = 0;
  std::size_t transactions_ = 0;
  std::map<std::string, std::uint64_t> seen_;
};

/// Leaves out ever smaller stretches of steps as long as the same still differs.
Program shrink(Runner& runner, Program program, const std::string& kind);

}  // namespace vivim::interop::conformance
