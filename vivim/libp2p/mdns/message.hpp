#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "vivim/base/bytes.hpp"
#include "vivim/base/result.hpp"
#include "vivim/libp2p/mdns/error.hpp"

namespace vivim::libp2p::mdns {

/// Largest packet that is read (RFC 6762 section 17).
inline constexpr std::size_t k_packet_bytes_max = 9000;
/// Questions and records of one packet that are read.
inline constexpr std::size_t k_entries_max = 256;
/// Longest name (RFC 1035 section 2.3.4).
inline constexpr std::size_t k_name_bytes_max = 255;
/// Longest string of a TXT record.
inline constexpr std::size_t k_text_bytes_max = 255;

/// The types of records that matter here; others are read and passed over.
enum class RecordType : std::uint16_t { a = 1, ptr = 12, txt = 16, srv = 33, any = 255 };

/// What is asked.
struct Question {
  std::string name;  ///< in lower case, labels joined by dots, without a dot at the end
  std::uint16_t type = 0;
};

/// What is answered.
struct Record {
  std::string name;
  std::uint16_t type = 0;
  std::uint32_t ttl = 0;           ///< seconds
  std::string target;              ///< of PTR: a name
  std::vector<std::string> texts;  ///< of TXT
};

/// A DNS message (RFC 1035 section 4), as far as service discovery needs it.
struct Message {
  std::uint16_t id = 0;
  bool response = false;
  std::vector<Question> questions;
  std::vector<Record> records;  ///< answers, authorities and additional ones, in order
};

/// Reads a packet. Names may be compressed, pointers only point backwards. Errors: truncated,
/// bad_name, too_many, too_large.
Result<Message> decode(BytesView packet);

/// The question for every peer: `service` PTR.
Bytes encode_query(std::string_view service);

/// What a peer says of itself.
struct Announcement {
  std::string service;               ///< "_p2p._udp.local"
  std::string peer_name;             ///< one label
  std::uint32_t ttl = 0;             ///< seconds; 0: it leaves
  std::uint16_t port = 0;            ///< of SRV
  std::vector<std::string> texts;    ///< each at most k_text_bytes_max
  std::array<std::uint8_t, 4> ip{};  ///< of A
};

/// The answer to the question for every peer: PTR, and in addition SRV, TXT and A, which some
/// readers want before they look at the rest. One TXT record: some readers keep only the last.
Bytes encode_answer(const Announcement& announcement);

/// The answer to the question for every service ("_services._dns-sd._udp.local").
Bytes encode_service_answer(std::string_view meta_service, std::string_view service,
                            std::uint32_t ttl);

}  // namespace vivim::libp2p::mdns
