#include "apps/vivim/commands.hpp"
#include "apps/vivim/table.hpp"
#include "apps/vivim/text.hpp"
#include "apps/vivim/units.hpp"
#include "vivim/libp2p/pnet/key.hpp"
#include "vivim/rt/asio/rng.hpp"

namespace vivim::cli {

namespace {

using Facts = std::vector<std::pair<std::string, std::string>>;

/// "public: others reach this node".
std::string reachability_in_words(const Json& answer) {
  const auto state = one_line(text_at(answer, "reachability"));
  if (state == "public") {
    return "public: others reach this node directly";
  }
  if (state == "private") {
    return "private: others do not reach this node by themselves";
  }
  return "unknown: too few nodes have told whether they reach this one";
}

std::string render_addresses(const Context& context, const Json& answer) {
  Table table({{.header = "REACHABLE", .style = Style::cyan},
               {.header = "SOURCE"},
               {.header = "SAID BY", .align = Align::right},
               {.header = "ADDRESS"}});
  for (const auto& row : items_at(answer, "addresses")) {
    const auto confidence = count_at(row, "confidence");
    table.add({one_line(text_at(row, "reachability")), one_line(text_at(row, "source")),
               confidence == 0 ? "-" : format_count(confidence),
               one_line(text_at(row, "address"))});
  }
  const std::string head = "This node is " + reachability_in_words(answer) + ".\n";
  return table.empty() ? head + "It has no addresses: nobody can connect to it.\n"
                       : head + "\n" + table.render(context.out);
}

void add_relays(const Json& answer, Facts& facts) {
  for (const auto& relay : items_at(answer, "relays")) {
    facts.emplace_back("Relay", one_line(text_at(relay, "address")) + " (" +
                                    one_line(text_at(relay, "source")) + ", " +
                                    (flag_at(relay, "reserved") ? "reserved" : "asked") + ")");
  }
}

void add_router(const Json& answer, Facts& facts) {
  const auto router = one_line(text_at(answer, "router"));
  const auto error = one_line(text_at(answer, "router_error"));
  facts.emplace_back("Router", !flag_at(answer, "port_mapping") ? "not asked (port_mapping = false)"
                               : !router.empty()                ? "maps ports, by " + router
                               : !error.empty()                 ? "maps nothing: " + error
                                                                : "asked");
  for (const auto& mapping : items_at(answer, "mappings")) {
    facts.emplace_back(
        "Mapped",
        one_line(text_at(mapping, "local")) + " to " + one_line(text_at(mapping, "external")) +
            (flag_at(mapping, "public") ? "" : " (of no use: the router is behind another one)"));
  }
}

void add_rendezvous(const Json& answer, Facts& facts) {
  for (const auto& point : items_at(answer, "rendezvous")) {
    const auto error = one_line(text_at(point, "last_error"));
    facts.emplace_back("Meets at",
                       one_line(text_at(point, "address")) + " as '" +
                           one_line(text_at(answer, "rendezvous_namespace")) + "', " +
                           (flag_at(point, "registered") ? "registered" : "not registered") + ", " +
                           format_count_of(count_at(point, "found"), "node") + " found" +
                           (error.empty() ? "" : ", " + error));
  }
}

std::string render_reachability(const Context& context, const Json& answer) {
  Facts facts = {{"This node is", reachability_in_words(answer)}};
  if (!flag_at(answer, "autonat")) {
    facts.front().second = "unknown: others are not asked (autonat = false)";
  }
  if (const auto network = one_line(text_at(answer, "private_network")); !network.empty()) {
    facts.emplace_back("Private network",
                       network + ", without QUIC, which has no place for its key");
  }
  add_relays(answer, facts);
  add_router(answer, facts);
  add_rendezvous(answer, facts);
  return render_facts(context.out, facts);
}

std::string amount_of(const Json& row, const char* name) {
  if (!member(row, name).is_number()) {
    return "-";
  }
  const auto amount = count_at(row, name);
  return text_at(row, "resource") == "memory_bytes" ? format_bytes(amount) : format_count(amount);
}

std::string render_limits(const Context& context, const Json& answer) {
  Table table({{.header = "LIMIT (config.toml)", .style = Style::cyan},
               {.header = "USED", .align = Align::right},
               {.header = "OF", .align = Align::right},
               {.header = "REFUSED", .align = Align::right}});
  for (const auto& row : items_at(answer, "limits")) {
    table.add({one_line(text_at(row, "key")), amount_of(row, "used"), amount_of(row, "limit"),
               format_count(count_at(row, "refused"))});
  }
  Table layers({{.header = "WHAT FOLLOWS"},
                {.header = "AT MOST", .align = Align::right},
                {.header = "FROM", .style = Style::cyan}});
  for (const auto& row : items_at(answer, "layers")) {
    const auto what = one_line(text_at(row, "what"));
    const auto limit = count_at(row, "limit");
    layers.add({what, what.ends_with("bytes") ? format_bytes(limit) : format_count(limit),
                one_line(text_at(row, "follows_from"))});
  }
  std::string out = table.render(context.out) + "\n" + layers.render(context.out);
  if (const auto refusal = one_line(text_at(answer, "last_refusal")); !refusal.empty()) {
    out += "\nLast refused: " + refusal + "\n";
  }
  return out;
}

/// Asks for `path` and prints what `render` makes of the answer.
Outcome<void> show(Context& context, const char* path,
                   std::string (*render)(const Context& context, const Json& answer)) {
  VIVIM_TRY(const auto api, open_api(context, ApiUse::running_node));
  VIVIM_TRY(const auto body, get(*api, path));
  if (context.common.json) {
    print_json(body);
    return {};
  }
  VIVIM_TRY(const auto answer, parse_answer(body));
  print(render(context, answer));
  return {};
}

}  // namespace

Outcome<void> execute(Context& context, const SwarmAddressesArguments&) {
  return show(context, "/api/v2/network/addresses", render_addresses);
}

Outcome<void> execute(Context& context, const SwarmReachabilityArguments&) {
  return show(context, "/api/v2/network/reachability", render_reachability);
}

Outcome<void> execute(Context& context, const SwarmLimitsArguments&) {
  return show(context, "/api/v2/network/limits", render_limits);
}

Outcome<void> execute(Context& context, const SwarmKeyArguments&) {
  rt::asio_::SystemRng rng;
  const auto key =
      libp2p::pnet::PreSharedKey::generate([&rng](MutableBytes out) { rng.fill(out); });
  const auto file = key.to_file();
  const std::string text(as_text(file.view()));
  if (context.common.json) {
    print_json(boost::json::object{{"key", text}, {"fingerprint", key.fingerprint()}});
  } else {
    print(text);
    std::fputs(("Fingerprint: " + key.fingerprint() +
                ". Whoever has the file is a member; name it in config.toml: private_network = "
                "\"swarm.key\"\n")
                   .c_str(),
               stderr);
  }
  return {};
}

}  // namespace vivim::cli
