#pragma once

#include "vivim/libp2p/relay/client.hpp"

namespace vivim::libp2p::relay {

/// A relay that we listen through. Lives until its task ended and its listener is gone.
struct RelayTransport::Session {
  Session(rt::Loop& loop, CircuitAddress at, const KeeperTimes& times)
      : address(std::move(at)),
        keeper(times),
        timer(loop.make_timer()),
        circuits(loop, k_circuit_backlog_max) {}

  CircuitAddress address;
  Keeper keeper;
  std::unique_ptr<rt::Timer> timer;
  std::optional<Granted> granted;
  rt::Channel<RawConnection> circuits;
  bool closed = false;
  bool kept = true;      ///< its task runs
  bool listened = true;  ///< its listener exists
};

class RelayTransport::Listener final : public TransportListener {
 public:
  Listener(RelayTransport& transport, Session& session)
      : transport_(transport), session_(session) {}
  ~Listener() override {
    transport_.close(session_);
    session_.listened = false;
    transport_.sweep();
  }

  rt::Co<Result<TransportConnection>> accept() override;
  Multiaddr local() const override { return session_.address.circuit(); }
  std::vector<Multiaddr> addresses() const override;
  void close() override { transport_.close(session_); }

 private:
  RelayTransport& transport_;
  Session& session_;
};

}  // namespace vivim::libp2p::relay
