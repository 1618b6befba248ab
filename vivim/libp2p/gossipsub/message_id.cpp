#include "vivim/libp2p/gossipsub/message_id.hpp"

#include <algorithm>
#include <array>

#include "vivim/crypto/hash.hpp"
#include "vivim/multiformats/multibase.hpp"
#include "vivim/multiformats/peer_id.hpp"

namespace vivim::libp2p::gossipsub {

namespace {

constexpr std::array k_profiles{IdProfile::vivim, IdProfile::go, IdProfile::rust, IdProfile::js};
constexpr std::size_t k_anonymous_id_bytes = 20;

std::uint64_t seqno_of(const wire::MessageView& message) {
  const BytesView bytes = message.seqno.value_or(BytesView());
  return bytes.size() == k_seqno_bytes ? load_be64(bytes) : 0;
}

/// The public key in a peer id that carries it: an identity multihash.
BytesView inline_key(BytesView peer) {
  return peer.size() > 2 && peer[0] == 0 && peer[1] == peer.size() - 2 ? peer.subspan(2)
                                                                       : BytesView();
}

bool is_peer_id(BytesView bytes) {
  return !inline_key(bytes).empty() || (bytes.size() == 34 && bytes[0] == 0x12 && bytes[1] == 0x20);
}

void append_digest(BytesView digest, std::size_t bytes, Bytes& out) {
  append(out, digest.first(bytes));
}

void append_anonymous(IdProfile profile, const wire::MessageView& message, Bytes& out) {
  const BytesView data = message.data.value_or(BytesView());
  if (profile == IdProfile::js) {
    append_digest(crypto::sha256(data), crypto::k_sha256_bytes, out);
    return;
  }
  const auto topic = as_bytes(message.topic.value_or(std::string_view()));
  // Its length as a varint, without memory of its own.
  std::array<std::uint8_t, k_varint_bytes_max> varint{};
  std::size_t size = 0;
  for (std::size_t left = topic.size(); size == 0 || left > 0; left >>= 7U) {
    varint[size++] = static_cast<std::uint8_t>((left & 0x7fU) | (left >= 0x80 ? 0x80U : 0U));
  }
  const BytesView length = BytesView(varint).first(size);
  append_digest(crypto::sha256({length, topic, data}), k_anonymous_id_bytes, out);
}

void append_text(std::string_view text, Bytes& out) {
  append(out, as_bytes(text));
}

void append_rust(const wire::MessageView& message, Bytes& out) {
  const auto peer = multiformats::PeerId::from_bytes(message.from.value_or(BytesView()));
  append_text(peer ? peer->to_string() : std::string(), out);
  append_text(std::to_string(seqno_of(message)), out);
}

void append_js(const wire::MessageView& message, Bytes& out) {
  const BytesView key = message.key ? *message.key : inline_key(message.from.value_or(BytesView()));
  append(out, key.first(std::min(key.size(), k_id_bytes_max - k_seqno_bytes)));
  append(out, message.seqno.value_or(BytesView()));
}

bool all_digits(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
}

/// How the texts of peer ids begin, by type of key, and how long they are.
struct PeerText {
  std::string_view start;
  std::size_t size;
};
constexpr std::array k_peer_texts{PeerText{"12D3KooW", 52}, PeerText{"16Uiu2HA", 53},
                                  PeerText{"Qm", 46}};

/// The text of a peer id, and a number.
bool can_be_rust(BytesView id) {
  const std::string_view text = as_text(id);
  return std::ranges::any_of(k_peer_texts, [text](const PeerText& peer) {
    return text.starts_with(peer.start) && text.size() > peer.size &&
           all_digits(text.substr(peer.size));
  });
}

/// The protobuf of a public key: its type, and the key with its length.
bool can_be_js(BytesView id) {
  return id.size() > 4 + k_seqno_bytes && id[0] == 0x08 && id[2] == 0x12;
}

}  // namespace

std::string_view to_string(IdProfile profile) {
  switch (profile) {
    case IdProfile::vivim:
      return "vivim";
    case IdProfile::go:
      return "go";
    case IdProfile::rust:
      return "rust";
    case IdProfile::js:
      return "js";
  }
  return "unknown";
}

std::optional<IdProfile> parse_id_profile(std::string_view name) {
  for (const IdProfile profile : k_profiles) {
    if (to_string(profile) == name) {
      return profile;
    }
  }
  return std::nullopt;
}

void append_id(IdProfile profile, SignaturePolicy policy, const wire::MessageView& message,
               Bytes& out) {
  if (policy == SignaturePolicy::strict_no_sign) {
    append_anonymous(profile, message, out);
  } else if (profile == IdProfile::rust) {
    append_rust(message, out);
  } else if (profile == IdProfile::js) {
    append_js(message, out);
  } else {
    append(out, message.from.value_or(BytesView()));
    append(out, message.seqno.value_or(BytesView()));
  }
}

bool can_be_id(IdProfile profile, SignaturePolicy policy, BytesView id) {
  if (policy == SignaturePolicy::strict_no_sign) {
    return id.size() == (profile == IdProfile::js ? crypto::k_sha256_bytes : k_anonymous_id_bytes);
  }
  switch (profile) {
    case IdProfile::rust:
      return can_be_rust(id);
    case IdProfile::js:
      return can_be_js(id);
    default:
      return id.size() > k_seqno_bytes && is_peer_id(id.first(id.size() - k_seqno_bytes));
  }
}

std::optional<IdProfile> recognise_id(SignaturePolicy policy, BytesView id) {
  for (const IdProfile profile : k_profiles) {
    if (can_be_id(profile, policy, id)) {
      return profile;
    }
  }
  return std::nullopt;
}

}  // namespace vivim::libp2p::gossipsub
