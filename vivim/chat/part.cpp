#include "vivim/chat/part.hpp"

#include <array>
#include <utility>

namespace vivim::chat {

namespace {

std::string_view media_type(MediaKind kind) {
  switch (kind) {
    case MediaKind::image:
      return "image";
    case MediaKind::audio:
      return "audio";
    case MediaKind::video:
      return "video";
    case MediaKind::file:
      return "file";
  }
  return "file";
}

struct TypeName {
  std::string_view operator()(const TextPart&) const { return "text"; }
  std::string_view operator()(const CodePart&) const { return "code"; }
  std::string_view operator()(const OutputPart&) const { return "execution_output"; }
  std::string_view operator()(const MediaPart& part) const { return media_type(part.kind); }
  std::string_view operator()(const ThoughtsPart&) const { return "thoughts"; }
  std::string_view operator()(const RecapPart&) const { return "reasoning_recap"; }
  std::string_view operator()(const QuotePart&) const { return "quote"; }
  std::string_view operator()(const BrowsingPart&) const { return "browsing"; }
  std::string_view operator()(const ToolCallPart&) const { return "tool_call"; }
  std::string_view operator()(const ToolResultPart&) const { return "tool_result"; }
  std::string_view operator()(const CitationPart&) const { return "citation"; }
  std::string_view operator()(const ErrorPart&) const { return "error"; }
  std::string_view operator()(const ContextPart&) const { return "context"; }
  std::string_view operator()(const UnknownPart&) const { return "unknown"; }
};

template <class Type>
std::optional<Part> made(std::string_view type) {
  Part part{Type{}};
  if (part_type(part) == type) {
    return part;
  }
  return std::nullopt;
}

template <class... Types>
std::optional<Part> first_made(std::string_view type, const std::variant<Types...>*) {
  std::optional<Part> part;
  ((part = made<Types>(type)).has_value() || ...);
  return part;
}

}  // namespace

std::string_view part_type(const Part& part) {
  return std::visit(TypeName{}, part);
}

std::optional<Part> make_part(std::string_view type) {
  for (const auto kind : {MediaKind::image, MediaKind::audio, MediaKind::video}) {
    if (media_type(kind) == type) {
      return MediaPart{.kind = kind};
    }
  }
  return first_made(type, static_cast<const Part*>(nullptr));
}

}  // namespace vivim::chat
