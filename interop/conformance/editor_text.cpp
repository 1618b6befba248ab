#include <algorithm>
#include <utility>

#include "interop/conformance/editor.hpp"
#include "interop/conformance/told.hpp"

namespace vivim::interop::conformance {

using crdt::Any;

void Editor::edit_text(crdt::Text text, Transaction& t, Encoder& program) {
  const std::uint32_t length = text.length();
  const std::uint32_t at = position(length);
  if (length > at && chance_.one_in(3)) {
    const std::uint32_t count = some_of(length - at, chance_.one_in(8) ? 10'000 : 6);
    program.var_uint(k_remove);
    program.var_uint(at);
    program.var_uint(count);
    text.remove(t, at, count);
    *last_ = at;
    return;
  }
  const std::string words = chance_.text();
  program.var_uint(k_insert_text);
  program.var_uint(at);
  program.var_string(words);
  text.insert(t, at, words);
  *last_ = at + text.length() - length;
}

void Editor::edit_formatted(crdt::Text text, Transaction& t, Encoder& program) {
  const std::size_t choice = chance_.pick(8);
  if (choice == 0) {
    apply_delta(text, t, program);
    return;
  }
  const std::uint32_t length = text.length();
  const std::uint32_t at = position(length);
  const auto formats = chance_.formats();
  if (choice < 4) {
    const auto count = static_cast<std::uint32_t>(1 + chance_.pick(length - at + 1));
    program.var_uint(k_format);
    program.var_uint(at);
    program.var_uint(count);
    program.any(Any(formats));
    text.format(t, at, count, formats);
  } else if (choice == 4 && !flat()) {
    program.var_uint(k_insert_type_formatted);
    program.var_uint(at);
    const auto fresh = type(program);
    program.any(Any(formats));
    text.insert_type(t, at, fresh, formats);
  } else if (choice <= 5) {
    const Any embed(Any::Object{{"image", Any(chance_.text())}});
    program.var_uint(k_insert_embed);
    program.var_uint(at);
    program.any(embed);
    program.any(Any(formats));
    text.insert_embed(t, at, embed, formats);
  } else {
    const std::string words = chance_.text();
    program.var_uint(k_insert_formatted);
    program.var_uint(at);
    program.var_string(words);
    program.any(Any(formats));
    text.insert(t, at, words, formats);
  }
  *last_ = at + std::max(text.length(), length) - length;
}

void Editor::apply_delta(crdt::Text text, Transaction& t, Encoder& program) {
  const auto steps = delta(text.length());
  const bool drop = chance_.one_in(2);
  program.var_uint(k_apply_delta);
  program.any(told(steps));
  program.var_uint(drop ? 1 : 0);
  text.apply_delta(t, steps, drop ? crdt::FinalNewline::drop : crdt::FinalNewline::keep);
}

crdt::TextDelta Editor::delta(std::uint32_t length) {
  crdt::TextDelta delta;
  for (std::size_t count = 1 + chance_.pick(4); count > 0; --count) {
    const auto some = static_cast<std::uint32_t>(1 + chance_.pick(length / 2 + 2));
    const std::size_t choice = chance_.pick(6);
    if (choice < 2) {
      delta.emplace_back(crdt::Retain{.length = some, .attributes = chance_.formats()});
    } else if (choice < 3 && length > 0) {  // Yjs fails where there is nothing at all
      delta.emplace_back(crdt::Remove{some});
    } else if (choice < 4) {
      delta.emplace_back(crdt::InsertEmbed{.value = Any(Any::Object{{"image", Any("x")}}),
                                           .attributes = chance_.formats()});
    } else {
      delta.emplace_back(crdt::InsertText{.utf8 = chance_.text(), .attributes = chance_.formats()});
    }
  }
  return delta;
}

}  // namespace vivim::interop::conformance
