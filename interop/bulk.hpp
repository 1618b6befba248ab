#pragma once

#include <cstdint>
#include <string_view>

#include "vivim/base/result.hpp"
#include "vivim/rt/loop.hpp"
#include "vivim/rt/stream.hpp"

namespace vivim::interop {

/// The opener sends u64 BE upload size, u64 BE download size, the upload, its SHA-256, FIN. The
/// other side sends, meanwhile, the download, its SHA-256, the SHA-256 of the upload as it came,
/// FIN. Both compare.
inline constexpr std::string_view k_bulk_protocol = "/vivim/interop/bulk/1.0.0";

enum class BulkError {
  wrong_hash,      ///< peer: what arrived is not what was sent
  trailing_bytes,  ///< peer: bytes behind the end
};
const ErrorDomain& error_domain(BulkError);

struct BulkSizes {
  std::uint64_t upload = 0;
  std::uint64_t download = 0;
};

/// The opener's side, both directions at once. Errors: BulkError, the stream's.
rt::Co<Result<void>> run_bulk(rt::Loop& loop, rt::Stream& stream, BulkSizes sizes);

/// The other side. Errors: as run_bulk.
rt::Co<Result<void>> serve_bulk(rt::Loop& loop, rt::Stream& stream);

}  // namespace vivim::interop
