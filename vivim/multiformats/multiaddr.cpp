#include "vivim/multiformats/multiaddr.hpp"

#include <algorithm>

#include "vivim/base/assert.hpp"
#include "vivim/base/varint.hpp"
#include "vivim/multiformats/multiaddr_protocol_detail.hpp"

namespace vivim::multiformats {
namespace {

using detail::ProtocolInfo;
using detail::ValueKind;

const ProtocolInfo& info_of(Protocol protocol) {
  const auto* info = detail::find_protocol(static_cast<std::uint64_t>(protocol));
  VIVIM_ASSERT(info != nullptr);
  return *info;
}

void append_component(Bytes& out, const ProtocolInfo& info, BytesView value) {
  append_varint(out, static_cast<std::uint64_t>(info.protocol));
  if (!detail::fixed_size(info.kind)) {
    append_varint(out, value.size());
  }
  append(out, value);
}

/// A component and where the next one begins.
struct Step {
  Component component;
  std::size_t next = 0;
};

/// Reads the component at `at`, without looking into its value.
Result<Step> step(BytesView bytes, std::size_t at) {
  const auto code = decode_varint(bytes.subspan(at));
  if (!code) {
    return fail(MultiformatsError::truncated, at);
  }
  const auto* info = detail::find_protocol(code->value);
  if (info == nullptr) {
    return fail(MultiformatsError::unknown_protocol, at);
  }
  at += code->size;
  auto size = detail::fixed_size(info->kind);
  if (!size) {
    const auto length = decode_varint(bytes.subspan(at), k_multiaddr_bytes_max);
    if (!length) {
      return fail(MultiformatsError::truncated, at);
    }
    at += length->size;
    size = length->value;
  }
  if (bytes.size() - at < *size) {
    return fail(MultiformatsError::truncated, at);
  }
  return Step{.component = {.protocol = info->protocol, .value = bytes.subspan(at, *size)},
              .next = at + *size};
}

/// Splits text at slashes, and remembers where it is.
class Segments {
 public:
  explicit Segments(std::string_view text) : text_(text) {}
  bool done() const { return at_ >= text_.size(); }
  std::size_t position() const { return at_; }
  /// What stands between the slash here and the next one.
  std::string_view next() {
    const std::size_t end = std::min(text_.find('/', at_ + 1), text_.size());
    const auto segment = text_.substr(at_ + 1, end - at_ - 1);
    at_ = end;
    return segment;
  }
  /// Everything from the slash here.
  std::string_view rest() {
    const auto rest = text_.substr(at_);
    at_ = text_.size();
    return rest;
  }

