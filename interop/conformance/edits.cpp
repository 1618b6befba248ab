#include <algorithm>
#include <string>
#include <utility>
#include <variant>

#include "interop/conformance/session.hpp"

namespace vivim::interop::conformance {

using crdt::Any;
using crdt::lib0::Encoder;

namespace {

enum Operation : std::uint8_t {
  k_text_insert,
  k_text_remove,
  k_map_set,
  k_map_set_type,
  k_map_erase,
  k_list_insert,
  k_list_insert_type,
  k_list_push,
};

/// One edit: where, what, and the same for the worker.
class Editor {
 public:
  Editor(Replica& replica, Chance& chance, crdt::Transaction& transaction, Encoder& program)
      : replica_(replica), chance_(chance), transaction_(transaction), program_(program) {}

  void run() {
    crdt::Doc& doc = *replica_.doc;
    const std::size_t root = chance_.pick(3);
    crdt::Value value = root == 0   ? crdt::Value(doc.text("t"))
                        : root == 1 ? crdt::Value(doc.map("m"))
                                    : crdt::Value(doc.array("a"));
    Encoder path;
    std::size_t depth = 0;
    while (!chance_.one_in(4) && descend(value, path)) {
      ++depth;
    }
    program_.var_string(root == 0 ? "t" : root == 1 ? "m" : "a");
    program_.var_uint(depth);
    program_.raw(path.view());
    if (const auto* text = value.if_text()) {
      edit(*text);
    } else if (const auto* map = value.if_map()) {
      edit(*map);
    } else {
      edit(*value.if_array());
    }
  }

 private:
  static bool editable(const crdt::Value& value) {
    return value.if_text() != nullptr || value.if_map() != nullptr || value.if_array() != nullptr;
  }

  // Into one of the types within.
  bool descend(crdt::Value& value, Encoder& path) {
    std::vector<std::pair<std::string, crdt::Value>> nested;
    const auto* map = value.if_map();
    if (map != nullptr) {
      map->for_each([&](std::string_view key, const crdt::Value& member) {
        if (editable(member)) {
          nested.emplace_back(key, member);
        }
      });
    } else if (const auto* array = value.if_array()) {
      std::uint32_t index = 0;
      array->for_each([&](const crdt::Value& element) {
        if (editable(element)) {
          nested.emplace_back(std::to_string(index), element);
        }
        ++index;
      });
    }
    if (nested.empty()) {
      return false;
    }
    const auto& [name, chosen] = nested[chance_.pick(nested.size())];
    path.var_uint(map != nullptr ? 0 : 1);
    if (map != nullptr) {
      path.var_string(name);
    } else {
      path.var_uint(std::stoul(name));
    }
    value = crdt::Value(chosen);
    return true;
  }

  // Half of the positions are where the last edit was: typing.
  std::uint32_t position(std::uint32_t length) {
    return chance_.one_in(2) ? std::min(replica_.last_position, length)
                             : static_cast<std::uint32_t>(chance_.pick(length + 1));
  }

  std::uint32_t some_of(std::uint32_t left, std::size_t most) {
    return static_cast<std::uint32_t>(1 + chance_.pick(std::min<std::size_t>(left, most)));
  }

  void edit(crdt::Text text) {
    const std::uint32_t length = text.length();
    const std::uint32_t at = position(length);
    if (length > at && chance_.one_in(3)) {
      const std::uint32_t count = some_of(length - at, chance_.one_in(8) ? 10'000 : 6);
      program_.var_uint(k_text_remove);
      program_.var_uint(at);
      program_.var_uint(count);
      text.remove(transaction_, at, count);
      replica_.last_position = at;
      return;
    }
    const std::string words = chance_.text();
    program_.var_uint(k_text_insert);
    program_.var_uint(at);
    program_.var_string(words);
    text.insert(transaction_, at, words);
    replica_.last_position = at + text.length() - length;
  }

  void edit(crdt::Map map) {
    const std::size_t number = chance_.pick(chance_.one_in(4) ? 30 : 5);
    const std::string key = number == 4 ? "" : "k" + std::to_string(number);
    const std::size_t choice = chance_.pick(8);
    if (choice < 2) {
      program_.var_uint(k_map_erase);
      program_.var_string(key);
      map.erase(transaction_, key);
    } else if (choice < 5) {
      const Any value = chance_.any();
      program_.var_uint(k_map_set);
      program_.var_string(key);
      program_.any(value);
      map.set(transaction_, key, value);
    } else {
      const std::size_t kind = chance_.pick(3);
      program_.var_uint(k_map_set_type);
      program_.var_string(key);
      program_.var_uint(kind);
      if (kind == 0) {
        map.set_array(transaction_, key);
      } else if (kind == 1) {
        map.set_map(transaction_, key);
      } else {
        map.set_text(transaction_, key);
      }
    }
  }

  void edit(crdt::Array array) {
    const std::uint32_t length = array.length();
    const std::uint32_t at = position(length);
    const std::size_t choice = chance_.pick(8);
    if (choice < 2 && at < length) {
      const std::uint32_t count = some_of(length - at, 4);
      program_.var_uint(k_text_remove);
      program_.var_uint(at);
      program_.var_uint(count);
      array.remove(transaction_, at, count);
    } else if (choice < 5) {
      Any::Array values;
      for (std::size_t count = 1 + chance_.pick(3); count > 0; --count) {
        values.push_back(chance_.any());
      }
      program_.var_uint(k_list_insert);
      program_.var_uint(at);
      program_.any(Any(values));
      array.insert(transaction_, at, std::move(values));
    } else if (choice < 6) {
      const Any value = chance_.any();
      program_.var_uint(k_list_push);
      program_.any(Any(Any::Array{value}));
      array.push(transaction_, value);
    } else {
      insert_type(array, at);
    }
  }

  void insert_type(crdt::Array array, std::uint32_t at) {
    const std::size_t kind = chance_.pick(3);
    program_.var_uint(k_list_insert_type);
    program_.var_uint(at);
    program_.var_uint(kind);
    if (kind == 0) {
      array.insert_array(transaction_, at);
    } else if (kind == 1) {
      array.insert_map(transaction_, at);
    } else {
      array.insert_text(transaction_, at);
    }
  }

  Replica& replica_;
  Chance& chance_;
  crdt::Transaction& transaction_;
  Encoder& program_;
};

}  // namespace

void edit_at_random(Replica& replica, Chance& chance, crdt::Transaction& transaction,
                    std::size_t count, Encoder& program) {
  for (std::size_t i = 0; i < count; ++i) {
    Editor(replica, chance, transaction, program).run();
  }
}

}  // namespace vivim::interop::conformance
