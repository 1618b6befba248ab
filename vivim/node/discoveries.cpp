#include "vivim/node/discoveries.hpp"

namespace vivim::node {

bool Discoveries::note(const multiformats::PeerId& peer, std::string_view source) {
  if (!known_.insert(peer).second) {
    return false;
  }
  order_.push_back(peer);
  if (order_.size() > k_discoveries_max) {
    known_.erase(order_.front());
    order_.pop_front();
  }
  ++counts_[std::string(source)];
  return true;
}

}  // namespace vivim::node
