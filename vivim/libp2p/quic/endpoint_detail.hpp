#pragma once

#include <map>

#include "vivim/libp2p/quic/endpoint.hpp"
#include "vivim/libp2p/quic/session_detail.hpp"

namespace vivim::libp2p::quic {

/// Whose a connection id is.
class Endpoint::Table final : public CidTable {
 public:
  bool add_cid(const Cid& cid, SessionId session) override {
    return sessions_.emplace(cid, session).second;
  }
  void remove_cid(const Cid& cid, SessionId session) override {
    const auto found = sessions_.find(cid);
    if (found != sessions_.end() && found->second == session) {
      sessions_.erase(found);
    }
  }
  SessionId find(const Cid& cid) const {
    const auto found = sessions_.find(cid);
    return found == sessions_.end() ? 0 : found->second;
  }

 private:
  std::map<Cid, SessionId> sessions_;
};

}  // namespace vivim::libp2p::quic
