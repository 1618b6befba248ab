#pragma once

#include <list>
#include <memory>
#include <vector>

#include "vivim/gateway/http.hpp"
#include "vivim/gateway/limits.hpp"
#include "vivim/rt/loop.hpp"
#include "vivim/rt/network.hpp"
#include "vivim/rt/task_group.hpp"

namespace vivim::gateway {

class HttpConnection;
struct ServerCounters;

/// An HTTP/1.1 server on one loop: keep-alive, pipelined requests answered in order, WebSocket
/// upgrades.
class Server {
 public:
  struct Stats {
    std::size_t connections = 0;
    std::uint64_t accepted = 0;
    std::uint64_t refused = 0;  ///< above connections_max: answered with 503
    std::uint64_t requests = 0;
    std::uint64_t timeouts = 0;   ///< connections ended by a deadline
    std::uint64_t malformed = 0;  ///< requests whose header could not be parsed
  };

  /// `handler` must outlive the server. stop() must have returned before the server is destroyed.
  Server(ServerLimits limits, rt::Loop& loop, Handler& handler);
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;
  ~Server();

  /// Listens and serves; may be called for several addresses. Returns where it listens (port 0
  /// picks one).
  Result<rt::Endpoint> listen(rt::Network& network, rt::Endpoint at);

  /// Stops accepting, ends idle connections, gives the others `stop_timeout` to finish (WebSockets
  /// are closed with 1001), then ends them. Idempotent.
  Co<void> stop();

  Stats stats() const;

 private:
  Co<void> accept_from(rt::Listener& listener);
  Co<void> serve(std::list<std::unique_ptr<HttpConnection>>::iterator at);
  Co<void> refuse(rt::Connection connection);
  Co<void> kill_after_grace();
  void begin(rt::Connection connection);

  ServerLimits limits_;
  rt::Loop& loop_;
  Handler& handler_;
  std::unique_ptr<ServerCounters> counters_;
  std::vector<std::unique_ptr<rt::Listener>> listeners_;
  std::list<std::unique_ptr<HttpConnection>> connections_;
  std::unique_ptr<rt::Timer> grace_;
  std::uint64_t accepted_ = 0;
  std::uint64_t refused_ = 0;
  std::size_t refusing_ = 0;
  bool stopping_ = false;
  rt::TaskGroup tasks_;
  rt::TaskGroup grace_tasks_;
};

}  // namespace vivim::gateway
