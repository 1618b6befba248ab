#pragma once

#include <deque>
#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "vivim/base/bytes.hpp"
#include "vivim/base/result.hpp"
#include "vivim/store/grants.hpp"
#include "vivim/sync/error.hpp"
#include "vivim/sync/frame.hpp"
#include "vivim/sync/proof.hpp"

namespace vivim::sync {

/// Most documents open on one stream, both sides together.
inline constexpr std::size_t k_channels_max = 4096;
/// A peer that was refused this often on one stream is sent away.
inline constexpr std::size_t k_refusals_max = 16;

/// Which version of the protocol a stream speaks (docs/protocol/sync.md#versions).
enum class Version : std::uint8_t {
  v1_0,  ///< /vivim/sync/1.0.0: no envelopes
  v1_1,  ///< /vivim/sync/1.1.0: an `open` without a state vector
  v1_2,  ///< /vivim/sync/1.2.0
};

/// Which end of the stream we are.
enum class Side : std::uint8_t { dialer, listener };

struct SessionOptions {
  Side side = Side::dialer;
  Bytes own_peer;    ///< binary peer id
  Bytes other_peer;  ///< as the connection authenticated it
  Nonce nonce{};     ///< random, new for each session
  std::string agent;
  Version version = Version::v1_2;  ///< that the stream was opened for
};

// What a session reports. Bytes are owned.
struct Greeted {
  std::string agent;
};
/// The peer wants a document and sent a proof: look the grant up, then `accept` or `refuse`.
struct OpenRequested {
  ChannelId channel{};
  store::DocumentId document;
  store::GrantId grant;
};
/// Our `open` was answered, and the peer proved that it holds the secret.
struct ChannelOpened {
  ChannelId channel{};
  store::Access access = store::Access::read;  ///< what we may do there
  bool state_sent = false;  ///< our state vector went with the `open`: it is being answered
};
/// The peer's state vector, also the one that came with what was accepted: answer with
/// `send_sync(step2)`.
struct StepOne {
  ChannelId channel{};
  Bytes state_vector;
};
struct UpdateReceived {
  ChannelId channel{};
  Bytes update;
  bool answer = false;  ///< the (end of the) answer to our state vector
};
/// An envelope; it is not opened.
struct SignedReceived {
  ChannelId channel{};
  Bytes envelope;
};
/// The peer did not take one of our updates.
struct DeniedReceived {
  ChannelId channel{};
  std::string reason;
};
struct AwarenessReceived {
  ChannelId channel{};
  Bytes update;
};
/// Everything up to here is on the peer's disk.
struct PeerDurable {
  ChannelId channel{};
  Bytes state_vector;
};
struct BlocksWanted {
  ChannelId channel{};
  std::vector<store::BlobId> blobs;
};
struct BlockReceived {
  ChannelId channel{};
  store::BlobId blob;
  std::optional<Bytes> bytes;
};
struct ChannelClosed {
  ChannelId channel{};
  Reason reason = Reason::done;
  std::string detail;
};
/// The peer ends the stream.
struct Bye {
  Reason reason = Reason::done;
  std::string detail;
};
using SessionEvent = std::variant<Greeted, OpenRequested, ChannelOpened, StepOne, UpdateReceived,
                                  SignedReceived, DeniedReceived, AwarenessReceived, PeerDurable,
                                  BlocksWanted, BlockReceived, ChannelClosed, Bye>;

/// /vivim/sync with one peer: bytes in, events out; commands in, bytes out. No I/O, no clock
/// (docs/protocol/sync.md). The caller drains `poll_event` after each `feed`, and sends what
/// `take_output` gives. After an error of `feed` the session says goodbye in its output and takes
/// nothing more.
class Session {
 public:
  explicit Session(SessionOptions options);

  /// Handles received bytes. Errors: bad_frame, frame_too_large, bad_version, not_greeted,
  /// bad_channel, too_many_channels, too_many_refusals; each ends the session.
  Result<void> feed(BytesView bytes);
  std::optional<SessionEvent> poll_event();

