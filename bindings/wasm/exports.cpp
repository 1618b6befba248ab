// The engine as functions of numbers, for JavaScript (vivim_crdt.ts). A document is a handle; bytes
// go in where vivim_alloc() gave room, and what a function gives back lies at vivim_result() until
// the next call. Functions that can fail return 0, or the number of a CrdtError and 1.
#include <cstdlib>
#include <deque>

#include "vivim/crdt/array.hpp"
#include "vivim/crdt/doc.hpp"
#include "vivim/crdt/lib0.hpp"
#include "vivim/crdt/map.hpp"
#include "vivim/crdt/text.hpp"
#include "vivim/crdt/update.hpp"
#include "vivim/crdt/value.hpp"

using namespace vivim;
using namespace vivim::crdt;

namespace {

/// A document and the updates that it has made and nobody has taken.
struct Handle {
  explicit Handle(ClientId client)
      : doc(client), on_update(doc.on_update([this](BytesView update, Origin) {
          updates.push_back(to_bytes(update));
        })) {}
  Doc doc;
  std::deque<Bytes> updates;
  Subscription on_update;
};

Bytes g_result;

BytesView view(const std::uint8_t* at, std::size_t size) {
  return {at, size};
}
std::string_view text(const std::uint8_t* at, std::size_t size) {
  return as_text(view(at, size));
}

int give(Result<Bytes> result) {
  if (!result) {
    return result.error().code() + 1;
  }
  g_result = std::move(*result);
  return 0;
}

UpdateFormat format_of(int format) {
  return format == 2 ? UpdateFormat::v2 : UpdateFormat::v1;
}

}  // namespace

#define VIVIM_EXPORT(name) extern "C" __attribute__((export_name(#name), used))

VIVIM_EXPORT(vivim_alloc) std::uint8_t* vivim_alloc(std::size_t size) {
  return static_cast<std::uint8_t*>(std::malloc(size == 0 ? 1 : size));
}
VIVIM_EXPORT(vivim_free) void vivim_free(std::uint8_t* at) {
  std::free(at);
}
VIVIM_EXPORT(vivim_result) const std::uint8_t* vivim_result() {
  return g_result.data();
}
VIVIM_EXPORT(vivim_result_size) std::size_t vivim_result_size() {
  return g_result.size();
}

VIVIM_EXPORT(vivim_doc_new) Handle* vivim_doc_new(double client) {
  return new Handle(ClientId{static_cast<std::uint64_t>(client)});
}
VIVIM_EXPORT(vivim_doc_free) void vivim_doc_free(Handle* handle) {
  delete handle;
}
VIVIM_EXPORT(vivim_doc_apply)
int vivim_doc_apply(Handle* handle, const std::uint8_t* at, std::size_t size, int format) {
  const auto applied = apply_update(handle->doc, view(at, size), {}, format_of(format));
  return applied ? 0 : applied.error().code() + 1;
}
VIVIM_EXPORT(vivim_doc_encode)
int vivim_doc_encode(Handle* handle, const std::uint8_t* at, std::size_t size, int format) {
  return give(encode_state_as_update(handle->doc, view(at, size), format_of(format)));
}
VIVIM_EXPORT(vivim_doc_state_vector) int vivim_doc_state_vector(Handle* handle) {
  return give(encode_state_vector(handle->doc));
}
/// Takes the oldest update that was made; 0: there is none.
VIVIM_EXPORT(vivim_doc_take_update) int vivim_doc_take_update(Handle* handle) {
  if (handle->updates.empty()) {
    return 0;
  }
  g_result = std::move(handle->updates.front());
  handle->updates.pop_front();
  return 1;
}

VIVIM_EXPORT(vivim_text_insert)
void vivim_text_insert(Handle* handle, const std::uint8_t* name, std::size_t name_size,
                       std::uint32_t index, const std::uint8_t* at, std::size_t size) {
  handle->doc.transact([&](Transaction& t) {
    handle->doc.text(text(name, name_size)).insert(t, index, text(at, size));
  });
}
VIVIM_EXPORT(vivim_text_remove)
void vivim_text_remove(Handle* handle, const std::uint8_t* name, std::size_t name_size,
                       std::uint32_t index, std::uint32_t length) {
  handle->doc.transact(
      [&](Transaction& t) { handle->doc.text(text(name, name_size)).remove(t, index, length); });
}
VIVIM_EXPORT(vivim_text_length)
std::uint32_t vivim_text_length(Handle* handle, const std::uint8_t* name, std::size_t name_size) {
  return handle->doc.text(text(name, name_size)).length();
}
VIVIM_EXPORT(vivim_text_string)
void vivim_text_string(Handle* handle, const std::uint8_t* name, std::size_t name_size) {
  g_result = to_bytes(handle->doc.text(text(name, name_size)).to_string());
}

/// Sets a string.
VIVIM_EXPORT(vivim_map_set)
void vivim_map_set(Handle* handle, const std::uint8_t* name, std::size_t name_size,
                   const std::uint8_t* key, std::size_t key_size, const std::uint8_t* at,
                   std::size_t size) {
  handle->doc.transact([&](Transaction& t) {
    handle->doc.map(text(name, name_size)).set(t, text(key, key_size), Any(text(at, size)));
  });
}
VIVIM_EXPORT(vivim_map_json)
void vivim_map_json(Handle* handle, const std::uint8_t* name, std::size_t name_size) {
  g_result = to_bytes(handle->doc.map(text(name, name_size)).to_any().to_json());
}
VIVIM_EXPORT(vivim_array_json)
void vivim_array_json(Handle* handle, const std::uint8_t* name, std::size_t name_size) {
  g_result = to_bytes(handle->doc.array(text(name, name_size)).to_any().to_json());
}

/// Merges updates that lie one behind the other, each with its length (LEB128) before it.
VIVIM_EXPORT(vivim_merge)
int vivim_merge(const std::uint8_t* at, std::size_t size, int format) {
  std::vector<BytesView> updates;
  lib0::Decoder in(view(at, size));
  while (!in.at_end()) {
    const auto update = in.var_bytes();
    if (!update) {
      return update.error().code() + 1;
    }
    updates.push_back(*update);
  }
  return give(merge_updates(updates, format_of(format)));
}
