#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace vivim::chat {

// The parts of a turn, docs/protocol/conversation.md#parts. Each says its fields once, in `fields`,
// for everything that reads or writes them: `visit(name, member)` in the page's order. Empty
// strings, absent numbers and false are left out of documents and files.

/// Any JSON value, as its text; empty means absent.
struct Json {
  std::string text;
  friend bool operator==(const Json&, const Json&) = default;
};

/// The place of the turn's words, which are in Turn::text.
struct TextPart {
  template <class Self, class Visit>
  static void fields(Self&, Visit&&) {}
  friend bool operator==(const TextPart&, const TextPart&) = default;
};

/// Code that the assistant wrote for a tool.
struct CodePart {
  std::string language;
  std::string text;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("language", self.language);
    visit("text", self.text);
  }
  friend bool operator==(const CodePart&, const CodePart&) = default;
};

/// What code printed.
struct OutputPart {
  std::string text;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("text", self.text);
  }
  friend bool operator==(const OutputPart&, const OutputPart&) = default;
};

enum class MediaKind : std::uint8_t { image, audio, video, file };

/// Something that is a file.
struct MediaPart {
  MediaKind kind = MediaKind::file;
  std::string asset;  ///< the provider's pointer
  std::string cid;    ///< the file itself, if the export had it
  std::string mime;
  std::string name;
  std::string prompt;
  std::string text;  ///< a transcript or extracted text
  std::optional<double> width;
  std::optional<double> height;
  std::optional<double> bytes;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("asset", self.asset);
    visit("cid", self.cid);
    visit("mime", self.mime);
    visit("width", self.width);
    visit("height", self.height);
    visit("bytes", self.bytes);
    visit("name", self.name);
    visit("prompt", self.prompt);
    visit("text", self.text);
  }
  friend bool operator==(const MediaPart&, const MediaPart&) = default;
};

struct Thought {
  std::string summary;
  std::string content;
  friend bool operator==(const Thought&, const Thought&) = default;
};

/// The model's reasoning.
struct ThoughtsPart {
  std::vector<Thought> thoughts;
  std::string text;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("thoughts", self.thoughts);
    visit("text", self.text);
  }
  friend bool operator==(const ThoughtsPart&, const ThoughtsPart&) = default;
};

/// "Thought for 8 seconds".
struct RecapPart {
  std::string text;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("text", self.text);
  }
  friend bool operator==(const RecapPart&, const RecapPart&) = default;
};

/// What a browsing tool read.
struct QuotePart {
  std::string url;
  std::string domain;
  std::string title;
  std::string text;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("url", self.url);
    visit("domain", self.domain);
    visit("title", self.title);
    visit("text", self.text);
  }
  friend bool operator==(const QuotePart&, const QuotePart&) = default;
};

/// What a browsing tool showed.
struct BrowsingPart {
  std::string text;
  std::string summary;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("text", self.text);
    visit("summary", self.summary);
  }
  friend bool operator==(const BrowsingPart&, const BrowsingPart&) = default;
};

struct ToolCallPart {
  std::string name;
  std::string id;
  Json input;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("name", self.name);
    visit("id", self.id);
    visit("input", self.input);
  }
  friend bool operator==(const ToolCallPart&, const ToolCallPart&) = default;
};

struct ToolResultPart {
  std::string name;
  std::string id;
  Json output;
  bool error = false;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("name", self.name);
    visit("id", self.id);
    visit("output", self.output);
    visit("error", self.error);
  }
  friend bool operator==(const ToolResultPart&, const ToolResultPart&) = default;
};

/// A source that the words refer to; `start` and `end` are positions in the source's words, as the
/// provider counts.
struct CitationPart {
  std::string url;
  std::string title;
  std::string text;
  std::optional<double> start;
  std::optional<double> end;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("url", self.url);
    visit("title", self.title);
    visit("text", self.text);
    visit("start", self.start);
    visit("end", self.end);
  }
  friend bool operator==(const CitationPart&, const CitationPart&) = default;
};

/// The provider's or a tool's failure.
struct ErrorPart {
  std::string text;
  std::string name;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("text", self.text);
    visit("name", self.name);
  }
  friend bool operator==(const ErrorPart&, const ErrorPart&) = default;
};

/// User profile, custom instructions, memory.
struct ContextPart {
  std::string text;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("text", self.text);
  }
  friend bool operator==(const ContextPart&, const ContextPart&) = default;
};

/// What nobody here understands, verbatim.
struct UnknownPart {
  std::string kind;  ///< the source's own name
  std::string raw;   ///< the source's value as JSON text
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("kind", self.kind);
    visit("raw", self.raw);
  }
  friend bool operator==(const UnknownPart&, const UnknownPart&) = default;
};

using Part = std::variant<TextPart, CodePart, OutputPart, MediaPart, ThoughtsPart, RecapPart,
                          QuotePart, BrowsingPart, ToolCallPart, ToolResultPart, CitationPart,
                          ErrorPart, ContextPart, UnknownPart>;

/// The `type` of a part: "text", "image", ...
std::string_view part_type(const Part& part);

/// An empty part of that type; nothing for a type that this version does not know.
std::optional<Part> make_part(std::string_view type);

}  // namespace vivim::chat
