#pragma once

#include <string>
#include <string_view>
#include <unordered_set>

#include "vivim/chat/importers/mapping.hpp"

namespace vivim::chat::detail {

/// Collects the parts of one turn and its words.
class TurnParts {
 public:
  TurnParts(Turn& turn, const MapContext& context) : turn_(turn), context_(context) {}

  /// Words of the turn: joined by blank lines; the first leaves the marker.
  void words(std::string text);
  void add(Part part) { turn_.parts.push_back(std::move(part)); }
  void unknown(std::string kind, const JsonValue& value);
  /// A file: resolves its asset.
  void media(MediaPart part);

  Turn& turn() { return turn_; }
  const MapContext& context() const { return context_; }

 private:
  Turn& turn_;
  const MapContext& context_;
  bool marked_ = false;
};

/// Gives each turn an id that no other has.
class UniqueIds {
 public:
  std::string take(std::string id);

 private:
  std::unordered_set<std::string> taken_;
};

/// The verbatim bytes of `value` as a block; returns their CID.
std::string add_block(Imported& imported, std::string_view bytes);

/// Fills provenance, with `turns` (the value that holds the turns) replaced by `empty` in the
/// source block.
void set_provenance(Imported& imported, const MapContext& context, Provider provider,
                    std::string original_id, const JsonValue& turns, std::string_view empty);

/// Counts the conversation in the report.
void count(const Conversation& conversation, ImportReport& report);

/// A value as JSON text that is valid UTF-8.
Json json_of(const JsonValue& value);

MediaKind media_kind(std::string_view mime);

/// ChatGPT's content of a message, and what its metadata holds.
void chatgpt_parts(const JsonValue& message, TurnParts& parts);

}  // namespace vivim::chat::detail
