// The words of commands about messages: topics, to a node, in circles.
#include "apps/vivim/arguments_detail.hpp"

namespace vivim::cli {

void Grammar::add_topic_commands() {
  auto* topic = app_.add_subcommand("topic", "Messages to everybody who is in a topic");
  topic->require_subcommand(1);
  topic->footer(
      "Examples:\n  vivim topic sub /vivim/circles/family\n"
      "  vivim topic pub /vivim/circles/family \"dinner is ready\"\n  vivim topic ls");
  add_common(*topic);
  add_common(*add<TopicListArguments>(*topic, "ls", "The topics that the node is in",
                                      {"vivim topic ls", "vivim topic ls --json | jq"})
                  .first);
  auto [pub, pub_args] =
      add<TopicPublishArguments>(*topic, "pub", "Publish a message",
                                 {"vivim topic pub /vivim/circles/family \"dinner is ready\"",
                                  "date | vivim topic pub /vivim/circles/family",
                                  "vivim topic pub t hello --json | jq .peers"});
  pub->add_option("topic", pub_args->topic, "The topic")->required()->type_name("TOPIC");
  pub->add_option("text", pub_args->text, "The message; without it, what is on standard input")
      ->type_name("TEXT");
  add_common(*pub);
  auto [sub, sub_args] = add<TopicSubscribeArguments>(
      *topic, "sub", "Print the messages of a topic as they come; the node stays in it",
      {"vivim topic sub /vivim/circles/family", "vivim topic sub /vivim/circles/family -c 1",
       "vivim topic sub /vivim/circles/family --json | jq -r .text"});
  sub->add_option("topic", sub_args->topic, "The topic")->required()->type_name("TOPIC");
  sub->add_option("-c,--count", sub_args->count, "End after so many")
      ->check(CLI::Range(1, 1'000'000).description(""))
      ->type_name("N");
  sub->add_flag("--all", sub_args->all, "Also the last ones that came before");
  add_common(*sub);
  auto [leave, leave_args] = add<TopicLeaveArguments>(*topic, "leave", "Leave a topic",
                                                      {"vivim topic leave /vivim/circles/family"});
  leave->add_option("topic", leave_args->topic, "The topic")->required()->type_name("TOPIC");
  add_common(*leave);
}

void Grammar::add_message_commands() {
  auto* message = app_.add_subcommand("message", "Messages from and to other nodes");
  message->require_subcommand(1);
  message->footer(
      "Examples:\n  vivim message send 12D3KooW... 'See you at eight'\n  vivim message list\n"
      "  vivim message rm 7");
  add_common(*message);

  auto [send, send_args] = add<MessageSendArguments>(
      *message, "send", "Send a message to another node, also when it is away",
      {"vivim message send 12D3KooW... 'See you at eight'",
       "vivim message send 12D3KooW... 'Now!' --priority critical --lifetime 600",
       "vivim message send 12D3KooW... 'Add 1' --delivery exactly-once --json | jq -r .id"});
  send->add_option("peer", send_args->peer, "The id of the other node")
      ->required()
      ->type_name("PEER");
  send->add_option("text", send_args->text, "What it says")->required()->type_name("TEXT");
  send->add_option("--priority", send_args->priority, "critical, high, normal or low")
      ->capture_default_str()
      ->check(CLI::IsMember({"critical", "high", "normal", "low"}).description(""))
      ->type_name("PRIORITY");
  send->add_option("--delivery", send_args->delivery, "best-effort, at-least-once or exactly-once")
      ->capture_default_str()
      ->check(CLI::IsMember({"best-effort", "at-least-once", "exactly-once"}).description(""))
      ->type_name("DELIVERY");
  send->add_option("--lifetime", send_args->lifetime,
                   "Seconds until nobody wants it any more (7 days)")
      ->check(CLI::Range(1, 14 * 24 * 3600).description(""))
      ->type_name("SECONDS");
  add_common(*send);

  auto [list, list_args] = add<MessageListArguments>(
      *message, "list", "What came, newest first, and what is on its way",
      {"vivim message list", "vivim message list --json | jq -r '.received[].text'"});
  list->add_option("--limit", list_args->limit, "How many")
      ->capture_default_str()
      ->check(CLI::Range(1, 1000).description(""))
      ->type_name("N");
  add_common(*list);

  auto [remove, remove_args] =
      add<MessageRemoveArguments>(*message, "rm", "Remove a message that came, or all of a node's",
                                  {"vivim message rm 7", "vivim message rm --from 12D3KooW..."});
  auto* number = remove->add_option("number", remove_args->number, "Its number in the list")
                     ->type_name("NUMBER");
  auto* from = remove->add_option("--from", remove_args->from, "All that came from this node")
                   ->type_name("PEER");
  number->excludes(from);
  add_common(*remove);
}

void Grammar::add_circle_commands() {
  auto* circle = app_.add_subcommand("circle", "Groups that talk among themselves");
  circle->require_subcommand(1);
  circle->footer(
      "Examples:\n  vivim circle new family\n  vivim circle join 64-HEX-DIGITS family\n"
      "  vivim circle say 1f0c... 'Who comes?'\n  vivim message list");
  add_common(*circle);
  add_common(*add<CircleListArguments>(
                  *circle, "list", "The circles that this node is in",
                  {"vivim circle list", "vivim circle list --json | jq -r '.circles[0].secret'"})
                  .first);
  auto [make, make_args] = add<CircleNewArguments>(
      *circle, "new", "Make a circle, and print its secret: whoever has it is a member",
      {"vivim circle new family"});
  make->add_option("name", make_args->name, "What it is called here")
      ->required()
      ->type_name("NAME");
  add_common(*make);
  auto [join, join_args] = add<CircleJoinArguments>(*circle, "join", "Join the circle of a secret",
                                                    {"vivim circle join 64-HEX-DIGITS family"});
  join->add_option("secret", join_args->secret, "The circle's secret")
      ->required()
      ->type_name("SECRET");
  join->add_option("name", join_args->name, "What it is called here")->type_name("NAME");
  add_common(*join);
  auto [leave, leave_args] =
      add<CircleLeaveArguments>(*circle, "leave", "Leave a circle", {"vivim circle leave 1f0c..."});
  leave->add_option("id", leave_args->id, "Its id")->required()->type_name("ID");
  add_common(*leave);
  auto [say, say_args] =
      add<CircleSayArguments>(*circle, "say", "Say something to those of a circle who are there",
                              {"vivim circle say 1f0c... 'Who comes?'",
                               "vivim circle say 1f0c... 'Bread' --subtopic shopping"});
  say->add_option("id", say_args->id, "The circle's id")->required()->type_name("ID");
  say->add_option("text", say_args->text, "What to say")->required()->type_name("TEXT");
  say->add_option("--subtopic", say_args->subtopic, "Only to those who follow it")
      ->type_name("NAME");
  add_common(*say);
}

}  // namespace vivim::cli
