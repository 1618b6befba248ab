#pragma once

#include <memory>
#include <string>

#include "vivim/rt/disk.hpp"

struct sqlite3_vfs;

namespace vivim::store {

/// Lets SQLite work on an rt::Disk, so that the store runs unmodified on a simulated one.
/// Registered with SQLite under a name of its own while it exists; it must outlive the connections
/// that use it. It has no locks and no shared memory: one connection, in locking_mode=EXCLUSIVE.
/// Its clock stands still.
class DiskVfs {
 public:
  explicit DiskVfs(rt::Disk& disk);
  DiskVfs(const DiskVfs&) = delete;
  DiskVfs& operator=(const DiskVfs&) = delete;
  ~DiskVfs();

  const char* name() const { return name_.c_str(); }

 private:
  std::string name_;
  std::unique_ptr<sqlite3_vfs> vfs_;
};

}  // namespace vivim::store
