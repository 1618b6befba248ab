#include "interop/conformance/told.hpp"

#include <utility>
#include <variant>

namespace vivim::interop::conformance {

using crdt::Any;

namespace {

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

std::string told(const crdt::Event& event) {
  const bool text = event.target.if_text() != nullptr || event.target.if_xml_text() != nullptr;
  return told(event.path, text ? told(event.text) : told(event.delta), event.keys);
}

std::string told(const crdt::SubdocumentEvent& event) {
  Any::Array lists;
  for (const auto* list : {&event.added, &event.removed, &event.loaded}) {
    Any::Array guids;
    for (const crdt::Subdocument& document : *list) {
      guids.emplace_back(document.guid());
    }
    lists.emplace_back(std::move(guids));
  }
  return Any(std::move(lists)).to_json();
}

}  // namespace vivim::interop::conformance
