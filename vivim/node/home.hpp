#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "vivim/base/problem.hpp"

namespace vivim::node {

/// Looks a variable of the environment up; nothing when it is not set.
using Environment = std::function<std::optional<std::string>(const std::string& name)>;

/// Which folder is the home: `flag` if given, else VIVIM_HOME, else $XDG_DATA_HOME/vivim, else
/// ~/.local/share/vivim. Absolute, without a "/" at the end. A Problem when there is no way to
/// tell.
Outcome<std::string> find_home(const std::string& flag, const Environment& environment);

/// Where things are in a home.
struct HomePaths {
  std::string root;

  std::string database() const { return root + "/vivim.db"; }
  std::string config() const { return root + "/config.toml"; }
  std::string session_token() const { return root + "/session-token"; }
  std::string node_file() const { return root + "/node.json"; }
  std::string lock() const { return root + "/lock"; }
  std::string temporary() const { return root + "/tmp"; }
  std::string log() const { return root + "/vivim.log"; }
};

/// True when somebody made a home there before.
bool home_exists(const HomePaths& paths);

/// Makes the folder (0700, with its parents) unless it is there. A Problem names what stands in the
/// way.
Outcome<void> make_home(const HomePaths& paths);

/// What the holder of a home's lock left in it.
struct LockHolder {
  std::int64_t pid = 0;
};

/// The right to use a home: one process at a time. The system takes it back when the process ends,
/// however it ends.
class HomeLock {
 public:
  /// Takes it, or says nothing when another process has it. A Problem when the folder cannot be
  /// used at all.
  static Outcome<std::optional<HomeLock>> take(const HomePaths& paths);
  /// Who has it, as far as the file tells; nothing when nobody does.
  static std::optional<LockHolder> holder(const HomePaths& paths);

  HomeLock(HomeLock&& other) noexcept;
  HomeLock& operator=(HomeLock&& other) noexcept;
  ~HomeLock();

 private:
  explicit HomeLock(int descriptor) : descriptor_(descriptor) {}
  int descriptor_ = -1;
};

/// "The home /x is in use by another process (1234)."
Problem home_in_use(const HomePaths& paths, std::optional<LockHolder> holder);

/// Largest file that read_private takes.
inline constexpr std::size_t k_private_file_bytes_max = std::size_t{1} << 20;

/// Reads a small file; nothing when there is none.
Outcome<std::optional<std::string>> read_private(const std::string& path);
/// Writes a small file (0600) so that readers see all of it or the one before.
Outcome<void> write_private(const std::string& path, std::string_view content);

/// The secret that a browser or command shows to this node's gateway: 64 hexadecimal characters,
/// made at the first call with `fill` and kept in the home.
Outcome<std::string> load_session_token(const HomePaths& paths,
                                        const std::function<void(std::string& bytes)>& fill);

}  // namespace vivim::node
