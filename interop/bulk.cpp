#include "interop/bulk.hpp"

#include <algorithm>
#include <utility>

#include "vivim/crypto/hash.hpp"
#include "vivim/rt/task_group.hpp"

namespace vivim::interop {

namespace {

using crypto::Sha256;
using crypto::Sha256Digest;

constexpr std::size_t k_block_bytes = 64 * 1024;
constexpr std::size_t k_sizes_bytes = 16;

// Cheap bytes that do not repeat within a block; the number makes blocks differ.
Bytes make_block() {
  Bytes block(k_block_bytes);
  std::uint64_t state = 0x9e3779b97f4a7c15;
  for (auto& byte : block) {
    state = state * 6364136223846793005 + 1442695040888963407;
    byte = static_cast<std::uint8_t>(state >> 56);
  }
  return block;
}

rt::Co<Result<Sha256Digest>> send_blocks(rt::Stream& stream, std::uint64_t size) {
  Sha256 hash;
  Bytes block = make_block();
  for (std::uint64_t sent = 0, number = 0; sent < size; ++number) {
    store_be64(block, number);
    const auto part = BytesView(block).first(std::min<std::uint64_t>(k_block_bytes, size - sent));
    hash.update(part);
    VIVIM_CO_TRYV(co_await stream.write(part));
    sent += part.size();
  }
  co_return hash.finish();
}

rt::Co<Result<Sha256Digest>> receive_blocks(rt::Stream& stream, std::uint64_t size) {
  Sha256 hash;
  Bytes buffer(k_block_bytes);
  while (size > 0) {
    const auto into = MutableBytes(buffer).first(std::min<std::uint64_t>(k_block_bytes, size));
    VIVIM_CO_TRY(const auto count, co_await stream.read_some(into));
    if (count == 0) {
      co_return fail(BulkError::trailing_bytes, size);
    }
    hash.update(BytesView(into).first(count));
    size -= count;
  }
  co_return hash.finish();
}

rt::Co<Result<void>> require_digest(rt::Stream& stream, Sha256Digest expected) {
  Sha256Digest told{};
  VIVIM_CO_TRYV(co_await rt::read_exactly(stream, told));
  if (told != expected) {
    co_return fail(BulkError::wrong_hash);
  }
  co_return Result<void>{};
}

rt::Co<Result<void>> require_end(rt::Stream& stream) {
  std::uint8_t byte = 0;
  VIVIM_CO_TRY(const auto count, co_await stream.read_some(MutableBytes(&byte, 1)));
  if (count != 0) {
    co_return fail(BulkError::trailing_bytes);
  }
  co_return Result<void>{};
}

// The direction that leaves, in a task of its own.
struct Sending {
  explicit Sending(rt::Loop& loop) : ended(loop) {}

  rt::Event ended;
  Result<Sha256Digest> digest;
};

rt::Co<Result<Sha256Digest>> send_upload(rt::Stream& stream, BulkSizes sizes) {
  Bytes header(k_sizes_bytes);
  store_be64(header, sizes.upload);
  store_be64(MutableBytes(header).subspan(8), sizes.download);
  VIVIM_CO_TRYV(co_await stream.write(header));
  VIVIM_CO_TRY(const auto digest, co_await send_blocks(stream, sizes.upload));
  VIVIM_CO_TRYV(co_await stream.write(digest));
  VIVIM_CO_TRYV(co_await stream.close_write());
  co_return digest;
}

rt::Co<void> send_into(Sending& sending, rt::Co<Result<Sha256Digest>> work) {
  sending.digest = co_await std::move(work);
  sending.ended.set();
}

rt::Co<Result<void>> receive_download(rt::Stream& stream, BulkSizes sizes, Sending& sending) {
  VIVIM_CO_TRY(const auto received, co_await receive_blocks(stream, sizes.download));
  VIVIM_CO_TRYV(co_await require_digest(stream, received));
  co_await sending.ended.wait();
  VIVIM_CO_TRY(const auto sent, sending.digest);
  VIVIM_CO_TRYV(co_await require_digest(stream, sent));
  co_return co_await require_end(stream);
}

rt::Co<Result<void>> receive_upload(rt::Stream& stream, BulkSizes sizes, Sending& sending) {
  VIVIM_CO_TRY(const auto received, co_await receive_blocks(stream, sizes.upload));
  VIVIM_CO_TRYV(co_await require_digest(stream, received));
  VIVIM_CO_TRYV(co_await require_end(stream));
  co_await sending.ended.wait();
  VIVIM_CO_TRY(const auto sent, sending.digest);
  VIVIM_CO_TRYV(co_await stream.write(sent));
  VIVIM_CO_TRYV(co_await stream.write(received));
  co_return co_await stream.close_write();
}

// Resets the stream on an error, so that the sending task ends too, and waits for it.
rt::Co<Result<void>> finish(rt::Stream& stream, rt::TaskGroup& tasks, Sending& sending,
                            Result<void> result) {
  if (!result) {
    stream.reset();
  }
  co_await sending.ended.wait();
  co_await tasks.stop();
  co_return result;
}

}  // namespace

const ErrorDomain& error_domain(BulkError) {
  static constexpr ErrorDomain k_domain{
      "bulk", [](int code) -> ErrorInfo {
        switch (static_cast<BulkError>(code)) {
          case BulkError::wrong_hash:
            return {"wrong_hash", "what arrived is not what was sent", Blame::peer};
          case BulkError::trailing_bytes:
            return {"trailing_bytes", "more or fewer bytes than announced", Blame::peer};
        }
        return {"unknown", "unknown error", Blame::local};
      }};
  return k_domain;
}

rt::Co<Result<void>> run_bulk(rt::Loop& loop, rt::Stream& stream, BulkSizes sizes) {
  rt::TaskGroup tasks(loop);
  Sending sending(loop);
  tasks.spawn("bulk upload", send_into(sending, send_upload(stream, sizes)));
  auto result = co_await receive_download(stream, sizes, sending);
  co_return co_await finish(stream, tasks, sending, result);
}

rt::Co<Result<void>> serve_bulk(rt::Loop& loop, rt::Stream& stream) {
  Bytes header(k_sizes_bytes);
  VIVIM_CO_TRYV(co_await rt::read_exactly(stream, header));
  const BulkSizes sizes{.upload = load_be64(header),
                        .download = load_be64(BytesView(header).subspan(8))};
  rt::TaskGroup tasks(loop);
  Sending sending(loop);
  tasks.spawn("bulk download", send_into(sending, send_blocks(stream, sizes.download)));
  auto result = co_await receive_upload(stream, sizes, sending);
  co_return co_await finish(stream, tasks, sending, result);
}

}  // namespace vivim::interop
