#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "vivim/base/bytes.hpp"
#include "vivim/base/result.hpp"
#include "vivim/store/ids.hpp"
#include "vivim/sync/proof.hpp"

namespace vivim::sync {

inline constexpr std::size_t k_ticket_addresses_max = 16;
inline constexpr std::size_t k_ticket_address_bytes_max = 512;
inline constexpr std::size_t k_ticket_title_bytes_max = 256;
/// Longest text that is looked at as a ticket.
inline constexpr std::size_t k_ticket_text_max = 32 * 1024;

/// What one person gives another to share a document: where it is, which it is, and a secret that
/// grants access (docs/protocol/sync.md#tickets). Who holds it is in.
struct Ticket {
  store::DocumentId document;
  store::GrantId grant;
  GrantSecret secret;
  std::vector<Bytes> addresses;  ///< binary multiaddrs that end in /p2p/<peer>
  std::string title;             ///< to show before joining; UTF-8

  /// `vivim1...`: lower-case base32 with a checksum.
  std::string to_text() const;
  /// `vivim://join/<text>`.
  std::string to_url() const;

  /// Reads the text form, the URL form, or any link that ends in the text form; surrounding white
  /// space is ignored. Errors: bad_ticket, ticket_version.
  static Result<Ticket> parse(std::string_view text);
};

}  // namespace vivim::sync
