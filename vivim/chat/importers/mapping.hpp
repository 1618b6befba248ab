#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "vivim/chat/importers/report.hpp"
#include "vivim/chat/importers/sink.hpp"
#include "vivim/chat/json.hpp"

namespace vivim::chat {

/// Finds the file that a provider's pointer means.
class AssetResolver {
 public:
  virtual ~AssetResolver() = default;
  /// Its CID as text, if the export has it; counts what it has not.
  virtual std::string resolve(std::string_view asset) = 0;
};

/// What a mapping needs besides the conversation.
struct MapContext {
  AssetResolver* assets = nullptr;  ///< may be null
  ImportReport& report;
  Time imported = 0;
};

enum class Provider : std::uint8_t { unknown, chatgpt, claude };

/// Which provider's conversation this object is, by its keys.
Provider detect_provider(const JsonValue& conversation);
std::string_view provider_name(Provider provider);

/// Turns a conversation of a known provider into the model. `imported.source` is the text that
/// `root` is a value of; the result's blocks are views into it. Errors: not_a_conversation.
Result<void> map_conversation(const JsonValue& root, const MapContext& context, Imported& imported);

/// The providers' own mappings.
Result<void> map_chatgpt(const JsonValue& root, const MapContext& context, Imported& imported);
Result<void> map_claude(const JsonValue& root, const MapContext& context, Imported& imported);

/// "2026-03-29T07:06:35.552627Z", "...+02:00": milliseconds since 1970; nothing if it is not such a
/// time.
std::optional<Time> parse_iso_time(std::string_view text);

}  // namespace vivim::chat
