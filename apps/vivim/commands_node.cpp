#include "apps/vivim/commands.hpp"
#include "apps/vivim/table.hpp"
#include "apps/vivim/text.hpp"
#include "apps/vivim/units.hpp"
#include "vivim/node/node_file.hpp"

namespace vivim::cli {

namespace {

constexpr auto k_stop_poll = std::chrono::milliseconds(20);
constexpr auto k_stop_time_max = std::chrono::seconds(30);
/// Looking at everything takes as long as reading everything.
constexpr auto k_doctor_patience = std::chrono::hours(1);

std::string lines_of(const boost::json::array& items) {
  std::string out;
  for (const auto& item : items) {
    if (const auto* text = item.if_string()) {
      out += (out.empty() ? "" : " ") + one_line({text->data(), text->size()});
    }
  }
  return out;
}

std::string render_status(const Context& context, const Json& status) {
  std::vector<std::pair<std::string, std::string>> facts = {
      {"Node", "running for " +
                   format_duration(std::chrono::milliseconds(count_at(status, "uptime_ms"))) +
                   ", version " + one_line(text_at(status, "version"))},
      {"Web app", one_line(text_at(status, "http"))},
      {"Home", one_line(text_at(status, "home"))},
      {"Peer id", one_line(text_at(status, "peer_id"))},
      {"Listens", lines_of(items_at(status, "listen"))},
      {"Peers", format_count(count_at(status, "peers"))},
      {"Conversations", format_count(count_at(status, "conversations")) + ", " +
                            format_count(count_at(status, "documents_open")) + " open"}};
  if (const auto pending = count_at(member(status, "indexing"), "pending"); pending > 0) {
    facts.emplace_back("Indexing", format_count_of(pending, "conversation") + " to go");
  }
  return render_facts(context.out, facts);
}

std::string milliseconds_of(const Json& value, std::string_view name) {
  const Json& found = member(value, name);
  if (const auto* number = found.if_double()) {
    const auto tenths = static_cast<std::int64_t>(*number * 10 + 0.5);
    return std::to_string(tenths / 10) + "." + std::to_string(tenths % 10) + " ms";
  }
  return found.is_int64() ? std::to_string(found.get_int64()) + " ms" : "";
}

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
  return table.empty() ? "Nobody is connected. Connect with: vivim connect MULTIADDR\n"
                       : table.render(context.out);
}

/// Resumes when the process has let go of the home.
Outcome<void> wait_until_free(Context& context) {
  const auto deadline = context.loop.clock().now() + k_stop_time_max;
  while (node::HomeLock::holder(context.home)) {
    if (context.loop.clock().now() > deadline) {
      return std::unexpected(Problem{.kind = ProblemKind::unavailable,
                                     .code = "still_stopping",
                                     .message = "The node was told to stop, but has not yet.",
                                     .hint = "Wait, or see what it does: vivim status"});
    }
    context.loop.run(rt::sleep_for(context.loop, k_stop_poll));
  }
  return {};
}

}  // namespace

Outcome<void> execute(Context& context, const IdArguments&) {
  VIVIM_TRY(const auto api, open_api(context, ApiUse::existing));
  VIVIM_TRY(const auto body, get(*api, "/api/v2/id"));
  if (context.common.json) {
    print_json(body);
    return {};
  }
  VIVIM_TRY(const auto identity, parse_answer(body));
  print(text_at(identity, "peer_id") + "\n");
  for (const auto& address : items_at(identity, "addresses")) {
    if (const auto* text = address.if_string()) {
      print(one_line({text->data(), text->size()}) + "\n");
    }
  }
  return {};
}

Outcome<void> execute(Context& context, const StatusArguments&) {
  VIVIM_TRY(const auto api, open_api(context, ApiUse::running_node));
  VIVIM_TRY(const auto body, get(*api, "/api/v2/status"));
  if (context.common.json) {
    print_json(body);
    return {};
  }
  VIVIM_TRY(const auto status, parse_answer(body));
  print(render_status(context, status));
  return {};
}

Outcome<void> execute(Context& context, const StopArguments&) {
  VIVIM_TRY(const auto api, open_api(context, ApiUse::running_node));
  VIVIM_TRYV(request(*api, {.method = "POST", .path = "/api/v2/stop"}));
  VIVIM_TRYV(wait_until_free(context));
  if (context.common.json) {
    print_json(boost::json::object{{"stopped", true}});
  } else {
    print("Stopped.\n");
  }
  return {};
}

Outcome<void> execute(Context& context, const DoctorArguments&) {
  VIVIM_TRY(const auto api, open_api(context, ApiUse::existing));
  VIVIM_TRY(const auto body,
            request(*api, {.path = "/api/v2/doctor", .patience = k_doctor_patience}));
  VIVIM_TRY(const auto answer, parse_answer(body));
  if (context.common.json) {
    print_json(body);
  } else {
    for (const auto& check : items_at(answer, "checks")) {
      const bool ok = flag_at(check, "ok");
      print(styled(context.out, ok ? Style::green : Style::red, ok ? "ok      " : "broken  ") +
            one_line(text_at(check, "name")) + "  " +
            styled(context.out, Style::dim, one_line(text_at(check, "detail"))) + "\n");
    }
  }
  if (!flag_at(answer, "ok")) {
    return std::unexpected(
        Problem{.kind = ProblemKind::internal,
                .code = "damaged",
                .message = "Something that is stored is damaged.",
                .hint = "Export what is still readable (vivim export), then restore a backup of " +
                        context.home.root});
  }
  return {};
}

Outcome<void> execute(Context& context, const VersionArguments&) {
  if (context.common.json) {
    print_json(boost::json::object{{"version", VIVIM_VERSION}});
  } else {
    print("vivim " VIVIM_VERSION "\n");
  }
  return {};
}

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

Outcome<void> execute(Context& context, const PeersArguments&) {
  VIVIM_TRY(const auto api, open_api(context, ApiUse::running_node));
  VIVIM_TRY(const auto body, get(*api, "/api/v2/network/peers"));
  if (context.common.json) {
    print_json(body);
    return {};
  }
  VIVIM_TRY(const auto answer, parse_answer(body));
  print(render_peers(context, answer));
  return {};
}

}  // namespace vivim::cli
