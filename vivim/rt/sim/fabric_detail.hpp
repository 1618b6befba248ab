#pragma once

#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <utility>

#include "vivim/rt/sim/fabric.hpp"

namespace vivim::rt::sim {

/// One end of a simulated connection; the state is the Fabric's.
class SimStream final : public Stream {
 public:
  SimStream(Fabric& fabric, LinkId link, std::size_t side)
      : fabric_(fabric), link_(link), side_(side) {}
  ~SimStream() override { fabric_.detach(link_, side_); }

  Co<Result<std::size_t>> read_some(MutableBytes into) override {
    return fabric_.read(link_, side_, into);
  }
  Co<Result<void>> write(BytesView bytes) override { return fabric_.write(link_, side_, bytes); }
  Co<Result<void>> close_write() override { co_return fabric_.close_write(link_, side_); }
  void reset(std::uint32_t reason) override { fabric_.reset(link_, side_, reason); }

 private:
  Fabric& fabric_;
  LinkId link_;
  std::size_t side_;
};

/// A listening port of a simulated node.
class SimListener final : public Listener {
 public:
  SimListener(Fabric& fabric, Engine& engine, NodeId node, Endpoint at)
      : fabric_(fabric), acceptable_(engine), node_(node), at_(at) {}
  ~SimListener() override { close(); }

  Co<Result<Connection>> accept() override;
  Endpoint local() const override { return at_; }
  void close() override;

  bool full(std::size_t backlog_max) const { return backlog_.size() >= backlog_max; }
  void push(Connection connection);

 private:
  Fabric& fabric_;
  Waiter acceptable_;
  std::deque<Connection> backlog_;
  NodeId node_;
  Endpoint at_;
  bool closed_ = false;
};

/// A dial under way: shared by the coroutine that waits and the events that decide it.
struct Fabric::PendingDial {
  PendingDial(Engine& engine, NodeId from_, NodeId to_node_, Endpoint local_, Endpoint to_)
      : done(engine), from(from_), to_node(to_node_), local(local_), seen(local_), to(to_) {}

  void finish(Result<Connection> outcome) {
    if (!result) {
      result.emplace(std::move(outcome));
      done.wake();
    }
  }

  Waiter done;
  NodeId from;
  NodeId to_node;  ///< 0: no such node
  Endpoint local;
  Endpoint seen;  ///< what the other end sees of local: behind a NAT, another
  Endpoint to;
  bool met = false;  ///< with one who dialled here at the same time; about to finish
  std::optional<Result<Connection>> result;
};

}  // namespace vivim::rt::sim
