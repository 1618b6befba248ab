#pragma once

#include <array>
#include <cstdint>
#include <cstring>
#include <list>
#include <string>
#include <string_view>
#include <vector>

#include "vivim/base/bytes.hpp"
#include "vivim/base/result.hpp"
#include "vivim/crdt/columns_detail.hpp"
#include "vivim/crdt/id.hpp"
#include "vivim/crdt/lib0.hpp"
#include "vivim/crdt/utf_detail.hpp"
#include "vivim/crdt/wire_detail.hpp"

/// The two update formats as readers of the same fields (Yjs UpdateDecoder.js), the counterparts of
/// update_encoder_detail.hpp. Content that the formats word differently is given as v1 has it.
/// Views borrow from the update, or from `owned`.
namespace vivim::crdt::detail {

using StringField = StringColumnReader::String;

class UpdateDecoderV1 {
 public:
  UpdateDecoderV1(BytesView update, std::list<Bytes>& owned) : in_(update), owned_(owned) {}
  Result<void> open() { return {}; }

  /// What is not a field of a struct: counts, start clocks, deletions; values and bytes too.
  lib0::Decoder& rest() { return in_; }
  /// Refuses more structs than the update can hold: each takes at least two bytes.
  Result<void> begin_group(std::uint64_t structs) {
    if (structs > in_.left() / 2) {
      return fail(CrdtError::truncated, structs);
    }
    return {};
  }

  /// Structs of `client` come: its id is known by its bytes from now on.
  void expect(std::uint64_t client) {
    own_ = lib0::Encoder::short_var_uint(client);
    own_mask_ = ~std::uint64_t{0} >> (64 - 8 * own_.size);
    own_client_ = client;
  }

  /// Reads a text beside another item, or what is left of one: most structs are that. False: it is
  /// something else, or may be wrong, and nothing was read.
  /// `item` has its client and clock.
  bool quick_struct(WireStruct& item);

  Result<std::uint64_t> client() { return in_.var_uint(); }
  Result<Id> left_id() {
    VIVIM_TRY(const std::uint64_t client, in_.var_uint());
    VIVIM_TRY(const std::uint64_t clock, in_.var_uint());
    return Id{.client = ClientId{client}, .clock = clock};
  }
  Result<Id> right_id() { return left_id(); }
  Result<std::uint8_t> info() { return in_.u8(); }
  Result<StringField> string() {
    VIVIM_TRY(const BytesView text, in_.var_bytes());
    const auto units = utf16_length(as_text(text));
    if (!units) {
      return fail(CrdtError::bad_utf8);
    }
    return StringField{.utf8 = as_text(text), .units = *units};
  }
  Result<bool> parent_is_root() {
    VIVIM_TRY(const std::uint64_t info, in_.var_uint());
    return info == 1;
  }
  Result<std::uint64_t> type_ref() { return in_.var_uint(); }
  Result<std::uint64_t> len() { return in_.var_uint(); }

  Result<BytesView> strings(std::uint64_t count);
  Result<BytesView> anys(std::uint64_t count);
  Result<BytesView> binary();
  Result<BytesView> name();
  Result<BytesView> embed();
  Result<BytesView> format();
  Result<BytesView> doc();

  void begin_deletes() {}
  Result<std::uint64_t> deleted_clock() { return in_.var_uint(k_clock_max); }
  Result<std::uint64_t> deleted_len() { return in_.var_uint(); }

 private:
  // The bytes from `start` (what was left then) to here.
  BytesView since(BytesView start) const { return start.first(start.size() - in_.left()); }
  // `raw` if it is already as Yjs would write it, else a copy of what is in `scratch_`.
  BytesView canonical(BytesView raw);

  // An info byte and five numbers, and what is read with them.
  static constexpr std::size_t k_quick_head = 1 + 5 * sizeof(std::uint64_t);

  bool quick_struct(WireStruct& item, const std::uint8_t* begin, std::size_t behind);
  bool quick_struct_at_end(WireStruct& item);
  bool quick_id(const std::uint8_t*& at, const WireStruct& item, Id& id) const;

