// Random programs run by our engine and by npm's Yjs, every byte compared after every transaction;
// see docs/protocol/yjs.md. A failing program is made as short as it goes and written to
// conformance-failure.txt: put it into corpus/crdt_conformance when the fault is mended.
//
// Usage: crdt_conformance [--transactions N] [--seed S] [FILE...]
// FILEs are programs to run first. Exit status: 0 nothing differs and every kind of struct was
// produced, 1 otherwise.

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <map>
#include <optional>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "interop/conformance/program.hpp"
#include "interop/conformance/session.hpp"
#include "interop/node_worker.hpp"

namespace vivim::interop::conformance {
namespace {

// What no run may lack, or it has shown little.
constexpr const char* k_wanted[] = {"gc",
                                    "deleted",
                                    "json",
                                    "binary",
                                    "string",
                                    "embed",
                                    "format",
                                    "any",
                                    "doc",
                                    "skip",
                                    "type YArray",
                                    "type YMap",
                                    "type YText",
                                    "type YXmlElement",
                                    "type YXmlFragment",
                                    "type YXmlHook",
                                    "type YXmlText",
                                    "pending structs",
                                    "pending deletes",
                                    "cut surrogate pair",
                                    "client id above 2^32",
                                    "value -0",
                                    "value NaN",
                                    "value infinite",
                                    "value around 2^31",
                                    "value around 2^53",
                                    "bytes",
                                    "string beyond 10,000 characters",
                                    "empty key",
                                    "origin in garbage",
                                    "struct without its beginning",
                                    "version",
                                    "version with an update",
                                    "version without an update",
                                    "clean-up of formatting",
                                    "undo",
                                    "redo",
                                    "position found",
                                    "position nowhere",
                                    "documents loaded",
                                    "documents given up",
                                    "swarm",
                                    "swarm with ywasm"};

/// What went wrong: of what kind, and the whole story.
struct Difference {
  std::string kind;
  std::string story;
};

/// How long Yjs may think about one session. On some inputs it never ends.
constexpr std::chrono::milliseconds k_patience{120'000};
/// The same for one attempt of shrinking.
constexpr std::chrono::milliseconds k_patience_shrinking{5'000};

class Runner {
 public:
  Runner() : worker_("interop/js/conformance-worker.mjs") {}

  /// Runs the program and the one before it is judged meanwhile. False: something differs.
  bool run(const Program& program) {
    Session session(program);
    transactions_ += session.transactions();
    seen_["origin in garbage"] += session.origins_in_garbage();
    if (!judge()) {
      return false;
    }
    if (session.failure()) {
      failed_ = program;
      report_ = ours(*session.failure());
      return false;
    }
    worker_.send(session.commands());
    asked_ = program;
    return true;
  }

  /// Waits for the answer that is still to come.
  bool judge() {
    if (!asked_) {
      return true;
    }
    const Program program = *std::exchange(asked_, std::nullopt);
    auto difference = answer(k_patience);
    if (difference) {
      failed_ = program;
      report_ = std::move(*difference);
    }
    return !difference;
  }

  /// What differs in `program` alone.
  std::optional<Difference> difference(const Program& program) {
    Session session(program);
    if (session.failure()) {
      return ours(*session.failure());
    }
    worker_.send(session.commands());
    return answer(k_patience_shrinking);
  }

  const Program& failed() const { return failed_; }
  const Difference& report() const { return report_; }
  std::size_t transactions() const { return transactions_; }
  const std::map<std::string, std::uint64_t>& seen() const { return seen_; }

 private:
  static Difference ours(const std::string& story) {
    return {.kind = story.substr(0, story.find(':')), .story = story};
  }

  std::optional<Difference> answer(std::chrono::milliseconds patience) {
    const auto bytes = worker_.receive_within(patience);
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
      difference = Difference{.kind = what.substr(0, what.find('\n')), .story = text.str()};
    }
    for (std::uint64_t count = in.var_uint().value(); count > 0; --count) {
      const std::string name(in.var_string().value());
      seen_[name] += in.var_uint().value();
    }
    return difference;
  }

  NodeWorker worker_;
  std::optional<Program> asked_;
  Program failed_;
  Difference report_;
  std::size_t transactions_ = 0;
  std::map<std::string, std::uint64_t> seen_;
};

// Leaves out ever smaller stretches of steps as long as the same still differs.
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

void report_failure(Runner& runner) {
  std::fprintf(stderr, "seed %llu: %.2000s\nshrinking %zu steps\n",
               static_cast<unsigned long long>(runner.failed().seed), runner.report().story.c_str(),
               runner.failed().steps.size());
  const Program shortest = shrink(runner, runner.failed(), runner.report().kind);
  const auto difference = runner.difference(shortest);
  std::fprintf(stderr, "%zu steps remain: %.4000s\nwritten to conformance-failure.txt\n",
               shortest.steps.size(), difference ? difference->story.c_str() : "(nothing)");
  std::ofstream("conformance-failure.txt") << print(shortest, runner.report().kind);
}

struct Options {
  std::size_t transactions = 100'000;
  std::uint64_t seed = 1;
  std::vector<std::string> files;
};

Options read_options(int argc, char** argv) {
  Options options;
  for (int i = 1; i < argc; ++i) {
    const std::string argument = argv[i];
    if (argument == "--transactions" && i + 1 < argc) {
      options.transactions = std::strtoull(argv[++i], nullptr, 10);
    } else if (argument == "--seed" && i + 1 < argc) {
      options.seed = std::strtoull(argv[++i], nullptr, 10);
    } else {
      options.files.push_back(argument);
    }
  }
  return options;
}

std::optional<Program> read_program(const std::string& path) {
  std::ifstream file(path);
  std::ostringstream text;
  text << file.rdbuf();
  return parse(text.str());
}

bool run_all(Runner& runner, const Options& options) {
  for (const std::string& path : options.files) {
    const auto program = read_program(path);
    if (!program) {
      std::fprintf(stderr, "%s is no program\n", path.c_str());
      return false;
    }
    if (!runner.run(*program) || !runner.judge()) {
      std::fprintf(stderr, "%s fails again\n", path.c_str());
      return false;
    }
  }
  for (std::uint64_t seed = options.seed; runner.transactions() < options.transactions; ++seed) {
    if (!runner.run(generate(seed))) {
      return false;
    }
  }
  return runner.judge();
}

int main(int argc, char** argv) {
  const Options options = read_options(argc, argv);
  Runner runner;
  if (!run_all(runner, options)) {
    report_failure(runner);
    return 1;
  }
  bool complete = true;
  for (const char* kind : k_wanted) {
    if (const auto it = runner.seen().find(kind); it == runner.seen().end() || it->second == 0) {
      std::fprintf(stderr, "never produced: %s\n", kind);
      complete = false;
    }
  }
  std::printf("crdt_conformance: %zu programs of the corpus, %zu transactions, nothing differs\n",
              options.files.size(), runner.transactions());
  for (const auto& [name, count] : runner.seen()) {
    std::printf("  %s: %llu\n", name.c_str(), static_cast<unsigned long long>(count));
  }
  return complete ? 0 : 1;
}

}  // namespace
}  // namespace vivim::interop::conformance

int main(int argc, char** argv) {
  return vivim::interop::conformance::main(argc, argv);
}
