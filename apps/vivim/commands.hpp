#pragma once

#include "apps/vivim/arguments.hpp"
#include "apps/vivim/context.hpp"

/// The commands. Each does its work and prints; a Problem becomes the exit code.
namespace vivim::cli {

// commands_node.cpp
Outcome<void> execute(Context& context, const InitArguments& arguments);
Outcome<void> execute(Context& context, const IdArguments& arguments);
Outcome<void> execute(Context& context, const StatusArguments& arguments);
Outcome<void> execute(Context& context, const StopArguments& arguments);
Outcome<void> execute(Context& context, const DoctorArguments& arguments);
Outcome<void> execute(Context& context, const VersionArguments& arguments);

// commands_network.cpp
Outcome<void> execute(Context& context, const ConnectArguments& arguments);
Outcome<void> execute(Context& context, const DisconnectArguments& arguments);
Outcome<void> execute(Context& context, const PeersArguments& arguments);
Outcome<void> execute(Context& context, const PingArguments& arguments);
Outcome<void> execute(Context& context, const PerfArguments& arguments);

// commands_swarm.cpp
Outcome<void> execute(Context& context, const SwarmAddressesArguments& arguments);
Outcome<void> execute(Context& context, const SwarmReachabilityArguments& arguments);
Outcome<void> execute(Context& context, const SwarmLimitsArguments& arguments);
Outcome<void> execute(Context& context, const SwarmKeyArguments& arguments);

// commands_dht.cpp
Outcome<void> execute(Context& context, const DhtFindArguments& arguments);
Outcome<void> execute(Context& context, const DhtProvideArguments& arguments);
Outcome<void> execute(Context& context, const DhtGetArguments& arguments);
Outcome<void> execute(Context& context, const DhtPutArguments& arguments);
// commands_topic.cpp
Outcome<void> execute(Context& context, const TopicListArguments& arguments);
Outcome<void> execute(Context& context, const TopicPublishArguments& arguments);
Outcome<void> execute(Context& context, const TopicSubscribeArguments& arguments);
Outcome<void> execute(Context& context, const TopicLeaveArguments& arguments);
// commands_message.cpp
Outcome<void> execute(Context& context, const MessageSendArguments& arguments);
Outcome<void> execute(Context& context, const MessageListArguments& arguments);
Outcome<void> execute(Context& context, const MessageRemoveArguments& arguments);
Outcome<void> execute(Context& context, const CircleListArguments& arguments);
Outcome<void> execute(Context& context, const CircleNewArguments& arguments);
Outcome<void> execute(Context& context, const CircleJoinArguments& arguments);
Outcome<void> execute(Context& context, const CircleLeaveArguments& arguments);
Outcome<void> execute(Context& context, const CircleSayArguments& arguments);

// command_run.cpp
Outcome<void> execute(Context& context, const RunArguments& arguments);

// commands_read.cpp
Outcome<void> execute(Context& context, const ListArguments& arguments);
Outcome<void> execute(Context& context, const ShowArguments& arguments);
Outcome<void> execute(Context& context, const SearchArguments& arguments);
Outcome<void> execute(Context& context, const ExportArguments& arguments);

// commands_devnet.cpp
Outcome<void> execute(Context& context, const DevnetUpArguments& arguments);
Outcome<void> execute(Context& context, const DevnetStatusArguments& arguments);
Outcome<void> execute(Context& context, const DevnetLogsArguments& arguments);
Outcome<void> execute(Context& context, const DevnetDownArguments& arguments);

// commands_sim.cpp
Outcome<void> execute(Context& context, const SimListArguments& arguments);
Outcome<void> execute(Context& context, const SimRunArguments& arguments);
Outcome<void> execute(Context& context, const SimTargetsArguments& arguments);

// commands_write.cpp
Outcome<void> execute(Context& context, const ImportArguments& arguments);
Outcome<void> execute(Context& context, const NewArguments& arguments);
Outcome<void> execute(Context& context, const RenameArguments& arguments);
Outcome<void> execute(Context& context, const RemoveArguments& arguments);
Outcome<void> execute(Context& context, const ShareArguments& arguments);
Outcome<void> execute(Context& context, const JoinArguments& arguments);
Outcome<void> execute(Context& context, const UnshareArguments& arguments);

}  // namespace vivim::cli
