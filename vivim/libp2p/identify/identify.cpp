#include "vivim/libp2p/identify/identify.hpp"

#include <algorithm>

#include <identify.pb.h>

#include "vivim/base/varint.hpp"

namespace vivim::libp2p::identify {

namespace {

using Proto = pb::identify::Identify;

// The longest length prefix of a message that is sent.
constexpr std::size_t k_prefix_bytes = 2;

std::string text_of(BytesView bytes) {
  return std::string(as_text(bytes));
}

void append_framed(Bytes& out, const Proto& proto) {
  const auto size = proto.ByteSizeLong();
  append_varint(out, size);
  const auto at = out.size();
  out.resize(at + size);
  proto.SerializeWithCachedSizesToArray(out.data() + at);
}

// Splits what is told over messages: each piece goes into the current one, or the next if it would
// grow too large.
class Splitter {
 public:
  template <class Add>
  Result<void> add(std::size_t piece_bytes, Add add_to) {
    // Tag and length of a field take at most four bytes.
    const auto cost = piece_bytes + 4;
    if (size_ + cost > k_sent_bytes_max - k_prefix_bytes) {
      if (size_ == 0 || cost > k_sent_bytes_max - k_prefix_bytes || ++messages_ == k_messages_max) {
        return fail(IdentifyError::does_not_fit, piece_bytes);
      }
      append_framed(out_, current_);
      current_.Clear();
      size_ = 0;
    }
    size_ += cost;
    add_to(current_);
    return {};
  }

  Bytes finish() && {
    append_framed(out_, current_);
    return std::move(out_);
  }

 private:
  Proto current_;
  Bytes out_;
  std::size_t size_ = 0;
  std::size_t messages_ = 0;
};

Result<void> add_single_fields(Splitter& splitter, const Info& info) {
  if (info.public_key) {
    const auto key = text_of(info.public_key->encode());
    VIVIM_TRYV(splitter.add(key.size(), [&](Proto& to) { to.set_public_key(key); }));
  }
  if (const auto& text = info.protocol_version) {
    VIVIM_TRYV(splitter.add(text->size(), [&](Proto& to) { to.set_protocol_version(*text); }));
  }
  if (const auto& text = info.agent_version) {
    VIVIM_TRYV(splitter.add(text->size(), [&](Proto& to) { to.set_agent_version(*text); }));
  }
  if (info.observed_address) {
    const auto address = text_of(info.observed_address->bytes());
    VIVIM_TRYV(splitter.add(address.size(), [&](Proto& to) { to.set_observed_addr(address); }));
  }
  if (info.signed_peer_record) {
    const auto record = text_of(*info.signed_peer_record);
    VIVIM_TRYV(splitter.add(record.size(), [&](Proto& to) { to.set_signed_peer_record(record); }));
  }
  return {};
}

// Printable ASCII only: what peers say of themselves is shown, logged and compared.
std::optional<std::string> printable(std::string text) {
  if (text.size() > k_text_bytes_max) {
    text.resize(k_text_bytes_max);
  }
  std::ranges::replace_if(text, [](char c) { return c < 0x20 || c > 0x7e; }, '?');
  return text;
}

bool is_protocol(const std::string& text) {
  return !text.empty() && text.size() <= k_text_bytes_max &&
         std::ranges::all_of(text, [](char c) { return c > 0x20 && c <= 0x7e; });
}

template <class T>
void add_once(std::vector<T>& list, T value) {
  if (std::ranges::find(list, value) == list.end()) {
    list.push_back(std::move(value));
  }
}

}  // namespace

Result<Bytes> encode(const Info& info) {
  Splitter splitter;
  VIVIM_TRYV(add_single_fields(splitter, info));
  for (const auto& address : info.listen_addresses) {
    const auto bytes = text_of(address.bytes());
    VIVIM_TRYV(splitter.add(bytes.size(), [&](Proto& to) { to.add_listen_addrs(bytes); }));
  }
  for (const auto& protocol : info.protocols) {
    VIVIM_TRYV(splitter.add(protocol.size(), [&](Proto& to) { to.add_protocols(protocol); }));
  }
  return std::move(splitter).finish();
}

Result<void> check_peer(const Info& info, const multiformats::PeerId& peer) {
  if (info.public_key && !peer.matches(*info.public_key)) {
    return fail(IdentifyError::key_mismatch);
  }
  return {};
}

Result<void> Reader::feed(BytesView in) {
  if (messages_ == k_messages_max) {
    return {};
  }
  append(pending_, in);
  std::size_t used = 0;
  while (messages_ < k_messages_max) {
    const auto rest = BytesView(pending_).subspan(used);
    const auto length = decode_varint(rest, k_received_bytes_max);
    if (!length && length.error().is(VarintError::truncated)) {
      break;
    }
    if (!length && length.error().is(VarintError::overflow)) {
      return fail(IdentifyError::message_too_large, length.error().detail());
    }
    if (!length) {
      return fail(IdentifyError::malformed_length);
    }
    if (rest.size() - length->size < length->value) {
      break;
    }
    VIVIM_TRYV(take_message(rest.subspan(length->size, length->value)));
    used += length->size + length->value;
  }
  pending_.erase(pending_.begin(), pending_.begin() + static_cast<std::ptrdiff_t>(used));
  if (messages_ == k_messages_max) {
    pending_.clear();
  }
  return {};
}

Result<void> Reader::take_message(BytesView body) {
  Proto proto;
  if (!proto.ParseFromArray(body.data(), static_cast<int>(body.size()))) {
    return fail(IdentifyError::malformed_message);
  }
  if (proto.has_public_key()) {
    auto key = multiformats::PublicKey::decode(as_bytes(proto.public_key()));
    if (!key) {
      return fail(IdentifyError::malformed_message);
    }
    info_.public_key = *std::move(key);
  }
  if (proto.has_protocol_version()) {
    info_.protocol_version = printable(proto.protocol_version());
  }
  if (proto.has_agent_version()) {
    info_.agent_version = printable(proto.agent_version());
  }
  if (proto.has_observed_addr()) {
    if (auto address = multiformats::Multiaddr::from_bytes(as_bytes(proto.observed_addr()))) {
      info_.observed_address = *std::move(address);
    }
  }
  if (proto.has_signed_peer_record()) {
    info_.signed_peer_record = to_bytes(proto.signed_peer_record());
  }
  for (const auto& bytes : proto.listen_addrs()) {
    take_address(as_bytes(bytes));
  }
  for (const auto& protocol : proto.protocols()) {
    take_protocol(protocol);
  }
  ++messages_;
  return {};
}

// Repetitions count towards the limits: what a peer can make us compare is bounded.
void Reader::take_address(BytesView bytes) {
  if (addresses_seen_ == k_addresses_max) {
    return;
  }
  ++addresses_seen_;
  if (auto address = multiformats::Multiaddr::from_bytes(bytes)) {
    add_once(info_.listen_addresses, *std::move(address));
  }
}

void Reader::take_protocol(const std::string& protocol) {
  if (protocols_seen_ == k_protocols_max) {
    return;
  }
  ++protocols_seen_;
  if (is_protocol(protocol)) {
    add_once(info_.protocols, protocol);
  }
}

Result<Info> Reader::finish() && {
  if (messages_ == 0) {
    return fail(IdentifyError::truncated, pending_.size());
  }
  return std::move(info_);
}

}  // namespace vivim::libp2p::identify
