#include <algorithm>

#include "interop/yjs_types.hpp"

namespace vivim::interop {
namespace {

enum Operation : std::uint8_t {
  k_text_insert,
  k_text_remove,
  k_map_set,
  k_map_set_type,
  k_map_erase,
  k_list_insert,
  k_list_insert_type,
  k_list_remove,
  k_list_push,
  k_text_format,
  k_text_embed,
  k_text_insert_with,
  k_text_apply,
  k_set_attribute,
  k_remove_attribute,
  k_map_clear,
  k_list_unshift,
  k_text_insert_type,
  k_map_set_document,
  k_list_insert_document,
  k_insert_after,
};

Any shown(const crdt::Value& value) {
  if (const Any* plain = value.if_any()) {
    return *plain;
  }
  return value.if_subdocument() != nullptr ? Any("[doc]") : Any("[type]");
}

Any::Object step(const char* name, Any value, const Any::Object& attributes) {
  Any::Object members{{name, std::move(value)}};
  if (!attributes.empty()) {
    members.emplace_back("attributes", Any(attributes));
  }
  return members;
}

struct StepTeller {
  Any::Object operator()(const crdt::Retain& s) const {
    return step("retain", Any(s.length), s.attributes);
  }
  Any::Object operator()(const crdt::Remove& s) const { return step("delete", Any(s.length), {}); }
  Any::Object operator()(const crdt::InsertText& s) const {
    return step("insert", Any(s.utf8), s.attributes);
  }
  Any::Object operator()(const crdt::InsertEmbed& s) const {
    return step("insert", shown(s.value), s.attributes);
  }
  Any::Object operator()(const crdt::InsertElements& s) const {
    Any::Array values;
    for (const crdt::Value& value : s.values) {
      values.push_back(shown(value));
    }
    return step("insert", Any(std::move(values)), {});
  }
};

template <class Delta>
Any tell(const Delta& delta) {
  Any::Array steps;
  for (const auto& step : delta) {
    steps.emplace_back(std::visit(StepTeller{}, step));
  }
  return Any(std::move(steps));
}

}  // namespace

Any told(const crdt::TextDelta& delta) {
  return tell(delta);
}
Any told(const crdt::ArrayDelta& delta) {
  return tell(delta);
}

std::string told(const crdt::Path& path, const Any& delta,
                 const std::vector<crdt::MapChange>& keys) {
  static constexpr const char* k_actions[] = {"add", "update", "delete"};
  Any::Array way;
  for (const auto& part : path) {
    std::visit([&](const auto& value) { way.emplace_back(value); }, part);
  }
  Any::Object changes;
  for (const crdt::MapChange& change : keys) {
    changes.emplace_back(change.key,
                         Any(Any::Array{Any(k_actions[static_cast<std::size_t>(change.action)]),
                                        shown(change.old_value)}));
  }
  return Any(Any::Array{Any(std::move(way)), delta, Any(std::move(changes))}).to_json();
}

std::uint32_t length_of(const crdt::Value& type) {
  return std::visit(
      [](const auto& held) {
        if constexpr (requires { held.length(); }) {
          return held.length();
        } else {
          return k_no_list;
        }
      },
      static_cast<const crdt::Value::Base&>(type));
}

// Half of the positions are where the last edit was: typing.
std::uint32_t Editor::position(std::uint32_t length) {
  return pick(2) == 0 ? std::min(last_, length) : static_cast<std::uint32_t>(pick(length + 1));
}

std::uint32_t Editor::count_from(std::uint32_t at, std::uint32_t length) {
  return static_cast<std::uint32_t>(1 + pick(std::min<std::size_t>(length - at, 6)));
}

bool Editor::descend(crdt::Value& value, Encoder& steps) {
  std::vector<std::pair<std::string, crdt::Value>> nested;
  const auto is_type = [](const crdt::Value& member) {
    return member.if_any() == nullptr && member.if_subdocument() == nullptr;
  };
  const auto add_key = [&](std::string_view key, const crdt::Value& member) {
    if (is_type(member)) {
      nested.emplace_back(key, member);
    }
  };
  std::uint32_t index = 0;
  const auto add_index = [&](const crdt::Value& member) {
    if (is_type(member)) {
      nested.emplace_back(std::to_string(index), member);
    }
    ++index;
  };
  const bool by_key = value.if_map() != nullptr || value.if_xml_hook() != nullptr;
  if (value.if_map() != nullptr) {
    value.if_map()->for_each(add_key);
  } else if (value.if_xml_hook() != nullptr) {
    value.if_xml_hook()->for_each(add_key);
  } else if (value.if_array() != nullptr) {
    value.if_array()->for_each(add_index);
  } else if (value.if_xml_fragment() != nullptr) {
    value.if_xml_fragment()->for_each(add_index);
  } else if (value.if_xml_element() != nullptr) {
    value.if_xml_element()->for_each(add_index);
  }
  if (nested.empty()) {
    return false;
  }
  const auto& chosen = nested[pick(nested.size())];
  steps.var_uint(by_key ? 0 : 1);
  if (by_key) {
    steps.var_string(chosen.first);
  } else {
    steps.var_uint(std::stoul(chosen.first));
  }
  value = crdt::Value(chosen.second);
  return true;
}

Target Editor::choose(crdt::Doc& doc) {
  static constexpr const char* k_roots[] = {"t", "m", "a", "x"};
  static constexpr std::size_t k_chosen[] = {0, 0, 1, 2, 3, 3};
  const std::size_t which = k_chosen[pick(std::size(k_chosen))];
  crdt::Value value = which == 0   ? crdt::Value(doc.text("t"))
                      : which == 1 ? crdt::Value(doc.map("m"))
                      : which == 2 ? crdt::Value(doc.array("a"))
                                   : crdt::Value(doc.xml_fragment("x"));
  Encoder steps;
  std::size_t count = 0;
  while (pick(4) != 0 && descend(value, steps)) {
    ++count;
  }
  Encoder path;
  path.var_string(k_roots[which]);
  path.var_uint(count);
  path.raw(steps.view());
  return {.type = std::move(value), .path = std::move(path)};
}

std::string Editor::text() {
  static constexpr const char* k_pieces[] = {
      "a", "b", "xyz", " ", "\n", "é", "漢字", "0", "\xf0\x9f\x98\x80", "\xf0\x9f\x91\x8d"};
  std::string text;
  for (std::size_t count = 1 + pick(4); count > 0; --count) {
    text += k_pieces[pick(emoji_ ? std::size(k_pieces) : 8)];
  }
  return text;
}

Any Editor::any() {
  switch (pick(6)) {
    case 0:
      return nullptr;
    case 1:
      return static_cast<double>(pick(100)) / 4;
    case 2:
      return Any(Any::Array{Any(1), Any("two")});
    case 3:
      return Any(Any::Object{{"k", Any(text())}, {"7", Any(true)}});
    case 4:
      return Any(Bytes{1, 2, 3});
    default:
      return text();
  }
}

// Formats: plain ones, and objects that are equal by their members only, or only themselves.
Any Editor::attribute() {
  switch (pick(8)) {
    case 0:
    case 1:
      return nullptr;
    case 2:
      return pick(2) == 0;
    case 3:
      return Any(Any::Object{{"href", Any("u")}});
    case 4:
      return Any(Any::Object{{"in", Any(Any::Object{{"deep", Any(1)}})}});
    case 5:
      return static_cast<double>(pick(2));
    default:
      return true;
  }
}

Any::Object Editor::attributes() {
  static constexpr const char* k_names[] = {"bold", "link", "2", "1", "em"};
  Any::Object attributes;
  for (const char* name : k_names) {
    if (pick(3) == 0) {
      attributes.emplace_back(name, attribute());
    }
  }
  return attributes;
}

crdt::NewType Editor::type(bool xml, Encoder& program) {
  static constexpr crdt::SharedType k_all[] = {
      crdt::SharedType::array,    crdt::SharedType::map,         crdt::SharedType::text,
      crdt::SharedType::text,     crdt::SharedType::xml_element, crdt::SharedType::xml_fragment,
      crdt::SharedType::xml_text, crdt::SharedType::xml_hook};
  static constexpr crdt::SharedType k_nodes[] = {
      crdt::SharedType::xml_element, crdt::SharedType::xml_element, crdt::SharedType::xml_text,
      crdt::SharedType::xml_text, crdt::SharedType::xml_hook};
  crdt::NewType fresh;
  fresh.type = xml ? k_nodes[pick(std::size(k_nodes))] : k_all[pick(std::size(k_all))];
  fresh.name = pick(2) == 0 ? "P" : "div";
  program.var_uint(static_cast<std::uint64_t>(fresh.type));
  program.var_string(fresh.name);
  return fresh;
}

crdt::SubdocumentOptions Editor::document(Encoder& program) {
  crdt::SubdocumentOptions options{
      .guid = "doc " + std::to_string(++documents_) + " of " + std::to_string(pick(1'000'000)),
      .collect_garbage = pick(2) == 0,
      .auto_load = pick(2) == 0,
      .meta = {},
      .should_load = pick(2) == 0};
  if (pick(2) == 0) {
    options.meta = Any(Any::Object{{"m", Any(options.guid)}});
  }
  program.var_string(options.guid);
  program.var_uint((options.collect_garbage ? 0U : 1U) | (options.auto_load ? 2U : 0U) |
                   (options.should_load ? 4U : 0U) | (options.meta ? 8U : 0U));
  return options;
}

crdt::TextDelta Editor::delta(std::uint32_t length, Encoder& program) {
  crdt::TextDelta delta;
  for (std::size_t count = 1 + pick(4); count > 0; --count) {
    const auto some = static_cast<std::uint32_t>(1 + pick(length / 2 + 2));
    const std::size_t choice = pick(6);
    if (choice < 2) {
      delta.emplace_back(crdt::Retain{.length = some, .attributes = attributes()});
    } else if (choice < 3 && length > 0) {  // Yjs fails where there is nothing at all
      delta.emplace_back(crdt::Remove{some});
    } else if (choice < 4) {
      delta.emplace_back(crdt::InsertEmbed{.value = Any(Any::Object{{"image", Any(text())}}),
                                           .attributes = attributes()});
    } else {
      delta.emplace_back(crdt::InsertText{.utf8 = text(), .attributes = attributes()});
    }
  }
  program.any(told(delta));
  return delta;
}

bool Editor::edit_attribute(const crdt::Value& type, crdt::Transaction& t, Encoder& program) {
  return std::visit(
      [&](auto held) {
        if constexpr (requires { held.set_attribute(t, "", Any()); }) {
          const std::string name = pick(2) == 0 ? "width" : "height";
          if (pick(3) == 0) {
            program.var_uint(k_remove_attribute);
            program.var_string(name);
            held.remove_attribute(t, name);
          } else {
            const Any value = any();
            program.var_uint(k_set_attribute);
            program.var_string(name);
            program.any(value);
            held.set_attribute(t, name, value);
          }
          return true;
        } else {
          return false;
        }
      },
      static_cast<const crdt::Value::Base&>(type));
}

void Editor::edit(crdt::Doc& doc, crdt::Transaction& t, Encoder& program) {
  Target target = choose(doc);
  program.raw(target.path.view());
  if (pick(8) == 0 && edit_attribute(target.type, t, program)) {
    return;
  }
  std::visit(
      [&](auto held) {
        if constexpr (std::is_base_of_v<crdt::Text, decltype(held)>) {
          pick(2) == 0 ? edit_text(held, t, program) : format_text(held, t, program);
        } else if constexpr (std::is_base_of_v<crdt::Map, decltype(held)>) {
          edit_map(held, t, program);
        } else if constexpr (std::is_base_of_v<crdt::Array, decltype(held)>) {
          edit_list(held, t, program);
        } else if constexpr (std::is_base_of_v<crdt::XmlFragment, decltype(held)>) {
          edit_nodes(held, t, program);
        }
      },
      static_cast<const crdt::Value::Base&>(target.type));
}

void Editor::edit_text(crdt::Text text, crdt::Transaction& t, Encoder& program) {
  const std::uint32_t length = text.length();
  const std::uint32_t at = position(length);
  if (length > at && pick(3) == 0) {
    const std::uint32_t count = count_from(at, length);
    program.var_uint(k_text_remove);
    program.var_uint(at);
    program.var_uint(count);
    text.remove(t, at, count);
    last_ = at;
    return;
  }
  const std::string words = this->text();
  program.var_uint(k_text_insert);
  program.var_uint(at);
  program.var_string(words);
  text.insert(t, at, words);
  last_ = at + text.length() - length;
}

void Editor::format_text(crdt::Text text, crdt::Transaction& t, Encoder& program) {
  const std::uint32_t length = text.length();
  const std::uint32_t at = position(length);
  const std::size_t choice = pick(8);
  if (choice == 0) {
    program.var_uint(k_text_apply);
    const bool drop = pick(2) == 0;
    const auto steps = delta(length, program);
    program.var_uint(drop ? 1 : 0);
    text.apply_delta(t, steps, drop ? crdt::FinalNewline::drop : crdt::FinalNewline::keep);
    return;
  }
  const auto formats = attributes();
  if (choice < 4) {
    const auto count = static_cast<std::uint32_t>(1 + pick(length - at + 1));
    program.var_uint(k_text_format);
    program.var_uint(at);
    program.var_uint(count);
    program.any(Any(formats));
    text.format(t, at, count, formats);
    return;
  }
  if (choice == 4) {
    program.var_uint(k_text_insert_type);
    program.var_uint(at);
    const auto fresh = type(false, program);
    program.any(Any(formats));
    text.insert_type(t, at, fresh, formats);
    return;
  }
  if (choice == 5) {
    const Any embed(Any::Object{{"image", Any("x")}});
    program.var_uint(k_text_embed);
    program.var_uint(at);
    program.any(embed);
    program.any(Any(formats));
    text.insert_embed(t, at, embed, formats);
    return;
  }
  const std::string words = this->text();
  program.var_uint(k_text_insert_with);
  program.var_uint(at);
  program.var_string(words);
  program.any(Any(formats));
  text.insert(t, at, words, formats);
  last_ = at + text.length() - length;
}

void Editor::edit_map(crdt::Map map, crdt::Transaction& t, Encoder& program) {
  const std::string key = "k" + std::to_string(pick(4));
  const std::size_t choice = pick(16);
  if (choice == 0) {
    program.var_uint(k_map_clear);
    map.clear(t);
    return;
  }
  const Operation operation = choice < 4    ? k_map_erase
                              : choice < 9  ? k_map_set
                              : choice < 14 ? k_map_set_type
                                            : k_map_set_document;
  program.var_uint(operation);
  program.var_string(key);
  if (operation == k_map_erase) {
    map.erase(t, key);
  } else if (operation == k_map_set) {
    const Any value = any();
    program.any(value);
    map.set(t, key, value);
  } else if (operation == k_map_set_type) {
    map.set_type(t, key, type(false, program));
  } else {
    map.set_subdocument(t, key, document(program));
  }
}

void Editor::edit_list(crdt::Array list, crdt::Transaction& t, Encoder& program) {
  const std::uint32_t length = list.length();
  const std::uint32_t at = position(length);
  const std::size_t choice = pick(12);
  if (choice < 3 && at < length) {
    const std::uint32_t count = count_from(at, length);
    program.var_uint(k_list_remove);
    program.var_uint(at);
    program.var_uint(count);
    list.remove(t, at, count);
  } else if (choice < 7) {
    const Any::Array values{any(), any()};
    const Operation operation = choice < 5   ? k_list_insert
                                : choice < 6 ? k_list_push
                                             : k_list_unshift;
    program.var_uint(operation);
    if (operation == k_list_insert) {
      program.var_uint(at);
    }
    program.any(Any(values));
    if (operation == k_list_insert) {
      list.insert(t, at, values);
    } else if (operation == k_list_push) {
      list.push(t, values);
    } else {
      list.unshift(t, values);
    }
  } else if (choice < 11) {
    program.var_uint(k_list_insert_type);
    program.var_uint(at);
    list.insert_type(t, at, type(false, program));
  } else {
    program.var_uint(k_list_insert_document);
    program.var_uint(at);
    list.insert_subdocument(t, at, document(program));
  }
}

void Editor::edit_nodes(crdt::XmlFragment nodes, crdt::Transaction& t, Encoder& program) {
  const std::uint32_t length = nodes.length();
  const std::uint32_t at = position(length);
  if (pick(3) == 0 && at < length) {
    const std::uint32_t count = count_from(at, length);
    program.var_uint(k_list_remove);
    program.var_uint(at);
    program.var_uint(count);
    nodes.remove(t, at, count);
  } else if (pick(3) == 0) {
    program.var_uint(k_insert_after);
    program.var_uint(at);
    const auto fresh = type(true, program);
    nodes.insert_after(t, at == 0 ? std::nullopt : nodes.get(at - 1), fresh);
  } else {
    program.var_uint(k_list_insert_type);
    program.var_uint(at);
    nodes.insert_type(t, at, type(true, program));
  }
}

}  // namespace vivim::interop
