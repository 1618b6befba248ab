#include "interop/conformance/runner.hpp"

#include <algorithm>
#include <sstream>
#include <utility>

#include "interop/conformance/session.hpp"
#include "vivim/crdt/conflict_cases_detail.hpp"
#include "vivim/crdt/lib0.hpp"

namespace vivim::interop::conformance {

namespace {

/// How long Yjs may think about one session. On some inputs it never ends.
constexpr std::chrono::milliseconds k_patience{120'000};
/// The same for one attempt of shrinking.
constexpr std::chrono::milliseconds k_patience_shrinking{5'000};
/// As interop/js/conformance-worker.mjs numbers it.
constexpr std::uint64_t k_outcome = 17;

// Yjs throws when it collects a type that holds something that nobody deleted: a map's entry of
// several units that was cut (docs/protocol/yjs.md). What came before was compared.
bool gave_up(const std::string& error) {
  return error.find("Unexpected case") != std::string::npos &&
         error.find("at Item.gc") != std::string::npos;
}

Difference ours(const std::string& story) {
  return {.kind = story.substr(0, story.find(':')), .story = story};
}

// What both sides made of one beginning.
std::pair<Bytes, Bytes> sides(const crdt::Conflict& conflict) {
  crdt::Doc one(crdt::ClientId{1});
  crdt::Doc two(crdt::ClientId{2});
  crdt::make_sides(conflict, one, two);
  return {encode_state_as_update(one), encode_state_as_update(two)};
}

}  // namespace

Runner::Runner(std::size_t workers, bool gaps) : gaps_(gaps) {
  for (std::size_t i = 0; i < workers; ++i) {
    slots_.push_back(std::make_unique<Slot>());
  }
}

std::optional<Failure> Runner::run(const Program& program) {
  const Session session(program, peers_, gaps_);
  transactions_ += session.transactions();
  seen_["origin in garbage"] += session.origins_in_garbage();
  seen_["guest of Yjs 14"] += session.guests()[0];
  seen_["guest of yrs"] += session.guests()[1];
  if (session.failure()) {
    return Failure{.program = program, .difference = ours(*session.failure())};
  }
  Slot& slot = *slots_[std::exchange(next_, (next_ + 1) % slots_.size())];
  auto failure = judge(slot);
  slot.worker.send(session.commands());
  slot.asked = program;
  return failure;
}

std::optional<Failure> Runner::finish() {
  std::optional<Failure> first;
  for (const auto& slot : slots_) {
    auto failure = judge(*slot);
    if (!first) {
      first = std::move(failure);
    }
  }
  return first;
}

std::optional<Failure> Runner::judge(Slot& slot) {
  if (!slot.asked) {
    return std::nullopt;
  }
  Program program = *std::exchange(slot.asked, std::nullopt);
  auto found = answer(slot, k_patience);
  return found ? std::optional(
                     Failure{.program = std::move(program), .difference = std::move(*found)})
               : std::nullopt;
}

std::optional<Difference> Runner::difference(const Program& program) {
  const Session session(program, peers_, gaps_);
  if (session.failure()) {
    return ours(*session.failure());
  }
  slots_.front()->worker.send(session.commands());
  return answer(*slots_.front(), k_patience_shrinking);
}

std::optional<Difference> Runner::conflicts() {
  for (const crdt::Conflict& conflict : crdt::conflicts()) {
    const auto [left, right] = sides(conflict);
    crdt::lib0::Encoder commands;
    for (const bool left_first : {true, false}) {
      commands.var_uint(k_outcome);
      commands.var_bytes(left_first ? left : right);
      commands.var_bytes(left_first ? right : left);
      commands.var_string(conflict.root);
      commands.var_bytes(as_bytes(conflict.outcome));
    }
    slots_.front()->worker.send(commands.view());
    if (auto found = answer(*slots_.front(), k_patience)) {
      found->story = std::string(conflict.name) + ": " + found->story;
      return found;
    }
  }
  return std::nullopt;
}

std::optional<Difference> Runner::answer(Slot& slot, std::chrono::milliseconds patience) {
  const auto bytes = slot.worker.receive_within(patience);
  if (!bytes) {
    return Difference{.kind = "silence",
                      .story = "Yjs did not answer within " +
                               std::to_string(patience.count() / 1000) + " s, or broke down"};
  }
  crdt::lib0::Decoder in(*bytes);
  std::optional<Difference> difference;
  if (in.var_uint().value() != 0) {
    std::ostringstream text;
    text << "command " << in.var_uint().value();
    const std::string what(in.var_string().value());
    text << ": " << what;
    text << "\n  theirs " << to_hex(in.var_bytes().value());
    text << "\n  ours   " << to_hex(in.var_bytes().value());
    if (!gave_up(what)) {
      difference = Difference{.kind = what.substr(0, what.find('\n')), .story = text.str()};
    }
  }
  for (std::uint64_t count = in.var_uint().value(); count > 0; --count) {
    const std::string name(in.var_string().value());
    seen_[name] += in.var_uint().value();
  }
  return difference;
}

Program shrink(Runner& runner, Program program, const std::string& kind) {
  for (std::size_t size = std::max<std::size_t>(program.steps.size() / 2, 1); size > 0;) {
    bool shorter = false;
    for (std::size_t at = 0; at + size <= program.steps.size();) {
      Program candidate = program;
      const auto from = candidate.steps.begin() + static_cast<std::ptrdiff_t>(at);
      candidate.steps.erase(from, from + static_cast<std::ptrdiff_t>(size));
      if (const auto found = runner.difference(candidate); found && found->kind == kind) {
        program = std::move(candidate);
        shorter = true;
      } else {
        at += size;
      }
    }
    size = shorter ? std::min(size, std::max<std::size_t>(program.steps.size(), 1)) : size / 2;
  }
  return program;
}

}  // namespace vivim::interop::conformance
