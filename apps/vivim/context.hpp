#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "apps/vivim/api.hpp"
#include "apps/vivim/arguments.hpp"
#include "apps/vivim/json.hpp"
#include "apps/vivim/terminal.hpp"
#include "vivim/base/problem.hpp"
#include "vivim/node/home.hpp"
#include "vivim/rt/asio/loop.hpp"

namespace vivim::cli {

/// What a command works with.
struct Context {
  CommonArguments common;
  node::HomePaths home;
  Terminal out;
  Terminal err;
  rt::asio_::Loop& loop;

  std::int64_t now_ms() const { return loop.clock().wall_now_ms(); }
};

/// How a command uses the node.
enum class ApiUse : unsigned char {
  running_node,  ///< only a node that runs can do it
  existing,      ///< in this process if no node runs; the home must be there
  create,        ///< the same, and the home is made if it is not there
};

/// The API of the node that runs on the home, else of one opened in this process.
Outcome<std::unique_ptr<Api>> open_api(Context& context, ApiUse use);

/// One request: the body of the answer.
Outcome<std::string> request(Api& api, const ApiRequest& request);
Outcome<std::string> get(Api& api, std::string path);
/// One request whose answer is JSON.
Outcome<Json> get_json(Api& api, std::string path);
Outcome<Json> post_json(Api& api, std::string path, const Json& body);

/// Writes to standard output.
void print(std::string_view text);
/// Writes a JSON answer as it came, on a line of its own.
void print_json(std::string_view json);
void print_json(const Json& json);

/// "/api/v2/conversations/ID" for an id, or the start of one, that a person typed.
std::string conversation_path(std::string_view id);
/// The start of an id that lists show; enough to tell conversations apart.
std::string short_id(std::string_view id);

}  // namespace vivim::cli
