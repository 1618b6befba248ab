#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "vivim/libp2p/delimited/delimited.hpp"
#include "vivim/libp2p/host/host.hpp"
#include "vivim/libp2p/kad/message.hpp"

namespace vivim::libp2p::kad {

struct RpcOptions {
  std::string protocol{k_protocol_id};
  /// Writing a request and reading its answer; a connection before that takes what the host lets
  /// it.
  rt::Duration answer_max = std::chrono::seconds(8);
  /// Streams that wait for the next request, and for how long.
  std::size_t idle_streams_max = 32;
  rt::Duration idle_max = std::chrono::seconds(20);
};

/// Requests to nodes of the DHT over a host: connects where it must, and uses streams again.
class Rpc {
 public:
  Rpc(Host& host, RpcOptions options) : host_(host), options_(std::move(options)) {}

  /// Asks and reads the answer. Errors: those of Host::connect and open_stream, of the stream,
  /// malformed, unexpected, too_slow, stopping.
  rt::Co<Result<Message>> ask(Contact to, Message request);
  /// Says something that has no answer (add_provider), to a peer that speaks the protocol. Errors
  /// as above.
  rt::Co<Result<void>> tell(Contact to, Message message);

  /// Ends streams that have waited long enough.
  void tidy(rt::TimePoint now);
  /// Ends every conversation and stream: those under way fail.
  void stop();
  std::size_t idle_streams() const { return idle_.size(); }

 private:
  /// A stream with what was read of it.
  struct Line {
    std::unique_ptr<rt::Stream> stream;
    DelimitedReader reader{k_answer_bytes_max};
  };
  struct Idle {
    Line line;
    rt::TimePoint since;
  };

  rt::Co<Result<Line>> open(Contact to, StreamOptions options);
  std::optional<Line> reuse(const PeerId& peer);
  void keep(const PeerId& peer, Line line);
  static rt::Co<Result<Bytes>> write_and_read(Line& line, const Bytes& request);
  rt::Co<Result<Bytes>> exchange(Line& line, const Bytes& request);
  rt::Co<Result<Message>> converse(Contact to, const Bytes& request);
  rt::Co<Result<void>> send(Line& line, const Bytes& message);
  rt::TimePoint now() const { return host_.loop().clock().now(); }

  Host& host_;
  RpcOptions options_;
  std::map<PeerId, Idle> idle_;
  std::vector<rt::Stream*> busy_;  ///< in the order of their requests: a run can be repeated
  bool stopped_ = false;
};

}  // namespace vivim::libp2p::kad
