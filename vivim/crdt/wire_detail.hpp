#pragma once

#include <cstdint>
#include <list>
#include <map>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "vivim/base/bytes.hpp"
#include "vivim/base/result.hpp"
#include "vivim/crdt/delete_set.hpp"
#include "vivim/crdt/gap_mode.hpp"
#include "vivim/crdt/id.hpp"
#include "vivim/crdt/lib0.hpp"
#include "vivim/crdt/update.hpp"
#include "vivim/crdt/update_encoder_detail.hpp"

/// Updates (docs: Yjs encoding.js) decoded without a document, of both formats.
namespace vivim::crdt::detail {

/// What a struct is: the low five bits of its info byte.
enum class Kind : std::uint8_t {
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

/// What a Kind::type is.
enum class TypeKind : std::uint8_t {
  array = 0,
  map = 1,
  text = 2,
  xml_element = 3,
  xml_fragment = 4,
  xml_hook = 5,
  xml_text = 6,
  unknown = 255,  ///< a root that nobody has asked for by type
};

inline constexpr std::uint8_t k_info_origin = 0x80;
inline constexpr std::uint8_t k_info_right_origin = 0x40;
inline constexpr std::uint8_t k_info_key = 0x20;
inline constexpr std::uint8_t k_info_kind = 0x1f;

/// How an item without origins names its parent.
enum class ParentRef : std::uint8_t { from_neighbour, root, item };

/// A struct as it stands in an update. Views borrow from the update or from DecodedUpdate::owned.
struct WireStruct {
  std::uint64_t client = 0;
  std::uint64_t clock = 0;
  std::uint64_t len = 0;
  Kind kind = Kind::gc;
  TypeKind type = TypeKind::unknown;
  ParentRef parent = ParentRef::from_neighbour;
  bool has_origin = false;
  bool has_right_origin = false;
  bool has_key = false;
  union {
    Id origin{};            ///< if has_origin
    Id parent_item;         ///< if `parent` is item
    std::string_view root;  ///< if `parent` is root
  };
  union {
    Id right_origin{};     ///< if has_right_origin
    std::string_view key;  ///< if has_key
  };
  /// string: UTF-8. json, any: the elements without their count. Others: the content as encoded.
  BytesView content;

  std::uint64_t end() const { return clock + len; }
  void set_root(std::string_view name) {
    parent = ParentRef::root;
    std::construct_at(&root, name);
  }
  void set_key(std::string_view name) {
    has_key = true;
    std::construct_at(&key, name);
  }
  /// It stands behind `id`, and so has no need to name its parent.
  void set_origin(Id id) {
    has_origin = true;
    parent = ParentRef::from_neighbour;
    std::construct_at(&origin, id);
  }
};
static_assert(sizeof(WireStruct) <= 80);

/// Deleted ranges by client, highest client first, sorted and merged.
using WireDeletes = std::map<std::uint64_t, std::vector<ClockRange>, std::greater<>>;

/// Content of an update that had to be put into canonical form; what it holds stays where it is.
using OwnedContent = std::list<Bytes>;

/// A whole update, checked. Moves, but is not copied: groups and content point into it.
struct DecodedUpdate {
  DecodedUpdate() = default;
  DecodedUpdate(DecodedUpdate&&) = default;
  DecodedUpdate& operator=(DecodedUpdate&&) = default;
  DecodedUpdate(const DecodedUpdate&) = delete;
  DecodedUpdate& operator=(const DecodedUpdate&) = delete;
  ~DecodedUpdate() = default;

  std::vector<WireStruct> structs;
  std::vector<std::span<WireStruct>> groups;  ///< one per client, in the order of the update
  WireDeletes deletes;
  OwnedContent owned;

  /// The decoder's own: what it has read of each client.
  struct ReadGroup {
    std::uint64_t client = 0;
    std::uint64_t end = 0;  ///< the clock behind its last struct
    std::size_t structs = 0;
  };
  std::vector<ReadGroup> read_groups;

  /// Forgets everything and keeps the room.
  void clear();
};

/// Errors: all of CrdtError but bad_message and too_much_pending. Memory is at most a small
/// multiple of a v1 update; for v2 see k_v2_structs_per_byte.
Result<DecodedUpdate> decode_update(BytesView update, UpdateFormat format = UpdateFormat::v1);
/// The same into `decoded`, whose room is used again; after an error it holds nothing of use.
Result<void> decode_update(BytesView update, UpdateFormat format, DecodedUpdate& decoded);

/// Reads a delete set that stands alone, as in a snapshot.
Result<WireDeletes> read_deletes(lib0::Decoder& in, UpdateFormat format);

/// An update that is to be merged with others.
struct UpdatePart {
  Bytes bytes;
  UpdateFormat format = UpdateFormat::v1;
};
/// merge_updates() of updates of either format. With GapMode::v14 as Yjs 14 puts the parts of a
/// state together: what is missing at a client's begin stays a Skip if the first part has one, and
/// GC structs are not merged.
Result<Bytes> merge_parts(std::span<const UpdatePart> parts, UpdateFormat format,
                          GapMode gap_mode = GapMode::v13);

// Written for both formats: `Out` is UpdateEncoderV1 or UpdateEncoderV2.

/// Appends `item`, or what is left of it after its first `offset` units.
template <class Out>
void write_struct(Out& out, const WireStruct& item, std::uint64_t offset);

/// Appends the content of kind any or json without its first `offset` elements.
template <class Out>
void write_elements(Out& out, Kind kind, BytesView elements, std::uint64_t len,
                    std::uint64_t offset);

/// Appends content that cannot be cut: binary, embed, format, type, doc. As WireStruct::content.
template <class Out>
void write_unit_content(Out& out, Kind kind, TypeKind type, BytesView content);

/// Appends what one client's part of a delete set is.
template <class Out>
void write_client_deletes(Out& out, std::uint64_t client, std::span<const ClockRange> ranges) {
  out.begin_deletes();
  out.rest().var_uints(client, ranges.size());
  for (const ClockRange& range : ranges) {
    out.deleted(range.from, range.to - range.from);
  }
}

/// Appends a delete set.
template <class Out>
void write_deletes(Out& out, const WireDeletes& deletes);

/// Sorts and merges overlapping and adjacent ranges.
void normalise(std::vector<ClockRange>& ranges);
/// Adds what was deleted, beside the last range where it is its neighbour.
void add_range(std::vector<ClockRange>& ranges, std::uint32_t clock, std::uint32_t len);

/// Byte offset of element `index` in a sequence of encoded `any` values (kind any) or strings (kind
/// json).
std::size_t element_offset(Kind kind, BytesView elements, std::uint64_t index);

/// Byte offset and the code unit split: where UTF-16 unit `units` of valid UTF-8 begins;
/// `inside_pair` when it is the second half of a surrogate pair (the offset is then behind the
/// pair). `units` are those before the offset: fewer than asked for when the text is shorter.
struct Utf8Position {
  std::size_t offset = 0;
  bool inside_pair = false;
  std::uint64_t units = 0;
};
Utf8Position utf8_position(std::string_view utf8, std::uint64_t units);

}  // namespace vivim::crdt::detail
