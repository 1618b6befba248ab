#include "vivim/chat/json_writer.hpp"
#include "vivim/chat/library/import_job.hpp"

namespace vivim::chat {

namespace {

void member(JsonWriter& writer, std::string_view name, std::uint64_t value) {
  writer.key(name);
  writer.number(static_cast<double>(value));
}

void counts(JsonWriter& writer, std::string_view name,
            const std::map<std::string, std::uint64_t>& values) {
  writer.key(name);
  writer.begin_object();
  for (const auto& [key, value] : values) {
    member(writer, key, value);
  }
  writer.end_object();
}

void strings(JsonWriter& writer, std::string_view name, const std::vector<std::string>& values) {
  writer.key(name);
  writer.begin_array();
  for (const auto& value : values) {
    writer.string(value);
  }
  writer.end_array();
}

void failures(JsonWriter& writer, const ImportReport& report) {
  member(writer, "failed", report.failed);
  writer.key("failures");
  writer.begin_array();
  for (const auto& failure : report.failures) {
    writer.begin_object();
    writer.field("file", failure.file);
    member(writer, "byte", failure.byte);
    member(writer, "line", failure.line);
    writer.field("message", failure.message);
    writer.end_object();
  }
  writer.end_array();
}

}  // namespace

std::string outcome_json(const ImportOutcome& outcome) {
  std::string out;
  JsonWriter writer(out);
  const auto& report = outcome.report;
  writer.begin_object();
  strings(writer, "providers", report.providers);
  member(writer, "added", outcome.added);
  member(writer, "updated", outcome.updated);
  member(writer, "unchanged", outcome.unchanged);
  member(writer, "turns_added", outcome.turns_added);
  member(writer, "files", report.files);
  member(writer, "bytes", report.bytes);
  member(writer, "conversations", report.conversations);
  member(writer, "turns", report.turns);
  member(writer, "hidden_turns", report.hidden_turns);
  member(writer, "parts", report.parts);
  counts(writer, "parts_by_type", report.parts_by_type);
  counts(writer, "unknown_kinds", report.unknown_kinds);
  member(writer, "attachments", report.attachments);
  member(writer, "attachments_missing", report.attachments_missing);
  member(writer, "attachments_too_large", report.attachments_too_large);
  member(writer, "attachment_bytes", report.attachment_bytes);
  strings(writer, "other_files", report.other_files);
  failures(writer, report);
  writer.end_object();
  return out;
}

}  // namespace vivim::chat
