#include <algorithm>

#include "interop/conformance/peers.hpp"
#include "interop/conformance/session.hpp"

// Sessions in which peers of other engines take part: their updates go to everybody, and in the end
// they show what everybody shows.
namespace vivim::interop::conformance {

using crdt::UpdateFormat;

void Session::invite(bool yrs) {
  peers_->reset();
  const std::size_t count = 1 + chance_.pick(2);
  for (std::size_t i = 0; i < count; ++i) {
    const auto engine = yrs && i == 0 ? Peers::Engine::yrs : Peers::Engine::yjs14;
    const std::uint64_t client =
        1 + replicas_.size() + i + (chance_.number() & 0xffff'ffff) / 16 * 16;
    peers_->make(engine, client, !chance_.one_in(4));
    guests_.push_back({.engine = engine, .inbox = {}});
    ++guest_engines_[engine == Peers::Engine::yjs14 ? 0 : 1];
  }
  note_failure_of_peers();
}

void Session::note_failure_of_peers() {
  if (peers_->failure()) {
    fail(*peers_->failure());
  }
}

// A guest edits, or hears something. What is on its way to it may come in any order; but not to
// yrs, which loses what stands behind a gap (ywasm 0.18.3): that one hears whole states.
void Session::guest_step() {
  const std::size_t guest = chance_.pick(guests_.size());
  if (chance_.one_in(2)) {
    for (const Bytes& update : peers_->edit(guest, chance_.number())) {
      broadcast(update, replicas_.size() + guest);
    }
  } else if (guests_[guest].engine == Peers::Engine::yrs) {
    const crdt::Doc& doc = *replicas_[chance_.pick(replicas_.size())]->doc;
    if (!has_pending(doc)) {
      deliver_to_guest(guest, encode_state_as_update(doc));
    }
  } else if (auto& inbox = guests_[guest].inbox; !inbox.empty()) {
    const std::size_t at = chance_.one_in(2) ? 0 : chance_.pick(inbox.size());
    const Bytes update = inbox[at];
    inbox.erase(inbox.begin() + static_cast<std::ptrdiff_t>(at));
    deliver_to_guest(guest, update);
  }
  note_failure_of_peers();
}

// The first that it emits is that update; what follows are its own clean-ups.
void Session::deliver_to_guest(std::size_t guest, const Bytes& update) {
  const UpdateFormat by = format();
  const auto emitted =
      peers_->apply(guest, by == UpdateFormat::v1 ? update : convert(update, UpdateFormat::v1), by);
  for (std::size_t i = 1; i < emitted.size(); ++i) {
    broadcast(emitted[i], replicas_.size() + guest);
  }
}

void Session::settle_guests() {
  for (std::size_t guest = 0; guest < guests_.size() && !failure_; ++guest) {
    deliver_to_guest(guest, encode_state_as_update(*replicas_.front()->doc));
    deliver(0, peers_->state(guest));
    note_failure_of_peers();
  }
}

void Session::compare_guests() {
  const Bytes state = encode_state_as_update(*replicas_.front()->doc);
  for (std::size_t guest = 0; guest < guests_.size() && !failure_; ++guest) {
    peers_->compare(guest, state);
    note_failure_of_peers();
  }
}

}  // namespace vivim::interop::conformance
