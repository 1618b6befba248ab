#include "interop/conformance/peers.hpp"

#include <chrono>

namespace vivim::interop::conformance {

using crdt::lib0::Decoder;
using crdt::lib0::Encoder;

namespace {

/// As the worker numbers them.
enum class Command : std::uint8_t { reset, make, edit, apply, state, compare };

constexpr std::chrono::milliseconds k_answer_patience{20'000};

Encoder request_of(Command command) {
  Encoder request;
  request.var_uint(static_cast<std::uint8_t>(command));
  return request;
}

}  // namespace

std::optional<Bytes> Peers::ask(const Encoder& request) {
  if (failure_) {
    return std::nullopt;
  }
  worker_.send(request.view());
  const auto answer = worker_.receive_within(k_answer_patience);
  if (!answer) {
    failure_ = "another engine gives no answer";
    return std::nullopt;
  }
  if (answer->front() != 0) {
    failure_ = std::string(Decoder(BytesView(*answer).subspan(1)).var_string().value());
    return std::nullopt;
  }
  return Bytes(answer->begin() + 1, answer->end());
}

std::vector<Bytes> Peers::updates(const Encoder& request) {
  std::vector<Bytes> updates;
  if (const auto answer = ask(request)) {
    Decoder in(*answer);
    for (std::uint64_t count = in.var_uint().value(); count > 0; --count) {
      updates.push_back(to_bytes(in.var_bytes().value()));
    }
  }
  return updates;
}

void Peers::reset() {
  failure_.reset();
  ask(request_of(Command::reset));
}

void Peers::make(Engine engine, std::uint64_t client, bool collects) {
  Encoder request = request_of(Command::make);
  request.var_uint(static_cast<std::uint64_t>(engine));
  request.var_uint(client);
  request.var_uint(collects ? 1 : 0);
  ask(request);
}

std::vector<Bytes> Peers::edit(std::size_t peer, std::uint64_t seed) {
  Encoder request = request_of(Command::edit);
  request.var_uint(peer);
  request.var_uint(seed & 0xffff'ffff);
  return updates(request);
}

std::vector<Bytes> Peers::apply(std::size_t peer, BytesView update, crdt::UpdateFormat format) {
  Encoder request = request_of(Command::apply);
  request.var_uint(peer);
  request.var_uint(static_cast<std::uint64_t>(format));
  request.var_bytes(update);
  return updates(request);
}

Bytes Peers::state(std::size_t peer) {
  Encoder request = request_of(Command::state);
  request.var_uint(peer);
  const auto answer = ask(request);
  return answer ? to_bytes(Decoder(*answer).var_bytes().value()) : Bytes{0, 0};
}

void Peers::compare(std::size_t peer, BytesView state) {
  Encoder request = request_of(Command::compare);
  request.var_uint(peer);
  request.var_bytes(state);
  if (const auto answer = ask(request)) {
    const std::string difference(Decoder(*answer).var_string().value());
    if (!difference.empty()) {
      failure_ = difference;
    }
  }
}

}  // namespace vivim::interop::conformance
