#include <iterator>
#include <optional>
#include <string>
#include <vector>

#include "interop/conformance/session.hpp"
#include "vivim/crdt/inspect.hpp"

// Structs that no edit of ours makes: of old Yjs versions, of types and content of other programs,
// and of clients whose neighbours are garbage by now. They stand in a root of their own, in types
// within it, or point at anything that anybody has written.
namespace vivim::interop::conformance {

using crdt::lib0::Encoder;

namespace {

constexpr std::uint8_t k_json = 2;
constexpr std::uint8_t k_binary = 3;
constexpr std::uint8_t k_embed = 5;
constexpr std::uint8_t k_format = 6;
constexpr std::uint8_t k_type = 7;
constexpr std::uint8_t k_any = 8;
constexpr std::uint8_t k_doc = 9;
constexpr std::uint8_t k_plain_kinds[] = {k_json, k_binary, k_any};
constexpr std::uint8_t k_kinds[] = {k_json, k_binary, k_embed, k_format,
                                    k_type, k_type,   k_any,   k_doc};

struct Measure {
  std::size_t units_max = 3;
  bool nothing = true;  ///< whether null and undefined will do
};

// Writes content of that kind and says how long it is.
std::uint64_t write_content(Encoder& out, Chance& chance, std::uint8_t kind, Measure measure) {
  static constexpr const char* k_values[] = {R"("é")", R"({"a":[1.0,2E1],"1":"\u0061"})", "1.5",
                                             "undefined", "null"};
  const std::uint64_t count = 1 + chance.pick(measure.units_max);
  switch (kind) {
    case k_json:
      out.var_uint(count);
      for (std::uint64_t i = 0; i < count; ++i) {
        out.var_string(k_values[chance.pick(measure.nothing ? 5 : 3)]);
      }
      return count;
    case k_binary:
      out.var_bytes(Bytes(chance.pick(4), 9));
      return 1;
    case k_embed:
      out.var_string(chance.one_in(2) ? R"({"9":-1.5,"image":"x","b":null})"
                                      : R"({ "image":"\n", "9" : 1.50 })");
      return 1;
    case k_format:
      out.var_string(chance.one_in(2) ? "bold" : "colour");
      out.var_string(chance.one_in(3) ? "null" : chance.one_in(2) ? "true" : "1.50");
      return 1;
    case k_type: {
      const std::size_t type = chance.pick(7);
      out.var_uint(type);
      if (type == 3 || type == 5) {
        out.var_string(chance.one_in(2) ? "p" : "h1");
      }
      return 1;
    }
    case k_any:
      out.var_uint(count);
      for (std::uint64_t i = 0; i < count; ++i) {
        out.any(measure.nothing ? chance.any() : crdt::Any(chance.text()));
      }
      return count;
    default:
      out.var_string("guid-" + std::to_string(chance.number() % 1000));
      out.any(crdt::Any(crdt::Any::Object{}));
      return 1;
  }
}

// Something that `doc` has collected; others may still have it.
std::optional<crdt::Id> garbage(const crdt::Doc& doc, Chance& chance) {
  std::vector<crdt::Id> all;
  for (const crdt::StructInfo& info : structs(doc)) {
    if (info.kind == crdt::StructKind::gc) {
      all.push_back({.client = info.id.client, .clock = info.id.clock + chance.pick(info.len)});
    }
  }
  return all.empty() ? std::nullopt : std::optional(all[chance.pick(all.size())]);
}

}  // namespace

void Session::forge() {
  crdt::Doc& doc = *replicas_[chance_.pick(replicas_.size())]->doc;
  const auto origin = chance_.one_in(3) ? garbage(doc, chance_) : std::nullopt;
  const std::uint8_t kind = origin ? k_plain_kinds[chance_.pick(std::size(k_plain_kinds))]
                                   : k_kinds[chance_.pick(std::size(k_kinds))];
  origins_in_garbage_ += origin ? 1 : 0;
  Encoder update;
  update.var_uint(1);
  update.var_uint(1);
  update.var_uint(forger_);
  update.var_uint(forged_clock_);
  const bool keyed = !origin && chance_.one_in(3);
  if (origin) {
    update.u8(kind | 0x80);
    update.var_uint(value_of(origin->client));
    update.var_uint(origin->clock);
  } else {
    update.u8(static_cast<std::uint8_t>(kind | (keyed ? 0x20 : 0)));
    const bool nested = !forged_types_.empty() && chance_.one_in(2);
    update.var_uint(nested ? 0 : 1);
    if (nested) {
      update.var_uint(forger_);
      update.var_uint(forged_types_[chance_.pick(forged_types_.size())]);
    } else {
      update.var_string("w");
    }
    if (keyed) {
      update.var_string(chance_.one_in(4) ? "" : "key");
    }
  }
  if (kind == k_type) {
    forged_types_.push_back(forged_clock_);
  }
  const std::uint64_t from = forged_clock_;
  // A map's entry is one unit: Yjs throws when it collects a type with one that was cut apart. And
  // what may come to stand in XML is something: Yjs throws when it writes nothing as text.
  forged_clock_ += write_content(update, chance_, kind,
                                 {.units_max = keyed ? 1U : 3U, .nothing = !origin.has_value()});
  const bool deletes = from > 0 && chance_.one_in(3);
  update.var_uint(deletes ? 1 : 0);
  if (deletes) {
    update.var_uint(forger_);
    update.var_uint(1);
    update.var_uint(chance_.pick(from));
    update.var_uint(1);
  }
  broadcast(update.take(), replicas_.size());
}

}  // namespace vivim::interop::conformance
