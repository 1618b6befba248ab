#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

namespace vivim::rt {

/// Where coroutines run: one event loop, one thread.
using Executor = boost::asio::any_io_executor;

/// A coroutine of a driver. Parameters by value, or references to what outlives the session; no
/// capturing lambdas. It is awaited, or given to a TaskGroup: never detached.
template <class T = void>
using Co = boost::asio::awaitable<T>;

}  // namespace vivim::rt
