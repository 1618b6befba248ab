#include "vivim/libp2p/gossipsub/wire.hpp"
#include "vivim/libp2p/gossipsub/wire_reader_detail.hpp"

namespace vivim::libp2p::gossipsub::wire {

namespace {

using detail::FieldReader;

/// Reads the fields of a message: `take(reader)` for each; false when one is not as it should be.
template <class Take>
Result<void> each(BytesView in, Take take) {
  FieldReader reader(in);
  while (reader.next()) {
    VIVIM_TRYV(take(reader));
  }
  return reader.broken() ? fail(GossipsubError::malformed, reader.position()) : Result<void>();
}

/// A field of bytes that is of another type is not this schema.
Result<void> expect_bytes(const FieldReader& reader) {
  return reader.is_bytes() ? Result<void>() : fail(GossipsubError::malformed, reader.position());
}

Result<void> expect_varint(const FieldReader& reader) {
  return reader.is_varint() ? Result<void>() : fail(GossipsubError::malformed, reader.position());
}

template <class T>
Result<void> room_in(const std::vector<T>& entries) {
  return entries.size() < k_entries_max ? Result<void>()
                                        : fail(GossipsubError::too_many, k_entries_max);
}

template <class T>
void trim(std::vector<T>& entries) {
  constexpr std::size_t k_kept_max = 1024;
  if (entries.capacity() > k_kept_max) {
    entries = std::vector<T>();
  }
  entries.clear();
}

Result<void> read_subscription(BytesView in, Rpc& rpc) {
  VIVIM_TRYV(room_in(rpc.subscriptions));
  Subscription& value = rpc.subscriptions.emplace_back();
  return each(in, [&value](const FieldReader& reader) -> Result<void> {
    if (reader.number() == 2) {
      VIVIM_TRYV(expect_bytes(reader));
      value.topic = reader.text();
    } else if (reader.number() == 1 || reader.number() == 3 || reader.number() == 4) {
      VIVIM_TRYV(expect_varint(reader));
      bool& flag = reader.number() == 1   ? value.subscribe
                   : reader.number() == 3 ? value.requests_partial
                                          : value.supports_partial;
      flag = reader.value() != 0;
    }
    return {};
  });
}

Result<void> read_message(BytesView in, Rpc& rpc) {
  VIVIM_TRYV(room_in(rpc.publish));
  MessageView& value = rpc.publish.emplace_back();
  return each(in, [&value](const FieldReader& reader) -> Result<void> {
    if (reader.number() > 6) {
      return {};
    }
    VIVIM_TRYV(expect_bytes(reader));
    switch (reader.number()) {
      case 1:
        value.from = reader.bytes();
        break;
      case 2:
        value.data = reader.bytes();
        break;
      case 3:
        value.seqno = reader.bytes();
        break;
      case 4:
        value.topic = reader.text();
        break;
      case 5:
        value.signature = reader.bytes();
        break;
      default:
        value.key = reader.bytes();
        break;
    }
    return {};
  });
}

Result<void> read_ihave(BytesView in, Rpc& rpc) {
  VIVIM_TRYV(room_in(rpc.ihave));
  IHave& value = rpc.ihave.emplace_back(IHave{.topic = {}, .first = rpc.ihave_ids.size()});
  VIVIM_TRYV(each(in, [&value, &rpc](const FieldReader& reader) -> Result<void> {
    if (reader.number() == 1) {
      VIVIM_TRYV(expect_bytes(reader));
      value.topic = reader.text();
    } else if (reader.number() == 2) {
      VIVIM_TRYV(expect_bytes(reader));
      if (rpc.ihave_ids.size() < k_ids_max) {
        rpc.ihave_ids.push_back(reader.bytes());
      }
    }
    return {};
  }));
  value.count = rpc.ihave_ids.size() - value.first;
  return {};
}

/// ControlIWant and ControlIDontWant: ids alone.
Result<void> read_ids(BytesView in, std::vector<BytesView>& ids) {
  return each(in, [&ids](const FieldReader& reader) -> Result<void> {
    if (reader.number() == 1) {
      VIVIM_TRYV(expect_bytes(reader));
      if (ids.size() < k_ids_max) {
        ids.push_back(reader.bytes());
      }
    }
    return {};
  });
}

Result<void> read_graft(BytesView in, Rpc& rpc) {
  VIVIM_TRYV(room_in(rpc.graft));
  std::string_view& topic = rpc.graft.emplace_back();
  return each(in, [&topic](const FieldReader& reader) -> Result<void> {
    if (reader.number() == 1) {
      VIVIM_TRYV(expect_bytes(reader));
      topic = reader.text();
    }
    return {};
  });
}

Result<void> read_peer_info(BytesView in, Rpc& rpc) {
  PeerInfo value;
  VIVIM_TRYV(each(in, [&value](const FieldReader& reader) -> Result<void> {
    if (reader.number() == 1 || reader.number() == 2) {
      VIVIM_TRYV(expect_bytes(reader));
      (reader.number() == 1 ? value.id : value.record) = reader.bytes();
    }
    return {};
  }));
  if (rpc.peers.size() < k_peers_max) {
    rpc.peers.push_back(value);
  }
  return {};
}

Result<void> read_prune(BytesView in, Rpc& rpc) {
  VIVIM_TRYV(room_in(rpc.prune));
  Prune& value = rpc.prune.emplace_back(Prune{.topic = {}, .first = rpc.peers.size()});
  VIVIM_TRYV(each(in, [&value, &rpc](const FieldReader& reader) -> Result<void> {
    if (reader.number() == 1) {
      VIVIM_TRYV(expect_bytes(reader));
      value.topic = reader.text();
    } else if (reader.number() == 2) {
      VIVIM_TRYV(expect_bytes(reader));
      return read_peer_info(reader.bytes(), rpc);
    } else if (reader.number() == 3) {
      VIVIM_TRYV(expect_varint(reader));
      value.backoff = reader.value();
    }
    return {};
  }));
  value.count = rpc.peers.size() - value.first;
  return {};
}

Result<void> read_extensions(BytesView in, Rpc& rpc) {
  Extensions value;
  VIVIM_TRYV(each(in, [&value](const FieldReader& reader) -> Result<void> {
    if (reader.number() == 10) {
      VIVIM_TRYV(expect_varint(reader));
      value.partial_messages = reader.value() != 0;
    }
    return {};
  }));
  rpc.extensions = value;
  return {};
}

Result<void> read_control(BytesView in, Rpc& rpc) {
  return each(in, [&rpc](const FieldReader& reader) -> Result<void> {
    if (reader.number() > 6) {
      return {};
    }
    VIVIM_TRYV(expect_bytes(reader));
    switch (reader.number()) {
      case 1:
        return read_ihave(reader.bytes(), rpc);
      case 2:
        return read_ids(reader.bytes(), rpc.iwant);
      case 3:
        return read_graft(reader.bytes(), rpc);
      case 4:
        return read_prune(reader.bytes(), rpc);
      case 5:
        return read_ids(reader.bytes(), rpc.idontwant);
      default:
        return read_extensions(reader.bytes(), rpc);
    }
  });
}

Result<void> read_partial(BytesView in, Rpc& rpc) {
  Partial value;
  VIVIM_TRYV(each(in, [&value](const FieldReader& reader) -> Result<void> {
    if (reader.number() > 4) {
      return {};
    }
    VIVIM_TRYV(expect_bytes(reader));
    switch (reader.number()) {
      case 1:
        value.topic = reader.text();
        break;
      case 2:
        value.group = reader.bytes();
        break;
      case 3:
        value.message = reader.bytes();
        break;
      default:
        value.metadata = reader.bytes();
        break;
    }
    return {};
  }));
  rpc.partial = value;
  return {};
}

}  // namespace

void Rpc::clear() {
  trim(subscriptions);
  trim(publish);
  trim(ihave);
  trim(ihave_ids);
  trim(iwant);
  trim(graft);
  trim(prune);
  trim(peers);
  trim(idontwant);
  extensions.reset();
  partial.reset();
}

Result<void> decode(BytesView body, Rpc& rpc) {
  rpc.clear();
  return each(body, [&rpc](const FieldReader& reader) -> Result<void> {
    const std::uint32_t number = reader.number();
    if (number != 1 && number != 2 && number != 3 && number != 10) {
      return {};
    }
    VIVIM_TRYV(expect_bytes(reader));
    switch (number) {
      case 1:
        return read_subscription(reader.bytes(), rpc);
      case 2:
        return read_message(reader.bytes(), rpc);
      case 3:
        return read_control(reader.bytes(), rpc);
      default:
        return read_partial(reader.bytes(), rpc);
    }
  });
}

}  // namespace vivim::libp2p::gossipsub::wire
