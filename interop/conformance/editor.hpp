#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "interop/conformance/chance.hpp"
#include "vivim/crdt/doc.hpp"
#include "vivim/crdt/event.hpp"
#include "vivim/crdt/lib0.hpp"
#include "vivim/crdt/value.hpp"

namespace vivim::interop::conformance {

/// What a session's documents are made of: text, maps and arrays without formats; everything;
/// everything that all engines read (yrs cannot read an XML hook); formatted text and plain values
/// without types within (of these yrs loses deletions); or a single text, where formats meet.
enum class Content : std::uint8_t { plain, rich, rich_without_hooks, flat, formatted };

/// A type in a document, and how the worker finds it from a root.
struct Target {
  crdt::Value type;
  crdt::lib0::Encoder path;
};

/// Of a text or list; nothing of anything else.
std::optional<std::uint32_t> length_of(const crdt::Value& type);

/// A root of the documents by its number: text, map, array, XML.
crdt::Value root_of(crdt::Doc& doc, std::size_t number);

/// Makes random edits, and writes each down as the worker repeats it.
class Editor {
 public:
  Editor(Chance& chance, Content content) : chance_(chance), content_(content) {}

  /// One edit somewhere in `doc`. `last` is where its writer was, and is then.
  void edit(crdt::Doc& doc, std::uint32_t& last, crdt::Transaction& transaction,
            crdt::lib0::Encoder& program);
  Target choose(crdt::Doc& doc);

 private:
  using Encoder = crdt::lib0::Encoder;
  using Transaction = crdt::Transaction;

  crdt::Value choose_root(crdt::Doc& doc, Encoder& path);
  bool descend(crdt::Value& value, Encoder& steps);
  std::uint32_t position(std::uint32_t length);
  std::uint32_t some_of(std::uint32_t left, std::size_t most);
  std::string key();
  crdt::NewType type(Encoder& program);
  crdt::NewType node(Encoder& program);
  crdt::SubdocumentOptions document(Encoder& program);

  bool rich() const { return content_ != Content::plain; }
  bool flat() const { return content_ == Content::flat; }

  void edit_map(crdt::Map map, Transaction& t, Encoder& program);
  void edit_list(crdt::Array list, Transaction& t, Encoder& program);
  void insert_values(crdt::Array list, std::uint32_t at, Transaction& t, Encoder& program);
  void edit_nodes(crdt::XmlFragment nodes, Transaction& t, Encoder& program);
  bool edit_attribute(const crdt::Value& type, Transaction& t, Encoder& program);

  // Texts (editor_text.cpp).
  void edit_text(crdt::Text text, Transaction& t, Encoder& program);
  void edit_formatted(crdt::Text text, Transaction& t, Encoder& program);
  void apply_delta(crdt::Text text, Transaction& t, Encoder& program);
  crdt::TextDelta delta(std::uint32_t length);

  Chance& chance_;
  Content content_;
  std::uint32_t* last_ = nullptr;
  std::uint32_t documents_ = 0;
};

/// As interop/js/conformance-edit.mjs numbers them.
enum Operation : std::uint8_t {
  k_insert_text,
  k_remove,
  k_set,
  k_set_type,
  k_erase,
  k_insert_values,
  k_insert_type,
  k_push,
  k_unshift,
  k_clear,
  k_set_document,
  k_insert_document,
  k_insert_after,
  k_set_attribute,
  k_remove_attribute,
  k_format,
  k_insert_embed,
  k_insert_formatted,
  k_insert_type_formatted,
  k_apply_delta,
};

}  // namespace vivim::interop::conformance
