#pragma once

#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include "vivim/crdt/doc.hpp"
#include "vivim/crdt/event.hpp"
#include "vivim/crdt/lib0.hpp"

namespace vivim::interop {

using crdt::Any;
using crdt::lib0::Decoder;
using crdt::lib0::Encoder;

/// A type in a document and how to find it from a root, as interop/js/yjs-types-worker.mjs reads
/// it.
struct Target {
  crdt::Value type;
  Encoder path;
};

inline constexpr std::uint32_t k_no_list = 0xffff'ffff;
/// Of a text or list; k_no_list of anything else.
std::uint32_t length_of(const crdt::Value& type);

// What observers are told, as the worker writes it.
Any told(const crdt::TextDelta& delta);
Any told(const crdt::ArrayDelta& delta);
std::string told(const crdt::Path& path, const Any& delta,
                 const std::vector<crdt::MapChange>& keys);

/// Makes random edits, and writes each down as the worker repeats it.
class Editor {
 public:
  /// With emoji, positions may cut a surrogate pair.
  Editor(std::mt19937_64& rng, bool emoji) : rng_(rng), emoji_(emoji) {}

  void edit(crdt::Doc& doc, crdt::Transaction& t, Encoder& program);
  Target choose(crdt::Doc& doc);

 private:
  std::size_t pick(std::size_t below) { return below == 0 ? 0 : rng_() % below; }
  std::uint32_t position(std::uint32_t length);
  std::uint32_t count_from(std::uint32_t at, std::uint32_t length);
  bool descend(crdt::Value& value, Encoder& steps);
  std::string text();
  Any any();
  Any attribute();
  Any::Object attributes();
  crdt::NewType type(bool xml, Encoder& program);
  crdt::SubdocumentOptions document(Encoder& program);
  crdt::TextDelta delta(std::uint32_t length, Encoder& program);

  void edit_text(crdt::Text text, crdt::Transaction& t, Encoder& program);
  void format_text(crdt::Text text, crdt::Transaction& t, Encoder& program);
  void edit_map(crdt::Map map, crdt::Transaction& t, Encoder& program);
  void edit_list(crdt::Array list, crdt::Transaction& t, Encoder& program);
  void edit_nodes(crdt::XmlFragment nodes, crdt::Transaction& t, Encoder& program);
  bool edit_attribute(const crdt::Value& type, crdt::Transaction& t, Encoder& program);

  std::mt19937_64& rng_;
  bool emoji_;
  std::uint32_t last_ = 0;
  std::uint32_t documents_ = 0;
};

}  // namespace vivim::interop
