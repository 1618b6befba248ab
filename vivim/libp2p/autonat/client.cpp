#include "vivim/libp2p/autonat/client.hpp"

#include <algorithm>
#include <array>

#include "vivim/base/assert.hpp"
#include "vivim/base/log.hpp"
#include "vivim/libp2p/transport/reset_code.hpp"
#include "vivim/rt/deadline.hpp"
#include "vivim/rt/error.hpp"

namespace vivim::libp2p::autonat {

namespace {

/// Dial backs that are being answered: more than that are strangers' guesses.
constexpr std::size_t k_dial_backs_max = 16;
/// After something changed: so that what changes together is asked about together.
constexpr auto k_soon = std::chrono::seconds(1);

/// Groups of peers that see us at an address before we ask about it.
constexpr std::size_t k_observers_min = 2;

bool serves(const PeerInfo& info) {
  return !info.limited && std::ranges::any_of(info.protocols, [](const std::string& protocol) {
    return protocol == k_dial_request_protocol_id || protocol == k_v1_protocol_id;
  });
}

}  // namespace

AutonatClient::AutonatClient(Host& host, rt::Rng& rng, AutonatClientOptions options)
    : host_(host),
      rng_(rng),
      options_(std::move(options)),
      table_(options_.reachability),
      timer_(host.loop().make_timer()),
      idle_(host.loop()),
      subscription_(host.subscribe([this](const HostEvent& event) { on_host_event(event); })),
      tasks_(host.loop()) {
  tasks_.on_stop([this] {
    timer_->cancel();
    for (rt::Stream* const stream : asking_) {
      stream->reset(to_value(ResetCode::shutdown));
    }
  });
}

AutonatClient::~AutonatClient() {
  VIVIM_ASSERT(sessions_.empty() && answering_ == 0);
}

Result<void> AutonatClient::start() {
  VIVIM_TRYV(host_.handle(std::string(k_dial_back_protocol_id), [this](InboundStream inbound) {
    return take_dial_back(std::move(inbound));
  }));
  timer_->expire_at(host_.loop().clock().now() + k_soon);
  tasks_.spawn("autonat rounds", rounds());
  return {};
}

rt::Co<void> AutonatClient::stop() {
  host_.unhandle(std::string(k_dial_back_protocol_id));
  co_await tasks_.stop();
  while (answering_ > 0) {
    idle_.reset();
    co_await idle_.wait();
  }
}

void AutonatClient::on_host_event(const HostEvent& event) {
  if (event.kind == HostEvent::Kind::identified && !all_known() && !tasks_.stopping()) {
    timer_->expire_at(host_.loop().clock().now() + k_soon);
  }
}

std::vector<Multiaddr> AutonatClient::own_addresses() const {
  std::vector<Multiaddr> all;
  if (options_.addresses) {
    all = options_.addresses();
  } else {
    all = host_.listen_addresses();
    // A single peer's claim is not worth asking about: it costs up to 100 kB.
    const auto observed = host_.observed_addresses(k_observers_min);
    all.insert(all.end(), observed.begin(), observed.end());
  }
  std::vector<Multiaddr> own;
  for (const auto& address : all) {
    Multiaddr place = address.without_peer();
    if (dialable(place, options_.scope) && std::ranges::find(own, place) == own.end()) {
      own.push_back(std::move(place));
    }
  }
  return own;
}

bool AutonatClient::all_known() const {
  return std::ranges::all_of(own_addresses(), [this](const Multiaddr& address) {
    return table_.of(address, now()).reachability != Reachability::unknown;
  });
}

rt::Co<Result<Finding>> AutonatClient::ask(PeerId server) {
  auto addresses = table_.by_need(own_addresses(), now());
  if (addresses.empty()) {
    co_return fail(AutonatError::no_addresses);
  }
  const std::array<std::string, 2> protocols{std::string(k_dial_request_protocol_id),
                                             std::string(k_v1_protocol_id)};
  VIVIM_CO_TRY(auto opened, co_await host_.open_stream(server, protocols));
  rt::Stream* const raw = opened.stream.get();
  rt::Deadline deadline(host_.loop(), options_.answer_time_max, [raw] { raw->reset(0); });
  asking_.insert(*raw);
  const auto finding = opened.protocol == k_v1_protocol_id
                           ? co_await ask_v1(*raw, server, std::move(addresses))
                           : co_await ask_v2(*raw, server, std::move(addresses));
  asking_.erase(*raw);
  co_await deadline.finish();
  if (!finding) {
    raw->reset(to_value(reset_code_for(finding.error())));
    co_return deadline.expired() ? Result<Finding>(fail(AutonatError::timed_out)) : finding;
  }
  (void)co_await raw->close_write();
  co_return finding;
}

void AutonatClient::note(const Finding& finding, const PeerId& server) {
  if (const auto changed = table_.add(finding, server, now())) {
    log::write(log::Level::info, "autonat", "reachability",
               {{"address", std::string_view(changed->address.to_string())},
                {"is", to_string(changed->reachability)}});
    if (options_.on_change) {
      options_.on_change(*changed);
    }
  }
}

rt::Co<Result<Finding>> AutonatClient::ask_v1(rt::Stream& stream, PeerId server,
                                              std::vector<Multiaddr> addresses) {
  const Bytes question =
      delimited(v1::encode(v1::Dial{.peer = host_.peer_id(), .addresses = addresses}));
  VIVIM_CO_TRYV(co_await stream.write(question));
  DelimitedReader reader(k_message_bytes_max);
  VIVIM_CO_TRY(const auto bytes, co_await read_message(stream, reader));
  VIVIM_CO_TRY(const auto message, v1::decode(bytes));
  const auto* const response = std::get_if<v1::DialResponse>(&message);
  if (response == nullptr) {
    co_return fail(AutonatError::unexpected);
  }
  switch (response->status) {
    case v1::Status::ok: {
      // rust-libp2p says whom it reached, too.
      const auto found = response->address
                             ? std::ranges::find(addresses, response->address->without_peer())
                             : addresses.begin();
      if (found == addresses.end()) {
        co_return fail(AutonatError::unexpected);
      }
      const Finding finding{.address = *found, .reachable = true};
      note(finding, server);
      co_return finding;
    }
    case v1::Status::dial_error:
      for (const Multiaddr& address : addresses) {
        note({.address = address, .reachable = false}, server);
      }
      co_return Finding{.address = addresses.front(), .reachable = false};
    case v1::Status::dial_refused:
      co_return fail(AutonatError::refused);
    default:
      co_return fail(AutonatError::server_failed, static_cast<std::uint64_t>(response->status));
  }
}

rt::Co<Result<Finding>> AutonatClient::ask_v2(rt::Stream& stream, PeerId server,
                                              std::vector<Multiaddr> addresses) {
  std::uint64_t nonce = rng_.u64();
  while (sessions_.contains(nonce)) {
    nonce = rng_.u64();
  }
  ClientSession session(std::move(addresses), nonce);
  sessions_.emplace(nonce, &session);
  const auto finding = co_await converse(stream, session);
  sessions_.erase(nonce);
  if (finding) {
    note(*finding, server);
  }
  co_return finding;
}

rt::Co<Result<Finding>> AutonatClient::converse(rt::Stream& stream, ClientSession& session) {
  const Bytes question = delimited(v2::encode(session.request()));
  VIVIM_CO_TRYV(co_await stream.write(question));
  DelimitedReader reader(k_message_bytes_max);
  for (;;) {
    VIVIM_CO_TRY(const auto bytes, co_await read_message(stream, reader));
    VIVIM_CO_TRY(const auto message, v2::decode(bytes));
    VIVIM_CO_TRY(const auto next, session.on_message(message));
    if (const auto* const finding = std::get_if<Finding>(&next)) {
      co_return *finding;
    }
    VIVIM_CO_TRYV(co_await send_data(stream, std::get<v2::DialDataRequest>(next).bytes));
  }
}

rt::Co<Result<void>> AutonatClient::send_data(rt::Stream& stream, std::uint64_t bytes) {
  const Bytes piece = delimited(v2::encode(v2::DialDataResponse{.bytes = k_data_piece_bytes_max}));
  for (std::uint64_t sent = 0; sent < bytes; sent += k_data_piece_bytes_max) {
    VIVIM_CO_TRYV(co_await stream.write(piece));
  }
  co_return Result<void>{};
}

//= autonat/autonat-v2#autonat-v2-protocol
// # "The client MUST check that the nonce received in the DialBack is the same as the nonce it
// sent"
rt::Co<void> AutonatClient::take_dial_back(InboundStream inbound) {
  rt::Stream* const raw = inbound.stream.get();
  if (answering_ >= k_dial_backs_max || tasks_.stopping()) {
    raw->reset(to_value(ResetCode::limit_exceeded));
    co_return;
  }
  ++answering_;
  rt::Deadline deadline(host_.loop(), options_.answer_time_max, [raw] { raw->reset(0); });
  DelimitedReader reader(k_message_bytes_max);
  const auto bytes = co_await read_message(*raw, reader);
  const auto nonce = bytes ? v2::decode_dial_back(*bytes) : fail(bytes.error());
  const auto found = nonce ? sessions_.find(*nonce) : sessions_.end();
  if (found == sessions_.end()) {
    raw->reset(to_value(ResetCode::protocol_violation));
  } else {
    found->second->on_dial_back(inbound.local);
    const Bytes answer = delimited(v2::encode_dial_back_response());
    if (co_await raw->write(answer)) {
      (void)co_await raw->close_write();
    }
  }
  co_await deadline.finish();
  --answering_;
  idle_.set();
}

rt::Co<void> AutonatClient::rounds() {
  while (co_await timer_->wait()) {
    co_await round();
    if (tasks_.stopping()) {
      co_return;
    }
    timer_->expire_at(host_.loop().clock().now() +
                      (all_known() ? options_.interval : options_.retry_interval));
  }
}

rt::Co<void> AutonatClient::round() {
  const auto own = own_addresses();
  table_.watch(own, now());
  if (own.empty()) {
    co_return;
  }
  for (const PeerId& server : choose_servers()) {
    if (tasks_.stopping()) {
      co_return;
    }
    asked_[server] = now();
    const auto finding = co_await ask(server);
    ++(!finding ? stats_.failed : finding->reachable ? stats_.reachable : stats_.unreachable);
  }
}

/// Some of those that were not asked lately, at random.
std::vector<PeerId> AutonatClient::choose_servers() {
  std::vector<PeerId> servers;
  std::map<PeerId, Time> still;
  for (const PeerInfo& info : host_.peers()) {
    const auto asked = asked_.find(info.id);
    if (asked != asked_.end()) {
      still.insert(*asked);
    }
    const bool rested = asked == asked_.end() || now() - asked->second >= options_.server_pause;
    if (rested && serves(info) && std::ranges::find(servers, info.id) == servers.end()) {
      servers.push_back(info.id);
    }
  }
  asked_ = std::move(still);
  for (std::size_t i = servers.size(); i > 1; --i) {
    std::swap(servers[i - 1], servers[rng_.below(i)]);
  }
  while (servers.size() > options_.servers_per_round) {
    servers.pop_back();
  }
  return servers;
}

}  // namespace vivim::libp2p::autonat
