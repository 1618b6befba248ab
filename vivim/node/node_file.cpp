#include "vivim/node/node_file.hpp"

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <unistd.h>

namespace vivim::node {

namespace {

std::string text_of(const boost::json::object& object, std::string_view name) {
  const auto* value = object.if_contains({name.data(), name.size()});
  const auto* text = value == nullptr ? nullptr : value->if_string();
  return text == nullptr ? "" : std::string(text->data(), text->size());
}

}  // namespace

std::string NodeFile::to_json() const {
  return boost::json::serialize(
             boost::json::object{{"pid", pid}, {"http", http}, {"peer_id", peer_id}}) +
         "\n";
}

std::optional<NodeFile> NodeFile::parse(std::string_view json) {
  boost::system::error_code error;
  const auto value = boost::json::parse({json.data(), json.size()}, error);
  const auto* object = error ? nullptr : value.if_object();
  if (object == nullptr) {
    return std::nullopt;
  }
  const auto* pid = object->if_contains("pid");
  NodeFile file{.pid = pid != nullptr && pid->is_int64() ? pid->get_int64() : 0,
                .http = text_of(*object, "http"),
                .peer_id = text_of(*object, "peer_id")};
  return file.http.empty() ? std::nullopt : std::optional(std::move(file));
}

Outcome<void> NodeFile::write(const HomePaths& paths) const {
  return write_private(paths.node_file(), to_json());
}

std::optional<NodeFile> NodeFile::read(const HomePaths& paths) {
  const auto content = read_private(paths.node_file());
  return content && *content ? parse(**content) : std::nullopt;
}

void NodeFile::remove(const HomePaths& paths) {
  ::unlink(paths.node_file().c_str());
}

}  // namespace vivim::node
