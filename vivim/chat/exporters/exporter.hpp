#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "vivim/chat/json_writer.hpp"
#include "vivim/chat/model.hpp"

namespace vivim::chat {

enum class ExportFormat : std::uint8_t { json, markdown, html };

/// "json", "md" or "markdown", "html".
std::optional<ExportFormat> parse_export_format(std::string_view name);
/// The media type, with its character set.
std::string_view media_type(ExportFormat format);
/// "json", "md", "html".
std::string_view file_extension(ExportFormat format);

/// Takes a file piece by piece, in order.
using TextSink = std::function<void(std::string_view piece)>;

struct ExportOptions {
  /// Pages only: also what the provider hides.
  bool hidden = false;
};

/// Writes a conversation. JSON is lossless: everything of the model, every branch, hidden and
/// deleted turns (docs/protocol/export.md). Markdown and HTML are for reading: the main branch,
/// then the other branches, without what was deleted. The HTML page is one file without scripts and
/// without anything from elsewhere; nothing in a conversation can become markup in it.
void export_conversation(const Conversation& conversation, ExportFormat format,
                         const TextSink& sink, const ExportOptions& options = {});

/// The members of the JSON form, for others that answer with them: `title`, `meta`, `provenance`,
/// `participants`.
void write_conversation_head(JsonWriter& writer, const Conversation& conversation);
/// One element of `turns`.
void write_turn(JsonWriter& writer, const Turn& turn);

}  // namespace vivim::chat
