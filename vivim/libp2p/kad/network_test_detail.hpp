#pragma once

#include <algorithm>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <vector>

#include "vivim/libp2p/kad/kad_test_detail.hpp"
#include "vivim/libp2p/kad/query.hpp"
#include "vivim/libp2p/kad/routing_table.hpp"

namespace vivim::libp2p::kad::test {

/// What a node answers when it is asked who is near a key. Absent: nothing.
using Answers = std::function<std::optional<std::vector<Contact>>(const Key& target)>;

/// Nodes with full routing tables, and whatever answers are given to the others: without time, for
/// the cores alone.
class Network {
 public:
  /// `count` honest nodes; each knows of the others what fits its buckets.
  explicit Network(std::size_t count,
                   RoutingTableLimits limits = {.peers_max = 4096, .per_group_max = 1000})
      : limits_(limits) {
    constexpr std::uint64_t first = 1;
    for (std::uint64_t number = first; number < first + count; ++number) {
      join(contact(number));
    }
    for (const auto& [peer, node] : nodes_) {
      fill(*node);
    }
  }

  struct Node {
    Contact contact;
    std::unique_ptr<RoutingTable> table;
    Answers answers;
  };

  /// Another honest node. Before fill().
  Node& join(const Contact& contact) {
    auto made = std::make_unique<RoutingTable>(contact.peer, limits_);
    RoutingTable* const table = made.get();
    auto node =
        std::make_unique<Node>(Node{.contact = contact, .table = std::move(made), .answers = {}});
    node->answers = [table](const Key& target) {
      std::vector<Contact> closer;
      for (const TableEntry* entry : table->closest(target, k_replication)) {
        closer.push_back(entry->contact);
      }
      return std::optional(closer);
    };
    order_.push_back(contact.peer);
    return *(nodes_[contact.peer] = std::move(node));
  }

  /// A node that answers as it likes.
  Node& join(const Contact& contact, Answers answers) {
    Node& node = join(contact);
    node.answers = std::move(answers);
    return node;
  }

  void fill(Node& node) {
    // From a place of its own, so that not all know the same.
    const std::size_t start = std::hash<PeerId>{}(node.contact.peer) % order_.size();
    for (std::size_t i = 0; i < order_.size(); ++i) {
      meet(node, nodes_.at(order_[(start + i) % order_.size()])->contact);
    }
  }

  static void meet(Node& node, const Contact& contact) {
    (void)node.table->add(contact, groups_of(contact.addresses),
                          rt::TimePoint(std::chrono::hours(1)));
  }

  Node& node(std::size_t index) { return *nodes_.at(order_.at(index)); }
  std::size_t size() const { return order_.size(); }
  void kill(const PeerId& peer) {
    nodes_.at(peer)->answers = [](const Key&) { return std::nullopt; };
  }

  std::vector<PeerId> nearest(const Key& target, std::size_t count) const {
    auto peers = order_;
    std::ranges::sort(peers, {},
                      [&target](const PeerId& peer) { return Key::of(peer).distance(target); });
    peers.erase(peers.begin() + static_cast<std::ptrdiff_t>(std::min(count, peers.size())),
                peers.end());
    return peers;
  }

  std::vector<Contact> seeds(Node& from, const Key& target) const {
    std::vector<Contact> seeds;
    for (const TableEntry* entry : from.table->closest(target, k_replication)) {
      seeds.push_back(entry->contact);
    }
    return seeds;
  }

  /// Runs a lookup to its end; `on_answer` may stop it. Time stands still: nobody is slow.
  void run(Query& query, const std::function<void(const PeerId&)>& on_answer = {}) {
    const rt::TimePoint now{std::chrono::hours(1)};
    std::deque<PeerId> asked;
    while (query.end(now) == QueryEnd::running) {
      while (const auto contact = query.next(now)) {
        asked.push_back(contact->peer);
      }
      if (asked.empty()) {
        break;
      }
      const PeerId peer = asked.front();
      asked.pop_front();
      const auto found = nodes_.find(peer);
      const auto closer =
          found == nodes_.end() ? std::nullopt : found->second->answers(query.target());
      if (!closer) {
        query.failed(peer);
        continue;
      }
      query.answered(peer, *closer, groups_of(found->second->contact.addresses));
      if (on_answer) {
        on_answer(peer);
      }
    }
  }

 private:
  RoutingTableLimits limits_;
  std::map<PeerId, std::unique_ptr<Node>> nodes_;
  std::vector<PeerId> order_;
};

inline std::vector<PeerId> peers_of(const std::vector<Contact>& contacts) {
  std::vector<PeerId> peers;
  for (const Contact& contact : contacts) {
    peers.push_back(contact.peer);
  }
  return peers;
}

}  // namespace vivim::libp2p::kad::test
