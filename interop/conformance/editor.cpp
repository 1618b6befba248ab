#include "interop/conformance/editor.hpp"

#include <algorithm>
#include <iterator>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

namespace vivim::interop::conformance {

using crdt::Any;
using crdt::SharedType;

namespace {

// As interop/js/conformance-edit.mjs names them.
constexpr const char* k_names[] = {"t", "m", "a", "x"};

}  // namespace

std::optional<std::uint32_t> length_of(const crdt::Value& type) {
  return std::visit(
      [](const auto& held) -> std::optional<std::uint32_t> {
        if constexpr (requires { held.length(); }) {
          return held.length();
        } else {
          return std::nullopt;
        }
      },
      static_cast<const crdt::Value::Base&>(type));
}

crdt::Value root_of(crdt::Doc& doc, std::size_t number) {
  switch (number) {
    case 0:
      return doc.text(k_names[0]);
    case 1:
      return doc.map(k_names[1]);
    case 2:
      return doc.array(k_names[2]);
    default:
      return doc.xml_fragment(k_names[3]);
  }
}

crdt::Value Editor::choose_root(crdt::Doc& doc, Encoder& path) {
  static constexpr std::size_t k_chosen[] = {0, 1, 2, 0, 3, 3};
  const std::size_t count = content_ == Content::formatted ? 1
                            : rich() && !flat()            ? std::size(k_chosen)
                                                           : 3;
  const std::size_t root = k_chosen[chance_.pick(count)];
  path.var_string(k_names[root]);
  return root_of(doc, root);
}

// Into one of the types within.
bool Editor::descend(crdt::Value& value, Encoder& steps) {
  std::vector<std::pair<std::string, crdt::Value>> nested;
  const auto is_type = [&](const crdt::Value& member) {
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
  std::visit(
      [&](const auto& held) {
        using Held = std::decay_t<decltype(held)>;
        if constexpr (std::is_base_of_v<crdt::Map, Held>) {
          held.for_each(add_key);
        } else if constexpr (requires { held.for_each(add_index); }) {
          held.for_each(add_index);
        }
      },
      static_cast<const crdt::Value::Base&>(value));
  if (nested.empty()) {
    return false;
  }
  const auto& [name, chosen] = nested[chance_.pick(nested.size())];
  steps.var_uint(by_key ? 0 : 1);
  if (by_key) {
    steps.var_string(name);
  } else {
    steps.var_uint(std::stoul(name));
  }
  value = crdt::Value(chosen);
  return true;
}

Target Editor::choose(crdt::Doc& doc) {
  Encoder path;
  crdt::Value value = choose_root(doc, path);
  Encoder steps;
  std::size_t count = 0;
  while (!chance_.one_in(4) && descend(value, steps)) {
    ++count;
  }
  path.var_uint(count);
  path.raw(steps.view());
  return {.type = std::move(value), .path = std::move(path)};
}

// Half of the positions are where the last edit was: typing.
std::uint32_t Editor::position(std::uint32_t length) {
  return chance_.one_in(2) ? std::min(*last_, length)
                           : static_cast<std::uint32_t>(chance_.pick(length + 1));
}

std::uint32_t Editor::some_of(std::uint32_t left, std::size_t most) {
  return static_cast<std::uint32_t>(1 + chance_.pick(std::min<std::size_t>(left, most)));
}

std::string Editor::key() {
  const std::size_t number = chance_.pick(chance_.one_in(4) ? 30 : 6);
  return number == 4 ? "" : number == 5 ? "7" : "k" + std::to_string(number);
}

crdt::NewType Editor::type(Encoder& program) {
  static constexpr SharedType k_types[] = {SharedType::array,        SharedType::map,
                                           SharedType::text,         SharedType::text,
                                           SharedType::xml_text,     SharedType::xml_element,
                                           SharedType::xml_fragment, SharedType::xml_hook};
  crdt::NewType fresh;
  const std::size_t hooks = content_ == Content::rich ? 0 : 1;
  fresh.type = k_types[chance_.pick(rich() ? std::size(k_types) - hooks : 3)];
  fresh.name = chance_.one_in(2) ? "P" : "div";
  program.var_uint(static_cast<std::uint64_t>(fresh.type));
  program.var_string(fresh.name);
  return fresh;
}

crdt::NewType Editor::node(Encoder& program) {
  static constexpr SharedType k_nodes[] = {SharedType::xml_element, SharedType::xml_element,
                                           SharedType::xml_text, SharedType::xml_text,
                                           SharedType::xml_hook};
  crdt::NewType fresh;
  const std::size_t hooks = content_ == Content::rich ? 0 : 1;
  fresh.type = k_nodes[chance_.pick(std::size(k_nodes) - hooks)];
  fresh.name = chance_.one_in(2) ? "P" : "div";
  program.var_uint(static_cast<std::uint64_t>(fresh.type));
  program.var_string(fresh.name);
  return fresh;
}

crdt::SubdocumentOptions Editor::document(Encoder& program) {
  crdt::SubdocumentOptions options{.guid = "doc " + std::to_string(++documents_),
                                   .collect_garbage = chance_.one_in(2),
                                   .auto_load = chance_.one_in(2),
                                   .meta = {},
                                   .should_load = chance_.one_in(2)};
  if (chance_.one_in(2)) {
    options.meta = Any(Any::Object{{"m", Any(options.guid)}});
  }
  program.var_string(options.guid);
  program.var_uint((options.collect_garbage ? 0U : 1U) | (options.auto_load ? 2U : 0U) |
                   (options.should_load ? 4U : 0U) | (options.meta ? 8U : 0U));
  return options;
}

void Editor::edit(crdt::Doc& doc, std::uint32_t& last, Transaction& t, Encoder& program) {
  last_ = &last;
  const Target target = choose(doc);
  program.raw(target.path.view());
  if (rich() && chance_.one_in(8) && edit_attribute(target.type, t, program)) {
    return;
  }
  std::visit(
      [&](auto held) {
        if constexpr (std::is_base_of_v<crdt::Text, decltype(held)>) {
          if (!rich() || chance_.one_in(2)) {
            edit_text(held, t, program);
          } else {
            edit_formatted(held, t, program);
          }
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

bool Editor::edit_attribute(const crdt::Value& type, Transaction& t, Encoder& program) {
  return std::visit(
      [&](auto held) {
        if constexpr (requires { held.set_attribute(t, "", Any()); }) {
          const std::string name = chance_.one_in(2) ? "width" : "height";
          if (chance_.one_in(3)) {
            program.var_uint(k_remove_attribute);
            program.var_string(name);
            held.remove_attribute(t, name);
          } else {
            const Any value = chance_.any();
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

void Editor::edit_map(crdt::Map map, Transaction& t, Encoder& program) {
  const std::size_t choice = chance_.pick(flat() ? 10 : rich() ? 18 : 16);
  if (choice == 0) {
    program.var_uint(k_clear);
    map.clear(t);
    return;
  }
  const Operation operation = choice < 4    ? k_erase
                              : choice < 10 ? k_set
                              : choice < 16 ? k_set_type
                                            : k_set_document;
  const std::string name = key();
  program.var_uint(operation);
  program.var_string(name);
  if (operation == k_erase) {
    map.erase(t, name);
  } else if (operation == k_set) {
    const Any value = chance_.any();
    program.any(value);
    map.set(t, name, value);
  } else if (operation == k_set_type) {
    map.set_type(t, name, type(program));
  } else {
    map.set_subdocument(t, name, document(program));
  }
}

void Editor::edit_list(crdt::Array list, Transaction& t, Encoder& program) {
  const std::uint32_t length = list.length();
  const std::uint32_t at = position(length);
  const std::size_t choice = chance_.pick(flat() ? 8 : rich() ? 12 : 11);
  if (choice < 3 && at < length) {
    const std::uint32_t count = some_of(length - at, 5);
    program.var_uint(k_remove);
    program.var_uint(at);
    program.var_uint(count);
    list.remove(t, at, count);
  } else if (choice < 8) {
    insert_values(list, at, t, program);
  } else if (choice < 11) {
    program.var_uint(k_insert_type);
    program.var_uint(at);
    list.insert_type(t, at, type(program));
  } else {
    program.var_uint(k_insert_document);
    program.var_uint(at);
    list.insert_subdocument(t, at, document(program));
  }
  *last_ = at;
}

void Editor::insert_values(crdt::Array list, std::uint32_t at, Transaction& t, Encoder& program) {
  static constexpr Operation k_ways[] = {k_insert_values, k_insert_values, k_push, k_unshift};
  Any::Array values;
  for (std::size_t count = 1 + chance_.pick(3); count > 0; --count) {
    values.push_back(chance_.any());
  }
  const Operation way = k_ways[chance_.pick(std::size(k_ways))];
  program.var_uint(way);
  if (way == k_insert_values) {
    program.var_uint(at);
  }
  program.any(Any(values));
  if (way == k_insert_values) {
    list.insert(t, at, std::move(values));
  } else if (way == k_push) {
    list.push(t, std::move(values));
  } else {
    list.unshift(t, std::move(values));
  }
}

void Editor::edit_nodes(crdt::XmlFragment nodes, Transaction& t, Encoder& program) {
  const std::uint32_t length = nodes.length();
  const std::uint32_t at = position(length);
  if (chance_.one_in(3) && at < length) {
    const std::uint32_t count = some_of(length - at, 5);
    program.var_uint(k_remove);
    program.var_uint(at);
    program.var_uint(count);
    nodes.remove(t, at, count);
  } else if (const auto before = at == 0 ? std::nullopt : nodes.get(at - 1);
             (!before || before->if_any() == nullptr) && chance_.one_in(3)) {
    program.var_uint(k_insert_after);
    program.var_uint(at);
    const auto fresh = node(program);
    nodes.insert_after(t, before, fresh);
  } else {
    program.var_uint(k_insert_type);
    program.var_uint(at);
    nodes.insert_type(t, at, node(program));
  }
  *last_ = at;
}

}  // namespace vivim::interop::conformance
