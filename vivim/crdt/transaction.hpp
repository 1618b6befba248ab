#pragma once

#include "vivim/crdt/id.hpp"

namespace vivim::crdt {

namespace detail {
class Engine;
}

/// Proof that a transaction is open: only Doc::transact makes one. Never keep it.
class Transaction {
 public:
  Transaction(const Transaction&) = delete;
  Transaction& operator=(const Transaction&) = delete;
  Origin origin() const { return origin_; }

 private:
  friend class detail::Engine;
  Transaction(detail::Engine& engine, Origin origin) : engine_(&engine), origin_(origin) {}
  detail::Engine* engine_;
  Origin origin_;
};

}  // namespace vivim::crdt
