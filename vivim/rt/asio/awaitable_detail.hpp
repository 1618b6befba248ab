#pragma once

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace vivim::rt::asio_ {

/// How we wait for Asio: errors are values, nothing is thrown.
inline constexpr auto k_tuple = boost::asio::as_tuple(boost::asio::use_awaitable);

}  // namespace vivim::rt::asio_
