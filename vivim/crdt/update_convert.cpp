#include <map>
#include <string>
#include <string_view>

#include "vivim/crdt/group_writer_detail.hpp"
#include "vivim/crdt/update.hpp"
#include "vivim/crdt/utf_detail.hpp"
#include "vivim/crdt/wire_detail.hpp"

namespace vivim::crdt {
namespace {

using detail::DecodedUpdate;
using detail::Kind;
using detail::WireStruct;

template <class Out>
Bytes write_all(const DecodedUpdate& update) {
  detail::GroupWriter<Out> out;
  for (const auto& group : update.groups) {
    for (const WireStruct& item : group) {
      out.write(item, 0);
    }
  }
  return out.finish(update.deletes);
}

Bytes write_all(const DecodedUpdate& update, UpdateFormat format) {
  return format == UpdateFormat::v1 ? write_all<detail::UpdateEncoderV1>(update)
                                    : write_all<detail::UpdateEncoderV2>(update);
}

/// Yjs createObfuscator: what is equal stays equal, everything else becomes the number of its item.
class Obfuscator {
 public:
  Obfuscator(DecodedUpdate& update, Obfuscation what) : update_(update), what_(what) {}

  void run() {
    for (auto& group : update_.groups) {
      for (WireStruct& item : group) {
        if (item.kind != Kind::gc && item.kind != Kind::skip) {
          obfuscate(item);
          ++number_;
        }
      }
    }
  }

 private:
  using Names = std::map<std::string, std::string, std::less<>>;

  BytesView keep(Bytes bytes) { return update_.owned.emplace_back(std::move(bytes)); }
  BytesView keep(lib0::Encoder& out) { return keep(out.take()); }

  // The stand-in of `name`, `prefix` and the number of the first item that had it.
  const std::string& name_for(Names& names, std::string_view name, std::string_view prefix) {
    const auto it = names.find(name);
    return it != names.end()
               ? it->second
               : names.emplace(name, std::string(prefix) + std::to_string(number_)).first->second;
  }

  // The end of a format stays one, and no object is another.
  std::string value_for(std::string_view json) {
    if (json == "null") {
      return "null";
    }
    const bool object = json.starts_with('{') || json.starts_with('[');
    return "{\"i\":" + (object ? std::to_string(number_) : name_for(format_values_, json, "")) +
           "}";
  }

  void obfuscate(WireStruct& item) {
    lib0::Encoder out;
    switch (item.kind) {
      case Kind::any:
        for (std::uint64_t i = 0; i < item.len; ++i) {
          out.any(Any(number_));
        }
        item.content = keep(out);
        break;
      case Kind::json:
        for (std::uint64_t i = 0; i < item.len; ++i) {
          out.var_string(std::to_string(number_));
        }
        item.content = keep(out);
        break;
      case Kind::binary: {
        const auto byte = static_cast<std::uint8_t>(number_);
        out.var_bytes({&byte, 1});
        item.content = keep(out);
        break;
      }
      case Kind::string:
        item.content = keep(Bytes(item.len, static_cast<std::uint8_t>('0' + number_ % 10)));
        break;
      case Kind::embed:
        out.var_string("{}");
        item.content = keep(out);
        break;
      default:
        obfuscate_named(item);
    }
    if (item.has_key && !item.key.empty()) {
      item.key = as_text(keep(to_bytes(name_for(map_keys_, item.key, ""))));
    }
  }

  void obfuscate_named(WireStruct& item) {
    lib0::Decoder in(item.content);
    lib0::Encoder out;
    if (item.kind == Kind::type && what_.xml_names && !item.content.empty()) {
      const bool element = item.type == detail::TypeKind::xml_element;
      out.var_string(
          name_for(node_names_, in.var_string().value_or(""), element ? "node-" : "hook-"));
      item.content = keep(out);
    } else if (item.kind == Kind::doc && what_.subdocuments) {
      out.var_string(std::to_string(number_));
      out.any(Any(Any::Object()));
      item.content = keep(out);
    } else if (item.kind == Kind::format && what_.formatting) {
      const std::string_view key = in.var_string().value_or("");
      const std::string_view value = in.var_string().value_or("");
      out.var_string(name_for(format_keys_, key, ""));
      out.var_string(value_for(value));
      item.content = keep(out);
    }
  }

  DecodedUpdate& update_;
  Obfuscation what_;
  std::uint64_t number_ = 0;
  Names map_keys_;
  Names node_names_;
  Names format_keys_;
  Names format_values_;
};

}  // namespace

Result<Bytes> convert_update(BytesView update, UpdateFormat from, UpdateFormat to) {
  VIVIM_TRY(const DecodedUpdate decoded, detail::decode_update(update, from));
  return write_all(decoded, to);
}

Result<Bytes> obfuscate_update(BytesView update, Obfuscation what, UpdateFormat format) {
  VIVIM_TRY(DecodedUpdate decoded, detail::decode_update(update, format));
  Obfuscator(decoded, what).run();
  return write_all(decoded, format);
}

}  // namespace vivim::crdt
