#include "apps/vivim/commands.hpp"
#include "apps/vivim/table.hpp"
#include "apps/vivim/text.hpp"
#include "apps/vivim/units.hpp"

namespace vivim::cli {

namespace {

using Facts = std::vector<std::pair<std::string, std::string>>;

/// As long as a node lets a lookup take, and a little.
constexpr auto k_patience = std::chrono::minutes(3);

/// "complete: 34 of 36 nodes answered, 2 hops, 480 ms".
std::string lookup_in_words(const Json& answer) {
  const auto& lookup = member(answer, "lookup");
  const auto end = one_line(text_at(lookup, "end"));
  if (end == "running") {
    return "still under way";  // nothing is known of it yet
  }
  const std::string how = end == "stopped"     ? "stopped early: there may be more"
                          : end == "exhausted" ? "nobody answered"
                                               : end;
  return how + "; " + format_count(count_at(lookup, "answers")) + " of " +
         format_count_of(count_at(lookup, "asked"), "node") + " answered, " +
         format_count_of(count_at(lookup, "hops"), "hop") + ", " +
         format_count(static_cast<std::uint64_t>(decimal_at(lookup, "ms"))) + " ms";
}

std::string joined(const Json& row, std::string_view name) {
  std::string all;
  for (const auto& item : items_at(row, name)) {
    if (item.is_string()) {
      all += (all.empty() ? "" : " ") + one_line(std::string(item.as_string()));
    }
  }
  return all.empty() ? "-" : all;
}

std::string render_providers(const Context& context, const Json& answer) {
  Table table({{.header = "PROVIDER", .style = Style::cyan},
               {.header = "SIGNED"},
               {.header = "TOLD BY", .align = Align::right},
               {.header = "ADDRESSES"}});
  for (const auto& row : items_at(answer, "providers")) {
    table.add({one_line(text_at(row, "peer_id")), flag_at(row, "signed") ? "yes" : "no",
               format_count(count_at(row, "told_by")), joined(row, "addresses")});
  }
  const std::string tail = "Lookup " + lookup_in_words(answer) + ".\n";
  return (table.empty() ? "Nobody says that they have it.\n" : table.render(context.out)) + tail;
}

std::string render_peer(const Context& context, const Json& answer) {
  Facts facts = {{"Node", one_line(text_at(answer, "peer_id"))},
                 {"Says so", flag_at(answer, "signed") ? "the node itself (signed)" : "others"}};
  for (const auto& address : items_at(answer, "addresses")) {
    if (address.is_string()) {
      facts.emplace_back("Address", one_line(std::string(address.as_string())));
    }
  }
  facts.emplace_back("Lookup", lookup_in_words(answer));
  return render_facts(context.out, facts);
}

std::string render_stored(const Context& context, const Json& answer) {
  Facts facts = {{"Key", one_line(text_at(answer, "key"))},
                 {"Stored with", format_count(count_at(answer, "stored")) + " of " +
                                     format_count_of(count_at(answer, "tried"), "node") +
                                     (flag_at(answer, "early") ? ", others are being told" : "")},
                 {"Lookup", lookup_in_words(answer)}};
  if (flag_at(answer, "region")) {
    facts.emplace_back("Note", "the nearest nodes look made: the whole region was told");
  }
  return render_facts(context.out, facts);
}

std::string render_value(const Context& context, const Json& answer) {
  const auto text = text_at(answer, "text");
  Facts facts = {{"Value", text.empty() ? one_line(text_at(answer, "hex")) : one_line(text)},
                 {"Told by", format_count_of(count_at(answer, "votes"), "node") +
                                 (flag_at(answer, "disagreed") ? "; others told older ones" : "")},
                 {"Lookup", lookup_in_words(answer)}};
  if (const auto publisher = one_line(text_at(answer, "publisher")); !publisher.empty()) {
    facts.emplace_back("Signed by", publisher);
  }
  return render_facts(context.out, facts);
}

using Render = std::string (*)(const Context& context, const Json& answer);

Outcome<void> show(Context& context, ApiRequest request, Render render) {
  request.patience = std::chrono::duration_cast<std::chrono::seconds>(k_patience);
  VIVIM_TRY(const auto api, open_api(context, ApiUse::running_node));
  VIVIM_TRY(const auto body, body_of(api->call(request)));
  if (context.common.json) {
    print_json(body);
    return {};
  }
  VIVIM_TRY(const auto answer, parse_answer(body));
  print(render(context, answer));
  return {};
}

std::string content_path(const std::string& content) {
  return "/api/v2/network/content/" + percent_encode(content) + "/providers";
}

}  // namespace

Outcome<void> execute(Context& context, const DhtFindArguments& arguments) {
  if (arguments.peer) {
    return show(context, {.path = "/api/v2/network/peers/" + percent_encode(arguments.what)},
                render_peer);
  }
  const std::string enough =
      arguments.enough == 0 ? "" : "?enough=" + std::to_string(arguments.enough);
  return show(context, {.path = content_path(arguments.what) + enough}, render_providers);
}

Outcome<void> execute(Context& context, const DhtProvideArguments& arguments) {
  return show(context, {.method = "POST", .path = content_path(arguments.content)}, render_stored);
}

Outcome<void> execute(Context& context, const DhtGetArguments& arguments) {
  return show(context, {.path = "/api/v2/network/value?key=" + percent_encode(arguments.key)},
              render_value);
}

Outcome<void> execute(Context& context, const DhtPutArguments& arguments) {
  const boost::json::object body{{"name", arguments.name}, {"text", arguments.text}};
  return show(context, {.method = "POST", .path = "/api/v2/network/value", .json = to_text(body)},
              render_stored);
}

}  // namespace vivim::cli
