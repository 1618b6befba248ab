#include "vivim/libp2p/autonat/reachability.hpp"

#include <algorithm>
#include <tuple>

namespace vivim::libp2p::autonat {

std::string_view to_string(Reachability reachability) {
  switch (reachability) {
    case Reachability::unknown:
      return "unknown";
    case Reachability::public_:
      return "public";
    case Reachability::private_:
      return "private";
  }
  return "unknown";
}

AddressReachability ReachabilityTable::judge(const Multiaddr& address, const Entry& entry,
                                             Time now) const {
  std::ptrdiff_t balance = 0;
  for (const Word& word : entry.words) {
    if (now - word.when < options_.lasts) {
      balance += word.reachable ? 1 : -1;
    }
  }
  AddressReachability judged{.address = address,
                             .confidence = static_cast<std::size_t>(std::abs(balance))};
  if (judged.confidence >= options_.confidence_min && balance != 0) {
    judged.reachability = balance > 0 ? Reachability::public_ : Reachability::private_;
  }
  return judged;
}

std::optional<AddressReachability> ReachabilityTable::add(const Finding& finding,
                                                          const PeerId& server, Time now) {
  if (!entries_.contains(finding.address) && entries_.size() >= k_watched_addresses_max) {
    return std::nullopt;
  }
  Entry& entry = entries_[finding.address];
  std::erase_if(entry.words, [&](const Word& word) { return word.server == server; });
  entry.waits_since = now;
  entry.words.push_back({.server = server, .reachable = finding.reachable, .when = now});
  if (entry.words.size() > k_words_max) {
    entry.words.pop_front();
  }
  auto judged = judge(finding.address, entry, now);
  if (std::exchange(entry.last, judged.reachability) == judged.reachability) {
    return std::nullopt;
  }
  return judged;
}

void ReachabilityTable::watch(const std::vector<Multiaddr>& addresses, Time now) {
  std::erase_if(entries_, [&](const auto& entry) {
    return std::ranges::find(addresses, entry.first) == addresses.end();
  });
  for (const Multiaddr& address : addresses) {
    if (entries_.size() < k_watched_addresses_max) {
      entries_.try_emplace(address, Entry{.words = {}, .waits_since = now});
    }
  }
}

AddressReachability ReachabilityTable::of(const Multiaddr& address, Time now) const {
  const auto found = entries_.find(address);
  return judge(address, found == entries_.end() ? Entry{} : found->second, now);
}

std::vector<AddressReachability> ReachabilityTable::all(Time now) const {
  std::vector<AddressReachability> all;
  for (const auto& [address, entry] : entries_) {
    all.push_back(judge(address, entry, now));
  }
  return all;
}

std::vector<Multiaddr> ReachabilityTable::by_need(std::vector<Multiaddr> addresses,
                                                  Time now) const {
  // Position last: equals keep their order.
  std::vector<std::tuple<bool, Time, std::size_t>> order;
  for (std::size_t i = 0; i < addresses.size(); ++i) {
    const auto found = entries_.find(addresses[i]);
    const bool known = of(addresses[i], now).reachability != Reachability::unknown;
    order.emplace_back(known, found == entries_.end() ? now : found->second.waits_since, i);
  }
  std::ranges::sort(order);
  std::vector<Multiaddr> sorted;
  for (const auto& [known, since, position] : order) {
    sorted.push_back(std::move(addresses[position]));
  }
  return sorted;
}

}  // namespace vivim::libp2p::autonat
