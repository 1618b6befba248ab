#include <iostream>
#include <iterator>

#include "apps/vivim/commands.hpp"
#include "apps/vivim/table.hpp"
#include "apps/vivim/text.hpp"

namespace vivim::cli {

namespace {

constexpr auto k_poll_interval = std::chrono::milliseconds(200);
/// Of a peer id, what tells people apart: its end.
constexpr std::size_t k_author_columns = 8;

std::string render_topics(const Context& context, const Json& answer) {
  Table table({{.header = "TOPIC", .style = Style::cyan},
               {.header = "IN IT"},
               {.header = "PEERS", .align = Align::right},
               {.header = "MESH", .align = Align::right}});
  for (const auto& topic : items_at(answer, "topics")) {
    table.add({one_line(text_at(topic, "topic")), flag_at(topic, "subscribed") ? "yes" : "no",
               std::to_string(count_at(topic, "peers")),
               std::to_string(count_at(topic, "mesh_peers"))});
  }
  return table.empty() ? "This node is in no topic. Listen to one with: vivim topic sub TOPIC\n"
                       : table.render(context.out);
}

std::string render_message(const Context& context, const Json& message) {
  const auto author = one_line(text_at(message, "author"));
  const std::string who = author.empty() ? "somebody"
                          : author.size() > k_author_columns
                              ? "..." + author.substr(author.size() - k_author_columns)
                              : author;
  const auto data = text_at(message, "data");
  const std::string words =
      data.empty() ? sanitize(text_at(message, "text")) : "(base64url) " + data;
  return styled(context.out, Style::cyan, who) + ": " + words + "\n";
}

std::string messages_path(const std::string& topic, std::uint64_t after) {
  return "/api/v2/topics/messages?topic=" + percent_encode(topic) +
         "&after=" + std::to_string(after);
}

}  // namespace

Outcome<void> execute(Context& context, const TopicListArguments&) {
  VIVIM_TRY(const auto api, open_api(context, ApiUse::running_node));
  VIVIM_TRY(const auto body, get(*api, "/api/v2/topics"));
  if (context.common.json) {
    print_json(body);
    return {};
  }
  VIVIM_TRY(const auto answer, parse_answer(body));
  print(render_topics(context, answer));
  return {};
}

Outcome<void> execute(Context& context, const TopicPublishArguments& arguments) {
  VIVIM_TRY(const auto api, open_api(context, ApiUse::running_node));
  std::string text = arguments.text;
  if (text.empty()) {
    text.assign(std::istreambuf_iterator<char>(std::cin), {});
  }
  VIVIM_TRY(const auto answer,
            post_json(*api, "/api/v2/topics/publish",
                      boost::json::object{{"topic", arguments.topic}, {"text", text}}));
  if (context.common.json) {
    print_json(answer);
    return {};
  }
  const auto peers = count_at(answer, "peers");
  print(peers == 0
            ? "Published, but nobody is known to be in the topic.\n"
            : "Published to " + std::to_string(peers) + (peers == 1 ? " peer" : " peers") + ".\n");
  return {};
}

Outcome<void> execute(Context& context, const TopicSubscribeArguments& arguments) {
  VIVIM_TRY(const auto api, open_api(context, ApiUse::running_node));
  VIVIM_TRYV(
      post_json(*api, "/api/v2/topics/subscribe", boost::json::object{{"topic", arguments.topic}}));
  VIVIM_TRY(auto answer, get_json(*api, messages_path(arguments.topic, 0)));
  std::uint64_t after = arguments.all ? 0 : count_at(answer, "last");
  std::uint64_t printed = 0;
  for (;;) {
    VIVIM_TRY(answer, get_json(*api, messages_path(arguments.topic, after)));
    for (const auto& message : items_at(answer, "messages")) {
      after = std::max(after, count_at(message, "number"));
      context.common.json ? print_json(message) : print(render_message(context, message));
      if (++printed == arguments.count) {
        return {};
      }
    }
    api->wait(k_poll_interval);
  }
}

Outcome<void> execute(Context& context, const TopicLeaveArguments& arguments) {
  VIVIM_TRY(const auto api, open_api(context, ApiUse::running_node));
  VIVIM_TRY(const auto answer, post_json(*api, "/api/v2/topics/unsubscribe",
                                         boost::json::object{{"topic", arguments.topic}}));
  if (context.common.json) {
    print_json(answer);
  } else {
    print("Left " + one_line(arguments.topic) + ".\n");
  }
  return {};
}

}  // namespace vivim::cli