 private:
  std::string_view text_;
  std::size_t at_ = 0;
};

/// Reads one component's text and appends its binary form.
Result<void> parse_component(Segments& segments, Bytes& out) {
  const std::size_t position = segments.position();
  const auto* info = detail::find_protocol(segments.next());
  if (info == nullptr) {
    return fail(MultiformatsError::unknown_protocol, position + 1);
  }
  std::string_view text;
  const std::size_t value_position = segments.position();
  if (info->kind != ValueKind::none) {
    if (segments.done()) {
      return fail(MultiformatsError::missing_value, value_position);
    }
    text = info->kind == ValueKind::path ? segments.rest() : segments.next();
  }
  const auto value = detail::value_from_text(info->kind, text);
  if (!value) {
    return fail(MultiformatsError::bad_value, value_position + 1);
  }
  append_component(out, *info, *value);
  return {};
}

std::optional<Endpoint::Host> host_kind(Protocol protocol) {
  switch (protocol) {
    case Protocol::ip4:
      return Endpoint::Host::ip4;
    case Protocol::ip6:
      return Endpoint::Host::ip6;
    case Protocol::dns:
      return Endpoint::Host::dns;
    case Protocol::dns4:
      return Endpoint::Host::dns4;
    case Protocol::dns6:
      return Endpoint::Host::dns6;
    default:
      return std::nullopt;
  }
}

}  // namespace

std::string_view Component::name() const {
  return info_of(protocol).name;
}

std::string Component::text() const {
  return detail::value_to_text(info_of(protocol).kind, value);
}

Result<Multiaddr> Multiaddr::parse(std::string_view text) {
  if (text.empty()) {
    return fail(MultiformatsError::empty);
  }
  if (text.size() > k_multiaddr_text_max) {
    return fail(MultiformatsError::too_long, text.size());
  }
  if (text.front() != '/') {
    return fail(MultiformatsError::no_leading_slash);
  }
  Bytes bytes;
  std::size_t count = 0;
  for (Segments segments(text); !segments.done(); ++count) {
    if (count == k_multiaddr_components_max) {
      return fail(MultiformatsError::too_long, text.size());
    }
    VIVIM_TRYV(parse_component(segments, bytes));
  }
  if (bytes.size() > k_multiaddr_bytes_max) {
    return fail(MultiformatsError::too_long, bytes.size());
  }
  return Multiaddr(std::move(bytes));
}

Result<Multiaddr> Multiaddr::from_bytes(BytesView bytes) {
  if (bytes.empty()) {
    return fail(MultiformatsError::empty);
  }
  if (bytes.size() > k_multiaddr_bytes_max) {
    return fail(MultiformatsError::too_long, bytes.size());
  }
  std::size_t count = 0;
  for (std::size_t at = 0; at < bytes.size(); ++count) {
    if (count == k_multiaddr_components_max) {
      return fail(MultiformatsError::too_long, bytes.size());
    }
    VIVIM_TRY(const auto found, step(bytes, at));
    const auto kind = info_of(found.component.protocol).kind;
    if (!detail::value_is_valid(kind, found.component.value)) {
      return fail(MultiformatsError::bad_value, at);
    }
    if (kind == ValueKind::path && found.next != bytes.size()) {
      return fail(MultiformatsError::trailing_bytes,
                  found.next);  // its text could not be read again
    }
    at = found.next;
  }
  return Multiaddr(to_bytes(bytes));
}

Result<Multiaddr> Multiaddr::from_tcp(std::string_view host, std::uint16_t port) {
  const bool six = host.find(':') != std::string_view::npos;
  return parse((six ? "/ip6/" : "/ip4/") + std::string(host) + "/tcp/" + std::to_string(port));
}

std::string Multiaddr::to_string() const {
  std::string out;
  for (const auto& component : components()) {
    const auto& info = info_of(component.protocol);
    out += '/';
    out += info.name;
    if (info.kind != ValueKind::none) {
      out += info.kind == ValueKind::path ? "" : "/";
      out += component.text();
    }
  }
  return out;
}

std::vector<Component> Multiaddr::components() const {
  std::vector<Component> out;
  for (std::size_t at = 0; at < bytes_.size();) {
    const auto found = step(bytes_, at);
    VIVIM_ASSERT(found.has_value());
    out.push_back(found->component);
    at = found->next;
  }
  return out;
}

bool Multiaddr::has(Protocol protocol) const {
  return find(protocol).has_value();
}

std::optional<Component> Multiaddr::find(Protocol protocol) const {
  const auto all = components();
  const auto it = std::ranges::find(all, protocol, &Component::protocol);
  return it == all.end() ? std::nullopt : std::optional(*it);
}

std::optional<PeerId> Multiaddr::peer() const {
  const auto all = components();
  if (all.empty() || all.back().protocol != Protocol::p2p) {
    return std::nullopt;
  }
  const auto peer = PeerId::from_bytes(all.back().value);
  return peer ? std::optional(*peer) : std::nullopt;
}

Result<Multiaddr> Multiaddr::with_peer(const PeerId& peer) const {
  Bytes tail;
  append_component(tail, info_of(Protocol::p2p), peer.bytes());
  return without_peer().with(Multiaddr(std::move(tail)));
}

Multiaddr Multiaddr::without_peer() const {
  Bytes out;
  const auto all = components();
  for (const auto& component : all) {
    if (&component != &all.back() || component.protocol != Protocol::p2p) {
      append_component(out, info_of(component.protocol), component.value);
    }
  }
  return Multiaddr(std::move(out));
}

Result<Multiaddr> Multiaddr::with(const Multiaddr& tail) const {
  Bytes out = bytes_;
  append(out, tail.bytes_);
  return from_bytes(out);
}

Result<Endpoint> Multiaddr::endpoint() const {
  auto all = components();
  if (!all.empty() && all.front().protocol == Protocol::ip6zone) {
    all.erase(all.begin());
  }
  const auto kind = all.empty() ? std::nullopt : host_kind(all[0].protocol);
  const bool port =
      all.size() > 1 && (all[1].protocol == Protocol::tcp || all[1].protocol == Protocol::udp);
  if (!kind || !port) {
    return fail(MultiformatsError::no_endpoint);
  }
  return Endpoint{.kind = *kind,
                  .host = all[0].text(),
                  .udp = all[1].protocol == Protocol::udp,
                  .port = load_be16(all[1].value)};
}

}  // namespace vivim::multiformats
