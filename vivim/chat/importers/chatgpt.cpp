#include <string>
#include <unordered_map>

#include "vivim/chat/importers/error.hpp"
#include "vivim/chat/importers/mapping.hpp"
#include "vivim/chat/importers/mapping_detail.hpp"

namespace vivim::chat {

namespace {

std::optional<Time> seconds(const JsonValue& value) {
  const auto number = value.number();
  return number ? std::optional(*number * 1000) : std::nullopt;
}

/// Says something only when it differs from what nearly every message has.
std::string unless(const JsonValue& value, std::string_view usual) {
  auto text = value.string();
  return text == usual ? std::string() : text;
}

/// ChatGPT does not show system messages, nor what it marks, nor the contexts it gives to the
/// model.
bool is_hidden(const JsonValue& message, Role role) {
  const auto kind = message["content"]["content_type"];
  return role == Role::system ||
         message["metadata"]["is_visually_hidden_from_conversation"].is_true() ||
         kind.equals("user_editable_context") || kind.equals("model_editable_context");
}

void map_message(const JsonValue& message, const MapContext& context, Turn& turn) {
  const auto author = message["author"];
  const auto role = author["role"].string();
  turn.role = parse_role(role).value_or(Role::none);
  turn.name = author["name"].string();
  if (turn.role == Role::none) {
    turn.role = Role::tool;
    turn.name = turn.name.empty() ? role : turn.name;
  }
  turn.time = seconds(message["create_time"]);
  turn.updated = seconds(message["update_time"]);
  turn.model = message["metadata"]["model_slug"].string();
  turn.hidden = is_hidden(message, turn.role);
  turn.recipient = unless(message["recipient"], "all");
  turn.channel = message["channel"].string();
  turn.status = unless(message["status"], "finished_successfully");
  detail::TurnParts parts(turn, context);
  detail::chatgpt_parts(message, parts);
}

/// Position of each node among its parent's children, as the parent lists them.
std::unordered_map<std::string, double> child_positions(const JsonValue& mapping) {
  std::unordered_map<std::string, double> positions;
  mapping.for_each_member([&](JsonValue, JsonValue node) {
    double position = 0;
    node["children"].for_each_element(
        [&](JsonValue child) { positions.try_emplace(child.string(), position++); });
  });
  return positions;
}

}  // namespace

Result<void> map_chatgpt(const JsonValue& root, const MapContext& context, Imported& imported) {
  const auto mapping = root["mapping"];
  if (!mapping.is_object()) {
    return fail(ImportError::not_a_conversation);
  }
  auto& conversation = imported.conversation;
  conversation.title = root["title"].string();
  conversation.created = seconds(root["create_time"]);
  conversation.updated = seconds(root["update_time"]);
  conversation.current = root["current_node"].string();
  conversation.model = root["default_model_slug"].string();
  const auto positions = child_positions(mapping);
  detail::UniqueIds ids;
  mapping.for_each_member([&](JsonValue key, JsonValue node) {
    Turn& turn = conversation.turns.emplace_back();
    turn.id = ids.take(key.string());
    turn.provider = provider_name(Provider::chatgpt);
    turn.content = detail::add_block(imported, node.raw());
    if (node["parent"].is_string()) {
      turn.parent = node["parent"].string();
    }
    if (const auto found = positions.find(turn.id); found != positions.end()) {
      turn.index = found->second;
    }
    if (const auto message = node["message"]; message.is_object()) {
      map_message(message, context, turn);
    }
  });
  auto id = root["conversation_id"].string();
  detail::set_provenance(imported, context, Provider::chatgpt,
                         id.empty() ? root["id"].string() : std::move(id), mapping, "{}");
  return {};
}

}  // namespace vivim::chat
