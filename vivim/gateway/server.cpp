#include "vivim/gateway/server.hpp"

#include "vivim/base/log.hpp"
#include "vivim/gateway/http_connection_detail.hpp"
#include "vivim/gateway/problem_response.hpp"
#include "vivim/gateway/response_head_detail.hpp"
#include "vivim/rt/error.hpp"

namespace vivim::gateway {

namespace {

constexpr std::size_t k_refusing_max = 16;
constexpr std::chrono::milliseconds k_accept_retry{100};

}  // namespace

Server::Server(ServerLimits limits, rt::Loop& loop, Handler& handler)
    : limits_(limits),
      loop_(loop),
      handler_(handler),
      counters_(std::make_unique<ServerCounters>()),
      grace_(loop.make_timer()),
      tasks_(loop),
      grace_tasks_(loop) {}

Server::~Server() = default;

Result<rt::Endpoint> Server::listen(rt::Network& network, rt::Endpoint at) {
  VIVIM_TRY(auto listener, network.listen(at));
  const auto local = listener->local();
  listeners_.push_back(std::move(listener));
  tasks_.spawn("http accept", accept_from(*listeners_.back()));
  return local;
}

Co<void> Server::accept_from(rt::Listener& listener) {
  while (!stopping_) {
    auto connection = co_await listener.accept();
    if (connection) {
      begin(std::move(*connection));
    } else if (connection.error().is(rt::RtError::closed)) {
      co_return;
    } else {
      log::write(log::Level::warning, "gateway", "could not accept a connection",
                 {{"error", connection.error().message()}});
      co_await rt::sleep_for(loop_, k_accept_retry);
    }
  }
}

void Server::begin(rt::Connection connection) {
  if (stopping_) {
    return;
  }
  if (connections_.size() >= limits_.connections_max) {
    ++refused_;
    if (refusing_ < k_refusing_max) {
      tasks_.spawn("http refuse", refuse(std::move(connection)));
    }
    return;
  }
  ++accepted_;
  connections_.push_back(std::make_unique<HttpConnection>(
      HttpConnection::Context{
          .loop = loop_, .limits = limits_, .handler = handler_, .counters = *counters_},
      std::move(connection)));
  tasks_.spawn("http connection", serve(std::prev(connections_.end())));
}

Co<void> Server::serve(std::list<std::unique_ptr<HttpConnection>>::iterator at) {
  co_await (*at)->run();
  connections_.erase(at);
}

Co<void> Server::refuse(rt::Connection connection) {
  ++refusing_;
  auto response = problem_response(Problem{.kind = ProblemKind::unavailable,
                                           .code = "too_many_connections",
                                           .message = "The node serves too many connections.",
                                           .hint = "Close some tabs, then try again."});
  response.headers.add("Retry-After", "5");
  std::string text = encode_response_head(response, {.now_ms = loop_.clock().wall_now_ms()});
  text += response.memory_body();
  // It fits into the socket's buffer, so nobody can hold this task for long.
  (void)co_await connection.stream->write(as_bytes(text));
  (void)co_await connection.stream->close_write();
  --refusing_;
}

Co<void> Server::kill_after_grace() {
  if (co_await grace_->wait()) {
    for (const auto& connection : connections_) {
      connection->kill();
    }
  }
}

Co<void> Server::stop() {
  if (!stopping_) {
    stopping_ = true;
    for (const auto& listener : listeners_) {
      listener->close();
    }
    for (const auto& connection : connections_) {
      connection->shut_down();
    }
    grace_->expire_at(loop_.clock().now() + limits_.stop_timeout);
    grace_tasks_.spawn("http stop", kill_after_grace());
  }
  co_await tasks_.stop();
  grace_->cancel();
  co_await grace_tasks_.stop();
}

Server::Stats Server::stats() const {
  return {.connections = connections_.size(),
          .accepted = accepted_,
          .refused = refused_,
          .requests = counters_->requests,
          .timeouts = counters_->timeouts,
          .malformed = counters_->malformed};
}

}  // namespace vivim::gateway
