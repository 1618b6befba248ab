#pragma once

#include "vivim/base/result.hpp"

namespace vivim::libp2p::autonat {

enum class AutonatError {
  malformed,        ///< peer: not the protobuf, or a field is missing or broken
  unexpected,       ///< peer: a message out of turn, or about an address that was not asked for
  too_much_data,    ///< peer: it wants more data than k_dial_data_bytes_max; detail: how much
  too_little_data,  ///< peer: data in pieces so small that they only cost
  rejected,         ///< transient: the server is busy, or we ask too often
  refused,          ///< transient: the server dials none of our addresses
  server_failed,    ///< transient: an error of the server; detail: its status
  not_confirmed,    ///< peer: it claims to have reached us, but nothing came, or elsewhere
  no_addresses,     ///< local: no address to ask about
  timed_out,        ///< peer: no answer within the deadline
};
const ErrorDomain& error_domain(AutonatError);

}  // namespace vivim::libp2p::autonat
