#include "vivim/chat/importers/splitter.hpp"

#include <algorithm>
#include <bit>
#include <utility>

#include "vivim/chat/scan.hpp"

namespace vivim::chat {

void Splitter::feed(std::string_view chunk) {
  const bool inside = state_ == State::inside || state_ == State::scalar;
  const std::size_t keep = inside && !too_large_ ? begin_ : at_;
  base_ += keep;
  at_ -= keep;
  begin_ = 0;
  buffer_.erase(buffer_.begin(), buffer_.begin() + static_cast<std::ptrdiff_t>(keep));
  buffer_.insert(buffer_.end(), chunk.begin(), chunk.end());
}

void Splitter::advance(std::size_t to) {
  line_ += detail::count_lines(buffer_.data() + at_, buffer_.data() + to);
  at_ = to;
}

Result<std::optional<Element>> Splitter::poll() {
  while (true) {
    std::optional<Element> element;
    if (state_ == State::inside) {
      element = scan();
    } else if (state_ == State::scalar) {
      element = scan_scalar();
    } else {
      VIVIM_TRY(element, between());
    }
    drop_if_too_large();
    const bool waiting = at_ == buffer_.size();
    if (element || waiting) {
      return element;
    }
  }
}

Result<std::optional<Element>> Splitter::between() {
  const char* const data = buffer_.data();
  const char* const end = data + buffer_.size();
  constexpr std::string_view k_mark = "\xef\xbb\xbf";  // a byte order mark, as some editors leave
  if (mark_bytes_ < k_mark.size() && position() == mark_bytes_ && at_ < buffer_.size() &&
      data[at_] == k_mark[mark_bytes_]) {
    ++mark_bytes_;
    ++at_;
    return std::nullopt;
  }
  advance(static_cast<std::size_t>(detail::skip_json_space(data + at_, end) - data));
  if (at_ == buffer_.size()) {
    return std::nullopt;
  }
  const char c = data[at_];
  if (state_ == State::before && (c == '[' || c == '{')) {
    list_ = c == '[';
    list_ ? void((++at_, state_ = State::first)) : begin_element(State::inside);
  } else if (state_ == State::next && c == ',') {
    ++at_;
    state_ = State::first;
  } else if ((state_ == State::next || state_ == State::first) && c == ']') {
    ++at_;
    state_ = State::after;
  } else if (state_ == State::first && c != ',') {
    begin_element(c == '{' || c == '[' ? State::inside : State::scalar);
  } else {
    return fail(ImportError::garbage, position());
  }
  return std::nullopt;
}

void Splitter::begin_element(State state) {
  state_ = state;
  begin_ = at_;
  offset_ = position();
  element_line_ = line_;
  depth_ = 0;
  in_string_ = escaped_ = too_large_ = false;
}

/// Goes on by whole blocks, up to one that the element may end in. A backslash outside of strings
/// is not JSON: left to scan_bytes() too, which knows what it means.
const char* Splitter::scan_blocks(const char* at, const char* end) {
  for (; end - at >= detail::k_json_block_bytes; at += detail::k_json_block_bytes) {
    const auto block = detail::json_block(at);
    bool escaped = escaped_;
    const auto quotes = block.quotes & ~detail::escaped_bytes(block.backslashes, escaped);
    const auto strings = detail::prefix_parity(quotes) ^ (in_string_ ? ~std::uint64_t{0} : 0);
    if ((block.backslashes & ~strings) != 0) {
      break;
    }
    if (((block.opens | block.closes) & ~strings) != 0) {
      const auto closes = static_cast<std::uint64_t>(std::popcount(block.closes & ~strings));
      if (closes >= depth_) {
        break;
      }
      depth_ += static_cast<std::uint64_t>(std::popcount(block.opens & ~strings)) - closes;
    }
    in_string_ = (strings >> 63) != 0;
    escaped_ = escaped;
  }
  return at;
}

/// Goes on byte by byte. True: the element ends at `at`.
bool Splitter::scan_bytes(const char*& at, const char* end) {
  while (at != end) {
    if (escaped_) {
      escaped_ = false;
      ++at;
    } else if (in_string_) {
      at = detail::find_string_special(at, end);
      if (at != end) {
        escaped_ = *at == '\\';
        in_string_ = escaped_;
        ++at;
      }
    } else {
      at = detail::find_structural(at, end);
      if (at == end) {
        return false;
      }
      const char c = *at++;
      if (c == '"') {
        in_string_ = true;
      } else if (c == '{' || c == '[') {
        ++depth_;
      } else if (--depth_ == 0) {
        return true;
      }
    }
  }
  return false;
}

std::optional<Element> Splitter::scan() {
  const char* const data = buffer_.data();
  const char* const end = data + buffer_.size();
  const char* at = data + at_;
  while (at != end) {
    at = scan_blocks(at, end);
    if (scan_bytes(at, at + std::min<std::ptrdiff_t>(end - at, detail::k_json_block_bytes))) {
      advance(static_cast<std::size_t>(at - data));
      return take_element();
    }
  }
  advance(buffer_.size());
  return std::nullopt;
}

std::optional<Element> Splitter::scan_scalar() {
  const auto ends = [&](char c) { return !in_string_ && (c == ',' || c == ']' || c == '}'); };
  for (std::size_t i = at_; i < buffer_.size(); ++i) {
    const char c = buffer_[i];
    if (ends(c)) {
      advance(i);
      return take_element();
    }
    if (escaped_) {
      escaped_ = false;
    } else if (c == '\\') {
      escaped_ = in_string_;
    } else if (c == '"') {
      in_string_ = !in_string_;
    }
  }
  advance(buffer_.size());
  return std::nullopt;
}

std::optional<Element> Splitter::take_element() {
  Element element{.text = {},
                  .offset = offset_,
                  .line = element_line_,
                  .size = position() - offset_,
                  .too_large = too_large_ || position() - offset_ > options_.element_bytes_max};
  state_ = list_ ? State::next : State::after;
  if (element.too_large) {
    return element;
  }
  const auto begin = buffer_.begin() + static_cast<std::ptrdiff_t>(begin_);
  const auto end = buffer_.begin() + static_cast<std::ptrdiff_t>(at_);
  if (begin_ == 0 && at_ > buffer_.size() / 2) {
    std::vector<char> tail(end, buffer_.end());
    buffer_.resize(at_);
    element.text = std::exchange(buffer_, std::move(tail));
    base_ += at_;
    at_ = 0;
  } else {
    element.text.assign(begin, end);
  }
  begin_ = 0;
  return element;
}

void Splitter::drop_if_too_large() {
  if (state_ != State::inside && state_ != State::scalar) {
    return;
  }
  too_large_ = too_large_ || position() - offset_ > options_.element_bytes_max;
  if (too_large_) {
    base_ += at_;
    buffer_.erase(buffer_.begin(), buffer_.begin() + static_cast<std::ptrdiff_t>(at_));
    at_ = begin_ = 0;
  }
}

Result<void> Splitter::finish() {
  if (state_ == State::scalar && !list_) {
    return {};
  }
  if (state_ != State::after) {
    return fail(ImportError::truncated, position());
  }
  return {};
}

Element Splitter::rest() const {
  Element element{.text = {}, .offset = offset_, .line = element_line_, .too_large = too_large_};
  if ((state_ == State::inside || state_ == State::scalar) && !too_large_) {
    element.text.assign(buffer_.begin() + static_cast<std::ptrdiff_t>(begin_),
                        buffer_.begin() + static_cast<std::ptrdiff_t>(at_));
    element.size = element.text.size();
  }
  return element;
}

}  // namespace vivim::chat
