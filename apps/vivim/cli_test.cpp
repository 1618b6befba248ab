#include <doctest/doctest.h>

#include "apps/vivim/api.hpp"
#include "apps/vivim/arguments.hpp"
#include "apps/vivim/devnet.hpp"
#include "apps/vivim/http_client.hpp"
#include "apps/vivim/json.hpp"

namespace vivim::cli {
namespace {

template <class Args>
Args parse(std::vector<std::string> words) {
  const auto arguments = parse_arguments(std::move(words));
  REQUIRE(arguments);
  REQUIRE(std::holds_alternative<Args>(arguments->command));
  return std::get<Args>(arguments->command);
}

Usage refuse(std::vector<std::string> words) {
  const auto arguments = parse_arguments(std::move(words));
  REQUIRE_FALSE(arguments);
  return arguments.error();
}

TEST_CASE("arguments: each command takes its own") {
  CHECK(parse<ShowArguments>({"show", "abc", "--branch", "t1"}).branch == "t1");
  CHECK(parse<SearchArguments>({"search", "two", "words", "--best"}).words.size() == 2);
  CHECK(parse<SearchArguments>({"search", "--", "-not", "this"}).words[0] == "-not");
  CHECK(parse<ExportArguments>({"export", "a", "--format", "html", "-o", "f"}).output == "f");
  CHECK(parse<ListArguments>({"ls", "--limit", "7"}).limit == 7U);
  CHECK(parse<RemoveArguments>({"rm", "a", "-y"}).yes);
  CHECK(parse<NewArguments>({"new"}).title.empty());
  CHECK(parse<RenameArguments>({"rename", "a", "Two words"}).title == "Two words");
  CHECK(parse<JoinArguments>({"join", "vivim1x"}).ticket == "vivim1x");
  const auto send = parse<MessageSendArguments>(
      {"message", "send", "12D3", "hi there", "--priority", "low", "--lifetime", "60"});
  CHECK(send.text == "hi there");
  CHECK(send.priority == "low");
  CHECK(send.delivery == "at-least-once");
  CHECK(send.lifetime == 60U);
  CHECK(parse<MessageListArguments>({"message", "list", "--limit", "3"}).limit == 3);
  CHECK(parse<MessageRemoveArguments>({"message", "rm", "7"}).number == 7);
  CHECK(parse<CircleNewArguments>({"circle", "new", "family"}).name == "family");
  CHECK(parse<CircleJoinArguments>({"circle", "join", "ab"}).name.empty());
  CHECK(parse<CircleLeaveArguments>({"circle", "leave", "c1"}).id == "c1");
  CHECK(parse<CircleSayArguments>({"circle", "say", "c1", "hi", "--subtopic", "x"}).subtopic ==
        "x");
  parse<CircleListArguments>({"circle", "list"});
  CHECK(refuse({"message", "send", "12D3", "x", "--priority", "urgent"}).exit_code == 2);
  parse<VersionArguments>({"--version"});
  parse<VersionArguments>({"version"});
}

TEST_CASE("arguments: sim and devnet") {
  const auto run = parse<SimRunArguments>(
      {"sim", "run", "documents", "--nodes", "7", "--seed", "9", "--faults", "0-3", "--shrink"});
  CHECK(run.scenario == "documents");
  CHECK(run.nodes == 7U);
  CHECK(run.seed == 9);
  CHECK(run.seeds == 1);
  CHECK(run.faults == "0-3");
  CHECK(run.shrink);
  parse<SimListArguments>({"sim", "list"});
  CHECK(parse<SimTargetsArguments>({"sim", "targets", "--quick"}).quick);
  CHECK(parse<DevnetUpArguments>({"devnet", "up", "--nodes", "3", "--dir", "/x"}).nodes == 3);
  CHECK(parse<DevnetLogsArguments>({"devnet", "logs", "relay"}).node == "relay");
  CHECK(parse<DevnetDownArguments>({"devnet", "down", "--purge"}).purge);
  CHECK(refuse({"sim", "run", "x", "--nodes", "20001"}).exit_code == 2);
  CHECK(refuse({"sim", "run", "x", "--security", "none"}).exit_code == 2);
  CHECK(refuse({"sim"}).exit_code == 2);
}

TEST_CASE("devnet: how many nodes, and which") {
  CHECK(refuse({"devnet", "up", "--nodes", "0"}).exit_code == 2);
  CHECK(refuse({"devnet", "up", "--nodes", std::to_string(k_devnet_nodes_max + 1)}).exit_code == 2);
  CHECK(parse<DevnetUpArguments>({"devnet", "up", "--nodes", std::to_string(k_devnet_nodes_max)})
            .nodes == k_devnet_nodes_max);
  CHECK(name_of(role_at(0)) == "bootstrap");
  CHECK(name_of(role_at(4)) == "edge");
  CHECK(name_of(role_at(5)) == "client");
  CHECK(name_of(role_at(50)) == "client");
  const auto client = dev_config(DevRole::client, "", "/ip4/1.2.3.4/tcp/1/p2p/a", "/r/p2p/b");
  CHECK(client.find("bootstrap = [\"/ip4/1.2.3.4/tcp/1/p2p/a\"]") != std::string::npos);
  CHECK(client.find("relays = [\"/r/p2p/b\"]") != std::string::npos);
  const auto relay = dev_config(DevRole::relay, "/ip4/127.0.0.1/tcp/7", "", "");
  CHECK(relay.find("relay_server = true") != std::string::npos);
  CHECK(relay.find("listen = [\"/ip4/127.0.0.1/tcp/7\"]") != std::string::npos);
  CHECK(relay.find("bootstrap = ") == std::string::npos);
  CHECK(relay.find("mailbox_server = true") != std::string::npos);
  CHECK(client.find("mailboxes = [\"/r/p2p/b\"]") != std::string::npos);
  CHECK(client.find("mode = \"client\"") != std::string::npos);
  CHECK(client.find("listen = []") != std::string::npos);
  // Alone it would be reached by nobody.
  CHECK(dev_config(DevRole::client, "", "", "").find("listen = [\"") != std::string::npos);
  const auto edge = dev_config(DevRole::edge, "", "/b/p2p/a", "/r/p2p/b");
  CHECK(edge.find("perf = true") != std::string::npos);
  CHECK(edge.find("mailboxes = [\"/r/p2p/b\"]") != std::string::npos);
  const auto indexer = dev_config(DevRole::indexer, "", "/b/p2p/a", "");
  CHECK(indexer.find("topics = [\"/vivim/instances\"]") != std::string::npos);
}

TEST_CASE("arguments: common options stand before or after the command") {
  for (const auto& words : std::vector<std::vector<std::string>>{
           {"--json", "--home", "/h", "ls"}, {"ls", "--json", "--home", "/h"}}) {
    const auto arguments = parse_arguments(words);
    REQUIRE(arguments);
    CHECK(arguments->common.json);
    CHECK(arguments->common.home == "/h");
  }
}

TEST_CASE("arguments: help is on standard output, with examples") {
  for (const auto& words : std::vector<std::vector<std::string>>{
           {"--help"}, {"help"}, {"help", "search"}, {"search", "--help"}, {"ls", "-h"}}) {
    const auto usage = refuse(words);
    CHECK(usage.exit_code == 0);
    CHECK(usage.text.find("Examples:\n  vivim") != std::string::npos);
  }
  CHECK(refuse({"help", "search"}).text == refuse({"search", "--help"}).text);
  CHECK(refuse({}).exit_code == 2);
}

TEST_CASE("arguments: mistakes say where help is") {
  CHECK(refuse({"show"}).text.find("See: vivim show --help") != std::string::npos);
  CHECK(refuse({"lss"}).text.starts_with("vivim: "));
  CHECK(refuse({"help", "lss"}).exit_code == 2);
  for (const auto& words :
       std::vector<std::vector<std::string>>{{"export", "a", "--format", "pdf"},
                                             {"ls", "--sort", "random"},
                                             {"ls", "--limit", "0"},
                                             {"search", "x", "--limit", "201"},
                                             {"search", "x", "--best", "--newest"},
                                             {"show", "a", "b"}}) {
    CHECK(refuse(words).exit_code == 2);
  }
}

ApiResponse read_whole(std::string_view bytes, std::size_t step) {
  ResponseReader reader;
  auto state = ResponseReader::State::more;
  for (std::size_t at = 0; at < bytes.size() && state == ResponseReader::State::more; at += step) {
    state = reader.feed(bytes.substr(at, step));
  }
  REQUIRE(state == ResponseReader::State::done);
  return reader.response();
}

TEST_CASE("http: lengths, chunks and interim answers, however they are cut") {
  for (const std::size_t step : {1, 2, 7, 1000}) {
    const auto sized = read_whole(
        "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 404 Not Found\r\ncontent-length: 5\r\n"
        "Content-Type: text/plain\r\n\r\nhello",
        step);
    CHECK(sized.status == 404);
    CHECK(sized.body == "hello");
    CHECK(sized.content_type == "text/plain");
    const auto chunked = read_whole(
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5;x=y\r\nhello\r\nA\r\n, "
        "chunks!!\r\n0\r\n\r\n",
        step);
    CHECK(chunked.body == "hello, chunks!!");
    CHECK(read_whole("HTTP/1.1 204 No Content\r\n\r\n", step).body.empty());
  }
  ResponseReader until_end;
  CHECK(until_end.feed("HTTP/1.1 200 OK\r\n\r\nall") == ResponseReader::State::more);
  CHECK(until_end.feed(" of it") == ResponseReader::State::more);
  CHECK(until_end.finish() == ResponseReader::State::done);
  CHECK(until_end.response().body == "all of it");
}

TEST_CASE("http: what is cut off or not HTTP is said so") {
  for (const char* bytes :
       {"SSH-2.0\r\n\r\n", "HTTP/1.1 2x0 OK\r\n\r\n", "HTTP/1.1 200 OK\r\nno colon\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n"}) {
    CAPTURE(bytes);
    ResponseReader reader;
    CHECK(reader.feed(bytes) == ResponseReader::State::broken);
  }
  ResponseReader reader;
  CHECK(reader.feed("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhell") ==
        ResponseReader::State::more);
  CHECK(reader.finish() == ResponseReader::State::broken);
  ResponseReader endless;
  CHECK(endless.feed(std::string(100'000, 'x')) == ResponseReader::State::broken);
}

TEST_CASE("http: addresses") {
  CHECK(HttpAddress::parse("http://127.0.0.1:8470/")->port == 8470);
  CHECK(HttpAddress::parse("http://[::1]:80/")->host == "::1");
  CHECK(HttpAddress::parse("http://[::1]:80/")->to_string() == "http://[::1]:80/");
  for (const char* url : {"", "https://127.0.0.1:1/", "http://127.0.0.1/", "http://:80/",
                          "http://127.0.0.1:0/", "http://127.0.0.1:65536/"}) {
    CAPTURE(url);
    CHECK_FALSE(HttpAddress::parse(url));
  }
}

TEST_CASE("http: nobody there is a problem that a person can act on") {
  RemoteApi api({.host = "127.0.0.1", .port = 1}, "token");
  const auto answer = api.call({.path = "/api/v2/status"});
  REQUIRE_FALSE(answer);
  CHECK(answer.error().kind == ProblemKind::unavailable);
  CHECK(answer.error().message.find("http://127.0.0.1:1/") != std::string::npos);
}

TEST_CASE("api: a bad answer becomes the problem that it carries") {
  const auto problem = problem_of(
      {.status = 404,
       .body =
           R"({"status":404,"code":"conversation_not_found","detail":"None.","hint":"vivim ls"})"});
  CHECK(problem.kind == ProblemKind::not_found);
  CHECK(problem.code == "conversation_not_found");
  CHECK(problem.message == "None.");
  CHECK(problem.hint == "vivim ls");
  CHECK(problem_of({.status = 502, .body = "<html>"}).kind == ProblemKind::internal);
  CHECK(problem_of({.status = 418, .body = ""}).kind == ProblemKind::bad_input);
  CHECK(problem_of({.status = 401, .body = ""}).kind == ProblemKind::refused);
  CHECK(problem_of({.status = 409, .body = ""}).kind == ProblemKind::conflict);
  CHECK(problem_of({.status = 503, .body = ""}).kind == ProblemKind::unavailable);
  CHECK(body_of(ApiResponse{.status = 204, .content_type = "", .body = "x"}).value() == "x");
  CHECK(percent_encode("a b/ü&~") == "a%20b%2F%C3%BC%26~");
}

TEST_CASE("json: every question may be asked of every value") {
  const auto json =
      parse_json(R"({"a":"x","n":1.9,"i":7,"b":true,"l":[1,2],"o":{"a":"y"}})").value();
  CHECK(text_at(json, "a") == "x");
  CHECK(text_at(json, "n").empty());
  CHECK(number_at(json, "n") == 1);
  CHECK(number_at(json, "i") == 7);
  CHECK(number_at(json, "a") == std::nullopt);
  CHECK(flag_at(json, "b"));
  CHECK(items_at(json, "l").size() == 2);
  CHECK(items_at(json, "zzz").empty());
  CHECK(text_at(member(member(json, "o"), "none"), "a").empty());
  CHECK_FALSE(parse_json("{"));
  CHECK_FALSE(parse_answer("<html>"));
}

}  // namespace
}  // namespace vivim::cli
