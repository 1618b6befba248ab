#include "apps/vivim/context.hpp"
#include "apps/vivim/http_client.hpp"
#include "apps/vivim/local_api.hpp"
#include "vivim/node/node_file.hpp"

/// Finding the node that a command talks to.
namespace vivim::cli {

namespace {

/// How long a command waits for a home that another process has just taken.
constexpr auto k_wait_max = std::chrono::seconds(5);
constexpr auto k_wait_poll = std::chrono::milliseconds(25);

Problem no_such_home(const node::HomePaths& home) {
  return {.kind = ProblemKind::not_found,
          .code = "no_such_home",
          .message = "There is nothing at " + home.root + " yet.",
          .hint =
              "Start with: vivim run, or vivim import FILE. Is your data elsewhere? Then name "
              "the folder: --home DIR"};
}

Problem no_node(const node::HomePaths& home) {
  return {.kind = ProblemKind::unavailable,
          .code = "not_running",
          .message = "No node runs on " + home.root + ".",
          .hint = "Start it with: vivim run"};
}

/// The node that runs, if it has said where it listens.
Outcome<std::unique_ptr<Api>> running_node(const node::HomePaths& home) {
  const auto file = node::NodeFile::read(home);
  const auto address = file ? HttpAddress::parse(file->http) : std::nullopt;
  if (!address) {
    return std::unique_ptr<Api>();
  }
  VIVIM_TRY(const auto token, node::read_private(home.session_token()));
  std::string secret = token.value_or("");
  while (!secret.empty() && secret.back() == '\n') {
    secret.pop_back();
  }
  return std::make_unique<RemoteApi>(*address, std::move(secret));
}

}  // namespace

Outcome<std::unique_ptr<Api>> open_api(Context& context, ApiUse use) {
  if (!node::home_exists(context.home)) {
    if (use != ApiUse::create) {
      return std::unexpected(no_such_home(context.home));
    }
    VIVIM_TRYV(node::make_home(context.home));
  }
  const auto deadline = context.loop.clock().now() + k_wait_max;
  while (true) {
    VIVIM_TRY(auto lock, node::HomeLock::take(context.home));
    if (lock) {
      if (use == ApiUse::running_node) {
        return std::unexpected(no_node(context.home));
      }
      return open_here(context, std::move(*lock));
    }
    VIVIM_TRY(auto api, running_node(context.home));
    if (api) {
      return api;
    }
    if (context.loop.clock().now() > deadline) {
      return std::unexpected(node::home_in_use(context.home, node::HomeLock::holder(context.home)));
    }
    context.loop.run(rt::sleep_for(context.loop, k_wait_poll));
  }
}

}  // namespace vivim::cli
