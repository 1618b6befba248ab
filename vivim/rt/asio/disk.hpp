#pragma once

#include <memory>
#include <set>
#include <string>

#include "vivim/rt/disk.hpp"
#include "vivim/rt/error.hpp"

namespace vivim::rt::asio_ {

/// Files below one directory of the real file system; nothing outside it is reached (no "..", no
/// symbolic links in the last part). Files are 0600, directories 0700. Blocking: call it on a
/// Worker.
class DirectoryDisk final : public Disk {
 public:
  /// Opens `root`, making it (0700, with missing parents) if it is not there.
  static Result<std::unique_ptr<DirectoryDisk>> open_root(const std::string& root);
  ~DirectoryDisk() override;
  DirectoryDisk(const DirectoryDisk&) = delete;
  DirectoryDisk& operator=(const DirectoryDisk&) = delete;

  /// With OpenMode::create, missing directories of `path` are made too.
  Result<std::unique_ptr<File>> open(std::string_view path, OpenMode mode) override;
  Result<void> remove(std::string_view path) override;
  Result<void> rename(std::string_view from, std::string_view to) override;
  bool exists(std::string_view path) override;
  /// Every regular file below, sorted.
  Result<std::vector<std::string>> list() override;
  /// Syncs every directory in which a name changed since the last time.
  Result<void> sync_directory() override;

 private:
  DirectoryDisk(int directory, std::string root) : directory_(directory), root_(std::move(root)) {}
  Result<void> make_parents(const std::string& path);
  void touch(std::string_view path);

  int directory_;
  std::string root_;
  std::set<std::string> touched_;
};

}  // namespace vivim::rt::asio_
