#pragma once

#include <algorithm>
#include <cstring>
#include <optional>
#include <string>

#include "vivim/libp2p/mplex/session.hpp"

namespace vivim::libp2p::mplex {

/// First in, first out. What was taken is dropped when it is more than what remains: each byte
/// moves at most once.
class ByteQueue {
 public:
  /// `held`: where the memory of all queues is summed up; outlives this.
  explicit ByteQueue(std::size_t& held) : held_(held) {}
  ~ByteQueue() { held_ -= bytes_.capacity(); }
  ByteQueue(const ByteQueue&) = delete;
  ByteQueue& operator=(const ByteQueue&) = delete;

  std::size_t size() const { return bytes_.size() - begin_; }
  bool empty() const { return size() == 0; }

  void push(BytesView bytes) {
    held_ -= bytes_.capacity();
    append(bytes_, bytes);
    held_ += bytes_.capacity();
  }

  /// Moves up to `into.size()` bytes out and returns how many.
  std::size_t pop(MutableBytes into) {
    const auto count = std::min(into.size(), size());
    if (count > 0) {
      std::memcpy(into.data(), bytes_.data() + begin_, count);
      begin_ += count;
      shrink();
    }
    return count;
  }

  void clear() {
    held_ -= bytes_.capacity();
    bytes_ = Bytes();  // "= {}" would keep its memory
    begin_ = 0;
  }

 private:
  void shrink() {
    if (empty()) {
      clear();
    } else if (begin_ > size()) {
      bytes_.erase(bytes_.begin(), bytes_.begin() + static_cast<std::ptrdiff_t>(begin_));
      begin_ = 0;
    }
  }

  std::size_t& held_;
  Bytes bytes_;
  std::size_t begin_ = 0;
};

/// One stream of a session.
struct StreamState {
  StreamState(StreamId id_, std::string name_, std::size_t& held)
      : id(id_), name(std::move(name_)), received(held), outgoing(held) {}

  StreamId id;
  std::string name;
  ByteQueue received;
  ByteQueue outgoing;
  std::optional<Time> full_since;
  std::optional<MplexError> ended;  ///< reset: by the peer, by us, or for its slow reader
  bool opening_due = false;
  bool close_received = false;
  bool close_wanted = false;
  bool close_sent = false;
  bool write_wanted = false;
  bool readable_told = false;
  bool closed_told = false;
  bool scheduled = false;
  bool released = false;

  bool has_payload() const { return !ended && !outgoing.empty(); }
  bool has_close() const { return !ended && close_wanted && !close_sent && outgoing.empty(); }
  bool has_something() const { return !ended && (opening_due || has_payload() || has_close()); }
  Flag message_flag() const { return id.ours ? Flag::message_initiator : Flag::message_receiver; }
  Flag close_flag() const { return id.ours ? Flag::close_initiator : Flag::close_receiver; }
};

}  // namespace vivim::libp2p::mplex
