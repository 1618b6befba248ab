#include "vivim/message/message.hpp"

#include <algorithm>

namespace vivim::message {

namespace {

constexpr std::array<std::string_view, k_priorities> k_priority_names{"critical", "high", "normal",
                                                                      "low"};
constexpr std::array<std::string_view, 3> k_delivery_names{"best-effort", "at-least-once",
                                                           "exactly-once"};

std::optional<std::uint8_t> hex_digit(char c) {
  if (c >= '0' && c <= '9') {
    return static_cast<std::uint8_t>(c - '0');
  }
  if (c >= 'a' && c <= 'f') {
    return static_cast<std::uint8_t>(c - 'a' + 10);
  }
  return std::nullopt;
}

template <class Enum, std::size_t N>
std::optional<Enum> parse_name(const std::array<std::string_view, N>& names,
                               std::string_view text) {
  const auto found = std::ranges::find(names, text);
  return found == names.end() ? std::nullopt
                              : std::optional(static_cast<Enum>(found - names.begin()));
}

}  // namespace

Result<MessageId> MessageId::from_bytes(BytesView bytes) {
  MessageId id;
  if (bytes.size() != id.bytes.size()) {
    return fail(MessageError::malformed, bytes.size());
  }
  std::ranges::copy(bytes, id.bytes.begin());
  return id;
}

Result<MessageId> MessageId::parse(std::string_view text) {
  MessageId id;
  if (text.size() != 2 * id.bytes.size()) {
    return fail(MessageError::malformed, text.size());
  }
  for (std::size_t i = 0; i < id.bytes.size(); ++i) {
    const auto high = hex_digit(text[2 * i]);
    const auto low = hex_digit(text[2 * i + 1]);
    if (!high || !low) {
      return fail(MessageError::malformed, 2 * i);
    }
    id.bytes[i] = static_cast<std::uint8_t>(*high << 4 | *low);
  }
  return id;
}

bool is_topic(std::string_view topic) {
  return topic.size() > 1 && topic.size() <= k_topic_bytes_max && topic.front() == '/' &&
         std::ranges::all_of(topic, [](char c) { return c > ' ' && c < '\x7f'; });
}

std::string_view to_string(Priority priority) {
  return k_priority_names.at(static_cast<std::size_t>(priority));
}

std::string_view to_string(Delivery delivery) {
  return k_delivery_names.at(static_cast<std::size_t>(delivery));
}

std::optional<Priority> parse_priority(std::string_view text) {
  return parse_name<Priority>(k_priority_names, text);
}

std::optional<Delivery> parse_delivery(std::string_view text) {
  return parse_name<Delivery>(k_delivery_names, text);
}

}  // namespace vivim::message
