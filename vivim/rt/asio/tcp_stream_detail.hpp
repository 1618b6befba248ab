#pragma once

#include <boost/asio/ip/tcp.hpp>
#include <boost/system/error_code.hpp>

#include "vivim/rt/asio/loop.hpp"
#include "vivim/rt/error.hpp"
#include "vivim/rt/network.hpp"

namespace vivim::rt::asio_ {

/// A system error as an RtError, with errno as its detail where the code says nothing more.
Error to_error(const boost::system::error_code& error,
               std::source_location site = std::source_location::current());

Endpoint to_endpoint(const boost::asio::ip::tcp::endpoint& endpoint);
boost::asio::ip::tcp::endpoint from_endpoint(const Endpoint& endpoint);

/// Wraps a connected socket: sets its options and takes both addresses. Fails if the peer is gone
/// already.
Result<Connection> adopt_socket(Loop& loop, boost::asio::ip::tcp::socket socket);

}  // namespace vivim::rt::asio_
