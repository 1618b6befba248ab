#include "vivim/rt/asio/disk.hpp"

#include <algorithm>
#include <cerrno>
#include <filesystem>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "vivim/rt/path.hpp"

namespace vivim::rt::asio_ {

namespace {

Error last_disk_error(std::source_location site = std::source_location::current()) {
  switch (errno) {
    case ENOENT:
      return Error(RtError::not_found, 0, site);
    case ENOSPC:
    case EDQUOT:
      return Error(RtError::no_space, 0, site);
    case EMFILE:
    case ENFILE:
      return Error(RtError::limit, 0, site);
    default:
      return Error(RtError::io, static_cast<std::uint64_t>(errno), site);
  }
}

class Descriptor {
 public:
  explicit Descriptor(int number) : number_(number) {}
  ~Descriptor() {
    if (number_ >= 0) {
      ::close(number_);
    }
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const { return number_; }
  bool ok() const { return number_ >= 0; }
  int release() { return std::exchange(number_, -1); }

 private:
  int number_;
};

class RealFile final : public File {
 public:
  explicit RealFile(int number) : file_(number) {}

  Result<std::size_t> read_at(std::uint64_t offset, MutableBytes into) override {
    std::size_t total = 0;
    while (total < into.size()) {
      const auto n = ::pread(file_.get(), into.data() + total, into.size() - total,
                             static_cast<off_t>(offset + total));
      if (n == 0) {
        break;
      }
      if (n < 0 && errno != EINTR) {
        return fail(last_disk_error());
      }
      total += n > 0 ? static_cast<std::size_t>(n) : 0;
    }
    return total;
  }

  Result<void> write_at(std::uint64_t offset, BytesView bytes) override {
    while (!bytes.empty()) {
      const auto n = ::pwrite(file_.get(), bytes.data(), bytes.size(), static_cast<off_t>(offset));
      if (n < 0 && errno != EINTR) {
        return fail(last_disk_error());
      }
      const auto written = n > 0 ? static_cast<std::size_t>(n) : 0;
      bytes = bytes.subspan(written);
      offset += written;
    }
    return {};
  }

  Result<void> truncate(std::uint64_t size) override {
    if (::ftruncate(file_.get(), static_cast<off_t>(size)) != 0) {
      return fail(last_disk_error());
    }
    return {};
  }

  Result<void> sync() override {
    // After a failed fdatasync the kernel forgets the pages: a later success would mean nothing.
    if (!sync_failed_ && ::fdatasync(file_.get()) != 0) {
      sync_failed_ = last_disk_error();
    }
    if (sync_failed_) {
      return fail(*sync_failed_);
    }
    return {};
  }

  Result<std::uint64_t> size() const override {
    struct stat status{};
    if (::fstat(file_.get(), &status) != 0) {
      return fail(last_disk_error());
    }
    return static_cast<std::uint64_t>(status.st_size);
  }

 private:
  Descriptor file_;
  std::optional<Error> sync_failed_;
};

std::string parent_of(std::string_view path) {
  const auto slash = path.rfind('/');
  return slash == std::string_view::npos ? "." : std::string(path.substr(0, slash));
}

}  // namespace

Result<std::unique_ptr<DirectoryDisk>> DirectoryDisk::open_root(const std::string& root) {
  std::error_code error;
  if (!std::filesystem::exists(root, error)) {
    const auto parent = std::filesystem::path(root).parent_path();
    if (!parent.empty()) {
      std::filesystem::create_directories(parent, error);
    }
    if (::mkdir(root.c_str(), 0700) != 0 && errno != EEXIST) {
      return fail(last_disk_error());
    }
  }
  const int directory = ::open(root.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (directory < 0) {
    return fail(last_disk_error());
  }
  return std::unique_ptr<DirectoryDisk>(new DirectoryDisk(directory, root));
}

DirectoryDisk::~DirectoryDisk() {
  ::close(directory_);
}

Result<void> DirectoryDisk::make_parents(const std::string& path) {
  for (std::size_t at = path.find('/'); at != std::string::npos; at = path.find('/', at + 1)) {
    const std::string part = path.substr(0, at);
    if (::mkdirat(directory_, part.c_str(), 0700) == 0) {
      touch(part);
    } else if (errno != EEXIST) {
      return fail(last_disk_error());
    }
  }
  return {};
}

void DirectoryDisk::touch(std::string_view path) {
  touched_.insert(parent_of(path));
}

Result<std::unique_ptr<File>> DirectoryDisk::open(std::string_view path, OpenMode mode) {
  VIVIM_TRYV(check_path(path));
  const std::string name(path);
  int flags = O_CLOEXEC | O_NOFOLLOW | (mode == OpenMode::read ? O_RDONLY : O_RDWR);
  Descriptor file(::openat(directory_, name.c_str(), flags));
  if (!file.ok() && errno == ENOENT && mode == OpenMode::create) {
    VIVIM_TRYV(make_parents(name));
    touch(name);
    const int made = ::openat(directory_, name.c_str(), flags | O_CREAT, 0600);
    if (made < 0) {
      return fail(last_disk_error());
    }
    return std::make_unique<RealFile>(made);
  }
  if (!file.ok()) {
    return fail(last_disk_error());
  }
  return std::make_unique<RealFile>(file.release());
}

Result<void> DirectoryDisk::remove(std::string_view path) {
  VIVIM_TRYV(check_path(path));
  if (::unlinkat(directory_, std::string(path).c_str(), 0) != 0) {
    return fail(last_disk_error());
  }
  touch(path);
  return {};
}

Result<void> DirectoryDisk::rename(std::string_view from, std::string_view to) {
  VIVIM_TRYV(check_path(from));
  VIVIM_TRYV(check_path(to));
  if (::renameat(directory_, std::string(from).c_str(), directory_, std::string(to).c_str()) != 0) {
    return fail(last_disk_error());
  }
  touch(from);
  touch(to);
  return {};
}

bool DirectoryDisk::exists(std::string_view path) {
  return check_path(path) &&
         ::faccessat(directory_, std::string(path).c_str(), F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

Result<std::vector<std::string>> DirectoryDisk::list() {
  namespace fs = std::filesystem;
  std::vector<std::string> names;
  std::error_code error;
  for (fs::recursive_directory_iterator at(root_, error), end; !error && at != end;
       at.increment(error)) {
    if (at->is_regular_file(error) && !error) {
      names.push_back(at->path().lexically_relative(root_).string());
    }
  }
  if (error) {
    return fail(RtError::io, static_cast<std::uint64_t>(error.value()));
  }
  std::ranges::sort(names);
  return names;
}

Result<void> DirectoryDisk::sync_directory() {
  while (!touched_.empty()) {
    const std::string name = *touched_.begin();
    const Descriptor directory(
        ::openat(directory_, name.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!directory.ok() || ::fsync(directory.get()) != 0) {
      return fail(last_disk_error());
    }
    touched_.erase(touched_.begin());
  }
  return {};
}

}  // namespace vivim::rt::asio_
