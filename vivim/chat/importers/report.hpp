#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace vivim::chat {

/// Something that could not be read.
struct ImportFailure {
  std::string file;
  std::uint64_t byte = 0;  ///< position in the file
  std::uint64_t line = 0;  ///< from 1; 0 if it is not known
  std::string message;     ///< for a person
};

/// At most this many failures are kept one by one; the rest is counted.
inline constexpr std::size_t k_failures_kept_max = 100;
/// At most this many different kinds of unknown parts are counted by name.
inline constexpr std::size_t k_unknown_kinds_max = 1'000;

/// What an import found, for the person who started it.
struct ImportReport {
  std::vector<std::string> providers;
  std::uint64_t files = 0;  ///< with conversations
  std::uint64_t bytes = 0;  ///< of conversations, unpacked
  std::uint64_t conversations = 0;
  std::uint64_t turns = 0;
  std::uint64_t hidden_turns = 0;
  std::uint64_t parts = 0;
  std::map<std::string, std::uint64_t> parts_by_type;
  std::map<std::string, std::uint64_t> unknown_kinds;  ///< kept verbatim
  std::uint64_t attachments = 0;                       ///< found in the export and kept
  std::uint64_t attachments_missing = 0;               ///< referred to, but not in the export
  std::uint64_t attachments_too_large = 0;
  std::uint64_t attachment_bytes = 0;
  std::vector<std::string> other_files;  ///< kept as they are, or left out if not JSON
  std::uint64_t failed = 0;              ///< conversations or files that could not be read
  std::vector<ImportFailure> failures;

  /// Counts a failure, and keeps it while there is room.
  void add_failure(ImportFailure failure);
};

}  // namespace vivim::chat
