#include "vivim/libp2p/mdns/message.hpp"

#include <algorithm>

#include "vivim/base/assert.hpp"

namespace vivim::libp2p::mdns {

namespace {

constexpr std::size_t k_header_bytes = 12;
constexpr std::uint16_t k_response_bit = 0x8000;
constexpr std::uint16_t k_answer_flags = 0x8400;  // a response, authoritative
constexpr std::uint16_t k_class_in = 1;
constexpr std::uint8_t k_pointer_bits = 0xc0;

/// Reads a packet from front to back; names also from earlier places.
class Reader {
 public:
  explicit Reader(BytesView packet) : packet_(packet) {}

  Result<std::uint16_t> u16() {
    VIVIM_TRY(const auto bytes, take(2));
    return load_be16(bytes);
  }
  Result<std::uint32_t> u32() {
    VIVIM_TRY(const auto bytes, take(4));
    return load_be32(bytes);
  }
  Result<BytesView> take(std::size_t size) {
    if (packet_.size() - at_ < size) {
      return fail(MdnsError::truncated, at_);
    }
    const auto bytes = packet_.subspan(at_, size);
    at_ += size;
    return bytes;
  }

  Result<std::string> name() {
    std::string text;
    std::size_t at = at_;
    std::size_t before = at_;  // pointers point in front of this
    bool jumped = false;
    for (;;) {
      if (at >= packet_.size()) {
        return fail(MdnsError::truncated, at);
      }
      const std::uint8_t length = packet_[at];
      if ((length & k_pointer_bits) == k_pointer_bits) {
        VIVIM_TRY(const std::size_t target, pointer_at(at));
        at_ = jumped ? at_ : at + 2;
        jumped = true;
        if (target >= before) {
          return fail(MdnsError::bad_name, at);
        }
        before = at = target;
        continue;
      }
      if (length == 0) {
        at_ = jumped ? at_ : at + 1;
        return text;
      }
      VIVIM_TRYV(append_label(text, at, length));
      at += 1u + length;
    }
  }

 private:
  Result<std::size_t> pointer_at(std::size_t at) const {
    if (packet_.size() - at < 2) {
      return fail(MdnsError::truncated, at);
    }
    return load_be16(packet_.subspan(at)) & 0x3fffu;
  }

  Result<void> append_label(std::string& text, std::size_t at, std::uint8_t length) const {
    if ((length & k_pointer_bits) != 0 || text.size() + 1 + length > k_name_bytes_max) {
      return fail(MdnsError::bad_name, at);
    }
    if (packet_.size() - at - 1 < length) {
      return fail(MdnsError::truncated, at);
    }
    text += text.empty() ? "" : ".";
    for (const char c : as_text(packet_.subspan(at + 1, length))) {
      if (c == '.') {
        return fail(MdnsError::bad_name, at);  // would read as two labels
      }
      text += c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    }
    return {};
  }

  BytesView packet_;
  std::size_t at_ = 0;

