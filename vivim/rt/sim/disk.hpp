#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "vivim/rt/disk.hpp"
#include "vivim/rt/error.hpp"
#include "vivim/rt/sim/engine.hpp"

namespace vivim::rt::sim {

/// What a write can be torn into.
inline constexpr std::size_t k_sector_bytes = 512;

/// A disk that forgets. Content is durable after File::sync, names after sync_directory; at crash()
/// each write since is kept, lost or torn at sector borders (the seed decides), and a random tail
/// of the name changes is lost. After a crash every open handle answers RtError::closed.
/// Directories exist by being used.
class SimDisk final : public Disk {
 public:
  explicit SimDisk(Engine& engine) : engine_(engine) {}

  Result<std::unique_ptr<File>> open(std::string_view path, OpenMode mode) override;
  Result<void> remove(std::string_view path) override;
  Result<void> rename(std::string_view from, std::string_view to) override;
  bool exists(std::string_view path) override;
  Result<std::vector<std::string>> list() override;
  Result<void> sync_directory() override;

  /// Loses or tears what was not synced; old handles die.
  void crash();
  /// What an orderly end of the process leaves: all of it. Old handles die.
  void flush_and_detach();
  /// While offline every call fails with RtError::closed.
  void set_online(bool online) { online_ = online; }

  /// The `nth` operation from now (1: the next) fails with `error`; open, read, write, truncate,
  /// sync, remove, rename, list and sync_directory each count as one.
  void fail_operation(std::uint64_t nth, RtError error = RtError::io);
  /// Every operation fails until clear_faults().
  void fail_always(RtError error = RtError::io) { always_ = error; }
  void clear_faults();
  /// Writes beyond this total fail with RtError::no_space.
  void set_capacity_bytes(std::uint64_t bytes) { capacity_bytes_ = bytes; }

  /// The disk lies: only every 32nd sync() makes anything durable, and then all that there is; a
  /// crash loses whatever came behind it. With `false` all of it is durable.
  void set_lying(bool lying);

  std::uint64_t operations() const { return operations_; }
  std::uint64_t bytes_used() const;

 private:
  friend class SimFile;
  /// A write (`size` unused) or a truncation (`bytes` empty, `truncate` set) since the last sync.
  struct Change {
    std::uint64_t offset = 0;
    Bytes bytes;
    std::optional<std::uint64_t> truncate;
  };
  struct Inode {
    Bytes current;
    Bytes durable;
    std::vector<Change> pending;
  };
  using Names = std::map<std::string, std::shared_ptr<Inode>, std::less<>>;
  /// A name that now means another file, or none.
  struct NameChange {
    std::string name;
    std::shared_ptr<Inode> inode;
  };
  using NameTransaction = std::vector<NameChange>;

  Result<void> begin(std::uint64_t what);
  void change_names(NameTransaction changes);
  static void apply(Names& names, const NameTransaction& changes);
  static void apply(Bytes& content, const Change& change);
  /// Whether a sync() or sync_directory() is a lie.
  bool lies();
  void make_all_durable();
  void crash_inode(Inode& inode);
  void apply_torn(Bytes& content, const Change& change);

  Engine& engine_;
  Names current_;
  Names durable_;
  std::vector<NameTransaction> pending_;
  std::uint64_t incarnation_ = 1;
  std::uint64_t operations_ = 0;
  std::uint64_t fail_at_ = 0;
  RtError fail_with_ = RtError::io;
  std::optional<RtError> always_;
  std::optional<std::uint64_t> capacity_bytes_;
  bool online_ = true;
  bool lying_ = false;
  std::uint64_t lies_ = 0;
};

}  // namespace vivim::rt::sim
