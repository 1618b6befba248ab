#include "apps/vivim/program.hpp"

#include <clocale>
#include <cstdio>
#include <cstdlib>

#include <sys/stat.h>
#include <unistd.h>

#include "apps/vivim/commands.hpp"
#include "apps/vivim/text.hpp"

namespace vivim::cli {

namespace {

/// As vivim/base/problem.hpp says.
int exit_code_of(ProblemKind kind) {
  switch (kind) {
    case ProblemKind::bad_input:
      return 2;
    case ProblemKind::not_found:
      return 3;
    case ProblemKind::refused:
      return 4;
    case ProblemKind::conflict:
      return 5;
    case ProblemKind::unavailable:
      return 6;
    case ProblemKind::internal:
      return 1;
  }
  return 1;
}

int report(const Terminal& terminal, const CommonArguments& common, const Problem& problem) {
  std::string text =
      styled(terminal, Style::red, "vivim:") + " " + one_line(problem.message) + "\n";
  if (!problem.hint.empty()) {
    text += "  " + one_line(problem.hint) + "\n";
  }
  std::fflush(stdout);
  std::fputs(text.c_str(), stderr);
  const int code = exit_code_of(problem.kind);
  if (common.json) {
    print_json(boost::json::object{{"error",
                                    {{"code", problem.code},
                                     {"message", problem.message},
                                     {"hint", problem.hint},
                                     {"exit_code", code}}}});
  }
  return code;
}

std::optional<std::string> environment_variable(const std::string& name) {
  const char* value = std::getenv(name.c_str());  // NOLINT(concurrency-mt-unsafe): nobody sets it
  return value == nullptr ? std::nullopt : std::optional<std::string>(value);
}

Outcome<void> run_command(const Arguments& arguments) {
  VIVIM_TRY(auto root, node::find_home(arguments.common.home, environment_variable));
  rt::asio_::Loop loop;
  Context context{.common = arguments.common,
                  .home = {.root = std::move(root)},
                  .out = Terminal::of(STDOUT_FILENO),
                  .err = Terminal::of(STDERR_FILENO),
                  .loop = loop};
  return std::visit([&](const auto& command) { return execute(context, command); },
                    arguments.command);
}

/// A full disk or a closed pipe must not look like success.
int finish(int code) {
  if (std::fflush(stdout) != 0 || std::ferror(stdout) != 0) {
    std::fputs("vivim: Could not write the output.\n", stderr);
    return code == 0 ? 1 : code;
  }
  return code;
}

}  // namespace

int run_program(std::vector<std::string> words) {
  ::umask(S_IRWXG | S_IRWXO);
  std::setlocale(LC_CTYPE, "C.UTF-8");  // NOLINT(concurrency-mt-unsafe): before any thread
  const auto arguments = parse_arguments(std::move(words));
  if (!arguments) {
    const auto& usage = arguments.error();
    std::fputs(usage.text.c_str(), usage.exit_code == 0 ? stdout : stderr);
    return finish(usage.exit_code);
  }
  const auto outcome = run_command(*arguments);
  if (!outcome) {
    return finish(report(Terminal::of(STDERR_FILENO), arguments->common, outcome.error()));
  }
  return finish(0);
}

}  // namespace vivim::cli
