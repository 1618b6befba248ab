#pragma once

#include <vector>

#include "vivim/base/bytes.hpp"
#include "vivim/base/result.hpp"
#include "vivim/base/varint.hpp"
#include "vivim/store/error.hpp"
#include "vivim/store/grants.hpp"

namespace vivim::store::detail {

/// Addresses in one column: each a varint length and its bytes.
inline Result<Bytes> encode_addresses(const std::vector<Bytes>& addresses) {
  if (addresses.size() > k_addresses_max) {
    return fail(StoreError::too_large, addresses.size());
  }
  Bytes out;
  for (const Bytes& address : addresses) {
    if (address.size() > k_address_bytes_max) {
      return fail(StoreError::too_large, address.size());
    }
    append_varint(out, address.size());
    append(out, address);
  }
  return out;
}

inline Result<std::vector<Bytes>> decode_addresses(BytesView in) {
  std::vector<Bytes> addresses;
  while (!in.empty()) {
    const auto size = decode_varint(in, k_address_bytes_max);
    if (!size || in.size() - size->size < size->value || addresses.size() == k_addresses_max) {
      return fail(StoreError::corrupt);
    }
    addresses.push_back(to_bytes(in.subspan(size->size, size->value)));
    in = in.subspan(size->size + size->value);
  }
  return addresses;
}

}  // namespace vivim::store::detail
