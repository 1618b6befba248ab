#pragma once

#include "vivim/node/node.hpp"
#include "vivim/rt/asio/loop.hpp"
#include "vivim/rt/asio/network.hpp"
#include "vivim/rt/asio/resolver.hpp"
#include "vivim/rt/asio/rng.hpp"
#include "vivim/rt/asio/worker.hpp"

namespace vivim::cli {

/// This machine, as a node sees it.
struct Machine {
  explicit Machine(rt::asio_::Loop& loop_) : loop(loop_) {}

  node::World world() {
    return {.loop = loop,
            .network = network,
            .resolver = resolver,
            .rng = rng,
            .database = database,
            .reader = reader,
            .packer = packer,
            .files = files,
            .router = router};
  }

  rt::asio_::Loop& loop;
  rt::asio_::TcpNetwork network{loop};
  rt::asio_::DnsResolver resolver{loop};
  rt::asio_::SystemRng rng;
  rt::asio_::ThreadWorker database{loop, "database"};
  rt::asio_::ThreadWorker reader{loop, "reader"};
  rt::asio_::ThreadWorker packer{loop, "packer"};
  rt::asio_::ThreadWorker files{loop, "files"};
  rt::asio_::ThreadWorker router{loop, "router"};
};

}  // namespace vivim::cli
