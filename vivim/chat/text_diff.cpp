#include "vivim/chat/text_diff.hpp"

#include <algorithm>

#include "vivim/chat/json.hpp"
#include "vivim/chat/utf8_detail.hpp"

namespace vivim::chat {

namespace {

using Points = std::vector<std::string_view>;

/// The text's code points, as the bytes that they are.
Points points_of(std::string_view text) {
  Points points;
  points.reserve(text.size());
  while (!text.empty()) {
    const auto size = std::max<std::size_t>(1, detail::utf8_sequence(text));
    points.push_back(text.substr(0, size));
    text.remove_prefix(size);
  }
  return points;
}

std::uint32_t units(std::string_view point) {
  return point.size() == 4 ? 2 : 1;
}

/// A step of the script: keep, remove from the old, or insert from the new.
enum class Step : std::uint8_t { keep, remove, insert };

/// E. Myers, "An O(ND) difference algorithm and its variations" (1986): the furthest points reached
/// with d steps on each diagonal k = x - y, and from their history the way back.
class Differ {
 public:
  Differ(std::span<const std::string_view> a, std::span<const std::string_view> b) : a_(a), b_(b) {}

  /// The script from the beginning; empty if it needs too many steps.
  std::vector<Step> run() {
    const auto n = static_cast<std::ptrdiff_t>(a_.size());
    const auto m = static_cast<std::ptrdiff_t>(b_.size());
    const auto most = std::min<std::ptrdiff_t>(n + m, k_diff_steps_max);
    std::vector<std::ptrdiff_t> furthest(2 * static_cast<std::size_t>(most) + 3, 0);
    const auto at = [&](std::ptrdiff_t k) -> std::ptrdiff_t& {
      return furthest[static_cast<std::size_t>(k + most + 1)];
    };
    for (std::ptrdiff_t d = 0; d <= most; ++d) {
      history_.emplace_back();
      for (std::ptrdiff_t k = -d; k <= d; k += 2) {
        const bool down = k == -d || (k != d && at(k - 1) < at(k + 1));
        auto x = down ? at(k + 1) : at(k - 1) + 1;
        while (x < n && x - k < m &&
               a_[static_cast<std::size_t>(x)] == b_[static_cast<std::size_t>(x - k)]) {
          ++x;
        }
        at(k) = x;
        history_.back().push_back(x);
        if (x >= n && x - k >= m) {
          return walk_back(d, k);
        }
      }
    }
    return {};
  }

 private:
  /// What was reached with d steps on diagonal k.
  std::ptrdiff_t reached(std::ptrdiff_t d, std::ptrdiff_t k) const {
    return history_[static_cast<std::size_t>(d)][static_cast<std::size_t>((k + d) / 2)];
  }

  std::vector<Step> walk_back(std::ptrdiff_t d, std::ptrdiff_t k) const {
    std::vector<Step> steps;
    auto x = reached(d, k);
    for (; d > 0; --d) {
      const bool down = k == -d || (k != d && reached(d - 1, k - 1) < reached(d - 1, k + 1));
      const auto before = down ? reached(d - 1, k + 1) : reached(d - 1, k - 1);
      const auto entered = down ? before : before + 1;
      steps.insert(steps.end(), static_cast<std::size_t>(x - entered), Step::keep);
      steps.push_back(down ? Step::insert : Step::remove);
      k += down ? 1 : -1;
      x = before;
    }
    steps.insert(steps.end(), static_cast<std::size_t>(x), Step::keep);
    std::ranges::reverse(steps);
    return steps;
  }

  std::span<const std::string_view> a_;
  std::span<const std::string_view> b_;
  std::vector<std::vector<std::ptrdiff_t>> history_;
};

/// Runs of removals and insertions as edits, in the old text's order.
std::vector<TextEdit> edits_of(const std::vector<Step>& steps, std::span<const std::string_view> a,
                               std::span<const std::string_view> b, std::uint32_t index) {
  std::vector<TextEdit> edits;
  bool open = false;
  std::size_t x = 0;
  std::size_t y = 0;
  for (const auto step : steps) {
    if (step == Step::keep) {
      index += units(a[x]);
      ++x;
      ++y;
      open = false;
      continue;
    }
    if (!open) {
      edits.push_back({.index = index, .remove = 0, .insert = {}});
      open = true;
    }
    if (step == Step::remove) {
      edits.back().remove += units(a[x]);
      index += units(a[x++]);
    } else {
      edits.back().insert += b[y++];
    }
  }
  return edits;
}

}  // namespace

std::vector<TextEdit> diff_text(std::string_view before, std::string_view after) {
  const auto old_text = sanitize_utf8(before);
  const auto new_text = sanitize_utf8(after);
  const auto old_points = points_of(old_text);
  const auto new_points = points_of(new_text);
  std::span<const std::string_view> a(old_points);
  std::span<const std::string_view> b(new_points);
  std::uint32_t index = 0;
  while (!a.empty() && !b.empty() && a.front() == b.front()) {
    index += units(a.front());
    a = a.subspan(1);
    b = b.subspan(1);
  }
  while (!a.empty() && !b.empty() && a.back() == b.back()) {
    a = a.first(a.size() - 1);
    b = b.first(b.size() - 1);
  }
  if (a.empty() && b.empty()) {
    return {};
  }
  auto steps = Differ(a, b).run();
  if (steps.empty()) {
    steps.assign(a.size(), Step::remove);
    steps.insert(steps.end(), b.size(), Step::insert);
  }
  auto edits = edits_of(steps, a, b, index);
  std::ranges::reverse(edits);
  return edits;
}

}  // namespace vivim::chat
