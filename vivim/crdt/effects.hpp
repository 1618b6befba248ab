#pragma once

#include <compare>
#include <cstdint>
#include <map>
#include <set>
#include <string>

#include "vivim/base/bytes.hpp"
#include "vivim/base/result.hpp"
#include "vivim/crdt/id.hpp"
#include "vivim/crdt/update_format.hpp"

namespace vivim::crdt {

class Doc;

/// A part of a document: a root, and of a root that has keys the key under which it lies, however
/// deep.
struct Place {
  std::string root;
  std::string key;  ///< empty in lists and texts
  friend auto operator<=>(const Place&, const Place&) = default;
};

/// How much an update does at one place: units that it inserts, by who wrote them, and units that
/// it deletes, by whose they were; the value of a key that it sets anew is deleted.
struct PlaceEffects {
  std::map<ClientId, std::uint64_t> inserted;
  std::map<ClientId, std::uint64_t> deleted;
  /// Of what it inserts, units under a key of a type that the document has, no root: by who made
  /// that type. (A key of a map, an attribute.)
  std::map<ClientId, std::uint64_t> keyed;
};

/// What an update would do.
struct UpdateEffects {
  std::map<Place, PlaceEffects> places;
  /// Everybody who wrote something in it that the document does not have.
  std::set<ClientId> writers;
  /// Something in it stands beside, in, or deletes what neither the document nor the update has:
  /// where that is cannot be said.
  bool unplaced = false;

  bool empty() const { return places.empty() && writers.empty() && !unplaced; }
};

/// What `update` would change in `doc`, without changing it: to ask for permission before it is
/// integrated. What the document has already is left out. Time is linear in the update and in what
/// it deletes. Errors: decode errors.
Result<UpdateEffects> effects_of(const Doc& doc, BytesView update,
                                 UpdateFormat format = UpdateFormat::v1);

}  // namespace vivim::crdt
