#pragma once

#include <string>
#include <vector>

#include "vivim/crdt/event.hpp"

// What observers are told, as the worker writes it.
namespace vivim::interop::conformance {

/// A delta as JSON has it: nested types and documents are words, for they may be gone when it is
/// read.
crdt::Any told(const crdt::TextDelta& delta);
crdt::Any told(const crdt::ArrayDelta& delta);
/// One event of a type at `path`.
std::string told(const crdt::Path& path, const crdt::Any& delta,
                 const std::vector<crdt::MapChange>& keys);
std::string told(const crdt::Event& event);
std::string told(const crdt::SubdocumentEvent& event);

}  // namespace vivim::interop::conformance
