#pragma once

#include "vivim/libp2p/host/host.hpp"
#include "vivim/libp2p/rendezvous/message.hpp"

namespace vivim::libp2p::rendezvous {

/// A peer that was found in a namespace; it signed this itself.
struct Found {
  std::string ns;
  PeerId peer;
  std::vector<Multiaddr> addresses;  ///< without /p2p
  std::chrono::seconds ttl{0};
};

/// What a rendezvous point knows.
struct Discovered {
  std::vector<Found> peers;
  Bytes cookie;             ///< for the next time: only what is new
  std::size_t dropped = 0;  ///< entries whose record was not signed by its peer, or malformed
};

/// Reads an answer: checks every record. Sans-IO. Errors: refused.
Result<Discovered> read_response(const DiscoverResponse& response);

/// Registers with rendezvous points and asks them, over a host. We must be connected with them.
class Client {
 public:
  /// `signer` is the host's identity. `form`: how our record is written at first; legacy where
  /// those who look for us only read that.
  Client(Host& host, rt::Loop& loop, record::Signer signer,
         rt::Duration answer_max = std::chrono::seconds(30), RecordForm form = RecordForm::deployed)
      : host_(host),
        loop_(loop),
        signer_(std::move(signer)),
        answer_max_(answer_max),
        form_(form) {}

  /// Says that we are in `ns`, at the host's listen addresses, for `ttl` (absent: as long as the
  /// point likes). Returns for how long. A point that does not understand our record is asked again
  /// with one of the other form. Errors: those of Host::open_stream and of the stream,
  /// invalid_namespace, refused, malformed, unexpected, too_slow.
  rt::Co<Result<std::chrono::seconds>> enroll(PeerId point, std::string ns,
                                              std::optional<std::chrono::seconds> ttl = {});
  /// Says that we are not in `ns` any more. There is no answer.
  rt::Co<Result<void>> leave(PeerId point, std::string ns);
  /// Who is in `request.ns`. Errors as of enroll(); refused with Status::invalid_cookie when the
  /// point has forgotten the cookie: ask again without.
  rt::Co<Result<Discovered>> discover(PeerId point, Discover request);

 private:
  rt::Co<Result<Message>> ask(PeerId point, Message request);
  rt::Co<Result<std::chrono::seconds>> enroll_once(PeerId point, std::string ns,
                                                   std::optional<std::chrono::seconds> ttl,
                                                   RecordForm form);

  Host& host_;
  rt::Loop& loop_;
  record::Signer signer_;
  rt::Duration answer_max_;
  RecordForm form_;
};

}  // namespace vivim::libp2p::rendezvous
