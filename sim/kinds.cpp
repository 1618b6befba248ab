#include "kinds.hpp"

#include <algorithm>
#include <array>

namespace vivim::sim {

namespace {

constexpr std::array k_kinds{
    Kind{.name = "availability",
         .about = "users share a document at servers that fail; a change arrives, or does not",
         .play = play_availability},
    Kind{.name = "backlog",
         .about = "a node that was away comes back, and gets thousands of edits",
         .play = play_backlog},
    Kind{.name = "chaos",
         .about = "whole nodes with documents, messages, a circle and DHT records, while machines "
                  "and network fail; and converge",
         .play = play_chaos},
    Kind{.name = "dht-attack",
         .about =
             "sybils in a DHT; honest nodes look things up, with our algorithm and the plain one",
         .play = play_dht_attack},
    Kind{.name = "documents",
         .about = "nodes edit shared documents while machines and network fail, and converge",
         .play = play_documents},
    Kind{.name = "gossip",
         .about =
             "nodes publish in a topic that all are in, among others who come and go, or attack",
         .play = play_gossip},
    Kind{
        .name = "lookups",
        .about = "nodes of a DHT look up peers, or provide and find content, while others are gone",
        .play = play_lookups},
    Kind{.name = "punch",
         .about = "nodes behind NATs connect through relays, and punch holes",
         .play = play_punch},
    Kind{.name = "streams",
         .about = "hosts open streams to hosts they are connected with, and echo",
         .play = play_streams},
};

}  // namespace

std::span<const Kind> kinds() {
  return k_kinds;
}

const Kind* find_kind(std::string_view name) {
  const auto* const found = std::ranges::find(k_kinds, name, &Kind::name);
  return found == k_kinds.end() ? nullptr : found;
}

}  // namespace vivim::sim
