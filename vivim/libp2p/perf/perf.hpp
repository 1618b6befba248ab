#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "vivim/base/bytes.hpp"
#include "vivim/base/result.hpp"
#include "vivim/libp2p/perf/error.hpp"

namespace vivim::libp2p::perf {

inline constexpr std::string_view k_protocol_id = "/perf/1.0.0";

/// Bytes of one write unless the options say otherwise.
inline constexpr std::size_t k_write_bytes = std::size_t{64} * 1024;
/// What the client sends first: how many bytes it wants back.
inline constexpr std::size_t k_header_bytes = 8;

/// A point of the driver's monotonic clock, counted from any fixed start; or a span of it.
using Time = std::chrono::nanoseconds;

/// What is measured.
struct Request {
  std::uint64_t upload_bytes = 0;
  std::uint64_t download_bytes = 0;
};

/// What was measured. The upload lasts from the first write until the server's answer begins (it
/// answers when it has read everything), the download from there until the end of the stream.
struct Measurement {
  std::uint64_t uploaded_bytes = 0;
  std::uint64_t downloaded_bytes = 0;
  Time upload{};
  Time download{};

  double upload_seconds() const { return std::chrono::duration<double>(upload).count(); }
  double download_seconds() const { return std::chrono::duration<double>(download).count(); }
  /// Bits per second; 0 when nothing was sent.
  double upload_rate() const;
  double download_rate() const;
};

/// The bytes that both sides send: zeros, behind the header where there is one. Sans-IO.
class Payload {
 public:
  Payload(BytesView header, std::uint64_t bytes, std::size_t write_bytes);

  /// What to write next; empty at the end. Valid until the next call.
  BytesView next();

 private:
  Bytes buffer_;
  std::size_t header_bytes_;
  std::uint64_t left_;
  bool began_ = false;
};

/// The side that measures (libp2p/specs perf/perf.md): the size of the download as u64 BE, the
/// upload, the end of its writing side; only then the download. Sans-IO.
class Client {
 public:
  Client(Request request, Time now, std::size_t write_bytes = k_write_bytes);

  /// What to write next; empty when everything was: then close the writing side and read.
  BytesView next_write() { return payload_.next(); }
  /// `count` bytes arrived. Error: too_much.
  Result<void> feed(std::size_t count, Time now);
  /// The server closed its writing side. Error: truncated.
  Result<Measurement> finish(Time now);

 private:
  static Payload make_payload(Request request, std::size_t write_bytes);

  Request request_;
  Payload payload_;
  Time began_;
  Time answered_{};
  std::uint64_t received_ = 0;
  bool has_answer_ = false;
};

/// What a server lets one stream cost it.
struct ServerLimits {
  std::uint64_t upload_bytes_max = std::uint64_t{16} << 30;
  std::uint64_t download_bytes_max = std::uint64_t{16} << 30;
  std::chrono::milliseconds time_max = std::chrono::minutes(5);
  std::size_t streams_max = 8;  ///< at once
};

/// The side that answers. Sans-IO.
class Responder {
 public:
  explicit Responder(const ServerLimits& limits) : limits_(limits) {}

  /// Takes what arrived. Errors: download_too_large, upload_too_large.
  Result<void> feed(BytesView in);
  /// The client closed its writing side: what it gets. Error: truncated, inside the header.
  Result<Payload> finish(std::size_t write_bytes = k_write_bytes) const;

  std::uint64_t uploaded_bytes() const { return uploaded_; }
  std::uint64_t download_bytes() const { return load_be64(header_); }

 private:
  ServerLimits limits_;
  std::array<std::uint8_t, k_header_bytes> header_{};
  std::size_t header_size_ = 0;
  std::uint64_t uploaded_ = 0;
};

}  // namespace vivim::libp2p::perf
