#include "vivim/crdt/json_detail.hpp"
#include "vivim/crdt/update_decoder_detail.hpp"
#include "vivim/crdt/utf_detail.hpp"

namespace vivim::crdt::detail {

BytesView UpdateDecoderV1::canonical(BytesView raw) {
  if (same_bytes(raw, scratch_.view())) {
    return raw;
  }
  return owned_.emplace_back(to_bytes(scratch_.view()));
}

// So are the updates of somebody who types. With zeros behind it, as much of it may be read.
bool UpdateDecoderV1::quick_struct_at_end(WireStruct& item) {
  std::array<std::uint8_t, 2 * k_quick_head> copy{};
  std::memcpy(copy.data(), in_.rest().data(), in_.left());
  return quick_struct(item, copy.data(), 0);
}

Result<BytesView> UpdateDecoderV1::strings(std::uint64_t count) {
  const BytesView start = in_.rest();
  scratch_.clear();
  for (std::uint64_t i = 0; i < count; ++i) {
    VIVIM_TRY(const std::string_view text, in_.var_string());
    const auto word = canonical_json(text);
    scratch_.var_string(word ? *word : text);
  }
  return canonical(since(start));
}

Result<BytesView> UpdateDecoderV1::anys(std::uint64_t count) {
  const BytesView start = in_.rest();
  scratch_.clear();
  for (std::uint64_t i = 0; i < count; ++i) {
    VIVIM_TRYV(in_.copy_any(scratch_));
  }
  return canonical(since(start));
}

Result<BytesView> UpdateDecoderV1::binary() {
  const BytesView start = in_.rest();
  VIVIM_TRYV(in_.var_bytes());
  return since(start);
}

Result<BytesView> UpdateDecoderV1::name() {
  const BytesView start = in_.rest();
  VIVIM_TRYV(in_.var_string());
  return since(start);
}

Result<BytesView> UpdateDecoderV1::embed() {
  const BytesView start = in_.rest();
  VIVIM_TRY(const std::string_view json, in_.var_string());
  const auto word = canonical_json(json);
  if (!word) {
    return since(start);
  }
  lib0::Encoder out;
  out.var_string(*word);
  return BytesView(owned_.emplace_back(out.take()));
}

Result<BytesView> UpdateDecoderV1::format() {
  const BytesView start = in_.rest();
  VIVIM_TRY(const std::string_view key, in_.var_string());
  VIVIM_TRY(const std::string_view json, in_.var_string());
  const auto word = canonical_json(json);
  if (!word) {
    return since(start);
  }
  lib0::Encoder out;
  out.var_string(key);
  out.var_string(*word);
  return BytesView(owned_.emplace_back(out.take()));
}

Result<BytesView> UpdateDecoderV1::doc() {
  const BytesView start = in_.rest();
  VIVIM_TRY(const std::string_view guid, in_.var_string());
  scratch_.clear();
  scratch_.var_string(guid);
  VIVIM_TRYV(in_.copy_any(scratch_));
  return canonical(since(start));
}

Result<void> UpdateDecoderV2::open() {
  VIVIM_TRYV(rest_.var_uint());  // features: Yjs ignores them
  VIVIM_TRY(const BytesView key_clocks, rest_.var_bytes());
  VIVIM_TRY(const BytesView clients, rest_.var_bytes());
  VIVIM_TRY(const BytesView left_clocks, rest_.var_bytes());
  VIVIM_TRY(const BytesView right_clocks, rest_.var_bytes());
  VIVIM_TRY(const BytesView infos, rest_.var_bytes());
  VIVIM_TRY(const BytesView strings, rest_.var_bytes());
  VIVIM_TRY(const BytesView parent_infos, rest_.var_bytes());
  VIVIM_TRY(const BytesView type_refs, rest_.var_bytes());
  VIVIM_TRY(const BytesView lens, rest_.var_bytes());
  key_clocks_ = DiffColumnReader(key_clocks);
  clients_ = UintColumnReader(clients);
  left_clocks_ = DiffColumnReader(left_clocks);
  right_clocks_ = DiffColumnReader(right_clocks);
  infos_ = ByteColumnReader(infos);
  VIVIM_TRY(strings_, StringColumnReader::open(strings));
  parent_infos_ = ByteColumnReader(parent_infos);
  type_refs_ = UintColumnReader(type_refs);
  lens_ = UintColumnReader(lens);
  return {};
}

Result<void> UpdateDecoderV2::begin_group(std::uint64_t structs) {
  if (structs > structs_left_) {
    return fail(CrdtError::too_many, structs);
  }
  structs_left_ -= structs;
  return {};
}

Result<Id> UpdateDecoderV2::left_id() {
  VIVIM_TRY(const std::uint64_t client, clients_.read());
  VIVIM_TRY(const std::uint64_t clock, left_clocks_.read());
  return Id{.client = ClientId{client}, .clock = clock};
}

Result<Id> UpdateDecoderV2::right_id() {
  VIVIM_TRY(const std::uint64_t client, clients_.read());
  VIVIM_TRY(const std::uint64_t clock, right_clocks_.read());
  return Id{.client = ClientId{client}, .clock = clock};
}

Result<BytesView> UpdateDecoderV2::keep() {
  if (scratch_.size() > owned_left_) {
    return fail(CrdtError::too_many, scratch_.size());
  }
  owned_left_ -= scratch_.size();
  return BytesView(owned_.emplace_back(to_bytes(scratch_.view())));
}

Result<StringField> UpdateDecoderV2::string() {
  std::string repaired;
  VIVIM_TRY(StringField field, strings_.read(repaired));
  if (!repaired.empty()) {
    scratch_.clear();
    scratch_.raw(as_bytes(repaired));
    VIVIM_TRY(const BytesView kept, keep());
    field.utf8 = as_text(kept);
  }
  return field;
}

Result<bool> UpdateDecoderV2::parent_is_root() {
  VIVIM_TRY(const std::uint8_t info, parent_infos_.read());
  return info == 1;
}

Result<BytesView> UpdateDecoderV2::strings(std::uint64_t count) {
  scratch_.clear();
  std::string repaired;
  for (std::uint64_t i = 0; i < count; ++i) {
    VIVIM_TRY(const StringField field, strings_.read(repaired));
    const auto word = canonical_json(field.utf8);
    scratch_.var_string(word ? *word : field.utf8);
    if (scratch_.size() > owned_left_) {
      return fail(CrdtError::too_many, count);
    }
  }
  return keep();
}

Result<BytesView> UpdateDecoderV2::anys(std::uint64_t count) {
  if (count > rest_.left()) {  // every element takes at least a byte
    return fail(CrdtError::truncated, count);
  }
  const BytesView start = rest_.rest();
  scratch_.clear();
  for (std::uint64_t i = 0; i < count; ++i) {
    VIVIM_TRYV(rest_.copy_any(scratch_));
  }
  const BytesView raw = since(start);
  return same_bytes(raw, scratch_.view()) ? Result<BytesView>(raw) : keep();
}

Result<BytesView> UpdateDecoderV2::binary() {
  const BytesView start = rest_.rest();
  VIVIM_TRYV(rest_.var_bytes());
  return since(start);
}

Result<std::string_view> UpdateDecoderV2::key() {
  VIVIM_TRY(const std::uint64_t clock, key_clocks_.read());
  if (clock < keys_.size()) {
    return keys_[clock];
  }
  VIVIM_TRY(const StringField field, string());
  return keys_.emplace_back(field.utf8);
}

Result<void> UpdateDecoderV2::json() {
  VIVIM_TRY(const Any value, rest_.any());
  scratch_.var_string(value.to_json());
  return {};
}

Result<BytesView> UpdateDecoderV2::name() {
  VIVIM_TRY(const std::string_view name, key());
  scratch_.clear();
  scratch_.var_string(name);
  return keep();
}

Result<BytesView> UpdateDecoderV2::embed() {
  scratch_.clear();
  VIVIM_TRYV(json());
  return keep();
}

Result<BytesView> UpdateDecoderV2::format() {
  VIVIM_TRY(const std::string_view name, key());
  scratch_.clear();
  scratch_.var_string(name);
  VIVIM_TRYV(json());
  return keep();
}

Result<BytesView> UpdateDecoderV2::doc() {
  VIVIM_TRY(const StringField guid, string());
  scratch_.clear();
  scratch_.var_string(guid.utf8);
  VIVIM_TRYV(rest_.copy_any(scratch_));
  return keep();
}

Result<std::uint64_t> UpdateDecoderV2::deleted_clock() {
  VIVIM_TRY(const std::uint64_t diff, rest_.var_uint());
  if (diff > k_clock_max - deletes_end_) {
    return fail(CrdtError::clock_too_large, diff);
  }
  deletes_end_ += diff;
  return deletes_end_;
}

Result<std::uint64_t> UpdateDecoderV2::deleted_len() {
  VIVIM_TRY(const std::uint64_t less_one, rest_.var_uint());
  if (less_one >= k_clock_max - deletes_end_) {
    return fail(CrdtError::clock_too_large, less_one);
  }
  deletes_end_ += less_one + 1;
  return less_one + 1;
}

}  // namespace vivim::crdt::detail
