#include "vivim/crdt/doc.hpp"

#include "vivim/base/assert.hpp"
#include "vivim/crdt/engine_detail.hpp"
#include "vivim/crdt/update.hpp"

namespace vivim::crdt {

using detail::TypeKind;

Doc::Doc(ClientId client, DocOptions options)
    : engine_(std::make_unique<detail::Engine>(client, options)) {}
Doc::~Doc() = default;

ClientId Doc::client_id() const {
  return engine_->client_id();
}
Text Doc::text(std::string_view name) {
  return engine_->text(engine_->root(name, TypeKind::text));
}
Map Doc::map(std::string_view name) {
  return engine_->map(engine_->root(name, TypeKind::map));
}
Array Doc::array(std::string_view name) {
  return engine_->array(engine_->root(name, TypeKind::array));
}
XmlFragment Doc::xml_fragment(std::string_view name) {
  return engine_->xml_fragment(engine_->root(name, TypeKind::xml_fragment));
}
XmlElement Doc::xml_element(std::string_view name) {
  return engine_->xml_element(engine_->root(name, TypeKind::xml_element));
}
XmlText Doc::xml_text(std::string_view name) {
  return engine_->xml_text(engine_->root(name, TypeKind::xml_text));
}
std::vector<std::string> Doc::root_names() const {
  return engine_->root_names();
}

void Doc::transact(const std::function<void(Transaction&)>& body, Origin origin) {
  engine_->transact(body, origin);
}
Subscription Doc::on_update(std::function<void(BytesView, Origin)> observer, UpdateFormat format) {
  return engine_->on_update(std::move(observer), format);
}

std::vector<Subdocument> Doc::subdocuments() {
  return engine_->subdocuments();
}
Subscription Doc::on_subdocuments(std::function<void(const SubdocumentEvent&)> observer) {
  return engine_->on_subdocuments(std::move(observer));
}

Result<void> apply_update(Doc& doc, BytesView update, Origin origin, UpdateFormat format) {
  return doc.engine().apply(update, origin, format);
}

Result<Bytes> encode_state_as_update(const Doc& doc, BytesView state_vector, UpdateFormat format) {
  VIVIM_TRY(const StateVector known, decode_state_vector(state_vector));
  return doc.engine().encode(known, format);
}

Bytes encode_state_as_update(const Doc& doc, UpdateFormat format) {
  return doc.engine().encode({}, format);
}
Bytes encode_state_vector(const Doc& doc) {
  return encode_state_vector(state_vector(doc));
}
StateVector state_vector(const Doc& doc) {
  return doc.engine().state_vector();
}
bool has_pending(const Doc& doc) {
  return doc.engine().has_pending();
}

bool work_left(const Doc& doc) {
  return doc.engine().postponed();
}

Pending pending(const Doc& doc) {
  const detail::Engine& engine = doc.engine();
  Pending pending{.missing = {}, .structs = engine.parked_structs(), .deletes = {}, .gaps = {}};
  if (!pending.structs.empty()) {
    for (const auto& [client, clock] : engine.missing()) {
      pending.missing.emplace(ClientId{client}, clock);
    }
  }
  for (const auto& [client, ranges] : engine.pending_deletes()) {
    pending.deletes.emplace(ClientId{client}, ranges);
  }
  for (auto& [client, ranges] : engine.gaps()) {
    pending.gaps.emplace(ClientId{client}, std::move(ranges));
  }
  return pending;
}

bool consistent(const Doc& doc) {
  return doc.engine().consistent();
}

}  // namespace vivim::crdt
