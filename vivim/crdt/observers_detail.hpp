#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>

#include "vivim/crdt/subscription.hpp"

namespace vivim::crdt::detail {

/// A list of callbacks that may be changed while it is being called. Subscriptions hold it weakly,
/// so either may go first: the one place where shared ownership says what is meant.
template <class... Args>
class Observers {
 public:
  Subscription add(std::function<void(Args...)> call) {
    const std::uint64_t id = list_->next++;
    list_->calls.emplace(id, std::make_shared<std::function<void(Args...)>>(std::move(call)));
    return Subscription([weak = std::weak_ptr<List>(list_), id] {
      if (const auto list = weak.lock()) {
        list->calls.erase(id);
      }
    });
  }

  bool empty() const { return list_->calls.empty(); }

  void notify(Args... args) const {
    if (list_->calls.empty()) {
      return;
    }
    const auto list = list_;
    for (auto it = list->calls.begin(); it != list->calls.end();) {
      const std::uint64_t id = it->first;
      const auto call = it->second;
      (*call)(args...);
      it = list->calls.upper_bound(id);
    }
  }

 private:
  struct List {
    std::uint64_t next = 0;
    std::map<std::uint64_t, std::shared_ptr<std::function<void(Args...)>>> calls;
  };
  std::shared_ptr<List> list_ = std::make_shared<List>();
};

}  // namespace vivim::crdt::detail
