#include "interop/peer/choice.hpp"

#include <algorithm>
#include <array>
#include <span>
#include <utility>

#include <boost/json/array.hpp>

namespace vivim::interop {

namespace {

using NamesView = std::span<const std::string_view>;

constexpr std::array<std::string_view, 4> k_transports{"tcp", "ws", "wss", "quic-v1"};
constexpr std::array<std::string_view, 2> k_securities{"noise", "tls"};
constexpr std::array<std::string_view, 2> k_muxers{"yamux", "mplex"};
constexpr std::array<std::string_view, 1> k_keys{"ed25519"};
constexpr std::array<std::string_view, 18> k_features{"perf",
                                                      "wss-sni",
                                                      "pnet",
                                                      "identify-push",
                                                      "relay-serve",
                                                      "relay-reserve",
                                                      "dcutr",
                                                      "autonat-behind-nat",
                                                      "autonat-v1-ask",
                                                      "autonat-v1-serve",
                                                      "autonat-v2-ask",
                                                      "autonat-v2-serve",
                                                      "rendezvous",
                                                      "rendezvous-serve",
                                                      "mdns",
                                                      "mdns-v6",
                                                      "kad",
                                                      "pubsub"};

boost::json::array list(NamesView names) {
  boost::json::array all;
  for (const auto name : names) {
    all.emplace_back(name);
  }
  return all;
}

Problem unknown(std::string_view what) {
  return {.kind = ProblemKind::bad_input,
          .code = "interop_choice",
          .message = "This peer does not know '" + std::string(what) + "'.",
          .hint = "vivim_interop_peer --describe lists what it has."};
}

struct Named {
  std::string_view flag;
  std::string Choice::* member;
  NamesView known;  ///< empty: any
};

struct Switch {
  std::string_view flag;
  bool Choice::* member;
};

constexpr std::array<std::string_view, 2> k_policies{"sign", "anonymous"};
constexpr std::array<Named, 7> k_named{{{"--transport", &Choice::transport, k_transports},
                                        {"--security", &Choice::security, k_securities},
                                        {"--muxer", &Choice::muxer, k_muxers},
                                        {"--key", &Choice::key, k_keys},
                                        {"--pubsub", &Choice::pubsub, k_policies},
                                        {"--pubsub-mesh", &Choice::pubsub_mesh, {}},
                                        {"--secrets", &Choice::secrets, {}}}};
constexpr std::array<Switch, 10> k_switches{{{"--describe", &Choice::describe},
                                             {"--relay-serve", &Choice::relay_serve},
                                             {"--dcutr", &Choice::dcutr},
                                             {"--autonat-serve", &Choice::autonat_serve},
                                             {"--private", &Choice::private_},
                                             {"--private-network", &Choice::private_network},
                                             {"--autonat", &Choice::autonat},
                                             {"--mdns", &Choice::mdns},
                                             {"--rendezvous-serve", &Choice::rendezvous_serve},
                                             {"--kad", &Choice::kad}}};

}  // namespace

Outcome<Choice> Choice::parse(const std::vector<std::string_view>& arguments) {
  Choice choice;
  for (auto word = arguments.begin(); word != arguments.end(); ++word) {
    const auto* const toggle = std::ranges::find(k_switches, *word, &Switch::flag);
    if (toggle != k_switches.end()) {
      choice.*toggle->member = true;
      continue;
    }
    const auto* const named = std::ranges::find(k_named, *word, &Named::flag);
    if (named == k_named.end() || ++word == arguments.end()) {
      return std::unexpected(unknown(named == k_named.end() ? *word : named->flag));
    }
    if (!named->known.empty() && std::ranges::find(named->known, *word) == named->known.end()) {
      return std::unexpected(unknown(*word));
    }
    choice.*named->member = std::string(*word);
  }
  return choice;
}

boost::json::object describe() {
  return {{"name", "vivim"},
          {"version", VIVIM_VERSION},
          {"transports", list(k_transports)},
          {"securities", list(k_securities)},
          {"muxers", list(k_muxers)},
          {"keys", list(k_keys)},
          {"features", list(k_features)}};
}

}  // namespace vivim::interop
