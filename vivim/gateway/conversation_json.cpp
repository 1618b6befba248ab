#include "vivim/chat/exporters/exporter.hpp"
#include "vivim/chat/tree.hpp"
#include "vivim/gateway/api_json.hpp"

namespace vivim::gateway {

namespace {

using chat::JsonWriter;

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
  writer.key("id");
  writer.string(id.to_text());
  chat::write_conversation_head(writer, conversation);
  writer.key("turns");
  writer.begin_array();
  for (const std::size_t turn : chosen) {
    chat::write_turn(writer, conversation.turns[turn]);
  }
  writer.end_array();
  writer.end_object();
  return out;
}

}  // namespace vivim::gateway
