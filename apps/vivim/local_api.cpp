#include "apps/vivim/local_api.hpp"

#include "apps/vivim/machine.hpp"
#include "apps/vivim/progress.hpp"
#include "apps/vivim/units.hpp"
#include "vivim/gateway/http.hpp"
#include "vivim/node/node.hpp"

namespace vivim::cli {

namespace {

constexpr auto k_index_poll = std::chrono::milliseconds(20);

Problem too_large() {
  return {.kind = ProblemKind::internal,
          .code = "answer_too_large",
          .message = "The answer is larger than " + format_bytes(k_answer_bytes_max) + ".",
          .hint = "Start a node (vivim run) and use its web app."};
}

rt::Co<Outcome<ApiResponse>> dispatch(gateway::Router& router, ApiRequest request) {
  gateway::Request wanted;
  wanted.method = gateway::parse_method(request.method);
  wanted.target = request.path;
  wanted.body = std::move(request.json);
  wanted.transport = gateway::Transport::in_process;
  if (!wanted.body.empty()) {
    wanted.headers.set("Content-Type", "application/json");
  }
  auto response = co_await router.dispatch(std::move(wanted));
  auto body = co_await gateway::read_body(response, k_answer_bytes_max);
  if (!body) {
    co_return std::unexpected(too_large());
  }
  co_return ApiResponse{.status = response.status,
                        .content_type = std::string(response.headers.get("Content-Type")),
                        .body = std::move(*body)};
}

/// A node that lives as long as the command.
class LocalApi final : public Api {
 public:
  LocalApi(Context& context, node::HomeLock lock)
      : context_(context), lock_(std::move(lock)), machine_(context.loop) {}
  ~LocalApi() override {
    if (node_) {
      context_.loop.run(node_->stop());
    }
  }

  Outcome<void> open() {
    node::NodeOptions options{.home = context_.home, .version = VIVIM_VERSION};
    auto opened = context_.loop.run(node::Node::open(machine_.world(), std::move(options)));
    if (!opened) {
      return std::unexpected(std::move(opened).error());
    }
    node_ = std::move(*opened);
    return {};
  }

  Outcome<ApiResponse> call(const ApiRequest& request) override {
    if (request.path.starts_with("/api/v2/search")) {
      finish_indexing();
    }
    return context_.loop.run(dispatch(node_->router(), request));
  }

  void wait(std::chrono::milliseconds time) override {
    context_.loop.run(rt::sleep_for(context_.loop, time));
  }

 private:
  /// Nobody else would: what was imported without a node is indexed when it is first searched.
  void finish_indexing() {
    ProgressLine line(context_.err, context_.loop.clock());
    while (const auto pending = context_.loop.run(node_->index_pending())) {
      line.show_text(
          "Indexing: " + format_count_of(static_cast<std::uint64_t>(pending), "conversation") +
          " to go");
      wait(k_index_poll);
    }
  }

  Context& context_;
  node::HomeLock lock_;
  Machine machine_;
  std::unique_ptr<node::Node> node_;
};

}  // namespace

Outcome<std::unique_ptr<Api>> open_here(Context& context, node::HomeLock lock) {
  auto api = std::make_unique<LocalApi>(context, std::move(lock));
  if (auto opened = api->open(); !opened) {
    return std::unexpected(std::move(opened).error());
  }
  return api;
}

}  // namespace vivim::cli
