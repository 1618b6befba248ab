#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "vivim/base/result.hpp"
#include "vivim/chat/importers/error.hpp"

namespace vivim::chat {

/// One element of the list, verbatim.
struct Element {
  std::vector<char> text;    ///< empty if it was larger than the limit
  std::uint64_t offset = 0;  ///< of its first byte in the file
  std::uint64_t line = 1;    ///< of its first byte, from 1
  std::uint64_t size = 0;
  bool too_large = false;

  std::string_view view() const { return {text.data(), text.size()}; }
};

struct SplitterOptions {
  std::uint64_t element_bytes_max = 256ULL << 20;
};

/// Finds the elements of a JSON array in a file of any size, as its bytes arrive; holds one element
/// at a time. A single object instead of an array counts as a list of one. It follows strings and
/// brackets only: whether an element is JSON is for its reader to say. An element over the limit is
/// skipped and reported as such.
class Splitter {
 public:
  explicit Splitter(SplitterOptions options = {}) : options_(options) {}

  /// Takes the next bytes of the file. Call poll() until it has nothing before feeding more.
  void feed(std::string_view chunk);

  /// The next complete element, or nothing (feed more). Errors: garbage, at position(); then
  /// nothing more comes.
  Result<std::optional<Element>> poll();

  /// Call at the end of the file. Errors: truncated. What is incomplete can be had from rest().
  Result<void> finish();

  /// The beginning of an element that has not ended; empty between elements.
  Element rest() const;

  /// Bytes seen so far, and the line and byte where scanning stands.
  std::uint64_t position() const { return base_ + at_; }
  std::uint64_t line() const { return line_; }
  bool done() const { return state_ == State::after; }

 private:
  enum class State : std::uint8_t { before, first, next, inside, scalar, after };

  Result<std::optional<Element>> between();
  std::optional<Element> scan();
  const char* scan_blocks(const char* at, const char* end);
  bool scan_bytes(const char*& at, const char* end);
  std::optional<Element> scan_scalar();
  void begin_element(State state);
  std::optional<Element> take_element();
  void drop_if_too_large();
  void advance(std::size_t to);

  SplitterOptions options_;
  std::vector<char> buffer_;
  std::uint64_t base_ = 0;    ///< offset of buffer_[0] in the file
  std::size_t at_ = 0;        ///< next byte to look at
  std::size_t begin_ = 0;     ///< of the element, in buffer_
  std::uint64_t offset_ = 0;  ///< of the element, in the file
  std::uint64_t element_line_ = 1;
  std::uint64_t line_ = 1;
  std::uint64_t depth_ = 0;
  std::size_t mark_bytes_ = 0;  ///< of the byte order mark that were there
  State state_ = State::before;
  bool list_ = false;
  bool in_string_ = false;
  bool escaped_ = false;
  bool too_large_ = false;
};

}  // namespace vivim::chat
