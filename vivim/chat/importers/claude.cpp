#include <string>
#include <unordered_map>

#include "vivim/chat/importers/error.hpp"
#include "vivim/chat/importers/mapping.hpp"
#include "vivim/chat/importers/mapping_detail.hpp"

namespace vivim::chat {

namespace {

/// The parent of a conversation's first messages.
constexpr std::string_view k_root = "00000000-0000-4000-8000-000000000000";

Role sender_role(const JsonValue& sender) {
  if (sender.equals("human")) {
    return Role::user;
  }
  return parse_role(sender.string()).value_or(Role::tool);
}

void map_citation(const JsonValue& citation, detail::TurnParts& parts) {
  const auto details = citation["details"];
  const auto either = [&](const char* key) {
    auto text = citation[key].string();
    return text.empty() ? details[key].string() : text;
  };
  parts.add(CitationPart{.url = either("url"),
                         .title = either("title"),
                         .text = either("cited_text"),
                         .start = citation["start_index"].number(),
                         .end = citation["end_index"].number()});
}

void map_text(const JsonValue& block, detail::TurnParts& parts) {
  parts.words(block["text"].string());
  block["citations"].for_each_element([&](JsonValue citation) { map_citation(citation, parts); });
}

void map_thinking(const JsonValue& block, detail::TurnParts& parts) {
  ThoughtsPart part{.text = block["thinking"].string()};
  block["summaries"].for_each_element([&](JsonValue summary) {
    part.thoughts.push_back({.summary = summary["summary"].string(), .content = {}});
  });
  parts.add(std::move(part));
}

void map_block(const JsonValue& block, detail::TurnParts& parts) {
  const auto kind = block["type"];
  if (kind.equals("text")) {
    map_text(block, parts);
  } else if (kind.equals("thinking")) {
    map_thinking(block, parts);
  } else if (kind.equals("tool_use")) {
    parts.add(ToolCallPart{.name = block["name"].string(),
                           .id = block["id"].string(),
                           .input = detail::json_of(block["input"])});
  } else if (kind.equals("tool_result")) {
    parts.add(ToolResultPart{.name = block["name"].string(),
                             .id = block["tool_use_id"].string(),
                             .output = detail::json_of(block["content"]),
                             .error = block["is_error"].is_true()});
  } else if (kind.equals("voice_note")) {
    parts.add(MediaPart{
        .kind = MediaKind::audio, .name = block["title"].string(), .text = block["text"].string()});
  } else if (!block.is_nothing()) {
    parts.unknown(kind.is_string() ? kind.string() : "block", block);
  }
}

/// A pasted text or a document whose text was taken out.
void map_attachment(const JsonValue& attachment, detail::TurnParts& parts) {
  const auto mime = attachment["file_type"].string();
  parts.media({.kind = detail::media_kind(mime),
               .asset = attachment["id"].string(),
               .mime = mime,
               .name = attachment["file_name"].string(),
               .text = attachment["extracted_content"].string(),
               .bytes = attachment["file_size"].number()});
}

void map_file(const JsonValue& file, detail::TurnParts& parts) {
  auto asset = file["file_uuid"].string();
  const bool image = file["file_kind"].equals("image");
  parts.media({.kind = image ? MediaKind::image : MediaKind::file,
               .asset = asset.empty() ? file["uuid"].string() : std::move(asset),
               .name = file["file_name"].string(),
               .width = file["preview_asset"]["image_width"].number(),
               .height = file["preview_asset"]["image_height"].number()});
}

void map_files(const JsonValue& message, detail::TurnParts& parts) {
  std::unordered_map<std::string, bool> seen;
  for (const auto* list : {"files", "files_v2"}) {
    message[list].for_each_element([&](JsonValue file) {
      const auto id = file["file_uuid"].string();
      if (id.empty() || seen.try_emplace(id, true).second) {
        map_file(file, parts);
      }
    });
  }
}

void map_chat_message(const JsonValue& message, const MapContext& context, Turn& turn) {
  turn.role = sender_role(message["sender"]);
  turn.time = parse_iso_time(message["created_at"].string());
  turn.updated = parse_iso_time(message["updated_at"].string());
  turn.model = message["model"].string();
  if (turn.updated == turn.time) {
    turn.updated.reset();
  }
  detail::TurnParts parts(turn, context);
  message["content"].for_each_element([&](JsonValue block) { map_block(block, parts); });
  if (turn.text.empty() && message["content"].size() == 0) {
    parts.words(message["text"].string());
  }
  message["attachments"].for_each_element(
      [&](JsonValue attachment) { map_attachment(attachment, parts); });
  map_files(message, parts);
}

/// Parents as the messages say; older exports say nothing, there each message follows the one
/// before.
void link_turns(const JsonValue& messages, std::vector<Turn>& turns) {
  std::unordered_map<std::string, double> children;
  std::size_t i = 0;
  messages.for_each_element([&](JsonValue message) {
    Turn& turn = turns[i];
    const auto parent = message["parent_message_uuid"];
    if (parent.is_string() && !parent.equals(k_root)) {
      turn.parent = parent.string();
    } else if (parent.is_absent() && i > 0) {
      turn.parent = turns[i - 1].id;
    }
    turn.index = children[turn.parent.value_or("")]++;
    ++i;
  });
}

}  // namespace

Result<void> map_claude(const JsonValue& root, const MapContext& context, Imported& imported) {
  const auto messages = root["chat_messages"];
  if (!messages.is_array()) {
    return fail(ImportError::not_a_conversation);
  }
  auto& conversation = imported.conversation;
  conversation.title = root["name"].string();
  conversation.created = parse_iso_time(root["created_at"].string());
  conversation.updated = parse_iso_time(root["updated_at"].string());
  conversation.model = root["model"].string();
  detail::UniqueIds ids;
  messages.for_each_element([&](JsonValue message) {
    Turn& turn = conversation.turns.emplace_back();
    turn.id = ids.take(message["uuid"].string());
    turn.provider = provider_name(Provider::claude);
    turn.content = detail::add_block(imported, message.raw());
    map_chat_message(message, context, turn);
  });
  link_turns(messages, conversation.turns);
  conversation.current = root["current_leaf_message_uuid"].string();
  if (conversation.current.empty() && !conversation.turns.empty()) {
    conversation.current = conversation.turns.back().id;
  }
  detail::set_provenance(imported, context, Provider::claude, root["uuid"].string(), messages,
                         "[]");
  return {};
}

}  // namespace vivim::chat
