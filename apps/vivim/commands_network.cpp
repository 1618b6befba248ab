#include "apps/vivim/commands.hpp"
#include "apps/vivim/table.hpp"
#include "apps/vivim/text.hpp"
#include "apps/vivim/units.hpp"

namespace vivim::cli {

namespace {

/// As long as a node lets a measurement take, and a little.
constexpr auto k_perf_patience = std::chrono::minutes(11);

/// "1.5 ms"; empty when it is not known.
std::string milliseconds_of(const Json& value, std::string_view name) {
  if (!member(value, name).is_number()) {
    return {};
  }
  const auto tenths = static_cast<std::int64_t>(decimal_at(value, name) * 10 + 0.5);
  return std::to_string(tenths / 10) + "." + std::to_string(tenths % 10) + " ms";
}

constexpr const char* k_nobody = "Nobody is connected. Connect with: vivim connect MULTIADDR\n";

std::string render_peers(const Context& context, const Json& answer) {
  Table table({{.header = "PEER", .style = Style::cyan},
               {.header = "DIRECTION"},
               {.header = "CONNECTED"},
               {.header = "RTT", .align = Align::right},
               {.header = "AGENT"},
               {.header = "ADDRESS"}});
  for (const auto& peer : items_at(answer, "peers")) {
    table.add({one_line(text_at(peer, "id")), one_line(text_at(peer, "direction")),
               format_duration(std::chrono::milliseconds(count_at(peer, "connected_ms"))),
               milliseconds_of(peer, "rtt_ms"), truncate(one_line(text_at(peer, "agent")), 24),
               one_line(text_at(peer, "address"))});
  }
  return table.empty() ? k_nobody : table.render(context.out);
}

std::string last_part(const std::string& protocol) {
  return protocol.substr(std::min(protocol.size(), protocol.starts_with('/') ? 1UL : 0UL));
}

/// Everything that is known of each connection.
std::string render_peers_verbose(const Context& context, const Json& answer) {
  std::string out;
  for (const auto& peer : items_at(answer, "peers")) {
    const std::string how = one_line(text_at(peer, "transport")) + ", " +
                            last_part(one_line(text_at(peer, "security"))) + ", " +
                            last_part(one_line(text_at(peer, "muxer")));
    out += (out.empty() ? "" : "\n") +
           styled(context.out, Style::cyan, one_line(text_at(peer, "id"))) + "\n";
    const auto streams = format_count_of(count_at(peer, "streams"), "stream");
    std::vector<std::pair<std::string, std::string>> facts = {
        {"Agent", one_line(text_at(peer, "agent"))},
        {"Address", one_line(text_at(peer, "address"))},
        {"Connected",
         one_line(text_at(peer, "direction")) + ", for " +
             format_duration(std::chrono::milliseconds(count_at(peer, "connected_ms")))},
        {"Over", how + (flag_at(peer, "limited") ? ", limited (relayed)" : "")},
        {"Round trip", milliseconds_of(peer, "rtt_ms")},
        {"Open", streams},
        {"Speaks", one_line(words_at(peer, "protocols"))}};
    std::erase_if(facts, [](const auto& fact) { return fact.second.empty(); });
    out += render_facts(context.out, facts);
  }
  return out.empty() ? k_nobody : out;
}

/// The connections that ended lately, and why.
std::string render_ended(const Context& context, const Json& answer) {
  Table table({{.header = "ENDED", .align = Align::right},
               {.header = "PEER", .style = Style::cyan},
               {.header = "OVER"},
               {.header = "WHY"}});
  for (const auto& ended : items_at(answer, "ended")) {
    table.add({format_duration(std::chrono::milliseconds(count_at(ended, "ended_ms"))) + " ago",
               one_line(text_at(ended, "peer")),
               one_line(text_at(ended, "transport")) + ", " + one_line(text_at(ended, "direction")),
               one_line(text_at(ended, "reason"))});
  }
  return table.empty() ? "" : "\n" + table.render(context.out);
}

std::string rate_of(std::uint64_t bytes, double seconds) {
  if (seconds <= 0 || bytes == 0) {
    return "-";
  }
  return format_bytes(static_cast<std::uint64_t>(static_cast<double>(bytes) / seconds)) + "/s";
}

}  // namespace

Outcome<void> execute(Context& context, const ConnectArguments& arguments) {
  VIVIM_TRY(const auto api, open_api(context, ApiUse::running_node));
  VIVIM_TRY(const auto answer, post_json(*api, "/api/v2/network/connect",
                                         boost::json::object{{"multiaddr", arguments.address}}));
  if (context.common.json) {
    print_json(answer);
  } else {
    print("Connected to " + one_line(text_at(answer, "peer_id")) + ".\n");
  }
  return {};
}

Outcome<void> execute(Context& context, const PeersArguments& arguments) {
  VIVIM_TRY(const auto api, open_api(context, ApiUse::running_node));
  VIVIM_TRY(const auto body, get(*api, "/api/v2/network/peers"));
  if (context.common.json) {
    print_json(body);
    return {};
  }
  VIVIM_TRY(const auto answer, parse_answer(body));
  print(arguments.verbose ? render_peers_verbose(context, answer) + render_ended(context, answer)
                          : render_peers(context, answer));
  return {};
}

Outcome<void> execute(Context& context, const DisconnectArguments& arguments) {
  VIVIM_TRY(const auto api, open_api(context, ApiUse::running_node));
  VIVIM_TRY(const auto answer, post_json(*api, "/api/v2/network/disconnect",
                                         boost::json::object{{"peer_id", arguments.peer}}));
  if (context.common.json) {
    print_json(answer);
  } else {
    print("Disconnected from " + one_line(text_at(answer, "peer_id")) + ".\n");
  }
  return {};
}

Outcome<void> execute(Context& context, const PingArguments& arguments) {
  VIVIM_TRY(const auto api, open_api(context, ApiUse::running_node));
  boost::json::array rtts;
  std::string peer;
  for (std::uint64_t i = 0; i < arguments.count; ++i) {
    VIVIM_TRY(const auto answer, post_json(*api, "/api/v2/network/ping",
                                           boost::json::object{{"peer", arguments.peer}}));
    peer = one_line(text_at(answer, "peer_id"));
    rtts.push_back(member(answer, "rtt_ms"));
    if (!context.common.json) {
      print(peer + ": " + milliseconds_of(answer, "rtt_ms") + "\n");
    }
  }
  if (context.common.json) {
    print_json(boost::json::object{{"peer_id", peer}, {"rtt_ms", std::move(rtts)}});
  }
  return {};
}

Outcome<void> execute(Context& context, const PerfArguments& arguments) {
  VIVIM_TRY(const auto api, open_api(context, ApiUse::running_node));
  const boost::json::object wanted{{"peer", arguments.peer},
                                   {"upload_bytes", arguments.upload},
                                   {"download_bytes", arguments.download}};
  VIVIM_TRY(const auto text, request(*api, {.method = "POST",
                                            .path = "/api/v2/network/perf",
                                            .json = to_text(wanted),
                                            .patience = k_perf_patience}));
  if (context.common.json) {
    print_json(text);
    return {};
  }
  VIVIM_TRY(const auto answer, parse_answer(text));
  const auto line = [&](const std::string& way) {
    const std::uint64_t bytes = count_at(answer, way + "_bytes");
    const double seconds = decimal_at(answer, way + "_s");
    return std::pair(way == "upload" ? std::string("There") : std::string("Back"),
                     format_bytes(bytes) + ", " + rate_of(bytes, seconds));
  };
  print(render_facts(context.out, {line("upload"), line("download")}));
  return {};
}

}  // namespace vivim::cli
