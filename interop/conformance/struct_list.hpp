#pragma once

#include "vivim/base/bytes.hpp"
#include "vivim/crdt/doc.hpp"

namespace vivim::interop::conformance {

/// Every struct of a document with its neighbours, as the worker writes them.
Bytes struct_list(const crdt::Doc& doc);

}  // namespace vivim::interop::conformance
