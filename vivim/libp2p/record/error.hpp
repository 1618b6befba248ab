#pragma once

#include "vivim/base/result.hpp"

namespace vivim::libp2p::record {

enum class RecordError {
  too_large,  ///< peer: an envelope of more than k_envelope_bytes_max bytes; detail: how many
  malformed,  ///< peer: not the protobuf, or a key, peer id or field is missing or broken
  wrong_payload_type,  ///< peer: an envelope, but of something else
  bad_signature,       ///< peer: not signed by its key, or for another domain
  wrong_signer,        ///< peer: a record of another peer than its signer
  wrong_peer,          ///< peer: a record of another peer than the one it was expected of
  too_many_addresses,  ///< peer: more than k_record_addresses_max; detail: how many
  not_newer,           ///< transient: the known record has this sequence number or a later one
};
const ErrorDomain& error_domain(RecordError);

}  // namespace vivim::libp2p::record
