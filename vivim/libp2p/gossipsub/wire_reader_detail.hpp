#pragma once

#include <cstdint>

#include "vivim/base/bytes.hpp"

namespace vivim::libp2p::gossipsub::detail {

/// The fields of a protobuf message, in place.
class FieldReader {
 public:
  explicit FieldReader(BytesView in) : in_(in) {}

  /// Moves to the next field; false at the end, or when it cannot be read: see broken().
  bool next() {
    if (at_ == in_.size() || broken_) {
      return false;
    }
    const std::uint64_t tag = varint();
    number_ = static_cast<std::uint32_t>(tag >> 3U);
    type_ = static_cast<std::uint8_t>(tag & 7U);
    if (broken_ || number_ == 0 || tag >> 32U != 0) {
      return fail();
    }
    switch (type_) {
      case 0:
        value_ = varint();
        return !broken_;
      case 1:
        return skip(8);
      case 2:
        return read_bytes();
      case 5:
        return skip(4);
      default:
        return fail();  // groups are of no schema that is spoken here
    }
  }

  std::uint32_t number() const { return number_; }
  bool is_bytes() const { return type_ == 2; }
  bool is_varint() const { return type_ == 0; }
  BytesView bytes() const { return bytes_; }
  std::string_view text() const { return as_text(bytes_); }
  std::uint64_t value() const { return value_; }
  bool broken() const { return broken_; }
  std::size_t position() const { return at_; }

 private:
  bool fail() {
    broken_ = true;
    return false;
  }

  std::uint64_t varint() {
    std::uint64_t value = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
      if (at_ == in_.size()) {
        break;
      }
      const std::uint8_t byte = in_[at_++];
      value |= static_cast<std::uint64_t>(byte & 0x7fU) << shift;
      if ((byte & 0x80U) == 0) {
        return value;
      }
    }
    broken_ = true;
    return 0;
  }

  bool skip(std::size_t size) {
    if (in_.size() - at_ < size) {
      return fail();
    }
    at_ += size;
    return true;
  }

  bool read_bytes() {
    const std::uint64_t size = varint();
    if (broken_ || in_.size() - at_ < size) {
      return fail();
    }
    bytes_ = in_.subspan(at_, size);
    at_ += size;
    return true;
  }

  BytesView in_;
  BytesView bytes_;
  std::size_t at_ = 0;
  std::uint64_t value_ = 0;
  std::uint32_t number_ = 0;
  std::uint8_t type_ = 0;
  bool broken_ = false;
};

}  // namespace vivim::libp2p::gossipsub::detail
