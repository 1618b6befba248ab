#include "vivim/chat/model.hpp"

#include "vivim/crypto/hash.hpp"
#include "vivim/multiformats/multibase.hpp"

namespace vivim::chat {

namespace {

constexpr std::array<std::string_view, 5> k_roles = {"none", "user", "assistant", "system", "tool"};

void add_line(std::string& out, std::string_view line) {
  if (line.empty()) {
    return;
  }
  if (!out.empty()) {
    out += '\n';
  }
  out += line;
}

/// Collects the words of parts; addresses, ids and types are not words.
struct Words {
  std::string& out;

  void operator()(std::string_view name, const std::string& value) const {
    if (name == "text" || name == "title" || name == "summary" || name == "prompt" ||
        name == "name") {
      add_line(out, value);
    }
  }
  void operator()(std::string_view, const Json& value) const { add_line(out, value.text); }
  void operator()(std::string_view, const std::vector<Thought>& thoughts) const {
    for (const auto& thought : thoughts) {
      add_line(out, thought.summary);
      add_line(out, thought.content);
    }
  }
  template <class Other>
  void operator()(std::string_view, const Other&) const {}
};

}  // namespace

std::string_view role_name(Role role) {
  return k_roles.at(static_cast<std::size_t>(role));
}

std::optional<Role> parse_role(std::string_view name) {
  for (std::size_t i = 0; i < k_roles.size(); ++i) {
    if (k_roles.at(i) == name) {
      return static_cast<Role>(i);
    }
  }
  return std::nullopt;
}

ContentId ContentId::of(BytesView bytes) {
  return {.digest = crypto::sha256(bytes)};
}

std::string ContentId::to_text() const {
  // CIDv1, raw (0x55), sha2-256 (0x12) of 32 bytes
  std::array<std::uint8_t, 36> cid{0x01, 0x55, 0x12, 0x20};
  std::copy(digest.begin(), digest.end(), cid.begin() + 4);
  return multiformats::encode_multibase(multiformats::Base::base32, cid);
}

std::string searchable_text(const Turn& turn) {
  std::string out = turn.text;
  for (const auto& part : turn.parts) {
    std::visit(
        [&]<class Type>(const Type& value) {
          if constexpr (!std::is_same_v<Type, UnknownPart>) {
            Type::fields(value, Words{out});
          }
        },
        part);
  }
  return out;
}

}  // namespace vivim::chat