 public:
  std::size_t position() const { return at_; }
};

Result<std::vector<std::string>> read_texts(BytesView data) {
  std::vector<std::string> texts;
  while (!data.empty()) {
    const std::size_t size = data[0];
    if (data.size() - 1 < size) {
      return fail(MdnsError::truncated);
    }
    texts.emplace_back(as_text(data.subspan(1, size)));
    data = data.subspan(1 + size);
  }
  return texts;
}

Result<Record> read_record(Reader& reader, BytesView packet) {
  Record record;
  VIVIM_TRY(record.name, reader.name());
  VIVIM_TRY(record.type, reader.u16());
  VIVIM_TRYV(reader.u16());  // the class, with a bit that says that it replaces what was known
  VIVIM_TRY(record.ttl, reader.u32());
  VIVIM_TRY(const auto size, reader.u16());
  const std::size_t begin = reader.position();
  VIVIM_TRY(const auto data, reader.take(size));
  if (record.type == static_cast<std::uint16_t>(RecordType::ptr)) {
    Reader inside(packet);
    VIVIM_TRYV(inside.take(begin));
    VIVIM_TRY(record.target, inside.name());
    if (inside.position() != begin + size) {
      return fail(MdnsError::bad_name, begin);
    }
  } else if (record.type == static_cast<std::uint16_t>(RecordType::txt)) {
    VIVIM_TRY(record.texts, read_texts(data));
  }
  return record;
}

void put_u16(Bytes& out, std::size_t value) {
  out.push_back(static_cast<std::uint8_t>(value >> 8));
  out.push_back(static_cast<std::uint8_t>(value));
}

void put_label(Bytes& out, std::string_view label) {
  VIVIM_ASSERT(!label.empty() && label.size() < 64);
  out.push_back(static_cast<std::uint8_t>(label.size()));
  append(out, as_bytes(label));
}

void put_name(Bytes& out, std::string_view name) {
  while (!name.empty()) {
    const std::size_t dot = std::min(name.find('.'), name.size());
    put_label(out, name.substr(0, dot));
    name.remove_prefix(std::min(dot + 1, name.size()));
  }
  out.push_back(0);
}

void put_pointer(Bytes& out, std::size_t target) {
  put_u16(out, std::size_t{0xc000} | target);
}

void put_header(Bytes& out, std::uint16_t flags, std::array<std::uint16_t, 4> counts) {
  put_u16(out, 0);
  put_u16(out, flags);
  for (const auto count : counts) {
    put_u16(out, count);
  }
}

/// Type, class, TTL and room for the size; returns where the data begins.
std::size_t begin_record(Bytes& out, RecordType type, std::uint32_t ttl) {
  put_u16(out, static_cast<std::uint16_t>(type));
  put_u16(out, k_class_in);
  put_u16(out, ttl >> 16);
  put_u16(out, ttl & 0xffff);
  put_u16(out, 0);
  return out.size();
}

void end_record(Bytes& out, std::size_t begin) {
  store_be16(MutableBytes(out).subspan(begin - 2), static_cast<std::uint16_t>(out.size() - begin));
}

}  // namespace

Result<Message> decode(BytesView packet) {
  if (packet.size() > k_packet_bytes_max) {
    return fail(MdnsError::too_large, packet.size());
  }
  Reader reader(packet);
  Message message;
  VIVIM_TRY(message.id, reader.u16());
  VIVIM_TRY(const auto flags, reader.u16());
  message.response = (flags & k_response_bit) != 0;
  VIVIM_TRY(const std::size_t questions, reader.u16());
  std::size_t records = 0;
  for (int section = 0; section < 3; ++section) {
    VIVIM_TRY(const std::size_t count, reader.u16());
    records += count;
  }
  if (questions + records > k_entries_max) {
    return fail(MdnsError::too_many, questions + records);
  }
  for (std::size_t i = 0; i < questions; ++i) {
    Question question;
    VIVIM_TRY(question.name, reader.name());
    VIVIM_TRY(question.type, reader.u16());
    VIVIM_TRYV(reader.u16());
    message.questions.push_back(std::move(question));
  }
  for (std::size_t i = 0; i < records; ++i) {
    VIVIM_TRY(auto record, read_record(reader, packet));
    message.records.push_back(std::move(record));
  }
  return message;
}

Bytes encode_query(std::string_view service) {
  Bytes out;
  put_header(out, 0, {1, 0, 0, 0});
  put_name(out, service);
  put_u16(out, static_cast<std::uint16_t>(RecordType::ptr));
  put_u16(out, k_class_in);
  return out;
}

Bytes encode_answer(const Announcement& announcement) {
  Bytes out;
  put_header(out, k_answer_flags, {0, 1, 0, 3});
  put_name(out, announcement.service);
  std::size_t begin = begin_record(out, RecordType::ptr, announcement.ttl);
  const std::size_t instance = out.size();
  put_label(out, announcement.peer_name);
  put_pointer(out, k_header_bytes);
  end_record(out, begin);

  put_pointer(out, instance);
  begin = begin_record(out, RecordType::srv, announcement.ttl);
  put_u16(out, 0);
  put_u16(out, 0);
  put_u16(out, announcement.port);
  const std::size_t host = out.size();
  put_label(out, announcement.peer_name);
  put_name(out, "local");
  end_record(out, begin);

  put_pointer(out, instance);
  begin = begin_record(out, RecordType::txt, announcement.ttl);
  for (const auto& text : announcement.texts) {
    VIVIM_ASSERT(text.size() <= k_text_bytes_max);
    out.push_back(static_cast<std::uint8_t>(text.size()));
    append(out, as_bytes(text));
  }
  end_record(out, begin);

  put_pointer(out, host);
  begin = begin_record(out, RecordType::a, announcement.ttl);
  append(out, announcement.ip);
  end_record(out, begin);
  return out;
}

Bytes encode_service_answer(std::string_view meta_service, std::string_view service,
                            std::uint32_t ttl) {
  Bytes out;
  put_header(out, k_answer_flags, {0, 1, 0, 0});
  put_name(out, meta_service);
  const std::size_t begin = begin_record(out, RecordType::ptr, ttl);
  put_name(out, service);
  end_record(out, begin);
  return out;
}

}  // namespace vivim::libp2p::mdns
