#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "vivim/base/bytes.hpp"
#include "vivim/base/result.hpp"
#include "vivim/chat/importers/error.hpp"

namespace vivim::chat {

/// Bytes that are read once, from the beginning to the end. Blocking: for a worker.
class ByteSource {
 public:
  virtual ~ByteSource() = default;
  /// Reads at least one byte into `into` (not empty); 0 at the end.
  virtual Result<std::size_t> read(MutableBytes into) = 0;
};

/// A file that can be read at any place. Blocking.
class RandomAccess {
 public:
  virtual ~RandomAccess() = default;
  /// Reads up to `into.size()` bytes at `offset`; fewer at the end.
  virtual Result<std::size_t> read_at(std::uint64_t offset, MutableBytes into) = 0;
  virtual std::uint64_t size() const = 0;
};

/// Opens a file of the operating system for reading. Errors: not_found, unreadable.
Result<std::unique_ptr<RandomAccess>> open_file(const std::string& path);

/// Bytes in memory, as a file; `bytes` must outlive it.
std::unique_ptr<RandomAccess> open_memory(BytesView bytes);

/// Reads `file`, which must outlive it, from the beginning.
std::unique_ptr<ByteSource> read_through(RandomAccess& file);

/// One file of an export.
struct ExportMember {
  std::string name;  ///< with '/' between folders, relative
  std::uint64_t size = 0;
  std::size_t index = 0;  ///< for ExportFiles::open
};

/// The files of an export, wherever they are: a folder, an archive, or a single file.
class ExportFiles {
 public:
  virtual ~ExportFiles() = default;
  virtual const std::vector<ExportMember>& members() const = 0;
  virtual Result<std::unique_ptr<ByteSource>> open(const ExportMember& member) = 0;
  /// Bytes of the operating system's files read so far, for progress; and how many there are to
  /// read.
  virtual std::uint64_t bytes_read() const = 0;
  virtual std::uint64_t bytes_total() const = 0;
};

/// Limits of a folder or an archive; see docs/limits.md.
struct ArchiveLimits {
  std::size_t members_max = 200'000;
  std::uint64_t directory_bytes_max = 64ULL << 20;
  std::uint64_t member_bytes_max = 64ULL << 30;
  /// A member that unpacks to more than this many times its packed size (and to more than 64 MiB)
  /// is a bomb.
  std::uint64_t ratio_max = 1'000;
};

/// Opens what `path` names: a folder (its files, at most four levels down; links are not followed),
/// a zip archive (by its content, whatever its name), or a single file. Errors: not_found,
/// unreadable, bad_zip, zip_unsupported.
Result<std::unique_ptr<ExportFiles>> open_export(const std::string& path,
                                                 const ArchiveLimits& limits = {});

/// A zip archive in `file`. Names that are absolute or lead upward are left out.
Result<std::unique_ptr<ExportFiles>> open_zip(std::unique_ptr<RandomAccess> file,
                                              const ArchiveLimits& limits = {});

}  // namespace vivim::chat
