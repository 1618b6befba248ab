#include "vivim/gateway/api.hpp"
#include "vivim/gateway/api_json.hpp"

namespace vivim::gateway {

namespace {

constexpr std::size_t k_path_bytes_max = 4096;

Response accepted(const std::string& job) {
  auto response = json_response(to_json_object("job", job), 202);
  response.headers.add("Location", "/api/v2/jobs/" + job);
  return response;
}

}  // namespace

ImportsApi::ImportsApi(Router& router, ImportService& imports, Uploads* uploads,
                       rt::TaskGroup& tasks)
    : imports_(imports), uploads_(uploads), tasks_(tasks) {
  router.add(this, &ImportsApi::import_path,
             {Method::post, "/api/v2/import", "importPath", BodyKind::json});
  router.add(this, &ImportsApi::upload,
             {Method::post, "/api/v2/import/upload", "importUpload", BodyKind::stream});
  router.add(this, &ImportsApi::job, {Method::get, "/api/v2/jobs/{job}", "showJob"});
}

Co<Outcome<Response>> ImportsApi::import_path(Call call) {
  VIVIM_CO_TRY(const auto body, JsonBody::parse(std::move(call.body)));
  VIVIM_CO_TRY(auto path, body.text("path", k_path_bytes_max));
  VIVIM_CO_TRY(const auto job, co_await imports_.start(std::move(path), [] {}));
  co_return accepted(job);
}

Co<Outcome<Response>> ImportsApi::upload(Call call) {
  if (uploads_ == nullptr) {
    co_return std::unexpected(Problem{.kind = ProblemKind::unavailable,
                                      .code = "no_uploads",
                                      .message = "Files cannot be uploaded here.",
                                      .hint = "Import by path: POST /api/v2/import"});
  }
  VIVIM_CO_TRY(const auto file, co_await uploads_->receive(call.request));
  auto job = co_await imports_.start(file.path, [this, name = file.name] {
    tasks_.spawn("remove upload", uploads_->remove(name));
  });
  if (!job) {
    co_await uploads_->remove(file.name);
    co_return std::unexpected(std::move(job).error());
  }
  co_return accepted(*job);
}

Co<Outcome<Response>> ImportsApi::job(Call call) {
  VIVIM_CO_TRY(const auto job, co_await imports_.job(call.parameter("job")));
  co_return json_response(to_json(job));
}

}  // namespace vivim::gateway
