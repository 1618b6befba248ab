#include "vivim/sync/ticket.hpp"

#include <algorithm>
#include <utility>

#include "vivim/base/assert.hpp"
#include "vivim/crdt/lib0.hpp"
#include "vivim/crypto/hash.hpp"
#include "vivim/multiformats/multibase.hpp"

namespace vivim::sync {

namespace {

using multiformats::Base;

constexpr std::string_view k_prefix = "vivim1";
constexpr std::uint8_t k_version = 1;
constexpr std::size_t k_checksum_bytes = 4;

Bytes checksum(BytesView body) {
  const auto digest = crypto::sha256(body);
  return {digest.begin(), digest.begin() + k_checksum_bytes};
}

std::string_view trim(std::string_view text) {
  constexpr std::string_view k_space = " \t\r\n\"'<>";
  const auto first = text.find_first_not_of(k_space);
  if (first == std::string_view::npos) {
    return {};
  }
  return text.substr(first, text.find_last_not_of(k_space) - first + 1);
}

/// The last element of a URL or link; the text itself if it is neither.
std::string_view last_element(std::string_view text) {
  const auto slash = text.rfind('/');
  return slash == std::string_view::npos ? text : text.substr(slash + 1);
}

Result<std::vector<Bytes>> read_addresses(crdt::lib0::Decoder& in) {
  VIVIM_TRY(const auto count, in.var_uint());
  if (count < 1 || count > k_ticket_addresses_max) {
    return fail(SyncError::bad_ticket, count);
  }
  std::vector<Bytes> addresses;
  for (std::uint64_t i = 0; i < count; ++i) {
    VIVIM_TRY(const auto address, in.var_bytes());
    if (address.empty() || address.size() > k_ticket_address_bytes_max) {
      return fail(SyncError::bad_ticket, address.size());
    }
    addresses.push_back(to_bytes(address));
  }
  return addresses;
}

Result<Ticket> read_ticket(crdt::lib0::Decoder& in) {
  Ticket ticket;
  VIVIM_TRY(const auto document, in.raw(ticket.document.bytes.size()));
  std::ranges::copy(document, ticket.document.bytes.begin());
  VIVIM_TRY(const auto grant, in.raw(ticket.grant.bytes.size()));
  std::ranges::copy(grant, ticket.grant.bytes.begin());
  VIVIM_TRY(const auto secret, in.raw(k_grant_secret_bytes));
  ticket.secret = GrantSecret(secret);
  VIVIM_TRY(ticket.addresses, read_addresses(in));
  VIVIM_TRY(const auto title, in.var_string());
  if (title.size() > k_ticket_title_bytes_max || !in.at_end()) {
    return fail(SyncError::bad_ticket);
  }
  ticket.title = title;
  return ticket;
}

}  // namespace

std::string Ticket::to_text() const {
  VIVIM_ASSERT(!addresses.empty() && addresses.size() <= k_ticket_addresses_max);
  crdt::lib0::Encoder out;
  out.u8(k_version);
  out.raw(document.view());
  out.raw(grant.view());
  out.raw(secret.view());
  out.var_uint(addresses.size());
  for (const auto& address : addresses) {
    out.var_bytes(address);
  }
  out.var_string(title);
  out.raw(checksum(out.view()));
  auto text = std::string(k_prefix) + multiformats::encode(Base::base32, out.view());
  crypto::wipe(out.bytes());
  return text;
}

std::string Ticket::to_url() const {
  return "vivim://join/" + to_text();
}

Result<Ticket> Ticket::parse(std::string_view text) {
  if (text.size() > k_ticket_text_max) {
    return fail(SyncError::bad_ticket, text.size());
  }
  std::string lower(last_element(trim(text)));
  std::ranges::transform(lower, lower.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  if (!lower.starts_with(k_prefix)) {
    return fail(SyncError::bad_ticket);
  }
  const auto decoded =
      multiformats::decode(Base::base32, std::string_view(lower).substr(k_prefix.size()));
  if (!decoded || decoded->size() <= k_checksum_bytes) {
    return fail(SyncError::bad_ticket);
  }
  const auto body = BytesView(*decoded).first(decoded->size() - k_checksum_bytes);
  if (!same_bytes(checksum(body), BytesView(*decoded).last(k_checksum_bytes))) {
    return fail(SyncError::bad_ticket);
  }
  crdt::lib0::Decoder in(body);
  VIVIM_TRY(const auto version, in.u8());
  if (version != k_version) {
    return fail(SyncError::ticket_version, version);
  }
  auto ticket = read_ticket(in);
  if (!ticket) {
    return fail(SyncError::bad_ticket);
  }
  return ticket;
}

}  // namespace vivim::sync
