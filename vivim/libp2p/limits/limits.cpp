#include "vivim/libp2p/limits/limits.hpp"

#include <algorithm>
#include <array>

#include "vivim/base/assert.hpp"

namespace vivim::libp2p::limits {

namespace {

constexpr std::uint64_t k_mib = std::uint64_t{1} << 20;
constexpr std::uint64_t k_gib = std::uint64_t{1} << 30;
constexpr std::size_t k_sides = 2;
constexpr std::size_t k_codes = k_resources.size() * k_scopes.size() * k_sides;

struct Code {
  Resource resource;
  Scope scope;
  Direction side;
};

Code decode(int code) {
  const auto index = static_cast<std::size_t>(code);
  return {.resource = static_cast<Resource>(index / (k_scopes.size() * k_sides)),
          .scope = static_cast<Scope>(index / k_sides % k_scopes.size()),
          .side = static_cast<Direction>(index % k_sides)};
}

std::string_view whose(Scope scope) {
  switch (scope) {
    case Scope::system:
      return "of this node";
    case Scope::transient:
      return "whose peer or protocol is not known yet";
    case Scope::peer:
      return "of one peer";
    case Scope::protocol:
      return "of one protocol";
    case Scope::address:
      return "from one address";
  }
  return "";
}

std::string_view who_asked(Direction side) {
  return side == Direction::inbound ? "the remote side" : "this side";
}

struct Texts {
  std::string name;
  std::string message;
};

Texts describe_code(const Code& code) {
  const std::string what(to_string(code.resource));
  return {.name = what + "_of_" + std::string(to_string(code.scope)) + "_" + to_string(code.side),
          .message = (code.resource == Resource::memory ? "too much " : "too many ") + what + " " +
                     std::string(whose(code.scope)) + ", asked for by " +
                     std::string(who_asked(code.side)) + "; raise " +
                     config_key(code.resource, code.scope, code.side)};
}

const Texts& texts(int code) {
  static const auto k_all = [] {
    std::array<Texts, k_codes> all;
    for (std::size_t i = 0; i < k_codes; ++i) {
      all[i] = describe_code(decode(static_cast<int>(i)));
    }
    return all;
  }();
  return k_all.at(static_cast<std::size_t>(code));
}

ErrorInfo describe(int code) {
  return {texts(code).name, texts(code).message, Blame::transient};
}

/// `share` of all, but at least one.
std::uint64_t part(std::uint64_t all, std::uint64_t divisor) {
  return std::max<std::uint64_t>(1, all / divisor);
}

}  // namespace

std::string_view to_string(Resource resource) {
  switch (resource) {
    case Resource::memory:
      return "memory";
    case Resource::file_descriptors:
      return "file_descriptors";
    case Resource::connections:
      return "connections";
    case Resource::streams:
      return "streams";
  }
  return "unknown";
}

std::string_view to_string(Scope scope) {
  switch (scope) {
    case Scope::system:
      return "system";
    case Scope::transient:
      return "transient";
    case Scope::peer:
      return "peer";
    case Scope::protocol:
      return "protocol";
    case Scope::address:
      return "address";
  }
  return "unknown";
}

const ScopeLimits& Limits::of(Scope scope) const {
  switch (scope) {
    case Scope::system:
      return system;
    case Scope::transient:
      return transient;
    case Scope::peer:
      return peer;
    case Scope::protocol:
      return protocol;
    case Scope::address:
      return address;
  }
  return system;
}

std::uint64_t* find_limit(Limits& limits, std::string_view scope, std::string_view name) {
  using Field = std::uint64_t ScopeLimits::*;
  constexpr std::array<std::pair<std::string_view, Field>, 8> k_fields = {
      {{"memory_bytes", &ScopeLimits::memory_bytes},
       {"file_descriptors", &ScopeLimits::file_descriptors},
       {"connections_inbound", &ScopeLimits::connections_inbound},
       {"connections_outbound", &ScopeLimits::connections_outbound},
       {"connections", &ScopeLimits::connections},
       {"streams_inbound", &ScopeLimits::streams_inbound},
       {"streams_outbound", &ScopeLimits::streams_outbound},
       {"streams", &ScopeLimits::streams}}};
  const auto field =
      std::ranges::find(k_fields, name, [](const auto& entry) { return entry.first; });
  if (field == k_fields.end()) {
    return nullptr;
  }
  if (scope == to_string(Scope::address) &&
      (name.starts_with("streams") || name == "connections" || name == "connections_outbound")) {
    return nullptr;
  }
  const std::array<std::pair<Scope, ScopeLimits*>, k_scopes.size()> scopes = {
      {{Scope::system, &limits.system},
       {Scope::transient, &limits.transient},
       {Scope::peer, &limits.peer},
       {Scope::protocol, &limits.protocol},
       {Scope::address, &limits.address}}};
  for (const auto& [kind, of_scope] : scopes) {
    if (scope == to_string(kind)) {
      return &(of_scope->*field->second);
    }
  }
  return nullptr;
}

Limits scaled_limits(const Machine& machine) {
  const std::uint64_t memory = std::clamp(machine.memory_bytes / 8, 32 * k_mib, 4 * k_gib);
  const std::uint64_t descriptors = part(machine.file_descriptors, 2);
  const std::uint64_t carried = 128 + memory / k_mib;  // a MiB a connection
  const std::uint64_t connections =
      std::clamp<std::uint64_t>(std::min(carried, descriptors), 1, 8192);
  const std::uint64_t streams = connections * 16;
  return {.system = {.memory_bytes = memory,
                     .file_descriptors = descriptors,
                     .connections_inbound = part(connections * 3, 4),
                     .connections_outbound = part(connections * 3, 4),
                     .connections = connections,
                     .streams_inbound = streams,
                     .streams_outbound = streams,
                     .streams = streams * 2},
          .transient = {.memory_bytes = part(memory, 4),
                        .file_descriptors = part(descriptors, 4),
                        .connections_inbound = part(connections, 4),
                        .connections_outbound = part(connections, 2),
                        .connections = part(connections, 2),
                        .streams_inbound = part(streams, 4),
                        .streams_outbound = part(streams, 2),
                        .streams = part(streams, 2)},
          .peer = {.memory_bytes = part(memory, 4),
                   .file_descriptors = std::min<std::uint64_t>(descriptors, 8),
                   .connections_inbound = 4,
                   .connections_outbound = 4,
                   .connections = 4,
                   .streams_inbound = 512,
                   .streams_outbound = 512,
                   .streams = 1024},
          .protocol = {.memory_bytes = part(memory, 2),
                       .streams_inbound = part(streams, 2),
                       .streams_outbound = part(streams, 2),
                       .streams = streams},
          .address = {.memory_bytes = part(memory, 4),
                      .connections_inbound = std::clamp<std::uint64_t>(connections / 8, 8, 64)}};
}

const ErrorDomain& error_domain(LimitError) {
  static constexpr ErrorDomain k_domain{"limits", describe};
  return k_domain;
}

LimitError limit_error(Resource resource, Scope scope, Direction side) {
  const std::size_t index =
      (static_cast<std::size_t>(resource) * k_scopes.size() + static_cast<std::size_t>(scope)) *
          k_sides +
      static_cast<std::size_t>(side);
  return static_cast<LimitError>(index);
}

bool is_limit_error(const Error& error) {
  return &error.domain() == &error_domain(LimitError{});
}

std::string config_key(Resource resource, Scope scope, Direction side) {
  std::string key = "limits." + std::string(to_string(scope)) + ".";
  switch (resource) {
    case Resource::memory:
      return key + "memory_bytes";
    case Resource::file_descriptors:
      return key + "file_descriptors";
    case Resource::connections:
    case Resource::streams:
      return key + std::string(to_string(resource)) + "_" + to_string(side);
  }
  return key;
}

std::string Refusal::to_string() const {
  return std::string(limits::to_string(resource)) + " " + std::string(whose(scope)) + ": " +
         std::to_string(current) + " of " + std::to_string(limit) + " in use, " +
         std::to_string(asked) + " more asked for by " + std::string(who_asked(side)) + "; raise " +
         config_key(resource, scope, side);
}

}  // namespace vivim::libp2p::limits
