#include "vivim/base/assert.hpp"
#include "vivim/crdt/json_detail.hpp"
#include "vivim/crdt/update_encoder_detail.hpp"

namespace vivim::crdt::detail {
namespace {

// Content was checked when it came: what cannot be read is our own error.
std::string_view next_string(lib0::Decoder& in) {
  const auto text = in.var_string();
  return VIVIM_BUG(!text.has_value()) ? std::string_view() : *text;
}

}  // namespace

void UpdateEncoderV2::strings(BytesView var_strings, std::uint64_t count) {
  lib0::Decoder in(var_strings);
  for (std::uint64_t i = 0; i < count; ++i) {
    string(next_string(in));
  }
}

void UpdateEncoderV2::name(BytesView var_string) {
  lib0::Decoder in(var_string);
  key(next_string(in));
}

void UpdateEncoderV2::embed(BytesView var_json) {
  lib0::Decoder in(var_json);
  rest_.any(parse_json(next_string(in)));
}

void UpdateEncoderV2::format(BytesView key_and_var_json) {
  lib0::Decoder in(key_and_var_json);
  key(next_string(in));
  rest_.any(parse_json(next_string(in)));
}

void UpdateEncoderV2::doc(BytesView guid_and_any) {
  lib0::Decoder in(guid_and_any);
  string(next_string(in));
  rest_.raw(in.rest());
}

// About what all columns take.
std::size_t UpdateEncoderV2::size() const {
  constexpr std::size_t k_heads = 128;
  return k_heads + rest_.size() + key_clocks_.size() + clients_.size() + left_clocks_.size() +
         right_clocks_.size() + infos_.size() + strings_.size() + parent_infos_.size() +
         type_refs_.size() + lens_.size();
}

Bytes UpdateEncoderV2::take() {
  lib0::Encoder out;
  out.reserve(size());
  out.u8(0);  // no features
  out.var_bytes(key_clocks_.finish());
  out.var_bytes(clients_.finish());
  out.var_bytes(left_clocks_.finish());
  out.var_bytes(right_clocks_.finish());
  out.var_bytes(infos_.finish());
  strings_.finish(out);
  out.var_bytes(parent_infos_.finish());
  out.var_bytes(type_refs_.finish());
  out.var_bytes(lens_.finish());
  out.raw(rest_.view());
  return out.take();
}

}  // namespace vivim::crdt::detail
