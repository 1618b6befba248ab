#include <algorithm>
#include <cstdlib>

#include "vivim/base/assert.hpp"
#include "vivim/crdt/content_detail.hpp"
#include "vivim/crdt/utf_detail.hpp"

namespace vivim::crdt::detail {

void Content::clear() {
  if (on_heap()) {
    std::free(data());
  }
  word_ = 0;
  bytes_ = 0;
  room_ = 0;
}

Content Content::copy() const {
  Content twin;
  twin.append_bytes(bytes());
  twin.room_ |= room_ & k_wide;
  return twin;
}

// Makes room for `bytes` in all, keeping what is there.
std::uint8_t* Content::grow(std::size_t bytes) {
  const std::size_t room = on_heap() ? (room_ & k_room) : sizeof(word_);
  if (bytes <= room) {
    return data();
  }
  VIVIM_ASSERT(bytes <= k_room / 2);
  // The first allocation is exact: most text never grows.
  const std::size_t wanted = bytes_ == 0 ? bytes : std::max(bytes, room * 2);
  auto* fresh = static_cast<std::uint8_t*>(std::malloc(wanted));
  VIVIM_ASSERT(fresh != nullptr);
  std::memcpy(fresh, data(), bytes_);
  if (on_heap()) {
    std::free(data());
  }
  word_ = reinterpret_cast<std::uint64_t>(fresh);
  room_ = static_cast<std::uint32_t>(wanted) | (room_ & k_wide);
  return fresh;
}

void Content::set_text(std::string_view utf8, std::size_t units) {
  clear();
  if (units == utf8.size()) {
    set_bytes(as_bytes(utf8));
    return;
  }
  std::u16string wide_text;
  wide_text.reserve(units);
  append_utf16(wide_text, utf8);
  set_bytes({reinterpret_cast<const std::uint8_t*>(wide_text.data()), wide_text.size() * 2});
  room_ |= k_wide;
}

void Content::set_bytes(BytesView bytes) {
  clear();
  append_bytes(bytes);
}

void Content::append_bytes(BytesView bytes) {
  if (bytes.empty()) {
    return;
  }
  std::uint8_t* to = grow(bytes_ + bytes.size());
  std::memcpy(to + bytes_, bytes.data(), bytes.size());
  bytes_ += static_cast<std::uint32_t>(bytes.size());
}

void Content::widen() {
  if (wide()) {
    return;
  }
  std::u16string wide_text(data(), data() + bytes_);
  set_bytes({reinterpret_cast<const std::uint8_t*>(wide_text.data()), wide_text.size() * 2});
  room_ |= k_wide;
}

void Content::append_string(std::string_view utf8, std::size_t units) {
  if (!wide() && units == utf8.size()) {
    append_bytes(as_bytes(utf8));
    return;
  }
  Content tail;
  tail.set_text(utf8, units);
  append_text(tail);
}

void Content::append_text(const Content& tail) {
  if (!wide() && tail.wide()) {
    widen();
  }
  if (wide() && !tail.wide()) {
    const std::u16string wide_tail(tail.data(), tail.data() + tail.bytes_);
    append_bytes({reinterpret_cast<const std::uint8_t*>(wide_tail.data()), wide_tail.size() * 2});
    return;
  }
  append_bytes(tail.bytes());
}

Content Content::split_text(std::uint32_t units) {
  const std::uint32_t cut = wide() ? units * 2 : units;
  VIVIM_ASSERT(cut <= bytes_);
  Content tail;
  tail.set_bytes(bytes().subspan(cut));
  tail.room_ |= room_ & k_wide;
  bytes_ = cut;
  if (wide() && units > 0 && is_high_surrogate(this->units()[units - 1]) && tail.bytes_ > 0) {
    this->units()[units - 1] = k_replacement;
    tail.units()[0] = k_replacement;
  }
  return tail;
}

Content Content::split_bytes(std::size_t size) {
  Content tail;
  tail.set_bytes(bytes().subspan(size));
  bytes_ = static_cast<std::uint32_t>(size);
  return tail;
}

void Content::append_to(std::string& out, std::uint32_t offset) const {
  if (wide()) {
    append_utf8(out, units() + offset, bytes_ / 2 - offset);
  } else {
    out += as_text(bytes().subspan(offset));
  }
}

}  // namespace vivim::crdt::detail
