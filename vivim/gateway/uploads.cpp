#include "vivim/gateway/uploads.hpp"

#include "vivim/gateway/error.hpp"

namespace vivim::gateway {

namespace {

Problem upload_failed(const Error& error) {
  if (error.is(GatewayError::body_truncated) || error.is(GatewayError::bad_chunk)) {
    return {.kind = ProblemKind::bad_input,
            .code = "upload_interrupted",
            .message = "The upload ended before the end of the file.",
            .hint = "Upload it again."};
  }
  return Problem::from(error, "Could not keep the uploaded file",
                       "Is there room on the node's disk?");
}

Problem upload_too_large(std::uint64_t bytes_max) {
  return {.kind = ProblemKind::bad_input,
          .code = "body_too_large",
          .message = "The file is larger than " + std::to_string(bytes_max) + " bytes.",
          .hint = "Import it on the node's machine: vivim import FILE"};
}

}  // namespace

Co<Outcome<Uploads::File>> Uploads::receive(Request& request) {
  if (files_ >= limits_.files_max) {
    co_return std::unexpected(Problem{.kind = ProblemKind::unavailable,
                                      .code = "too_many_uploads",
                                      .message = "The node is busy with other uploads.",
                                      .hint = "Try again when one of them is done."});
  }
  if (request.body_length.value_or(0) > limits_.bytes_max) {
    co_return std::unexpected(upload_too_large(limits_.bytes_max));
  }
  ++files_;
  File file{.name = "upload-" + std::to_string(next_++), .path = ""};
  file.path = root_ + "/" + file.name;
  std::unique_ptr<BodySource> source = std::move(request.body_source);
  if (!source) {
    source = in_memory(to_bytes(as_bytes(request.body)));
  }
  auto written = co_await write_body(*source, file.name);
  if (!written) {
    co_await remove(file.name);
    co_return std::unexpected(std::move(written).error());
  }
  co_return std::move(file);
}

Co<Outcome<void>> Uploads::write_body(BodySource& source, std::string name) {
  auto file =
      co_await worker_.run([this, &name] { return disk_.open(name, rt::OpenMode::create); });
  if (!file) {
    co_return std::unexpected(upload_failed(file.error()));
  }
  std::uint64_t at = 0;
  for (;;) {
    auto piece = co_await source.next();
    if (!piece) {
      co_return std::unexpected(upload_failed(piece.error()));
    }
    if (piece->empty()) {
      co_return Outcome<void>{};
    }
    const std::uint64_t size = piece->size();
    if (at + size > limits_.bytes_max) {
      co_return std::unexpected(upload_too_large(limits_.bytes_max));
    }
    if (const auto written = co_await write(**file, at, std::move(*piece)); !written) {
      co_return std::unexpected(upload_failed(written.error()));
    }
    at += size;
  }
}

Co<Result<void>> Uploads::write(rt::File& file, std::uint64_t at, Bytes piece) {
  co_return co_await worker_.run([&] { return file.write_at(at, piece); });
}

Co<void> Uploads::remove(std::string name) {
  (void)co_await worker_.run([this, &name] { return disk_.remove(name); });
  --files_;
}

Co<void> Uploads::clean() {
  co_await worker_.run([this] {
    const auto names = disk_.list();
    for (const auto& name : names.value_or(std::vector<std::string>{})) {
      (void)disk_.remove(name);
    }
  });
}

}  // namespace vivim::gateway
