#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>

#include "vivim/chat/importers/mapping.hpp"
#include "vivim/chat/importers/source.hpp"

namespace vivim::chat {

/// What follows the last slash.
std::string_view base_name(std::string_view path);

/// The part of a pointer or file name that names an asset: "file-AbC" of "file-service://file-AbC",
/// of "file-AbC-picture.png" and of "dalle-generations/file-AbC-1234.webp". Empty if there is none.
std::string_view asset_key(std::string_view pointer_or_name);

/// Reads all of a member, at most `bytes_max`; nothing if it is larger. Errors: those of the
/// source.
Result<std::optional<Bytes>> read_member(ExportFiles& files, const ExportMember& member,
                                         std::uint64_t bytes_max);

/// Finds the files that conversations refer to, and hands each to the sink once, when it is first
/// needed.
class Assets final : public AssetResolver {
 public:
  /// All must outlive it.
  Assets(ExportFiles& files, Sink& sink, ImportReport& report, std::uint64_t bytes_max);

  std::string resolve(std::string_view asset) override;

  /// The sink's first error; the import stops.
  const std::optional<Error>& sink_error() const { return sink_error_; }

 private:
  const ExportMember* find(std::string_view asset) const;
  std::string hand_over(const ExportMember& member);

  ExportFiles& files_;
  Sink& sink_;
  ImportReport& report_;
  std::uint64_t bytes_max_;
  std::unordered_map<std::string, const ExportMember*> by_key_;
  std::unordered_map<const ExportMember*, std::string> handed_;
  std::optional<Error> sink_error_;
};

}  // namespace vivim::chat
