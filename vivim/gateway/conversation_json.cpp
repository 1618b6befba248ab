#include "vivim/chat/tree.hpp"
#include "vivim/gateway/api_json.hpp"

namespace vivim::gateway {

namespace {

using chat::JsonWriter;

void write_turn(JsonWriter& writer, const chat::Turn& turn) {
  writer.begin_object();
  writer.key("id");
  writer.string(turn.id);
  writer.key("parent");
  turn.parent ? writer.string(*turn.parent) : writer.null();
  writer.key("role");
  writer.string(chat::role_name(turn.role));
  writer.field("time", turn.time);
  writer.field("updated", turn.updated);
  writer.field("index", turn.index);
  writer.field("name", turn.name);
  writer.field("model", turn.model);
  writer.field("provider", turn.provider);
  writer.field("recipient", turn.recipient);
  writer.field("channel", turn.channel);
  writer.field("status", turn.status);
  writer.field("content", turn.content);
  writer.field("hidden", turn.hidden);
  writer.field("deleted", turn.deleted);
  writer.key("text");
  writer.string(turn.text);
  writer.key("parts");
  writer.begin_array();
  for (const auto& part : turn.parts) {
    chat::write_part(writer, part);
  }
  writer.end_array();
  writer.end_object();
}

void write_head(JsonWriter& writer, const store::DocumentId& id,
                const chat::Conversation& conversation) {
  writer.key("id");
  writer.string(id.to_text());
  writer.key("title");
  writer.string(conversation.title);
  writer.key("meta");
  writer.begin_object();
  writer.field("created", conversation.created);
  writer.field("updated", conversation.updated);
  writer.field("current", conversation.current);
  writer.field("model", conversation.model);
  writer.end_object();
  const auto& provenance = conversation.provenance;
  writer.key("provenance");
  writer.begin_object();
  writer.field("provider", provenance.provider);
  writer.field("original_id", provenance.original_id);
  writer.field("source", provenance.source);
  writer.field("source_hash", provenance.source_hash);
  writer.field("imported", provenance.imported);
  writer.field("title", provenance.title);
  writer.end_object();
  writer.key("participants");
  writer.begin_array();
  for (const auto& participant : conversation.participants) {
    writer.begin_object();
    writer.key("id");
    writer.string(participant.id);
    writer.field("name", participant.name);
    writer.field("colour", participant.colour);
    writer.end_object();
  }
  writer.end_array();
}

Outcome<std::vector<std::size_t>> choose_turns(const chat::Conversation& conversation,
                                               const std::optional<std::string>& branch) {
  std::vector<std::size_t> chosen;
  if (!branch) {
    for (std::size_t i = 0; i < conversation.turns.size(); ++i) {
      chosen.push_back(i);
    }
    return chosen;
  }
  const chat::Tree tree(conversation);
  if (branch->empty()) {
    return tree.main_branch();
  }
  const auto turn = tree.find(*branch);
  if (!turn) {
    return std::unexpected(Problem{.kind = ProblemKind::not_found,
                                   .code = "turn_not_found",
                                   .message = "The conversation has no such turn.",
                                   .hint = ""});
  }
  return tree.branch_through(*turn);
}

}  // namespace

Outcome<std::string> to_json(const store::DocumentId& id, const chat::Conversation& conversation,
                             const std::optional<std::string>& branch) {
  VIVIM_TRY(const auto chosen, choose_turns(conversation, branch));
  std::string out;
  JsonWriter writer(out);
  writer.begin_object();
  write_head(writer, id, conversation);
  writer.key("turns");
  writer.begin_array();
  for (const std::size_t turn : chosen) {
    write_turn(writer, conversation.turns[turn]);
  }
  writer.end_array();
  writer.end_object();
  return out;
}

}  // namespace vivim::gateway
