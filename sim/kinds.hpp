#pragma once

#include <span>
#include <string_view>

namespace vivim::sim {

class Stage;

/// What can happen in a scenario: a story with numbers to be filled in.
struct Kind {
  std::string_view name;
  std::string_view about;
  /// Plays it. Figures go into the stage's report, and what is not as it has to be into its
  /// failures.
  void (*play)(Stage& stage);
};

std::span<const Kind> kinds();
/// Null: there is none of that name.
const Kind* find_kind(std::string_view name);

// Each in a file of its name.
void play_availability(Stage& stage);
void play_backlog(Stage& stage);
void play_chaos(Stage& stage);
void play_dht_attack(Stage& stage);
void play_documents(Stage& stage);
void play_gossip(Stage& stage);
void play_lookups(Stage& stage);
void play_punch(Stage& stage);
void play_streams(Stage& stage);

}  // namespace vivim::sim
