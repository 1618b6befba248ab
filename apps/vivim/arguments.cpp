#include "apps/vivim/arguments_detail.hpp"

namespace vivim::cli {

namespace {

constexpr const char* k_about =
    "VIVIM keeps your AI conversations: import them, search them, edit and share them.\n";

constexpr const char* k_footer = R"(Examples:
  vivim run                              start the node and the web app on http://127.0.0.1:8470/
  vivim import ~/Downloads/export.zip    bring in a ChatGPT or Claude export
  vivim search holiday plans             find a conversation
  vivim show 4k7qm2                      read it (the start of an id is enough)
  vivim share 4k7qm2                     let somebody else's node have it

Everything lives in one folder, the home: --home, else $VIVIM_HOME, else ~/.local/share/vivim.
Exit codes: 0 done, 1 our fault, 2 bad input, 3 not found, 4 refused, 5 conflict, 6 not reachable.
`vivim COMMAND --help` says more about a command.)";

}  // namespace

Grammar::Grammar() : app_(k_about, "vivim") {
  app_.require_subcommand(1);
  app_.set_help_all_flag();
  app_.footer(k_footer);
  app_.add_flag("--version", version_, "Print the version");
  add_common(app_);
  add_node_commands();
  add_network_commands();
  add_message_commands();
  add_circle_commands();
  add_reading_commands();
  add_writing_commands();
  add_sharing_commands();
  add_sim_commands();
  add_devnet_commands();
}

std::string Grammar::help_of(const std::string& name) {
  if (name.empty()) {
    return app_.help();
  }
  for (const auto* command : app_.get_subcommands({})) {
    if (command->get_name() == name) {
      return command->help("vivim");
    }
  }
  return "";
}

/// "vivim: what happened", and where to look.
Usage Grammar::wrong_usage(const CLI::ParseError& error) {
  std::string command;
  for (const auto* parsed : app_.get_subcommands()) {
    command = parsed->get_name() + " ";
  }
  std::string what = error.what();
  if (const auto line = what.find('\n'); line != what.npos) {
    what.resize(line);
  }
  return {.exit_code = 2, .text = "vivim: " + what + "\n  See: vivim " + command + "--help\n"};
}

std::expected<Arguments, Usage> Grammar::parse(std::vector<std::string> words) {
  if (words.empty()) {
    return std::unexpected(Usage{.exit_code = 2, .text = app_.help()});
  }
  if (words[0] == "help") {
    const std::string name = words.size() > 1 ? words[1] : "";
    const auto text = help_of(name);
    if (text.empty()) {
      return std::unexpected(
          Usage{.exit_code = 2,
                .text = "vivim: there is no command '" + name + "'\n  See: vivim --help\n"});
    }
    return std::unexpected(Usage{.exit_code = 0, .text = text});
  }
  if (words[0] == "--version") {
    return Arguments{.common = {}, .command = VersionArguments{}};
  }
  try {
    std::ranges::reverse(words);  // as CLI11 wants them
    app_.parse(std::move(words));
  } catch (const CLI::CallForHelp&) {
    const auto commands = app_.get_subcommands();
    return std::unexpected(Usage{
        .exit_code = 0, .text = help_of(commands.empty() ? "" : commands.front()->get_name())});
  } catch (const CLI::ParseError& error) {
    return std::unexpected(wrong_usage(error));
  }
  return Arguments{.common = common_, .command = chosen_};
}

std::expected<Arguments, Usage> parse_arguments(std::vector<std::string> words) {
  return Grammar().parse(std::move(words));
}

}  // namespace vivim::cli
