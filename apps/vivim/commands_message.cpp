#include "apps/vivim/commands.hpp"
#include "apps/vivim/table.hpp"
#include "apps/vivim/text.hpp"
#include "apps/vivim/units.hpp"

namespace vivim::cli {

namespace {

/// How much of a message a line shows.
constexpr std::size_t k_text_width = 60;

std::string text_of(const Json& message) {
  const auto hex = text_at(message, "hex");
  return truncate(hex.empty() ? one_line(text_at(message, "text")) : "0x" + hex, k_text_width);
}

std::string render_messages(const Context& context, const Json& answer) {
  Table received({{.header = "NUMBER", .align = Align::right, .style = Style::cyan},
                  {.header = "FROM"},
                  {.header = "SENT"},
                  {.header = "PRIORITY"},
                  {.header = "TEXT"}});
  for (const auto& message : items_at(answer, "received")) {
    received.add({format_count(count_at(message, "number")), one_line(text_at(message, "from")),
                  format_time(static_cast<std::int64_t>(count_at(message, "sent_ms"))),
                  one_line(text_at(message, "priority")), text_of(message)});
  }
  Table sending({{.header = "SENDING", .style = Style::cyan},
                 {.header = "TO"},
                 {.header = "PRIORITY"},
                 {.header = "DELIVERY"},
                 {.header = "STATE"}});
  for (const auto& message : items_at(answer, "sending")) {
    sending.add({one_line(text_at(message, "id")), one_line(text_at(message, "to")),
                 one_line(text_at(message, "priority")), one_line(text_at(message, "delivery")),
                 text_at(message, "state") == "stored" ? "at a mailbox" : "waiting"});
  }
  std::string out = received.empty() ? "No messages. Send one with: vivim message send PEER TEXT\n"
                                     : received.render(context.out);
  return sending.empty() ? out : out + "\n" + sending.render(context.out);
}

std::string render_circles(const Context& context, const Json& answer) {
  Table table({{.header = "CIRCLE", .style = Style::cyan},
               {.header = "NAME"},
               {.header = "HEARD OF", .align = Align::right}});
  for (const auto& circle : items_at(answer, "circles")) {
    table.add({one_line(text_at(circle, "id")), one_line(text_at(circle, "name")),
               format_count_of(count_at(circle, "members"), "member")});
  }
  return table.empty() ? "No circles. Make one with: vivim circle new NAME\n"
                       : table.render(context.out);
}

Outcome<void> remove_from(Context& context, Api& api, const std::string& peer) {
  VIVIM_TRY(
      const auto body,
      request(api, {.method = "DELETE", .path = "/api/v2/messages?from=" + percent_encode(peer)}));
  if (context.common.json) {
    print_json(body);
    return {};
  }
  VIVIM_TRY(const auto answer, parse_answer(body));
  print("Removed " + format_count_of(count_at(answer, "removed"), "message") + ".\n");
  return {};
}

/// Joins, and prints what others need to join too.
Outcome<void> join(Context& context, const Json& wanted) {
  VIVIM_TRY(const auto api, open_api(context, ApiUse::running_node));
  VIVIM_TRY(const auto answer, post_json(*api, "/api/v2/circles", wanted));
  if (context.common.json) {
    print_json(answer);
    return {};
  }
  print(render_facts(context.out, {{"Circle", one_line(text_at(answer, "id"))},
                                   {"Secret", one_line(text_at(answer, "secret"))}}));
  print("Whoever has the secret is a member: vivim circle join SECRET\n");
  return {};
}

}  // namespace

Outcome<void> execute(Context& context, const MessageSendArguments& arguments) {
  VIVIM_TRY(const auto api, open_api(context, ApiUse::running_node));
  boost::json::object wanted{{"to", arguments.peer},
                             {"text", arguments.text},
                             {"priority", arguments.priority},
                             {"delivery", arguments.delivery}};
  if (arguments.lifetime) {
    wanted["lifetime_s"] = *arguments.lifetime;
  }
  VIVIM_TRY(const auto answer, post_json(*api, "/api/v2/messages", wanted));
  if (context.common.json) {
    print_json(answer);
  } else {
    print("Sent as " + one_line(text_at(answer, "id")) +
          ". vivim message list shows it until it has arrived.\n");
  }
  return {};
}

Outcome<void> execute(Context& context, const MessageListArguments& arguments) {
  VIVIM_TRY(const auto api, open_api(context, ApiUse::existing));
  VIVIM_TRY(const auto body,
            get(*api, "/api/v2/messages?limit=" + std::to_string(arguments.limit)));
  if (context.common.json) {
    print_json(body);
    return {};
  }
  VIVIM_TRY(const auto answer, parse_answer(body));
  print(render_messages(context, answer));
  return {};
}

Outcome<void> execute(Context& context, const MessageRemoveArguments& arguments) {
  if (!arguments.number && arguments.from.empty()) {
    return std::unexpected(
        Problem{.kind = ProblemKind::bad_input,
                .code = "nothing_to_remove",
                .message = "Which message goes is missing.",
                .hint = "Give its number in: vivim message list, or --from a node."});
  }
  VIVIM_TRY(const auto api, open_api(context, ApiUse::existing));
  if (!arguments.number) {
    return remove_from(context, *api, arguments.from);
  }
  VIVIM_TRYV(request(
      *api, {.method = "DELETE", .path = "/api/v2/messages/" + std::to_string(*arguments.number)}));
  if (context.common.json) {
    print_json(boost::json::object{{"removed", *arguments.number}});
  } else {
    print("Removed.\n");
  }
  return {};
}

Outcome<void> execute(Context& context, const CircleListArguments&) {
  VIVIM_TRY(const auto api, open_api(context, ApiUse::running_node));
  VIVIM_TRY(const auto body, get(*api, "/api/v2/circles"));
  if (context.common.json) {
    print_json(body);
    return {};
  }
  VIVIM_TRY(const auto answer, parse_answer(body));
  print(render_circles(context, answer));
  return {};
}

Outcome<void> execute(Context& context, const CircleNewArguments& arguments) {
  return join(context, boost::json::object{{"name", arguments.name}});
}

Outcome<void> execute(Context& context, const CircleJoinArguments& arguments) {
  return join(context, boost::json::object{{"secret", arguments.secret}, {"name", arguments.name}});
}

Outcome<void> execute(Context& context, const CircleLeaveArguments& arguments) {
  VIVIM_TRY(const auto api, open_api(context, ApiUse::running_node));
  VIVIM_TRYV(request(
      *api, {.method = "DELETE", .path = "/api/v2/circles/" + percent_encode(arguments.id)}));
  if (context.common.json) {
    print_json(boost::json::object{{"left", arguments.id}});
  } else {
    print("Left. Who knows its secret is still in it.\n");
  }
  return {};
}

Outcome<void> execute(Context& context, const CircleSayArguments& arguments) {
  VIVIM_TRY(const auto api, open_api(context, ApiUse::running_node));
  boost::json::object wanted{{"text", arguments.text}};
  if (!arguments.subtopic.empty()) {
    wanted["subtopic"] = arguments.subtopic;
  }
  VIVIM_TRY(
      const auto answer,
      post_json(*api, "/api/v2/circles/" + percent_encode(arguments.id) + "/messages", wanted));
  if (context.common.json) {
    print_json(answer);
  } else {
    print("Said.\n");
  }
  return {};
}

}  // namespace vivim::cli
