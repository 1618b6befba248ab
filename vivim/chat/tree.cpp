#include "vivim/chat/tree.hpp"

#include <algorithm>
#include <limits>

namespace vivim::chat {

namespace {

constexpr std::size_t k_none = std::numeric_limits<std::size_t>::max();

/// Surrogates (in UTF-8 a lead byte of 0xf0 or more) sort before U+E000 to U+FFFF (lead bytes 0xee
/// and 0xef).
int utf16_rank(char c) {
  const int byte = static_cast<std::uint8_t>(c);
  if (byte >= 0xf0) {
    return byte - 2;
  }
  return byte >= 0xee ? byte + 5 : byte;
}

double or_last(const std::optional<double>& value) {
  return value.value_or(std::numeric_limits<double>::infinity());
}

bool sibling_less(const Turn& a, const Turn& b) {
  if (or_last(a.index) != or_last(b.index)) {
    return or_last(a.index) < or_last(b.index);
  }
  if (or_last(a.time) != or_last(b.time)) {
    return or_last(a.time) < or_last(b.time);
  }
  return utf16_less(a.id, b.id);
}

}  // namespace

bool utf16_less(std::string_view a, std::string_view b) {
  return std::lexicographical_compare(a.begin(), a.end(), b.begin(), b.end(),
                                      [](char x, char y) { return utf16_rank(x) < utf16_rank(y); });
}

Tree::Tree(const Conversation& conversation)
    : conversation_(conversation),
      parents_(conversation.turns.size(), k_none),
      children_(conversation.turns.size()) {
  by_id_.reserve(conversation.turns.size());
  for (std::size_t i = 0; i < conversation.turns.size(); ++i) {
    by_id_.try_emplace(conversation.turns[i].id, i);
  }
  link();
  break_circles();
  sort();
}

void Tree::link() {
  for (std::size_t i = 0; i < parents_.size(); ++i) {
    const auto& parent = conversation_.turns[i].parent;
    parents_[i] = parent ? find(*parent).value_or(k_none) : k_none;
  }
}

void Tree::break_circles() {
  // 0: not visited, 1: on the path being walked, 2: known to reach a root
  std::vector<std::uint8_t> state(parents_.size(), 0);
  for (std::size_t i = 0; i < parents_.size(); ++i) {
    std::size_t at = i;
    std::vector<std::size_t> path;
    while (at != k_none && state[at] == 0) {
      state[at] = 1;
      path.push_back(at);
      at = parents_[at];
    }
    if (at != k_none && state[at] == 1) {
      std::size_t smallest = at;
      for (auto step = parents_[at]; step != at; step = parents_[step]) {
        if (utf16_less(conversation_.turns[step].id, conversation_.turns[smallest].id)) {
          smallest = step;
        }
      }
      parents_[smallest] = k_none;
    }
    for (const auto visited : path) {
      state[visited] = 2;
    }
  }
}

void Tree::sort() {
  for (std::size_t i = 0; i < parents_.size(); ++i) {
    (parents_[i] == k_none ? roots_ : children_[parents_[i]]).push_back(i);
  }
  const auto less = [&](std::size_t a, std::size_t b) {
    const auto& first = conversation_.turns[a];
    const auto& second = conversation_.turns[b];
    return sibling_less(first, second) || (!sibling_less(second, first) && a < b);
  };
  std::ranges::sort(roots_, less);
  for (auto& siblings : children_) {
    std::ranges::sort(siblings, less);
  }
}

std::optional<std::size_t> Tree::find(std::string_view id) const {
  const auto found = by_id_.find(id);
  return found == by_id_.end() ? std::nullopt : std::optional(found->second);
}

std::optional<std::size_t> Tree::parent(std::size_t turn) const {
  return parents_[turn] == k_none ? std::nullopt : std::optional(parents_[turn]);
}

std::vector<std::size_t> Tree::path_to(std::size_t turn) const {
  std::vector<std::size_t> path;
  for (auto at = turn; at != k_none; at = parents_[at]) {
    path.push_back(at);
  }
  std::ranges::reverse(path);
  return path;
}

void Tree::follow_last(std::vector<std::size_t>& path) const {
  while (!children_[path.back()].empty()) {
    path.push_back(children_[path.back()].back());
  }
}

std::vector<std::size_t> Tree::main_branch() const {
  if (const auto current = find(conversation_.current)) {
    return path_to(*current);
  }
  if (roots_.empty()) {
    return {};
  }
  std::vector<std::size_t> path{roots_.back()};
  follow_last(path);
  return path;
}

std::vector<std::size_t> Tree::branch_through(std::size_t turn) const {
  auto path = main_branch();
  if (std::ranges::find(path, turn) == path.end()) {
    path = path_to(turn);
  }
  follow_last(path);
  return path;
}

std::vector<std::size_t> Tree::walk() const {
  std::vector<std::size_t> found;
  found.reserve(parents_.size());
  std::vector<std::size_t> open(roots_.rbegin(), roots_.rend());
  while (!open.empty()) {
    const auto at = open.back();
    open.pop_back();
    found.push_back(at);
    open.insert(open.end(), children_[at].rbegin(), children_[at].rend());
  }
  return found;
}

std::vector<std::size_t> Tree::leaves() const {
  auto found = walk();
  std::erase_if(found, [&](std::size_t turn) { return !children_[turn].empty(); });
  return found;
}

}  // namespace vivim::chat
