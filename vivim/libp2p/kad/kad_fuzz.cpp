// The state machines under any sequence of events: a routing table, a server with its stores, and
// a lookup stay within their limits and keep their order.
#include "vivim/base/assert.hpp"
#include "vivim/libp2p/kad/kad_test_detail.hpp"
#include "vivim/libp2p/kad/query.hpp"
#include "vivim/libp2p/kad/server.hpp"

using namespace vivim;
using namespace vivim::libp2p::kad;
using namespace vivim::libp2p::kad::test;

namespace {

constexpr std::size_t k_table_max = 24;
constexpr std::size_t k_candidates_max = 40;

/// Takes the input apart.
class Input {
 public:
  explicit Input(BytesView bytes) : bytes_(bytes) {}
  bool empty() const { return bytes_.empty(); }
  std::uint8_t byte() {
    if (bytes_.empty()) {
      return 0;
    }
    const auto value = bytes_.front();
    bytes_ = bytes_.subspan(1);
    return value;
  }
  BytesView block() {
    const auto size = std::min<std::size_t>(byte(), bytes_.size());
    const auto block = bytes_.first(size);
    bytes_ = bytes_.subspan(size);
    return block;
  }

 private:
  BytesView bytes_;
};

struct State {
  RoutingTable table{
      peer(0), {.bucket_size = 4, .spares_max = 2, .peers_max = k_table_max, .failures_max = 1}};
  Validators validators = Validators::standard();
  Records records{
      table.key(), validators, {.records_max = 4, .bytes_max = 4096, .per_peer_max = 2}};
  Providers providers{{.keys_max = 4, .per_key_max = 4, .entries_max = 8, .per_peer_max = 2}};
  Server server{{.table = table, .records = records, .providers = providers, .find_peer = {}}};
  std::optional<Query> query;
  std::vector<PeerId> asked;
  rt::TimePoint now{std::chrono::hours(1)};
};

std::vector<Contact> contacts(BytesView numbers) {
  std::vector<Contact> all;
  for (const std::uint8_t number : numbers) {
    all.push_back(contact(number));
  }
  return all;
}

void step_table(State& state, Input& in) {
  const std::uint8_t number = in.byte();
  switch (in.byte() % 4) {
    case 0:
      (void)state.table.failed(peer(number));
      break;
    case 1:
      state.table.remove(peer(number));
      break;
    default:
      (void)state.table.add(contact(number), groups_of(contact(number % 7).addresses), state.now);
  }
  VIVIM_ASSERT(state.table.size() <= k_table_max);
  VIVIM_ASSERT(state.table.entries().size() == state.table.size());
  VIVIM_ASSERT(decode_snapshot(state.table.encode()).has_value());
  const auto closest = state.table.closest(Key::of(peer(number)), 5);
  VIVIM_ASSERT(std::ranges::is_sorted(closest, {}, [&](const TableEntry* entry) {
    return entry->key.distance(Key::of(peer(number)));
  }));
}

void step_server(State& state, Input& in) {
  const PeerId from = peer(in.byte());
  auto request = decode(in.block());
  if (!request) {
    return;
  }
  for (PeerInfo& info : request->providers) {
    info.contact.peer = from;
  }
  const auto answer = state.server.answer({.peer = from, .groups = {}}, *request, state.now, 1000);
  if (answer && *answer) {
    VIVIM_ASSERT(decode(encode(**answer)).has_value());
  }
  VIVIM_ASSERT(state.records.size() <= 4 && state.records.bytes() <= 4096);
  VIVIM_ASSERT(state.providers.entries() <= 8 && state.providers.keys() <= 4);
}

void step_query(State& state, Input& in) {
  if (!state.query) {
    state.query.emplace(Key::of(in.block()), peer(0), contacts(in.block()),
                        QueryOptions{.concurrency = 3,
                                     .paths = std::size_t{1} + (in.byte() % 4),
                                     .candidates_max = k_candidates_max});
  }
  while (const auto next = state.query->next(state.now)) {
    state.asked.push_back(next->peer);
  }
  const std::uint8_t action = in.byte();
  if (!state.asked.empty() && action != 0) {
    const PeerId who = state.asked[in.byte() % state.asked.size()];
    if (action % 3 == 0) {
      (void)state.query->failed(who);
    } else if (action % 31 == 1) {
      state.query->put_back(who);
    } else if (action % 31 == 2) {
      state.query->skip(who);
    } else {
      state.query->answered(who, contacts(in.block()), {Group{action}});
    }
  }
  VIVIM_ASSERT(state.query->asked() <= k_candidates_max);
  const auto closest = state.query->closest();
  VIVIM_ASSERT(closest.size() <= k_replication);
  VIVIM_ASSERT(std::ranges::is_sorted(closest, {}, [&](const Contact& one) {
    return Key::of(one.peer).distance(state.query->target());
  }));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Input in(BytesView(data, size));
  State state;
  (void)state.records.adopt(BytesView(data, size), state.now, 0);
  const Bytes held = state.records.encode(state.now, 0);
  VIVIM_ASSERT(state.records.adopt(held, state.now, 0).has_value());
  while (!in.empty()) {
    state.now += std::chrono::seconds(1);
    switch (in.byte() % 3) {
      case 0:
        step_table(state, in);
        break;
      case 1:
        step_server(state, in);
        break;
      default:
        step_query(state, in);
    }
  }
  if (state.query) {  // it ends when everybody has answered or failed
    for (std::size_t i = 0; i <= k_candidates_max; ++i) {
      while (const auto next = state.query->next(state.now)) {
        state.asked.push_back(next->peer);
      }
      for (const PeerId& who : state.asked) {
        (void)state.query->failed(who);
      }
    }
    VIVIM_ASSERT(state.query->end(state.now) != QueryEnd::running);
  }
  return 0;
}
