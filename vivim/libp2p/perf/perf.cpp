#include "vivim/libp2p/perf/perf.hpp"

#include <algorithm>

#include "vivim/base/assert.hpp"

namespace vivim::libp2p::perf {

namespace {

double rate(std::uint64_t bytes, double seconds) {
  return seconds > 0 ? static_cast<double>(bytes) * 8 / seconds : 0;
}

}  // namespace

double Measurement::upload_rate() const {
  return rate(uploaded_bytes, upload_seconds());
}

double Measurement::download_rate() const {
  return rate(downloaded_bytes, download_seconds());
}

Payload::Payload(BytesView header, std::uint64_t bytes, std::size_t write_bytes)
    : header_bytes_(header.size()), left_(bytes) {
  VIVIM_ASSERT(write_bytes > header.size());
  const auto zeros = static_cast<std::size_t>(
      std::min<std::uint64_t>(bytes, write_bytes - std::min(write_bytes, header.size())));
  buffer_.reserve(header.size() + zeros);
  append(buffer_, header);
  buffer_.resize(
      std::max<std::size_t>(header.size() + zeros,
                            static_cast<std::size_t>(std::min<std::uint64_t>(bytes, write_bytes))));
}

BytesView Payload::next() {
  const std::size_t front = began_ ? 0 : header_bytes_;
  if (began_ && header_bytes_ > 0) {
    std::fill_n(buffer_.begin(), std::exchange(header_bytes_, 0), std::uint8_t{0});
  }
  began_ = true;
  const auto zeros =
      static_cast<std::size_t>(std::min<std::uint64_t>(left_, buffer_.size() - front));
  left_ -= zeros;
  return BytesView(buffer_).first(front + zeros);
}

Payload Client::make_payload(Request request, std::size_t write_bytes) {
  std::array<std::uint8_t, k_header_bytes> header{};
  store_be64(header, request.download_bytes);
  return {header, request.upload_bytes, write_bytes};
}

Client::Client(Request request, Time now, std::size_t write_bytes)
    : request_(request), payload_(make_payload(request, write_bytes)), began_(now) {}

Result<void> Client::feed(std::size_t count, Time now) {
  if (!std::exchange(has_answer_, true)) {
    answered_ = now;
  }
  if (count > request_.download_bytes - received_) {
    return fail(PerfError::too_much, count);
  }
  received_ += count;
  return {};
}

Result<Measurement> Client::finish(Time now) {
  if (received_ < request_.download_bytes) {
    return fail(PerfError::truncated, request_.download_bytes - received_);
  }
  const Time answered = has_answer_ ? answered_ : now;
  return Measurement{.uploaded_bytes = request_.upload_bytes,
                     .downloaded_bytes = received_,
                     .upload = answered - began_,
                     .download = now - answered};
}

Result<void> Responder::feed(BytesView in) {
  const auto head = in.first(std::min(in.size(), k_header_bytes - header_size_));
  std::ranges::copy(head, header_.begin() + static_cast<std::ptrdiff_t>(header_size_));
  header_size_ += head.size();
  if (header_size_ == k_header_bytes && download_bytes() > limits_.download_bytes_max) {
    return fail(PerfError::download_too_large, limits_.download_bytes_max);
  }
  const std::size_t body = in.size() - head.size();
  if (body > limits_.upload_bytes_max - uploaded_) {
    return fail(PerfError::upload_too_large, limits_.upload_bytes_max);
  }
  uploaded_ += body;
  return {};
}

Result<Payload> Responder::finish(std::size_t write_bytes) const {
  if (header_size_ < k_header_bytes) {
    return fail(PerfError::truncated, k_header_bytes - header_size_);
  }
  return Payload({}, download_bytes(), write_bytes);
}

}  // namespace vivim::libp2p::perf
