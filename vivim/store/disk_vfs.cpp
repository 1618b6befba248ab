#include "vivim/store/disk_vfs.hpp"

#include <algorithm>
#include <cstring>
#include <memory>
#include <new>

#include <sqlite3.h>

#include "vivim/base/assert.hpp"
#include "vivim/rt/error.hpp"

namespace vivim::store {
namespace {

/// Longest path that is passed on.
constexpr int k_path_bytes_max = 512;
constexpr int k_sector_bytes = 4096;

/// What SQLite calls a file: its own header, then ours.
struct OpenFile {
  sqlite3_file base;
  rt::File* file;
  rt::Disk* disk;
  char* remove_path;    ///< for files that go when they are closed, or null
  bool sync_directory;  ///< created since the directory was last synced
};

OpenFile& cast(sqlite3_file* file) {
  return *reinterpret_cast<OpenFile*>(file);
}
rt::Disk& disk_of(sqlite3_vfs* vfs) {
  return *static_cast<rt::Disk*>(vfs->pAppData);
}

int code_of(const Error& error, int otherwise) {
  return error.is(rt::RtError::no_space) ? SQLITE_FULL : otherwise;
}

int file_close(sqlite3_file* base) {
  OpenFile& open = cast(base);
  delete open.file;
  if (open.remove_path != nullptr) {
    (void)open.disk->remove(open.remove_path);
    sqlite3_free(open.remove_path);
  }
  open.base.pMethods = nullptr;
  return SQLITE_OK;
}

int file_read(sqlite3_file* base, void* into, int size, sqlite3_int64 offset) {
  const MutableBytes out(static_cast<std::uint8_t*>(into), static_cast<std::size_t>(size));
  std::size_t done = 0;
  while (done < out.size()) {
    const auto got =
        cast(base).file->read_at(static_cast<std::uint64_t>(offset) + done, out.subspan(done));
    if (!got) {
      return SQLITE_IOERR_READ;
    }
    if (*got == 0) {
      std::ranges::fill(out.subspan(done), std::uint8_t{0});
      return SQLITE_IOERR_SHORT_READ;
    }
    done += *got;
  }
  return SQLITE_OK;
}

int file_write(sqlite3_file* base, const void* from, int size, sqlite3_int64 offset) {
  const BytesView bytes(static_cast<const std::uint8_t*>(from), static_cast<std::size_t>(size));
  const auto done = cast(base).file->write_at(static_cast<std::uint64_t>(offset), bytes);
  return done ? SQLITE_OK : code_of(done.error(), SQLITE_IOERR_WRITE);
}

int file_truncate(sqlite3_file* base, sqlite3_int64 size) {
  const auto done = cast(base).file->truncate(static_cast<std::uint64_t>(size));
  return done ? SQLITE_OK : SQLITE_IOERR_TRUNCATE;
}

int file_sync(sqlite3_file* base, int /*flags*/) {
  OpenFile& open = cast(base);
  if (const auto done = open.file->sync(); !done) {
    return code_of(done.error(), SQLITE_IOERR_FSYNC);
  }
  if (open.sync_directory) {
    if (!open.disk->sync_directory()) {
      return SQLITE_IOERR_DIR_FSYNC;
    }
    open.sync_directory = false;
  }
  return SQLITE_OK;
}

int file_size(sqlite3_file* base, sqlite3_int64* size) {
  const auto got = cast(base).file->size();
  if (!got) {
    return SQLITE_IOERR_FSTAT;
  }
  *size = static_cast<sqlite3_int64>(*got);
  return SQLITE_OK;
}

int file_lock(sqlite3_file*, int) {
  return SQLITE_OK;
}
int file_check_lock(sqlite3_file*, int* held) {
  *held = 0;
  return SQLITE_OK;
}
int file_control(sqlite3_file*, int, void*) {
  return SQLITE_NOTFOUND;
}
int file_sector_size(sqlite3_file*) {
  return k_sector_bytes;
}
int file_characteristics(sqlite3_file*) {
  return SQLITE_IOCAP_POWERSAFE_OVERWRITE;
}

/// Version 1: no shared memory, so write-ahead logging only in exclusive mode.
constexpr sqlite3_io_methods k_methods{
    .iVersion = 1,
    .xClose = file_close,
    .xRead = file_read,
    .xWrite = file_write,
    .xTruncate = file_truncate,
    .xSync = file_sync,
    .xFileSize = file_size,
    .xLock = file_lock,
    .xUnlock = file_lock,
    .xCheckReservedLock = file_check_lock,
    .xFileControl = file_control,
    .xSectorSize = file_sector_size,
    .xDeviceCharacteristics = file_characteristics,
};

int vfs_open(sqlite3_vfs* vfs, const char* path, sqlite3_file* base, int flags, int* flags_out) {
  OpenFile& open = cast(base);
  open = {};
  // Nameless files are temporary; with temp_store=MEMORY SQLite asks for none.
  const std::string name = path == nullptr ? "temporary" : path;
  const bool created = !disk_of(vfs).exists(name);
  if (created && (flags & SQLITE_OPEN_CREATE) == 0) {
    return SQLITE_CANTOPEN;
  }
  const rt::OpenMode mode = (flags & SQLITE_OPEN_CREATE) != 0      ? rt::OpenMode::create
                            : (flags & SQLITE_OPEN_READWRITE) != 0 ? rt::OpenMode::read_write
                                                                   : rt::OpenMode::read;
  auto file = disk_of(vfs).open(name, mode);
  if (!file) {
    return code_of(file.error(), SQLITE_CANTOPEN);
  }
  open.file = file->release();
  open.disk = &disk_of(vfs);
  open.sync_directory = created;
  if (path == nullptr || (flags & SQLITE_OPEN_DELETEONCLOSE) != 0) {
    open.remove_path = sqlite3_mprintf("%s", name.c_str());
  }
  if (flags_out != nullptr) {
    *flags_out = flags;
  }
  open.base.pMethods = &k_methods;
  return SQLITE_OK;
}

int vfs_remove(sqlite3_vfs* vfs, const char* path, int sync_directory) {
  rt::Disk& disk = disk_of(vfs);
  if (!disk.exists(path)) {
    return SQLITE_IOERR_DELETE_NOENT;
  }
  if (!disk.remove(path)) {
    return SQLITE_IOERR_DELETE;
  }
  return sync_directory != 0 && !disk.sync_directory() ? SQLITE_IOERR_DIR_FSYNC : SQLITE_OK;
}

int vfs_access(sqlite3_vfs* vfs, const char* path, int /*flags*/, int* result) {
  *result = disk_of(vfs).exists(path) ? 1 : 0;
  return SQLITE_OK;
}

int vfs_full_path(sqlite3_vfs*, const char* path, int size, char* out) {
  if (std::strlen(path) >= static_cast<std::size_t>(size)) {
    return SQLITE_CANTOPEN;
  }
  std::strcpy(out, path);
  return SQLITE_OK;
}

/// Only asked when this is the default VFS, which it never is: SQLite seeds itself from the
/// operating system.
int vfs_randomness(sqlite3_vfs*, int size, char* out) {
  std::memset(out, 0, static_cast<std::size_t>(size));
  return size;
}

int vfs_sleep(sqlite3_vfs*, int) {
  return 0;
}

int vfs_current_time(sqlite3_vfs*, sqlite3_int64* ms) {
  *ms = 210866760000000;  // 1970-01-01 as Julian day milliseconds
  return SQLITE_OK;
}

}  // namespace

DiskVfs::DiskVfs(rt::Disk& disk)
    : name_("vivim-" + std::to_string(reinterpret_cast<std::uintptr_t>(this))),
      vfs_(std::make_unique<sqlite3_vfs>()) {
  *vfs_ = {};
  vfs_->iVersion = 2;
  vfs_->szOsFile = sizeof(OpenFile);
  vfs_->mxPathname = k_path_bytes_max;
  vfs_->zName = name_.c_str();
  vfs_->pAppData = &disk;
  vfs_->xOpen = vfs_open;
  vfs_->xDelete = vfs_remove;
  vfs_->xAccess = vfs_access;
  vfs_->xFullPathname = vfs_full_path;
  vfs_->xRandomness = vfs_randomness;
  vfs_->xSleep = vfs_sleep;
  vfs_->xCurrentTimeInt64 = vfs_current_time;
  const int code = sqlite3_vfs_register(vfs_.get(), 0);
  VIVIM_ASSERT(code == SQLITE_OK);
}

DiskVfs::~DiskVfs() {
  sqlite3_vfs_unregister(vfs_.get());
}

}  // namespace vivim::store
