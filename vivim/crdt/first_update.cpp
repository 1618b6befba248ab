#include "vivim/crdt/first_update.hpp"

#include <string>

#include "vivim/base/assert.hpp"
#include "vivim/crdt/utf_detail.hpp"
#include "vivim/crdt/wire_detail.hpp"

namespace vivim::crdt {

using detail::Kind;
using detail::TypeKind;

// The head of an item without origins: as Engine::write_item.
void FirstUpdate::begin_item(std::uint8_t info, std::string_view root, std::uint64_t parent,
                             std::optional<std::string_view> key) {
  out_.u8(static_cast<std::uint8_t>(info | (key ? detail::k_info_key : 0)));
  out_.var_uint(root.empty() ? 0 : 1);
  if (root.empty()) {
    out_.var_uint(client_);
    out_.var_uint(parent);
  } else {
    out_.var_string(root);
  }
  if (key) {
    out_.var_string(*key);
  }
  ++items_;
}

void FirstUpdate::add_text(std::string_view root, std::uint64_t parent, std::string_view utf8) {
  if (utf8.empty()) {
    return;
  }
  std::string repaired;
  auto units = detail::utf16_length(utf8);
  if (!units) {
    repaired = detail::repaired_utf8(utf8);
    utf8 = repaired;
    units = detail::utf16_length(utf8);
  }
  begin_item(static_cast<std::uint8_t>(Kind::string), root, parent, std::nullopt);
  out_.var_string(utf8);
  clock_ += *units;
}

void FirstUpdate::text(std::string_view name, std::string_view utf8) {
  add_text(name, 0, utf8);
}

void FirstUpdate::Map::set(std::string_view key, const Any& value) {
  lib0::Encoder& out = update_->out_;
  const Bytes* bytes = value.if_bytes();
  const Kind kind = bytes == nullptr ? Kind::any : Kind::binary;
  update_->begin_item(static_cast<std::uint8_t>(kind), root_, clock_, key);
  if (bytes == nullptr) {
    out.var_uint(1);
    out.any(value);
  } else {
    out.var_bytes(*bytes);
  }
  ++update_->clock_;
}

void FirstUpdate::Map::set_string(std::string_view key, std::string_view utf8) {
  update_->begin_item(static_cast<std::uint8_t>(Kind::any), root_, clock_, key);
  update_->out_.var_uint(1);
  update_->out_.any_string(utf8);
  ++update_->clock_;
}

FirstUpdate::Map FirstUpdate::Map::set_map(std::string_view key) {
  update_->begin_item(static_cast<std::uint8_t>(Kind::type), root_, clock_, key);
  update_->out_.var_uint(static_cast<std::uint64_t>(TypeKind::map));
  return {*update_, {}, update_->clock_++};
}

void FirstUpdate::Map::set_text(std::string_view key, std::string_view utf8) {
  update_->begin_item(static_cast<std::uint8_t>(Kind::type), root_, clock_, key);
  update_->out_.var_uint(static_cast<std::uint64_t>(TypeKind::text));
  const std::uint64_t type = update_->clock_++;
  update_->add_text({}, type, utf8);
}

Bytes FirstUpdate::take() {
  VIVIM_ASSERT(clock_ <= 0xffff'ffff);
  lib0::Encoder head;
  head.var_uint(items_ == 0 ? 0 : 1);
  if (items_ > 0) {
    head.var_uint(items_);
    head.var_uint(client_);
    head.var_uint(0);
  }
  out_.var_uint(0);  // nothing is deleted
  Bytes bytes;
  bytes.reserve(head.size() + out_.size());
  append(bytes, head.view());
  append(bytes, out_.view());
  return bytes;
}

}  // namespace vivim::crdt
