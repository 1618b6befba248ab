#pragma once

#include <compare>
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>

#include "vivim/base/bytes.hpp"
#include "vivim/libp2p/gossipsub/wire.hpp"
#include "vivim/multiformats/peer_id.hpp"

namespace vivim::libp2p::gossipsub {

using multiformats::PeerId;

/// A message id under a secret of one router: what its tables are keyed by. Nobody who does not
/// know the secret finds two ids with the same key.
struct MessageKey {
  std::uint64_t high = 0;
  std::uint64_t low = 0;

  friend bool operator==(const MessageKey&, const MessageKey&) = default;
  friend auto operator<=>(const MessageKey&, const MessageKey&) = default;
};

class Message;
/// Messages are immutable, and shared by everything that sends, keeps or shows them.
using MessagePtr = std::shared_ptr<const Message>;

/// A message as it is sent: one buffer with the RPC that carries it alone, and its id behind it.
class Message {
 public:
  /// Copies the fields in the order of their numbers, as every implementation writes (and so
  /// signs) them.
  static MessagePtr make(const wire::MessageView& fields, BytesView id, MessageKey key);

  std::string_view topic() const { return as_text(view(topic_)); }
  BytesView data() const { return view(data_); }
  /// Its author, as a peer id's bytes; empty: anonymous.
  BytesView from() const { return view(from_); }
  /// The same, if it is one.
  std::optional<PeerId> author() const;
  /// 8 bytes, usually; empty: none.
  BytesView seqno() const { return view(seqno_); }
  BytesView signature() const { return view(signature_); }
  /// The author's public key, where its id does not carry it.
  BytesView public_key() const { return view(public_key_); }
  BytesView id() const { return BytesView(buffer_).subspan(frame_size_); }
  MessageKey key() const { return key_; }

  /// The RPC behind its length.
  BytesView frame() const { return BytesView(buffer_).first(frame_size_); }
  /// What its signature covers, behind a prefix: the message without signature and key.
  BytesView signed_part() const { return view(signed_); }
  /// Memory that it takes.
  std::size_t bytes() const { return sizeof(Message) + buffer_.capacity(); }

  Message(const wire::MessageView& fields, BytesView id, MessageKey key);

 private:
  struct Part {
    std::uint32_t at = 0;
    std::uint32_t size = 0;
  };

  BytesView view(Part part) const { return BytesView(buffer_).subspan(part.at, part.size); }
  Part append(std::uint32_t number, const std::optional<BytesView>& value);

  Bytes buffer_;
  MessageKey key_;
  std::uint32_t frame_size_ = 0;
  Part from_, data_, seqno_, topic_, signature_, public_key_, signed_;
};

}  // namespace vivim::libp2p::gossipsub
