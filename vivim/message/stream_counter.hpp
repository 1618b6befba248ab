#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <utility>

#include "vivim/multiformats/peer_id.hpp"

namespace vivim::message {

/// Inbound streams of one protocol at once.
struct StreamLimits {
  std::size_t all = 256;
  std::size_t per_peer = 4;
};

/// Counts the inbound streams of a protocol, of each peer and of all. Sans-IO.
class StreamCounter {
 public:
  explicit StreamCounter(StreamLimits limits) : limits_(limits) {}
  StreamCounter(const StreamCounter&) = delete;
  StreamCounter& operator=(const StreamCounter&) = delete;

  /// One stream that counts until this goes. The counter must outlive it.
  class Place {
   public:
    Place(StreamCounter& counter, const multiformats::PeerId& peer)
        : counter_(&counter), peer_(peer) {}
    Place(Place&& other) noexcept
        : counter_(std::exchange(other.counter_, nullptr)), peer_(std::move(other.peer_)) {}
    Place& operator=(Place&&) = delete;
    Place(const Place&) = delete;
    Place& operator=(const Place&) = delete;
    ~Place() {
      if (counter_ != nullptr) {
        counter_->leave(peer_);
      }
    }

   private:
    StreamCounter* counter_;
    multiformats::PeerId peer_;
  };

  /// A place for one more stream of `peer`; none: there are as many as there may be, which is
  /// counted.
  std::optional<Place> enter(const multiformats::PeerId& peer) {
    const auto found = of_peer_.find(peer);
    if (total_ >= limits_.all || (found != of_peer_.end() && found->second >= limits_.per_peer)) {
      ++refused_;
      return std::nullopt;
    }
    ++of_peer_[peer];
    ++total_;
    return std::optional<Place>(std::in_place, *this, peer);
  }

  std::size_t total() const { return total_; }
  std::uint64_t refused() const { return refused_; }

 private:
  void leave(const multiformats::PeerId& peer) {
    --total_;
    const auto found = of_peer_.find(peer);
    if (--found->second == 0) {
      of_peer_.erase(found);
    }
  }

  StreamLimits limits_;
  std::map<multiformats::PeerId, std::size_t> of_peer_;
  std::size_t total_ = 0;
  std::uint64_t refused_ = 0;
};

}  // namespace vivim::message
