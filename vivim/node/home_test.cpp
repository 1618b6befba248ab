#include "vivim/node/home.hpp"

#include <cstdlib>
#include <filesystem>
#include <map>

#include <doctest/doctest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "vivim/node/identity.hpp"
#include "vivim/node/node_file.hpp"
#include "vivim/node/temporary_folder_test_detail.hpp"

namespace vivim::node {
namespace {

Environment environment(std::map<std::string, std::string> variables) {
  return [variables = std::move(variables)](const std::string& name) {
    const auto found = variables.find(name);
    return found == variables.end() ? std::nullopt : std::optional(found->second);
  };
}

unsigned mode_of(const std::string& path) {
  struct stat info{};
  REQUIRE(::stat(path.c_str(), &info) == 0);
  return info.st_mode & 0777U;
}

TEST_CASE("home: the flag, then VIVIM_HOME, then XDG_DATA_HOME, then HOME") {
  const std::map<std::string, std::string> all = {
      {"VIVIM_HOME", "/a/b/"}, {"XDG_DATA_HOME", "/data"}, {"HOME", "/home/me"}};
  CHECK(find_home("/flag/../flag/x/", environment(all)).value() == "/flag/x");
  CHECK(find_home("", environment(all)).value() == "/a/b");
  CHECK(find_home("", environment({{"VIVIM_HOME", ""}, {"XDG_DATA_HOME", "/data"}})).value() ==
        "/data/vivim");
  CHECK(find_home("", environment({{"XDG_DATA_HOME", "relative"}, {"HOME", "/home/me"}})).value() ==
        "/home/me/.local/share/vivim");
  CHECK(find_home("", environment({})).error().code == "no_home");
  CHECK(find_home("here", environment({})).value() ==
        std::filesystem::current_path().string() + "/here");
}

TEST_CASE("home: made for its owner only, found again, and refused where a file stands") {
  const TemporaryFolder folder;
  const HomePaths paths{.root = folder.path() + "/deep/er/home"};
  CHECK_FALSE(home_exists(paths));
  REQUIRE(make_home(paths));
  CHECK(mode_of(paths.root) == 0700);
  REQUIRE(make_home(paths));
  REQUIRE(write_private(paths.config(), "x"));
  CHECK(home_exists(paths));
  CHECK(mode_of(paths.config()) == 0600);
  const auto blocked = make_home({.root = paths.config()});
  REQUIRE_FALSE(blocked);
  CHECK(blocked.error().message.find(paths.config()) != std::string::npos);
  CHECK_FALSE(make_home({.root = paths.config() + "/below"}));
}

TEST_CASE("home: private files are read whole, within a limit") {
  const TemporaryFolder folder;
  const std::string path = folder.path() + "/file";
  CHECK(read_private(path).value() == std::nullopt);
  const std::string large(k_private_file_bytes_max, 'x');
  REQUIRE(write_private(path, large));
  CHECK(read_private(path).value() == large);
  REQUIRE(write_private(path, large + "x"));
  CHECK(read_private(path).error().code == "file_error");
  CHECK(read_private(folder.path()).error().code == "file_error");
  CHECK(write_private(folder.path() + "/none/file", "x").error().code == "file_error");
}

TEST_CASE("home lock: one at a time, with the holder's process id") {
  const TemporaryFolder folder;
  const HomePaths paths{.root = folder.path()};
  CHECK_FALSE(HomeLock::holder(paths));
  {
    auto first = HomeLock::take(paths).value();
    REQUIRE(first);
    CHECK_FALSE(HomeLock::take(paths).value());
    CHECK(HomeLock::holder(paths)->pid == ::getpid());
    const HomeLock moved = std::move(*first);
    CHECK_FALSE(HomeLock::take(paths).value());
    const auto problem = home_in_use(paths, HomeLock::holder(paths));
    CHECK(problem.kind == ProblemKind::conflict);
    CHECK(problem.message.find(std::to_string(::getpid())) != std::string::npos);
  }
  CHECK_FALSE(HomeLock::holder(paths));
  CHECK(HomeLock::take(paths).value());
  CHECK(HomeLock::take({.root = folder.path() + "/none"}).error().code == "file_error");
}

TEST_CASE("session token: made once, made anew when it is damaged") {
  const TemporaryFolder folder;
  const HomePaths paths{.root = folder.path()};
  const auto fill = [](char byte) {
    return [byte](std::string& bytes) { bytes.assign(bytes.size(), byte); };
  };
  const std::string token = load_session_token(paths, fill('\x11')).value();
  CHECK(token.size() == 64);
  CHECK(token.starts_with("1111"));
  CHECK(mode_of(paths.session_token()) == 0600);
  CHECK(load_session_token(paths, fill('\x22')).value() == token);
  REQUIRE(write_private(paths.session_token(), token.substr(1)));
  CHECK(load_session_token(paths, fill('\x22')).value().starts_with("2222"));
}

TEST_CASE("node file: written, read, removed; nonsense is nothing") {
  const TemporaryFolder folder;
  const HomePaths paths{.root = folder.path()};
  CHECK_FALSE(NodeFile::read(paths));
  const NodeFile file{.pid = 12, .http = "http://127.0.0.1:8470/", .peer_id = "12D3"};
  REQUIRE(file.write(paths));
  CHECK(mode_of(paths.node_file()) == 0600);
  const auto read = NodeFile::read(paths);
  REQUIRE(read);
  CHECK(read->pid == 12);
  CHECK(read->http == file.http);
  CHECK(read->peer_id == "12D3");
  NodeFile::remove(paths);
  CHECK_FALSE(NodeFile::read(paths));
  for (const char* text : {"", "[]", "{", "{\"pid\":1}", "{\"http\":7}"}) {
    CHECK_FALSE(NodeFile::parse(text));
  }
}

TEST_CASE("identity: the key is made once") {
  const TemporaryFolder folder;
  auto database =
      store::Database::open({.path = HomePaths{.root = folder.path()}.database()}).value();
  const auto first = load_identity(*database, crypto::os_random).value();
  const auto second = load_identity(*database, crypto::os_random).value();
  CHECK(first.public_key() == second.public_key());
}

}  // namespace
}  // namespace vivim::node
