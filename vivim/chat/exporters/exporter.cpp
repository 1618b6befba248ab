#include "vivim/chat/exporters/exporter.hpp"

#include "vivim/chat/exporters/page_detail.hpp"

namespace vivim::chat {

std::optional<ExportFormat> parse_export_format(std::string_view name) {
  if (name == "json") {
    return ExportFormat::json;
  }
  if (name == "md" || name == "markdown") {
    return ExportFormat::markdown;
  }
  return name == "html" ? std::optional(ExportFormat::html) : std::nullopt;
}

std::string_view media_type(ExportFormat format) {
  switch (format) {
    case ExportFormat::json:
      return "application/json";
    case ExportFormat::markdown:
      return "text/markdown; charset=utf-8";
    case ExportFormat::html:
      return "text/html; charset=utf-8";
  }
  return "application/octet-stream";
}

std::string_view file_extension(ExportFormat format) {
  switch (format) {
    case ExportFormat::json:
      return "json";
    case ExportFormat::markdown:
      return "md";
    case ExportFormat::html:
      return "html";
  }
  return "txt";
}

void export_conversation(const Conversation& conversation, ExportFormat format,
                         const TextSink& sink, const ExportOptions& options) {
  switch (format) {
    case ExportFormat::json:
      return detail::write_json(conversation, sink);
    case ExportFormat::markdown:
      return detail::write_markdown(conversation, sink, options);
    case ExportFormat::html:
      return detail::write_html(conversation, sink, options);
  }
}

void write_conversation_head(JsonWriter& writer, const Conversation& conversation) {
  writer.key("title");
  writer.string(conversation.title);
  writer.key("meta");
  writer.begin_object();
  writer.field("created", conversation.created);
  writer.field("updated", conversation.updated);
  writer.field("current", conversation.current);
  writer.field("model", conversation.model);
  writer.end_object();
  writer.key("provenance");
  writer.begin_object();
  const auto& provenance = conversation.provenance;
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
    writer.field("id", participant.id);
    writer.field("name", participant.name);
    writer.field("colour", participant.colour);
    writer.end_object();
  }
  writer.end_array();
}

void write_turn(JsonWriter& writer, const Turn& turn) {
  writer.begin_object();
  writer.key("id");
  writer.string(turn.id);
  writer.key("parent");
  turn.parent ? writer.string(*turn.parent) : writer.null();
  writer.key("role");
  writer.string(role_name(turn.role));
  writer.field("time", turn.time);
  writer.field("updated", turn.updated);
  writer.field("index", turn.index);
  writer.field("name", turn.name);
  writer.field("model", turn.model);
  writer.field("provider", turn.provider);
  writer.field("hidden", turn.hidden);
  writer.field("deleted", turn.deleted);
  writer.field("recipient", turn.recipient);
  writer.field("channel", turn.channel);
  writer.field("status", turn.status);
  writer.field("content", turn.content);
  writer.key("text");
  writer.string(turn.text);
  writer.key("parts");
  writer.begin_array();
  for (const auto& part : turn.parts) {
    write_part(writer, part);
  }
  writer.end_array();
  writer.end_object();
}

namespace detail {

void write_json(const Conversation& conversation, const TextSink& sink) {
  std::string piece;
  JsonWriter writer(piece);
  const auto flush = [&] {
    sink(piece);
    piece.clear();
  };
  writer.begin_object();
  writer.key("vivim_export");
  writer.number(1);
  write_conversation_head(writer, conversation);
  writer.key("turns");
  writer.begin_array();
  for (const auto& turn : conversation.turns) {
    write_turn(writer, turn);
    flush();
  }
  writer.end_array();
  writer.end_object();
  piece += '\n';
  flush();
}

}  // namespace detail

}  // namespace vivim::chat
