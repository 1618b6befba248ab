#pragma once

#include <cstdint>
#include <vector>

#include "vivim/base/bytes.hpp"
#include "vivim/crdt/delete_set.hpp"
#include "vivim/crdt/id.hpp"

namespace vivim::crdt {

class Doc;

/// Most equivocations that a document remembers until they are taken, and most bytes of evidence.
/// What is found beyond is only counted.
inline constexpr std::size_t k_equivocations_max = 64;
inline constexpr std::size_t k_evidence_bytes_max = std::size_t{1} << 20;

/// One client wrote two different things under the same ids: a broken program that uses an id
/// twice, or somebody who shows different documents to different people. Documents that got them in
/// another order stay different for ever, though their state vectors are equal.
struct Equivocation {
  ClientId client{};
  ClockRange clocks;  ///< where both are known and differ, from the first unit that does
  Bytes kept;         ///< an update v1 with what the document has there, and keeps
  Bytes refused;      ///< an update v1 with what came
  Origin from;        ///< who sent what came
  Origin kept_from;   ///< who sent what is kept; 0: this program, or unknown

  friend bool operator==(const Equivocation&, const Equivocation&) = default;
};

/// What `doc` has found since the last call. It compares what an update repeats with what it has,
/// as far as both still have their content; deleted content is not evidence.
std::vector<Equivocation> take_equivocations(Doc& doc);

/// How many were found in all.
std::uint64_t equivocations(const Doc& doc);

}  // namespace vivim::crdt
