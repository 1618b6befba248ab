// The catalogue of conflicts, then random programs, run by our engine and by npm's Yjs, every byte
// compared after every transaction; see docs/protocol/yjs.md. A failing program is made as short as
// it goes and written to conformance-failure.txt: put it into corpus/crdt_conformance when the
// fault is mended. CONFORMANCE_TRACE=1 shows what Yjs does.
//
// Usage: crdt_conformance [--transactions N] [--seed S] [--workers W] [FILE...]
// FILEs are programs to run first. Exit status: 0 nothing differs and every kind of struct was
// produced, 1 otherwise.

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <optional>
#include <span>
#include <sstream>
#include <string>
#include <vector>

#include "interop/conformance/program.hpp"
#include "interop/conformance/runner.hpp"

namespace vivim::interop::conformance {
namespace {

// What no run may lack, or it has shown little.
constexpr const char* k_wanted[] = {
    // Structs.
    "gc", "deleted", "json", "binary", "string", "embed", "format", "any", "doc", "skip",
    "type YArray", "type YMap", "type YText", "type YXmlElement", "type YXmlFragment",
    "type YXmlHook", "type YXmlText", "client id above 2^32", "origin in garbage",
    "struct without its beginning",
    // Content.
    "cut surrogate pair", "value -0", "value NaN", "value infinite", "value around 2^31",
    "value around 2^53", "bytes", "string beyond 10,000 characters", "empty key",
    // What happened.
    "pending structs", "pending deletes", "version", "version with an update",
    "version without an update", "clean-up of formatting", "undo", "redo", "position found",
    "position nowhere", "documents loaded", "documents given up", "conflict",
    // Other engines.
    "swarm", "swarm with ywasm", "guest of Yjs 14", "guest of yrs"};
// What Yjs 14 does with gaps.
constexpr const char* k_wanted_of_gaps[] = {"gap",
                                            "two gaps of a client",
                                            "gap filled",
                                            "gap filled in part",
                                            "gap at the beginning",
                                            "structs that wait for a gap",
                                            "deletions that wait for a gap"};

struct Options {
  std::size_t transactions = 100'000;
  std::uint64_t seed = 1;
  std::size_t workers = 2;
  bool gaps = false;
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
    } else if (argument == "--workers" && i + 1 < argc) {
      options.workers = std::strtoull(argv[++i], nullptr, 10);
    } else if (argument == "--gaps") {
      options.gaps = true;
    } else if (argument.starts_with("--")) {
      const bool help = argument == "--help";
      std::fputs(
          "crdt_conformance [--transactions N] [--seed N] [--workers N] [--gaps] [FILE...]\n"
          "Random programs in our engine and in npm's Yjs, all bytes compared; FILEs, programs "
          "that\n"
          "failed, come first. With --gaps also a replica over gaps beside Yjs 14.\n",
          help ? stdout : stderr);
      std::exit(help ? 0 : 2);
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

std::optional<Failure> run_all(Runner& runner, const Options& options) {
  for (const std::string& path : options.files) {
    const auto program = read_program(path);
    if (!program) {
      return Failure{.program = {},
                     .difference = {.kind = "file", .story = path + " is no program"}};
    }
    auto failure = runner.run(*program);
    if (!failure) {
      failure = runner.finish();
    }
    if (failure) {
      std::fprintf(stderr, "%s fails again\n", path.c_str());
      return failure;
    }
  }
  for (std::uint64_t seed = options.seed; runner.transactions() < options.transactions; ++seed) {
    if (auto failure = runner.run(generate(seed))) {
      return failure;
    }
  }
  return runner.finish();
}

void report(Runner& runner, const Failure& failure) {
  const std::string& kind = failure.difference.kind;
  std::fprintf(stderr, "seed %llu: %.2000s\nshrinking %zu steps\n",
               static_cast<unsigned long long>(failure.program.seed),
               failure.difference.story.c_str(), failure.program.steps.size());
  static_cast<void>(runner.finish());
  const Program shortest = shrink(runner, failure.program, kind);
  const auto difference = runner.difference(shortest);
  std::fprintf(stderr, "%zu steps remain: %.4000s\nwritten to conformance-failure.txt\n",
               shortest.steps.size(), difference ? difference->story.c_str() : "(nothing)");
  std::ofstream("conformance-failure.txt") << print(shortest, kind);
}

// Whether everything came up that has to.
bool complete(const Runner& runner, std::span<const char* const> all_wanted) {
  bool all = true;
  for (const char* wanted : all_wanted) {
    if (const auto it = runner.seen().find(wanted); it == runner.seen().end() || it->second == 0) {
      std::fprintf(stderr, "never produced: %s\n", wanted);
      all = false;
    }
  }
  return all;
}

int main(int argc, char** argv) {
  const Options options = read_options(argc, argv);
  Runner runner(options.workers, options.gaps);
  if (const auto difference = runner.conflicts()) {
    std::fprintf(stderr, "%s\n", difference->story.c_str());
    return 1;
  }
  if (const auto failure = run_all(runner, options)) {
    report(runner, *failure);
    return 1;
  }
  std::printf("crdt_conformance: %zu programs of the corpus, %zu transactions, nothing differs\n",
              options.files.size(), runner.transactions());
  for (const auto& [name, count] : runner.seen()) {
    std::printf("  %s: %llu\n", name.c_str(), static_cast<unsigned long long>(count));
  }
  const bool all = complete(runner, k_wanted);
  const bool of_gaps = !options.gaps || complete(runner, k_wanted_of_gaps);
  return all && of_gaps ? 0 : 1;
}

}  // namespace
}  // namespace vivim::interop::conformance

int main(int argc, char** argv) {
  return vivim::interop::conformance::main(argc, argv);
}
