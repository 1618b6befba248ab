#include <cerrno>
#include <charconv>
#include <utility>

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include "vivim/node/file_detail.hpp"
#include "vivim/node/home.hpp"

namespace vivim::node {

namespace {

/// A file descriptor that closes itself.
class Descriptor {
 public:
  explicit Descriptor(int descriptor) : descriptor_(descriptor) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() {
    if (descriptor_ >= 0) {
      ::close(descriptor_);
    }
  }
  int get() const { return descriptor_; }
  int release() { return std::exchange(descriptor_, -1); }

 private:
  int descriptor_;
};

std::error_code write_all(int descriptor, std::string_view content) {
  while (!content.empty()) {
    const auto written = ::write(descriptor, content.data(), content.size());
    if (written < 0 && errno != EINTR) {
      return detail::last_error();
    }
    content.remove_prefix(written < 0 ? 0 : static_cast<std::size_t>(written));
  }
  return {};
}

std::error_code write_and_sync(const std::string& path, std::string_view content) {
  const Descriptor file(
      ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (file.get() < 0) {
    return detail::last_error();
  }
  if (const auto error = write_all(file.get(), content)) {
    return error;
  }
  return ::fsync(file.get()) == 0 ? std::error_code() : detail::last_error();
}

std::int64_t parse_pid(std::string_view text) {
  std::int64_t pid = 0;
  std::from_chars(text.data(), text.data() + text.size(), pid);
  return pid;
}

}  // namespace

namespace detail {

std::error_code last_error() {
  return {errno, std::generic_category()};
}

Problem file_problem(const std::string& doing, const std::string& path, std::error_code error) {
  return {
      .kind = error == std::errc::permission_denied ? ProblemKind::refused : ProblemKind::internal,
      .code = "file_error",
      .message = "Could not " + doing + " " + path + ": " + error.message() + ".",
      .hint = "Check the folder's owner and free space, or use another home: --home DIR"};
}

}  // namespace detail

Outcome<std::optional<std::string>> read_private(const std::string& path) {
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (file.get() < 0) {
    if (errno == ENOENT) {
      return std::optional<std::string>();
    }
    return std::unexpected(detail::file_problem("read", path, detail::last_error()));
  }
  std::string content;
  std::string buffer(4096, '\0');
  while (content.size() <= k_private_file_bytes_max) {
    const auto got = ::read(file.get(), buffer.data(), buffer.size());
    if (got < 0 && errno != EINTR) {
      return std::unexpected(detail::file_problem("read", path, detail::last_error()));
    }
    if (got == 0) {
      return std::optional(std::move(content));
    }
    content.append(buffer, 0, got < 0 ? 0 : static_cast<std::size_t>(got));
  }
  return std::unexpected(
      detail::file_problem("read", path, std::make_error_code(std::errc::file_too_large)));
}

Outcome<void> write_private(const std::string& path, std::string_view content) {
  const std::string fresh = path + ".new";
  auto error = write_and_sync(fresh, content);
  if (!error && ::rename(fresh.c_str(), path.c_str()) != 0) {
    error = detail::last_error();
  }
  if (error) {
    return std::unexpected(detail::file_problem("write", path, error));
  }
  return {};
}

Outcome<std::optional<HomeLock>> HomeLock::take(const HomePaths& paths) {
  Descriptor file(::open(paths.lock().c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (file.get() < 0) {
    return std::unexpected(detail::file_problem("use", paths.lock(), detail::last_error()));
  }
  if (::flock(file.get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno == EWOULDBLOCK) {
      return std::optional<HomeLock>();
    }
    return std::unexpected(detail::file_problem("lock", paths.lock(), detail::last_error()));
  }
  const std::string pid = std::to_string(::getpid()) + "\n";
  if (::ftruncate(file.get(), 0) != 0 || write_all(file.get(), pid)) {
    return std::unexpected(detail::file_problem("write", paths.lock(), detail::last_error()));
  }
  return std::optional(HomeLock(file.release()));
}

std::optional<LockHolder> HomeLock::holder(const HomePaths& paths) {
  const Descriptor file(::open(paths.lock().c_str(), O_RDONLY | O_CLOEXEC));
  if (file.get() < 0 || ::flock(file.get(), LOCK_SH | LOCK_NB) == 0 || errno != EWOULDBLOCK) {
    return std::nullopt;
  }
  const auto content = read_private(paths.lock());
  return LockHolder{.pid = content && *content ? parse_pid(**content) : 0};
}

HomeLock::HomeLock(HomeLock&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)) {}

HomeLock& HomeLock::operator=(HomeLock&& other) noexcept {
  std::swap(descriptor_, other.descriptor_);
  return *this;
}

HomeLock::~HomeLock() {
  if (descriptor_ >= 0) {
    ::close(descriptor_);
  }
}

}  // namespace vivim::node
