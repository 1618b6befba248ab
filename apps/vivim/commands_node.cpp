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

std::string render_status(const Context& context, const Json& status) {
  std::vector<std::pair<std::string, std::string>> facts = {
      {"Node", "running for " +
                   format_duration(std::chrono::milliseconds(count_at(status, "uptime_ms"))) +
                   ", version " + one_line(text_at(status, "version"))},
      {"Web app", one_line(text_at(status, "http"))},
      {"Home", one_line(text_at(status, "home"))},
      {"Peer id", one_line(text_at(status, "peer_id"))},
      {"Listens", one_line(words_at(status, "listen"))},
      {"Reachable", one_line(text_at(status, "reachability"))},
      {"Peers", format_count(count_at(status, "peers"))},
      {"Conversations", format_count(count_at(status, "conversations")) + ", " +
                            format_count(count_at(status, "documents_open")) + " open"}};
  if (const auto network = one_line(text_at(status, "private_network")); !network.empty()) {
    facts.emplace_back("Private network", network);
  }
  if (const auto pending = count_at(member(status, "indexing"), "pending"); pending > 0) {
    facts.emplace_back("Indexing", format_count_of(pending, "conversation") + " to go");
  }
  return render_facts(context.out, facts);
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

}  // namespace vivim::cli