  /// What is to be sent, and empties it.
  Bytes take_output() { return std::exchange(output_, {}); }
  std::size_t output_bytes() const { return output_.size(); }

  /// Asks for a document; answered by ChannelOpened or ChannelClosed. Before the greeting it is
  /// sent with it. `state_vector` goes along, so that its answer comes at once, if the peer's
  /// version takes it and it is not too long (ChannelOpened says so). Errors: too_many_channels.
  Result<ChannelId> open(store::DocumentId document, store::GrantId grant,
                         const GrantSecret& secret, BytesView state_vector = {});
  /// Answers OpenRequested with the grant's secret and what it permits: checks the peer's proof;
  /// true and opened (StepOne follows, if a state vector came along), or false and refused.
  bool accept(ChannelId channel, const GrantSecret& secret, store::Access access);
  /// Answers OpenRequested: no such document, grant or right; the peer cannot tell which.
  void refuse(ChannelId channel);

  // On a channel that is not open (any more) these do nothing.
  void send_sync(ChannelId channel, crdt::protocol::SyncType type, BytesView payload);
  void send_signed(ChannelId channel, BytesView envelope);
  void send_denied(ChannelId channel, std::string_view reason);
  void send_awareness(ChannelId channel, BytesView update);
  void send_durable(ChannelId channel, BytesView state_vector);
  void send_want(ChannelId channel, std::vector<store::BlobId> blobs);
  void send_block(ChannelId channel, store::BlobId blob, std::optional<BytesView> bytes);
  void close(ChannelId channel, Reason reason, std::string_view detail = {});
  /// Ends the stream.
  void say_bye(Reason reason, std::string_view detail = {});

  /// Whether the peer takes envelopes; else send_signed() does nothing.
  bool knows_envelopes() const { return options_.version != Version::v1_0; }
  /// Whether a state vector can go with an `open`.
  bool opens_with_state() const { return options_.version >= Version::v1_2; }
  bool greeted() const { return other_nonce_.has_value(); }
  bool is_open(ChannelId channel) const;
  std::size_t channels() const { return channels_.size(); }

 private:
  enum class ChannelState : std::uint8_t { waiting, asked, requested, open };
  struct Channel {
    ChannelState state = ChannelState::waiting;
    store::DocumentId document;
    store::GrantId grant;
    GrantSecret secret;       ///< of our own `open`, until it is answered
    Bytes proof;              ///< the peer's, until it is checked
    Bytes state_vector;       ///< to go with our `open`; the peer's sealed one, until then
    bool state_sent = false;  ///< with our `open`
  };

  Result<void> handle(const HelloFrame& frame);
  Result<void> handle(const OpenFrame& frame);
  Result<void> handle(const OpenedFrame& frame);
  Result<void> handle(const CloseFrame& frame);
  Result<void> handle(const SyncFrame& frame);
  Result<void> handle(const SignedFrame& frame);
  Result<void> handle(const DeniedFrame& frame);
  Result<void> handle(const AwarenessFrame& frame);
  Result<void> handle(const DurableFrame& frame);
  Result<void> handle(const WantFrame& frame);
  Result<void> handle(const BlockFrame& frame);
  Result<void> handle(const ByeFrame& frame);
  Result<void> handle(const UnknownFrame& frame);
  Result<void> handle_frames();

  void send(const Frame& frame);
  void send_open(ChannelId id, Channel& channel);
  bool chosen_by_us(ChannelId channel) const;
  ProofParties own_parties() const;
  ProofParties other_parties() const;

  SessionOptions options_;
  FrameReader reader_;
  std::optional<Nonce> other_nonce_;
  std::map<ChannelId, Channel> channels_;
  std::deque<SessionEvent> events_;
  Bytes output_;
  std::uint32_t next_channel_;
  std::uint32_t peer_channel_min_;  ///< channel numbers only grow: a lower one was used before
  std::size_t refusals_ = 0;
  bool ended_ = false;
};

}  // namespace vivim::sync
