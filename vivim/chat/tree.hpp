#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "vivim/chat/model.hpp"

namespace vivim::chat {

/// The branches of a conversation, by position in its `turns`
/// (docs/protocol/conversation.md#branches). It refers to the conversation, which must outlive it
/// and not change. A turn whose parent is missing is a root; where parents form a circle, the turn
/// with the smallest id is a root.
class Tree {
 public:
  explicit Tree(const Conversation& conversation);

  /// The turn with that id.
  std::optional<std::size_t> find(std::string_view id) const;
  /// In the order of siblings.
  std::span<const std::size_t> roots() const { return roots_; }
  std::span<const std::size_t> children(std::size_t turn) const { return children_[turn]; }
  /// Nothing for a root.
  std::optional<std::size_t> parent(std::size_t turn) const;

  /// From a root to `current`; without it, the last child at each step.
  std::vector<std::size_t> main_branch() const;
  /// From a root through `turn` to a leaf: along the main branch while it passes there, then the
  /// last child at each step.
  std::vector<std::size_t> branch_through(std::size_t turn) const;
  /// All turns: parents before children, children in order, one branch after the other.
  std::vector<std::size_t> walk() const;
  /// Turns without children, in the order of a walk that visits children in order.
  std::vector<std::size_t> leaves() const;

 private:
  void link();
  void break_circles();
  void sort();
  std::vector<std::size_t> path_to(std::size_t turn) const;
  void follow_last(std::vector<std::size_t>& path) const;

  const Conversation& conversation_;
  std::unordered_map<std::string_view, std::size_t> by_id_;
  std::vector<std::size_t> parents_;
  std::vector<std::vector<std::size_t>> children_;
  std::vector<std::size_t> roots_;
};

/// How JavaScript orders strings: by UTF-16 code units. Both are valid UTF-8.
bool utf16_less(std::string_view a, std::string_view b);

}  // namespace vivim::chat
