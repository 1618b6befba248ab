#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "vivim/base/bytes.hpp"
#include "vivim/base/result.hpp"

namespace vivim::rt {

/// An open file. Blocking calls: made on a Worker, or in simulation where they cost nothing. What
/// was written is only safe after sync() returned; a simulated crash keeps, loses or tears anything
/// since.
class File {
 public:
  virtual ~File() = default;
  /// Reads up to `into.size()` bytes at `offset`; fewer at the end of the file.
  virtual Result<std::size_t> read_at(std::uint64_t offset, MutableBytes into) = 0;
  virtual Result<void> write_at(std::uint64_t offset, BytesView bytes) = 0;
  virtual Result<void> truncate(std::uint64_t size) = 0;
  virtual Result<void> sync() = 0;
  virtual Result<std::uint64_t> size() const = 0;
};

enum class OpenMode : std::uint8_t { read, read_write, create };

/// A directory tree of files; paths are relative, '/'-separated, without "..".
class Disk {
 public:
  virtual ~Disk() = default;
  virtual Result<std::unique_ptr<File>> open(std::string_view path, OpenMode mode) = 0;
  virtual Result<void> remove(std::string_view path) = 0;
  virtual Result<void> rename(std::string_view from, std::string_view to) = 0;
  virtual bool exists(std::string_view path) = 0;
  virtual Result<std::vector<std::string>> list() = 0;
  /// Makes creations, renames and removals durable.
  virtual Result<void> sync_directory() = 0;
};

}  // namespace vivim::rt
