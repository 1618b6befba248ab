#include "vivim/node/home.hpp"

#include <cerrno>
#include <filesystem>
#include <system_error>

#include <sys/stat.h>

#include "vivim/base/bytes.hpp"
#include "vivim/base/result.hpp"
#include "vivim/node/file_detail.hpp"

namespace vivim::node {

namespace {

constexpr std::size_t k_token_bytes = 32;

std::optional<std::string> not_empty(std::optional<std::string> value) {
  return value && !value->empty() ? value : std::nullopt;
}

std::string absolute_path(const std::string& path) {
  std::error_code error;
  auto absolute = std::filesystem::absolute(path, error).lexically_normal();
  if (error) {
    return path;
  }
  std::string text = absolute.string();
  while (text.size() > 1 && text.back() == '/') {
    text.pop_back();
  }
  return text;
}

bool is_token(std::string_view text) {
  return text.size() == 2 * k_token_bytes &&
         text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

std::string_view without_line_end(std::string_view text) {
  while (!text.empty() && (text.back() == '\n' || text.back() == '\r')) {
    text.remove_suffix(1);
  }
  return text;
}

}  // namespace

Outcome<std::string> find_home(const std::string& flag, const Environment& environment) {
  if (!flag.empty()) {
    return absolute_path(flag);
  }
  if (const auto home = not_empty(environment("VIVIM_HOME"))) {
    return absolute_path(*home);
  }
  if (const auto data = not_empty(environment("XDG_DATA_HOME")); data && data->front() == '/') {
    return absolute_path(*data + "/vivim");
  }
  if (const auto user = not_empty(environment("HOME"))) {
    return absolute_path(*user + "/.local/share/vivim");
  }
  return std::unexpected(Problem{.kind = ProblemKind::bad_input,
                                 .code = "no_home",
                                 .message = "There is no telling where your data is: neither "
                                            "VIVIM_HOME nor HOME is set.",
                                 .hint = "Name a folder: vivim --home DIR ..."});
}

bool home_exists(const HomePaths& paths) {
  std::error_code error;
  return std::filesystem::exists(paths.database(), error) ||
         std::filesystem::exists(paths.config(), error);
}

Outcome<void> make_home(const HomePaths& paths) {
  const auto parent = std::filesystem::path(paths.root).parent_path();
  std::error_code error;
  std::filesystem::create_directories(parent, error);
  if (!error && ::mkdir(paths.root.c_str(), S_IRWXU) != 0 && errno != EEXIST) {
    error = std::error_code(errno, std::generic_category());
  }
  if (!error && !std::filesystem::is_directory(paths.root, error)) {
    error = std::make_error_code(std::errc::not_a_directory);
  }
  if (error) {
    return std::unexpected(detail::file_problem("make the folder", paths.root, error));
  }
  return {};
}

Problem home_in_use(const HomePaths& paths, std::optional<LockHolder> holder) {
  const std::string who = holder && holder->pid > 0 ? " (" + std::to_string(holder->pid) + ")" : "";
  return {.kind = ProblemKind::conflict,
          .code = "home_in_use",
          .message = "The home " + paths.root + " is in use by another process" + who + ".",
          .hint =
              "See it with: vivim status; stop it with: vivim stop; or use another home: "
              "--home DIR"};
}

Outcome<std::string> load_session_token(const HomePaths& paths,
                                        const std::function<void(std::string& bytes)>& fill) {
  VIVIM_TRY(const auto known, read_private(paths.session_token()));
  if (known && is_token(without_line_end(*known))) {
    return std::string(without_line_end(*known));
  }
  std::string bytes(k_token_bytes, '\0');
  fill(bytes);
  std::string token = to_hex(as_bytes(bytes));
  VIVIM_TRYV(write_private(paths.session_token(), token + "\n"));
  return token;
}

}  // namespace vivim::node
