#pragma once

#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace vivim::cli {

/// What every command takes.
struct CommonArguments {
  std::string home;   ///< empty: VIVIM_HOME, else the default
  bool json = false;  ///< one JSON value on standard output
};

struct RunArguments {
  std::optional<std::string> http;
  std::vector<std::string> listen;
  bool perf = false;
  bool quiet = false;
};
struct InitArguments {};
struct IdArguments {};
struct StatusArguments {};
struct StopArguments {};
struct ConnectArguments {
  std::string address;
};
struct DisconnectArguments {
  std::string peer;
};
struct PeersArguments {
  bool verbose = false;
};
struct SwarmLimitsArguments {};
struct SwarmAddressesArguments {};
struct SwarmReachabilityArguments {};
struct SwarmKeyArguments {};
struct DhtFindArguments {
  std::string what;  ///< a CID, the id of a conversation, or with `peer` of a node
  bool peer = false;
  std::uint64_t enough = 0;
};
struct DhtProvideArguments {
  std::string content;  ///< a CID or the id of a conversation
};
struct DhtGetArguments {
  std::string key;
};
struct DhtPutArguments {
  std::string name;
  std::string text;
};
struct TopicListArguments {};
struct TopicPublishArguments {
  std::string topic;
  std::string text;  ///< empty: standard input
};
struct TopicSubscribeArguments {
  std::string topic;
  std::uint64_t count = 0;  ///< 0: until it is interrupted
  bool all = false;         ///< also what came before
};
struct TopicLeaveArguments {
  std::string topic;
};
struct MessageSendArguments {
  std::string peer;
  std::string text;
  std::string priority = "normal";
  std::string delivery = "at-least-once";
  std::optional<std::uint64_t> lifetime;  ///< seconds
};
struct MessageListArguments {
  std::uint64_t limit = 50;
};
struct MessageRemoveArguments {
  std::optional<std::uint64_t> number;  ///< one of these
  std::string from;
};
struct CircleListArguments {};
struct CircleNewArguments {
  std::string name;
};
struct CircleJoinArguments {
  std::string secret;
  std::string name;
};
struct CircleLeaveArguments {
  std::string id;
};
struct CircleSayArguments {
  std::string id;
  std::string text;
  std::string subtopic;
};
struct PingArguments {
  std::string peer;  ///< id or multiaddr
  std::uint64_t count = 4;
};
struct PerfArguments {
  std::string peer;  ///< id or multiaddr
  std::uint64_t upload = std::uint64_t{100} << 20;
  std::uint64_t download = std::uint64_t{100} << 20;
};
struct ImportArguments {
  std::string path;
};
struct ListArguments {
  std::string sort = "newest";
  std::optional<std::uint64_t> limit;
  bool all = false;
};
struct ShowArguments {
  std::string id;
  std::string branch;  ///< a turn; empty: the main branch
  bool hidden = false;
};
struct SearchArguments {
  std::vector<std::string> words;
  bool newest = false;
  bool best = false;
  std::uint64_t limit = 20;
};
struct ExportArguments {
  std::string id;
  std::string format = "md";
  std::string output;  ///< empty or "-": standard output
};
struct RemoveArguments {
  std::string id;
  bool yes = false;
};
struct NewArguments {
  std::string title;
};
struct RenameArguments {
  std::string id;
  std::string title;
};
struct ShareArguments {
  std::string id;
  std::string access = "write";
};
struct JoinArguments {
  std::string ticket;
};
struct UnshareArguments {
  std::string id;
};
struct DevnetUpArguments {
  std::uint32_t nodes = 5;
  std::string folder;  ///< empty: beside the home
};
struct DevnetStatusArguments {
  std::string folder;
};
struct DevnetLogsArguments {
  std::string folder;
  std::string node;  ///< a name or role; empty: all
  std::uint64_t lines = 20;
};
struct DevnetDownArguments {
  std::string folder;
  bool purge = false;
};
struct SimListArguments {};
struct SimRunArguments {
  std::string scenario;  ///< a name, or a TOML file
  std::optional<std::uint32_t> nodes;
  std::optional<double> seconds;
  std::uint64_t seed = 1;
  std::uint64_t seeds = 1;
  std::string security;  ///< empty: as the scenario says
  std::string faults;    ///< "0-4,7", "none"; empty: all
  std::string report;    ///< a file for JSON; empty: none
  std::string plots;     ///< a folder for SVG; empty: none
  std::string trace;     ///< a file; empty: none
  bool twice = false;
  bool shrink = false;
};
struct SimTargetsArguments {
  bool quick = false;
  std::string write;  ///< a file for Markdown; empty: none
  std::vector<std::string> only;
};
struct DoctorArguments {};
struct VersionArguments {};

using CommandArguments = std::variant<
    RunArguments, InitArguments, IdArguments, StatusArguments, StopArguments, ConnectArguments,
    DisconnectArguments, PeersArguments, SwarmLimitsArguments, SwarmAddressesArguments,
    SwarmReachabilityArguments, SwarmKeyArguments, DhtFindArguments, DhtProvideArguments,
    DhtGetArguments, DhtPutArguments, PingArguments, PerfArguments, ImportArguments, ListArguments,
    ShowArguments, SearchArguments, ExportArguments, RemoveArguments, NewArguments, RenameArguments,
    ShareArguments, JoinArguments, UnshareArguments, SimListArguments, SimRunArguments,
    DoctorArguments, TopicListArguments, TopicPublishArguments, TopicSubscribeArguments,
    TopicLeaveArguments, MessageSendArguments, MessageListArguments, MessageRemoveArguments,
    CircleListArguments, CircleNewArguments, CircleJoinArguments, CircleLeaveArguments,
    CircleSayArguments, SimTargetsArguments, DevnetUpArguments, DevnetStatusArguments,
    DevnetLogsArguments, DevnetDownArguments, VersionArguments>;

struct Arguments {
  CommonArguments common;
  CommandArguments command;
};

/// Nothing is to be run: help was asked for, or the words make no sense.
struct Usage {
  int exit_code = 0;  ///< 0: `text` is for standard output; 2: for standard error
  std::string text;
};

/// Reads the words after the program's name.
std::expected<Arguments, Usage> parse_arguments(std::vector<std::string> words);

}  // namespace vivim::cli
