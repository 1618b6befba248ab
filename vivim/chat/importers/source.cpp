#include "vivim/chat/importers/source.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <filesystem>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace vivim::chat {

namespace {

class DiskFile final : public RandomAccess {
 public:
  DiskFile(int descriptor, std::uint64_t size) : descriptor_(descriptor), size_(size) {}
  DiskFile(const DiskFile&) = delete;
  DiskFile& operator=(const DiskFile&) = delete;
  ~DiskFile() override { ::close(descriptor_); }

  Result<std::size_t> read_at(std::uint64_t offset, MutableBytes into) override {
    while (true) {
      const auto count = ::pread(descriptor_, into.data(), into.size(), static_cast<off_t>(offset));
      if (count >= 0) {
        return static_cast<std::size_t>(count);
      }
      if (errno != EINTR) {
        return fail(ImportError::unreadable, static_cast<std::uint64_t>(errno));
      }
    }
  }

  std::uint64_t size() const override { return size_; }

 private:
  int descriptor_;
  std::uint64_t size_;
};

class MemoryFile final : public RandomAccess {
 public:
  explicit MemoryFile(BytesView bytes) : bytes_(bytes) {}

  Result<std::size_t> read_at(std::uint64_t offset, MutableBytes into) override {
    if (offset >= bytes_.size()) {
      return std::size_t{0};
    }
    const auto part = bytes_.subspan(offset, std::min<std::uint64_t>(into.size(), size() - offset));
    std::ranges::copy(part, into.begin());
    return part.size();
  }

  std::uint64_t size() const override { return bytes_.size(); }

 private:
  BytesView bytes_;
};

class Through final : public ByteSource {
 public:
  explicit Through(RandomAccess& file) : file_(file) {}

  Result<std::size_t> read(MutableBytes into) override {
    VIVIM_TRY(const auto count, file_.read_at(offset_, into));
    offset_ += count;
    return count;
  }

 private:
  RandomAccess& file_;
  std::uint64_t offset_ = 0;
};

/// Owns the file that it reads, and counts.
class OwnedSource final : public ByteSource {
 public:
  OwnedSource(std::unique_ptr<RandomAccess> file, std::uint64_t& counter)
      : file_(std::move(file)), through_(*file_), counter_(counter) {}

  Result<std::size_t> read(MutableBytes into) override {
    VIVIM_TRY(const auto count, through_.read(into));
    counter_ += count;
    return count;
  }

 private:
  std::unique_ptr<RandomAccess> file_;
  Through through_;
  std::uint64_t& counter_;
};

/// A folder, or one file in it.
class FolderFiles final : public ExportFiles {
 public:
  FolderFiles(std::filesystem::path root, std::vector<ExportMember> members)
      : root_(std::move(root)), members_(std::move(members)) {}

  const std::vector<ExportMember>& members() const override { return members_; }

  Result<std::unique_ptr<ByteSource>> open(const ExportMember& member) override {
    VIVIM_TRY(auto file, open_file((root_ / member.name).string()));
    return std::make_unique<OwnedSource>(std::move(file), bytes_read_);
  }

  std::uint64_t bytes_read() const override { return bytes_read_; }

  std::uint64_t bytes_total() const override {
    std::uint64_t total = 0;
    for (const auto& member : members_) {
      total += member.size;
    }
    return total;
  }

 private:
  std::filesystem::path root_;
  std::vector<ExportMember> members_;
  std::uint64_t bytes_read_ = 0;
};

constexpr int k_folder_depth_max = 4;

Result<std::unique_ptr<ExportFiles>> open_folder(const std::filesystem::path& root,
                                                 const ArchiveLimits& limits) {
  std::vector<ExportMember> members;
  std::error_code code;
  auto at = std::filesystem::recursive_directory_iterator(
      root, std::filesystem::directory_options::skip_permission_denied, code);
  for (const auto end = std::filesystem::recursive_directory_iterator();
       !code && at != end && members.size() < limits.members_max; at.increment(code)) {
    if (at.depth() >= k_folder_depth_max) {
      at.disable_recursion_pending();
    }
    std::error_code ignored;
    if (!at->is_symlink(ignored) && at->is_regular_file(ignored)) {
      members.push_back({.name = at->path().lexically_relative(root).generic_string(),
                         .size = at->file_size(ignored)});
    }
  }
  if (code) {
    return fail(ImportError::unreadable, static_cast<std::uint64_t>(code.value()));
  }
  std::ranges::sort(members, {}, &ExportMember::name);
  return std::make_unique<FolderFiles>(root, std::move(members));
}

bool looks_like_zip(RandomAccess& file) {
  std::array<std::uint8_t, 4> head{};
  const auto count = file.read_at(0, head);
  return count && *count == head.size() && head[0] == 'P' && head[1] == 'K' &&
         ((head[2] == 3 && head[3] == 4) || (head[2] == 5 && head[3] == 6));
}

}  // namespace

Result<std::unique_ptr<RandomAccess>> open_file(const std::string& path) {
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (descriptor < 0) {
    return errno == ENOENT ? fail(ImportError::not_found)
                           : fail(ImportError::unreadable, static_cast<std::uint64_t>(errno));
  }
  struct stat status{};
  if (::fstat(descriptor, &status) != 0 || !S_ISREG(status.st_mode)) {
    ::close(descriptor);
    return fail(ImportError::unreadable);
  }
  return std::make_unique<DiskFile>(descriptor, static_cast<std::uint64_t>(status.st_size));
}

std::unique_ptr<RandomAccess> open_memory(BytesView bytes) {
  return std::make_unique<MemoryFile>(bytes);
}

std::unique_ptr<ByteSource> read_through(RandomAccess& file) {
  return std::make_unique<Through>(file);
}

Result<std::unique_ptr<ExportFiles>> open_export(const std::string& path,
                                                 const ArchiveLimits& limits) {
  std::error_code code;
  const std::filesystem::path where(path);
  if (std::filesystem::is_directory(where, code)) {
    return open_folder(where, limits);
  }
  VIVIM_TRY(auto file, open_file(path));
  if (looks_like_zip(*file)) {
    return open_zip(std::move(file), limits);
  }
  std::vector<ExportMember> one{{.name = where.filename().generic_string(), .size = file->size()}};
  return std::make_unique<FolderFiles>(where.parent_path(), std::move(one));
}

}  // namespace vivim::chat
