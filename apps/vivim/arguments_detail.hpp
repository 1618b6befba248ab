#pragma once

#include <memory>

#include "apps/vivim/arguments.hpp"

#pragma clang diagnostic push
#pragma clang diagnostic ignored "-Wdeprecated-declarations"
#include <CLI/CLI.hpp>
#pragma clang diagnostic pop

namespace vivim::cli {

/// The grammar. Each command's options write into its arguments, which `chosen` then holds.
class Grammar {
 public:
  Grammar();

  std::expected<Arguments, Usage> parse(std::vector<std::string> words);

 private:
  using Examples = std::vector<std::string>;

  void add_common(CLI::App& app) {
    app.add_option("--home", common_.home, "The folder with the data")->type_name("DIR");
    app.add_flag("--json", common_.json, "Print one JSON value");
  }

  /// Adds a command; `Args` is what it fills in.
  template <class Args>
  std::pair<CLI::App*, Args*> add(const std::string& name, const std::string& about,
                                  const Examples& examples) {
    return add<Args>(app_, name, about, examples);
  }
  template <class Args>
  std::pair<CLI::App*, Args*> add(CLI::App& parent, const std::string& name,
                                  const std::string& about, const Examples& examples) {
    auto* command = parent.add_subcommand(name, about);
    auto arguments = std::make_shared<Args>();
    std::string footer = "Examples:";
    for (const auto& example : examples) {
      footer += "\n  " + example;
    }
    command->footer(footer);
    command->callback([this, arguments] { chosen_ = *arguments; });
    return {command, arguments.get()};
  }

  void add_node_commands();
  void add_network_commands();
  void add_swarm_commands();
  void add_dht_commands();
  void add_topic_commands();
  void add_message_commands();
  void add_circle_commands();
  void add_reading_commands();
  void add_writing_commands();
  void add_sharing_commands();
  void add_sim_commands();
  void add_devnet_commands();
  std::string help_of(const std::string& name);
  Usage wrong_usage(const CLI::ParseError& error);

  CLI::App app_;
  CommonArguments common_;
  bool version_ = false;
  CommandArguments chosen_;
};

}  // namespace vivim::cli
