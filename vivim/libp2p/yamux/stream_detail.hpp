#pragma once

#include <cstdint>

#include "vivim/libp2p/yamux/byte_queue_detail.hpp"
#include "vivim/libp2p/yamux/session.hpp"

namespace vivim::libp2p::yamux {

/// Which of the opening flags a stream still owes the peer.
enum class Opening : std::uint8_t {
  syn_due,      ///< opened here, SYN not sent
  syn_sent,     ///< waits for ACK
  ack_due,      ///< opened by the peer, ACK not sent
  established,  ///< nothing is owed
};

enum class ResetBy : std::uint8_t { nobody, peer, us };

/// One stream of a session.
struct StreamState {
  StreamState(std::uint32_t stream_id, ChunkPool& pool)
      : received(pool), outgoing(pool), id(stream_id) {}

  ByteQueue received;
  ByteQueue outgoing;
  MutableBytes expected;  // room at a reader that waits, behind what was put there
  std::size_t put = 0;    // bytes in front of it
  BytesView lent;         // of a writer that waits, behind `outgoing`
  Time epoch_start{};     // when the last window update left
  std::uint32_t id;
  std::uint32_t send_credit = k_initial_window_bytes;     // what the peer allows us to send
  std::uint32_t receive_credit = k_initial_window_bytes;  // what we allow the peer to send
  std::uint32_t receive_window =
      k_initial_window_bytes;  // credit and buffered bytes together, at most
  std::uint32_t reset_code = 0;
  Opening opening = Opening::syn_due;
  ResetBy reset_by = ResetBy::nobody;
  bool fin_received = false;
  bool fin_wanted = false;
  bool fin_sent = false;
  bool update_due = false;
  bool write_wanted = false;
  bool released = false;
  bool in_control_ready = false;
  bool in_data_ready = false;
  bool readable_told = false;
  bool closed_told = false;

  bool is_reset() const { return reset_by != ResetBy::nobody; }
  bool has_outgoing() const { return !outgoing.empty() || !lent.empty(); }
  bool has_payload() const { return !is_reset() && has_outgoing() && send_credit > 0; }
  bool has_fin() const { return !is_reset() && fin_wanted && !fin_sent && !has_outgoing(); }
  void drop_unread() {
    received.clear();
    expected = {};
    put = 0;
  }
  // What arrived and was not read.
  std::size_t unread() const { return put + received.size(); }
  bool is_finished() const { return is_reset() || (fin_sent && fin_received); }
};

}  // namespace vivim::libp2p::yamux
