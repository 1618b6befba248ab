#include "vivim/libp2p/rendezvous/member.hpp"

#include "vivim/base/log.hpp"

namespace vivim::libp2p::rendezvous {

namespace {

constexpr auto k_answer_max = std::chrono::seconds(30);
constexpr auto k_leave_max = std::chrono::seconds(2);

}  // namespace

struct Member::Point {
  Point(PeerId id, Multiaddr at, const MemberTimes& times, rt::Loop& loop)
      : peer(id), address(std::move(at)), schedule(times), timer(loop.make_timer()) {}

  PeerId peer;
  Multiaddr address;
  Schedule schedule;
  std::unique_ptr<rt::Timer> timer;
  std::optional<Bytes> cookie;  ///< what we have been told already
  std::uint64_t found = 0;
  std::uint64_t failed = 0;
  std::optional<Error> last_error;
};

Member::Member(Host& host, rt::Loop& loop, record::Signer signer, MemberOptions options)
    : host_(host),
      loop_(loop),
      options_(std::move(options)),
      client_(host, loop, signer, k_answer_max),
      leaving_(host, loop, std::move(signer), k_leave_max),
      tasks_(loop) {}

Member::~Member() = default;

Result<void> Member::add_point(const Multiaddr& address) {
  const auto peer = address.peer();
  if (!peer) {
    return fail(RendezvousError::no_peer);
  }
  if (points_.size() >= k_points_max) {
    return fail(RendezvousError::too_many_points, k_points_max);
  }
  points_.push_back(std::make_unique<Point>(*peer, address, options_.times, loop_));
  return {};
}

void Member::start() {
  subscription_ = host_.subscribe([this](const HostEvent& event) { on_host_event(event); });
  tasks_.on_stop([this] { rest(); });
  for (const auto& point : points_) {
    point->timer->expire_at(loop_.clock().now());
    tasks_.spawn("rendezvous", attend(*point));
  }
}

void Member::rest() {
  left_ = true;
  subscription_ = {};
  for (const auto& point : points_) {
    point->timer->cancel();
  }
}

rt::Co<void> Member::stop() {
  co_await tasks_.stop();
}

rt::Co<void> Member::leave() {
  rest();
  for (const auto& point : points_) {
    if (point->schedule.enrolled_at(loop_.clock().now()) && host_.connected(point->peer)) {
      (void)co_await leaving_.leave(point->peer, options_.ns);
    }
  }
}

void Member::on_host_event(const HostEvent& event) {
  if (event.kind != HostEvent::Kind::addresses_changed) {
    return;
  }
  for (const auto& point : points_) {
    point->schedule.addresses_changed();
    point->timer->expire_at(point->schedule.next_deadline(reachable()));
  }
}

rt::Co<void> Member::attend(Point& point) {
  while (co_await point.timer->wait()) {
    while (const auto step = point.schedule.next(loop_.clock().now(), reachable())) {
      if (const auto done = co_await take(point, *step); !done) {
        log::write(log::Level::info, "rendezvous", "a point did not answer as it should",
                   {{"point", point.peer.to_string()},
                    {"error", std::string_view(done.error().message())}});
        point.last_error = done.error();
        ++point.failed;
        point.schedule.failed(loop_.clock().now());
      }
      if (left_) {
        co_return;
      }
    }
    point.timer->expire_at(point.schedule.next_deadline(reachable()));
  }
}

rt::Co<Result<void>> Member::take(Point& point, Schedule::Step step) {
  if (!host_.connected(point.peer)) {
    VIVIM_CO_TRYV(co_await host_.connect(point.address));
  }
  if (step == Schedule::Step::discover) {
    co_return co_await discover(point);
  }
  VIVIM_CO_TRY(const auto ttl,
               co_await client_.enroll(point.peer, options_.ns, options_.times.ttl));
  point.schedule.enrolled(ttl, loop_.clock().now());
  point.last_error.reset();
  co_return Result<void>{};
}

rt::Co<Result<void>> Member::discover(Point& point) {
  const auto answer = co_await client_.discover(
      point.peer, {.ns = options_.ns, .limit = {}, .cookie = point.cookie});
  if (!answer) {
    // A point that began anew does not know what it told us before.
    point.cookie.reset();
    co_return fail(answer.error());
  }
  point.schedule.discovered(loop_.clock().now());
  point.last_error.reset();
  point.cookie = answer->cookie;
  for (const Found& found : answer->peers) {
    note(point, found);
  }
  co_return Result<void>{};
}

void Member::note(Point& point, const Found& found) {
  if (found.peer == host_.peer_id()) {
    return;
  }
  ++point.found;
  const peerstore::Time now(loop_.clock().wall_now_ms());
  const auto ttl = std::min<peerstore::Time>(peerstore::k_ttl_told, found.ttl);
  for (const auto& address : found.addresses) {
    host_.peer_store().add_address(found.peer, address, peerstore::Source::discovered, ttl, now);
  }
  if (options_.on_found) {
    options_.on_found(found);
  }
}

std::vector<PointStatus> Member::points() const {
  std::vector<PointStatus> all;
  for (const auto& point : points_) {
    all.push_back({.peer = point->peer,
                   .address = point->address,
                   .enrolled = point->schedule.enrolled_at(loop_.clock().now()),
                   .found = point->found,
                   .failed = point->failed,
                   .last_error = point->last_error});
  }
  return all;
}

}  // namespace vivim::libp2p::rendezvous
