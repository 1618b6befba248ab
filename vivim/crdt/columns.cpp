#include <algorithm>
#include <utility>

#include "vivim/crdt/columns_detail.hpp"
#include "vivim/crdt/id.hpp"
#include "vivim/crdt/utf_detail.hpp"
#include "vivim/crdt/wire_detail.hpp"

namespace vivim::crdt::detail {
namespace {

constexpr std::uint64_t k_forever = ~std::uint64_t{0};

}  // namespace

void StringColumnWriter::write(std::string_view utf8) {
  write(utf8, utf16_length(utf8).value_or(0));
}

void StringColumnWriter::finish(lib0::Encoder& out) {
  const BytesView lengths = lengths_.finish();
  out.var_uint(lib0::Encoder::short_var_uint(text_.size()).size + text_.size() + lengths.size());
  out.var_bytes(text_.view());
  out.raw(lengths);
}

Result<void> ByteColumnReader::begin_run() {
  VIVIM_TRY(value_, in_.u8());
  count_ = k_forever;
  if (!in_.at_end()) {
    VIVIM_TRY(const std::uint64_t more, in_.var_uint());
    count_ = more + 1;
  }
  return {};
}

Result<void> UintColumnReader::begin_run() {
  VIVIM_TRY(const lib0::Decoder::SignedNumber number, in_.signed_number());
  value_ = number.magnitude;
  count_ = 1;
  if (number.negative) {
    VIVIM_TRY(const std::uint64_t more, in_.var_uint());
    count_ = more + 2;
  }
  return {};
}

Result<void> DiffColumnReader::begin_run() {
  VIVIM_TRY(const std::int64_t doubled, in_.var_int());
  diff_ = doubled >> 1;
  count_ = 1;
  if ((doubled & 1) != 0) {
    VIVIM_TRY(const std::uint64_t more, in_.var_uint());
    count_ = more + 2;
  }
  return {};
}

Result<std::uint64_t> DiffColumnReader::read() {
  if (count_ == 0) {
    VIVIM_TRYV(begin_run());
  }
  --count_;
  value_ += diff_;
  if (value_ < 0 || value_ > static_cast<std::int64_t>(k_number_max)) {
    return fail(CrdtError::number_too_large);
  }
  return static_cast<std::uint64_t>(value_);
}

Result<StringColumnReader> StringColumnReader::open(BytesView column) {
  lib0::Decoder in(column);
  StringColumnReader reader;
  VIVIM_TRY(reader.text_, in.var_string());
  reader.ascii_ = ascii_prefix(reader.text_) == reader.text_.size();
  reader.lengths_ = UintColumnReader(in.rest());
  return reader;
}

Result<StringColumnReader::String> StringColumnReader::read(std::string& repaired) {
  VIVIM_TRY(const std::uint64_t units, lengths_.read());
  // No unit takes more than three bytes, nor less than one.
  const std::string_view rest = text_.substr(at_);
  if (units > rest.size() + 1) {
    return fail(CrdtError::truncated, units);
  }
  if (ascii_) {
    if (units > rest.size()) {
      return fail(CrdtError::truncated, units);
    }
    at_ += units;
    return String{.utf8 = rest.substr(0, units), .units = units};
  }
  if (units == 0) {
    return String{.utf8 = rest.substr(0, 0), .units = 0};
  }
  const bool from_inside = std::exchange(inside_pair_, false);
  const std::uint64_t wanted = units - (from_inside ? 1 : 0);
  const Utf8Position end =
      utf8_position(rest.substr(0, std::min<std::size_t>(rest.size(), wanted * 3 + 4)), wanted);
  if (end.units < wanted) {
    return fail(CrdtError::truncated, units);
  }
  at_ += end.offset;
  inside_pair_ = end.inside_pair;
  if (!from_inside && !inside_pair_) {
    return String{.utf8 = rest.substr(0, end.offset), .units = units};
  }
  repaired = from_inside ? k_replacement_utf8 : std::string_view();
  repaired += rest.substr(0, end.offset - (inside_pair_ ? 4 : 0));
  repaired += inside_pair_ ? k_replacement_utf8 : std::string_view();
  return String{.utf8 = repaired, .units = units};
}

}  // namespace vivim::crdt::detail
