#pragma once

#include <cstdint>
#include <string_view>

#include "vivim/base/bytes.hpp"
#include "vivim/crdt/columns_detail.hpp"
#include "vivim/crdt/lib0.hpp"

/// The two update formats as writers of the same fields (Yjs UpdateEncoder.js): v1 puts each field
/// where it comes, v2 into a column of its kind. What writes structs is a template over them.
/// Content that the formats word differently is given as v1 has it.
namespace vivim::crdt::detail {

class UpdateEncoderV1 {
 public:
  /// What is not a field of a struct: counts, start clocks, deletions; values and bytes too.
  lib0::Encoder& rest() { return out_; }
  /// Makes room for so many structs, and bytes in all.
  void reserve(std::size_t, std::size_t bytes) { out_.reserve(bytes); }

  void client(std::uint64_t id) { out_.var_uint(id); }
  void left_id(std::uint64_t client, std::uint64_t clock) { right_id(client, clock); }
  void right_id(std::uint64_t client, std::uint64_t clock) { out_.var_uints(client, clock); }
  void info(std::uint8_t info) { out_.u8(info); }
  void string(std::string_view utf8) { out_.var_string(utf8); }
  void string(std::string_view utf8, std::uint64_t) { out_.var_string(utf8); }
  /// ASCII of `size` bytes that `put` copies to where it is told; it may write `room` beyond.
  template <class Put>
  void ascii(std::size_t size, std::size_t room, Put&& put) {
    std::uint8_t* at = out_.begin(lib0::Encoder::k_short_max + size + room);
    out_.finish(put(lib0::Encoder::put(at, lib0::Encoder::short_var_uint(size))));
  }
  void parent_info(std::uint8_t is_root) { out_.u8(is_root); }
  void type_ref(std::uint64_t type) { out_.var_uint(type); }
  void len(std::uint64_t len) { out_.var_uint(len); }

  /// Content as v1 encodes it.
  void strings(BytesView var_strings, std::uint64_t) { out_.raw(var_strings); }
  void name(BytesView var_string) { out_.raw(var_string); }
  void embed(BytesView var_json) { out_.raw(var_json); }
  void format(BytesView key_and_var_json) { out_.raw(key_and_var_json); }
  void doc(BytesView guid_and_any) { out_.raw(guid_and_any); }

  void begin_deletes() {}
  void deleted(std::uint64_t clock, std::uint64_t len) { out_.var_uints(clock, len); }

  BytesView rest_view() const { return out_.view(); }
  Bytes take() { return out_.take(); }

 private:
  lib0::Encoder out_;
};

class UpdateEncoderV2 {
 public:
  lib0::Encoder& rest() { return rest_; }
  void reserve(std::size_t structs, std::size_t text_bytes) {
    left_clocks_.reserve(structs);
    right_clocks_.reserve(structs);
    strings_.reserve(structs / 2, text_bytes);
  }

  void client(std::uint64_t id) { clients_.write(id); }
  void left_id(std::uint64_t client, std::uint64_t clock) {
    clients_.write(client);
    left_clocks_.write_any(clock);
  }
  void right_id(std::uint64_t client, std::uint64_t clock) {
    clients_.write(client);
    right_clocks_.write_any(clock);
  }
  void info(std::uint8_t info) { infos_.write_any(info); }
  void string(std::string_view utf8) { strings_.write(utf8); }
  void string(std::string_view utf8, std::uint64_t units) { strings_.write(utf8, units); }
  template <class Put>
  void ascii(std::size_t size, std::size_t room, Put&& put) {
    strings_.write_by(size, room, put);
  }
  /// Either ASCII of `len` bytes, as ascii() but with `room` for both, or len(): without a branch
  /// on which. `put` copies nothing for the latter.
  template <class Put>
  void ascii_or_len(bool ascii, std::uint32_t len, std::size_t room, Put&& put) {
    UintColumnWriter* const lens = &lens_;
    UintColumnWriter* const lengths = strings_.put_text(room, put);
    (ascii ? lengths : lens)->write_any(len);
  }
  void parent_info(std::uint8_t is_root) { parent_infos_.write(is_root); }
  void type_ref(std::uint64_t type) { type_refs_.write(type); }
  void len(std::uint64_t len) { lens_.write_any(len); }

  void strings(BytesView var_strings, std::uint64_t count);
  void name(BytesView var_string);
  void embed(BytesView var_json);
  void format(BytesView key_and_var_json);
  void doc(BytesView guid_and_any);

  void begin_deletes() { deletes_end_ = 0; }
  void deleted(std::uint64_t clock, std::uint64_t len) {
    rest_.var_uints(clock - deletes_end_, len - 1);
    deletes_end_ = clock + len;
  }

  BytesView rest_view() const { return rest_.view(); }
  Bytes take();

 private:
  std::size_t size() const;
  // Yjs keeps a table of keys but never fills it: every key is written anew.
  void key(std::string_view utf8) {
    key_clocks_.write(key_clock_++);
    strings_.write(utf8);
  }

  lib0::Encoder rest_;
  DiffColumnWriter key_clocks_;
  UintColumnWriter clients_;
  DiffColumnWriter left_clocks_;
  DiffColumnWriter right_clocks_;
  ByteColumnWriter infos_;
  StringColumnWriter strings_;
  ByteColumnWriter parent_infos_;
  UintColumnWriter type_refs_;
  UintColumnWriter lens_;
  std::uint64_t key_clock_ = 0;
  std::uint64_t deletes_end_ = 0;
};

}  // namespace vivim::crdt::detail