  lib0::Decoder in_;
  std::list<Bytes>& owned_;
  lib0::Encoder scratch_;
  lib0::Encoder::Short own_{1, 0};  ///< of expect(); at first nothing is it
  std::uint64_t own_mask_ = 0;
  std::uint64_t own_client_ = 0;
};

/// Whether `size` bytes at `at`, where seven more may be read, are ASCII.
[[gnu::always_inline]] inline bool is_ascii(const std::uint8_t* at, std::size_t size) {
  constexpr std::uint64_t k_high = 0x8080'8080'8080'8080;
  std::uint64_t bits = 0;
  std::uint64_t word = 0;
  while (size > sizeof(word)) {
    std::memcpy(&word, at, sizeof(word));
    bits |= word;
    at += sizeof(word);
    size -= sizeof(word);
  }
  std::memcpy(&word, at, sizeof(word));
  const std::uint64_t counted = size == 0 ? 0 : ~std::uint64_t{0} >> (64 - 8 * size);
  return ((bits | (word & counted)) & k_high) == 0;
}

// An id that is not in the future of `item`.
[[gnu::always_inline]] inline bool UpdateDecoderV1::quick_id(const std::uint8_t*& at,
                                                             const WireStruct& item, Id& id) const {
  std::uint64_t word = 0;
  std::memcpy(&word, at, sizeof(word));
  if ((word & own_mask_) == own_.bytes) [[likely]] {
    at += own_.size;
    id.client = ClientId{own_client_};
    return lib0::Decoder::quick_var_uint28(at, id.clock) && id.clock < item.clock;
  }
  std::uint64_t client = 0;
  const bool read =
      lib0::Decoder::quick_var_uint(at, client) && lib0::Decoder::quick_var_uint(at, id.clock);
  id.client = ClientId{client};
  return read && (client != item.client || id.clock < item.clock);
}

// From `begin`, where what is left is, or a copy of it. Behind text that is read so much is left.
[[gnu::always_inline]] inline bool UpdateDecoderV1::quick_struct(WireStruct& item,
                                                                 const std::uint8_t* begin,
                                                                 std::size_t behind) {
  const std::uint8_t* at = begin;
  const std::uint8_t info = *at++;
  const auto kind = static_cast<Kind>(info & k_info_kind);
  const bool left = (info & k_info_origin) != 0;
  const bool right = (info & k_info_right_origin) != 0;
  if ((kind != Kind::string && kind != Kind::deleted) || !(left || right)) {
    return false;
  }
  Id origin;
  Id right_origin;
  std::uint64_t len = 0;
  if ((left && !quick_id(at, item, origin)) || (right && !quick_id(at, item, right_origin)) ||
      !lib0::Decoder::quick_var_uint(at, len)) {
    return false;
  }
  const auto used = static_cast<std::size_t>(at - begin);
  const BytesView rest = in_.rest();
  if (used > rest.size()) {
    return false;
  }
  std::size_t content = 0;
  if (kind == Kind::string) {
    if (rest.size() - used < behind || len > rest.size() - used - behind || !is_ascii(at, len)) {
      return false;
    }
    content = len;
    item.content = rest.subspan(used, content);
  }
  item.kind = kind;
  item.has_origin = left;
  item.has_right_origin = right;
  item.origin = origin;
  item.right_origin = right_origin;
  item.len = len;
  in_.go_on_at(rest.data() + used + content);
  return true;
}

[[gnu::always_inline]] inline bool UpdateDecoderV1::quick_struct(WireStruct& item) {
  return in_.left() >= k_quick_head ? quick_struct(item, in_.rest().data(), sizeof(std::uint64_t))
                                    : quick_struct_at_end(item);
}

/// Most structs in an update of v2: in its columns a struct may take no byte at all.
inline constexpr std::uint64_t k_v2_structs_min = 32'768;
inline constexpr std::uint64_t k_v2_structs_per_byte = 4;
/// Most bytes of content that has to be put together, for each byte of a v2 update.
inline constexpr std::uint64_t k_v2_owned_min = 65'536;
inline constexpr std::uint64_t k_v2_owned_per_byte = 16;

class UpdateDecoderV2 {
 public:
  UpdateDecoderV2(BytesView update, std::list<Bytes>& owned)
      : rest_(update),
        owned_(owned),
        structs_left_(k_v2_structs_min + update.size() * k_v2_structs_per_byte),
        owned_left_(k_v2_owned_min + update.size() * k_v2_owned_per_byte) {}
  Result<void> open();

  void expect(std::uint64_t) {}
  static bool quick_struct(WireStruct&) { return false; }
  lib0::Decoder& rest() { return rest_; }
  Result<void> begin_group(std::uint64_t structs);

  Result<std::uint64_t> client() { return clients_.read(); }
  Result<Id> left_id();
  Result<Id> right_id();
  Result<std::uint8_t> info() { return infos_.read(); }
  Result<StringField> string();
  Result<bool> parent_is_root();
  Result<std::uint64_t> type_ref() { return type_refs_.read(); }
  Result<std::uint64_t> len() { return lens_.read(); }

  Result<BytesView> strings(std::uint64_t count);
  Result<BytesView> anys(std::uint64_t count);
  Result<BytesView> binary();
  Result<BytesView> name();
  Result<BytesView> embed();
  Result<BytesView> format();
  Result<BytesView> doc();

  void begin_deletes() { deletes_end_ = 0; }
  Result<std::uint64_t> deleted_clock();
  Result<std::uint64_t> deleted_len();

 private:
  BytesView since(BytesView start) const { return start.first(start.size() - rest_.left()); }
  Result<std::string_view> key();
  Result<void> json();
  // A copy of what is in `scratch_`.
  Result<BytesView> keep();

  lib0::Decoder rest_;
  std::list<Bytes>& owned_;
  std::uint64_t structs_left_;
  std::uint64_t owned_left_;
  lib0::Encoder scratch_;
  DiffColumnReader key_clocks_;
  UintColumnReader clients_;
  DiffColumnReader left_clocks_;
  DiffColumnReader right_clocks_;
  ByteColumnReader infos_;
  StringColumnReader strings_;
  ByteColumnReader parent_infos_;
  UintColumnReader type_refs_;
  UintColumnReader lens_;
  std::vector<std::string_view> keys_;
  std::uint64_t deletes_end_ = 0;
};

}  // namespace vivim::crdt::detail
