#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "vivim/base/bytes.hpp"
#include "vivim/base/result.hpp"
#include "vivim/crdt/any.hpp"
#include "vivim/crdt/delete_set.hpp"
#include "vivim/crdt/id.hpp"
#include "vivim/crdt/update_format.hpp"

namespace vivim::crdt {

class Doc;

/// What a struct is, by its number on the wire.
enum class StructKind : std::uint8_t {
  gc = 0,
  deleted = 1,
  json = 2,
  binary = 3,
  string = 4,
  embed = 5,
  format = 6,
  type = 7,
  any = 8,
  doc = 9,
  skip = 10,
};

/// A run of operations of one client.
struct StructInfo {
  Id id;
  std::uint64_t len = 0;
  StructKind kind = StructKind::gc;
  std::optional<Id> origin;
  std::optional<Id> right_origin;
  /// A root's name or the item that holds the type. In an update only of what has no origins: the
  /// rest stands where its neighbours do.
  std::variant<std::monostate, std::string, Id> parent;
  /// Of a map's entry; in an update as `parent`.
  std::optional<std::string> key;

  /// In an update: the text; the name of a format or of an XML element; the guid of a document.
  std::string text;
  /// In an update: values, bytes, an embed, a format's value, a document's options.
  std::vector<Any> values;
  /// In an update: the number of a type (0 array, 1 map, 2 text, 3 to 6 XML).
  std::uint8_t type = 0;

  /// In a document: the last unit before it and the first behind it in its list.
  std::optional<Id> left;
  std::optional<Id> right;
  bool deleted = false;
};

/// An update as it stands.
struct UpdateInfo {
  std::vector<StructInfo> structs;  ///< in its order
  DeleteSet deletes;
};

/// Reads an update without a document: who wrote what, where, and who deleted what. (Yjs'
/// decodeUpdate.) Errors: decode errors.
Result<UpdateInfo> inspect_update(BytesView update, UpdateFormat format = UpdateFormat::v1);

/// Every struct of a document without its content, highest client first: to compare two documents
/// to the last link.
std::vector<StructInfo> structs(const Doc& doc);

}  // namespace vivim::crdt
