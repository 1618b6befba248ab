#include <algorithm>
#include <cstring>
#include <string>

#include "vivim/base/assert.hpp"
#include "vivim/crdt/item_detail.hpp"
#include "vivim/crdt/utf_detail.hpp"

namespace vivim::crdt::detail {

namespace {

BytesView bytes_of(const std::u16string& text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size() * 2};
}

void put(std::uint8_t* at, BytesView bytes) {
  if (!bytes.empty()) {
    std::memcpy(at, bytes.data(), bytes.size());
  }
}

// More than four bytes: mostly few.
void put_short(std::uint8_t* at, std::string_view text) {
  const std::size_t size = text.size();
  if (size > 16) {
    std::memcpy(at, text.data(), size);
  } else if (size >= 8) {
    std::memcpy(at, text.data(), 8);
    std::memcpy(at + size - 8, text.data() + size - 8, 8);
  } else {
    std::memcpy(at, text.data(), 4);
    std::memcpy(at + size - 4, text.data() + size - 4, 4);
  }
}

}  // namespace

void Items::clear(Item& item) {
  if (item.content != BlockPool::k_nothing) {
    if (item.has_bytes()) {
      blocks_.give(item.content, sizeof(std::uint32_t) + bytes(item).size());
    } else if (item.kind() == Kind::string && text_size(item) > k_inline_max) {
      blocks_.give(item.content, text_size(item));
    }
  }
  item.content = 0;
  item.set_wide(false);
}

void Items::copy_content(const Item& from, Item& to) {
  if (from.has_bytes()) {
    set_bytes(to, bytes(from));
  } else if (from.kind() == Kind::string) {
    const BytesView text = text_bytes(from);
    put(resize_text(to, 0, text.size()), text);
    to.set_wide(from.wide());
  }
}

// Where `bytes` of text may be written; what fits of the `before` bytes that are there stays.
std::uint8_t* Items::resize_text(Item& item, std::size_t before, std::size_t bytes) {
  if (bytes <= k_inline_max) {
    if (before > k_inline_max) {
      std::uint32_t word = 0;
      std::memcpy(&word, blocks_.at(item.content), bytes);
      blocks_.give(item.content, before);
      item.content = word;
    }
    return reinterpret_cast<std::uint8_t*>(&item.content);
  }
  if (before <= k_inline_max) {
    const BlockPool::Ref fresh = blocks_.take(bytes);
    std::memcpy(blocks_.at(fresh), &item.content, before);
    item.content = fresh;
  } else {
    item.content = blocks_.resized(item.content, before, bytes);
  }
  return blocks_.at(item.content);
}

void Items::set_long_text(Item& item, std::string_view utf8, std::size_t units) {
  if (units == utf8.size()) {
    item.content = blocks_.take(units);
    put_short(blocks_.at(item.content), utf8);
    return;
  }
  std::u16string wide_text;
  wide_text.reserve(units);
  append_utf16(wide_text, utf8);
  put(resize_text(item, 0, units * 2), bytes_of(wide_text));
  item.set_wide(true);
}

// Each byte becomes a unit.
void Items::widen(Item& item) {
  const BytesView text = text_bytes(item);
  const std::u16string wide_text(text.begin(), text.end());
  put(resize_text(item, text.size(), text.size() * 2), bytes_of(wide_text));
  item.set_wide(true);
}

void Items::append_string(Item& item, std::string_view utf8, std::size_t units) {
  const std::size_t before = text_size(item);
  if (!item.wide() && units == utf8.size()) {
    put(resize_text(item, before, before + units) + before, as_bytes(utf8));
    return;
  }
  Item tail;
  tail.set_kind(Kind::string);
  tail.len = static_cast<std::uint32_t>(units);
  set_text(tail, utf8, units);
  append_text(item, tail);
  clear(tail);
}

void Items::append_text(Item& item, const Item& tail) {
  if (!item.wide() && tail.wide()) {
    widen(item);
  }
  const std::size_t before = text_size(item);
  const BytesView text = text_bytes(tail);
  if (item.wide() && !tail.wide()) {
    const std::u16string wide_text(text.begin(), text.end());
    put(resize_text(item, before, before + text.size() * 2) + before, bytes_of(wide_text));
    return;
  }
  put(resize_text(item, before, before + text.size()) + before, text);
}

void Items::split_text(Item& item, Item& tail, std::uint32_t units) {
  const std::size_t size = text_size(item);
  const std::size_t cut = std::size_t{units} << (item.wide() ? 1 : 0);
  VIVIM_ASSERT(cut <= size);
  std::uint8_t* rest = resize_text(tail, 0, size - cut);
  put(rest, text_bytes(item).subspan(cut));
  tail.set_wide(item.wide());
  std::uint8_t* first = resize_text(item, size, cut);
  if (item.wide() && cut > 0 && cut < size) {
    char16_t last = 0;
    std::memcpy(&last, first + cut - sizeof(last), sizeof(last));
    if (is_high_surrogate(last)) {
      std::memcpy(first + cut - sizeof(last), &k_replacement, sizeof(last));
      std::memcpy(rest, &k_replacement, sizeof(last));
    }
  }
}

void Items::append_to(std::string& out, const Item& item, std::uint32_t offset,
                      std::uint32_t end) const {
  const BytesView text = text_bytes(item);
  if (!item.wide()) {
    out += as_text(text.subspan(offset, end - offset));
    return;
  }
  append_utf8(out, reinterpret_cast<const char16_t*>(text.data()) + offset, end - offset);
}

void Items::set_bytes(Item& item, BytesView bytes) {
  if (item.content != BlockPool::k_nothing) {
    clear(item);
  }
  const auto size = static_cast<std::uint32_t>(bytes.size());
  item.content = blocks_.take(sizeof(size) + bytes.size());
  std::uint8_t* block = blocks_.at(item.content);
  std::memcpy(block, &size, sizeof(size));
  put(block + sizeof(size), bytes);
}

void Items::append_bytes(Item& item, BytesView bytes) {
  const std::size_t before = sizeof(std::uint32_t) + this->bytes(item).size();
  const auto size = static_cast<std::uint32_t>(before - sizeof(std::uint32_t) + bytes.size());
  item.content = blocks_.resized(item.content, before, before + bytes.size());
  std::uint8_t* block = blocks_.at(item.content);
  std::memcpy(block, &size, sizeof(size));
  put(block + before, bytes);
}

void Items::split_bytes(Item& item, Item& tail, std::size_t size) {
  const BytesView all = bytes(item);
  set_bytes(tail, all.subspan(size));
  const auto kept = static_cast<std::uint32_t>(size);
  item.content = blocks_.resized(item.content, sizeof(kept) + all.size(), sizeof(kept) + size);
  std::memcpy(blocks_.at(item.content), &kept, sizeof(kept));
}

}  // namespace vivim::crdt::detail
