#include <cstdio>
#include <filesystem>
#include <iostream>

#include <unistd.h>

#include "apps/vivim/commands.hpp"
#include "apps/vivim/import_view.hpp"
#include "apps/vivim/progress.hpp"
#include "apps/vivim/text.hpp"
#include "apps/vivim/units.hpp"

namespace vivim::cli {

namespace {

constexpr auto k_job_poll = std::chrono::milliseconds(100);

Outcome<std::string> existing_path(const std::string& path) {
  std::error_code error;
  const auto absolute = std::filesystem::canonical(path, error);
  if (error) {
    return std::unexpected(
        Problem{.kind = ProblemKind::not_found,
                .code = "file_not_found",
                .message = "Could not open " + path + ": " + error.message() + ".",
                .hint = "Give the export's zip, its folder, or its "
                        "conversations.json."});
  }
  return absolute.string();
}

/// Asks the node about a job until it has ended.
Outcome<Json> follow_job(Context& context, Api& api, const std::string& job) {
  ProgressLine line(context.err, context.loop.clock());
  while (true) {
    VIVIM_TRY(auto status, get_json(api, "/api/v2/jobs/" + percent_encode(job)));
    if (text_at(status, "state") != "running") {
      return status;
    }
    line.show({.bytes = count_at(status, "bytes"), .bytes_total = count_at(status, "bytes_total")});
    api.wait(k_job_poll);
  }
}

Problem problem_of_job(const Json& status) {
  return problem_of({.status = static_cast<unsigned>(count_at(member(status, "problem"), "status")),
                     .body = to_text(member(status, "problem"))});
}

/// False unless the person types y.
bool confirm(const std::string& question) {
  std::fputs((question + " [y/N] ").c_str(), stderr);
  std::string answer;
  std::getline(std::cin, answer);
  return answer == "y" || answer == "Y" || answer == "yes";
}

Outcome<void> agree_to_remove(Context& context, Api& api, const std::string& id) {
  if (context.common.json || ::isatty(STDIN_FILENO) != 1) {
    return std::unexpected(Problem{.kind = ProblemKind::bad_input,
                                   .code = "not_confirmed",
                                   .message = "Deleting is not undone, and there is nobody to ask.",
                                   .hint = "If you mean it: vivim rm " + id + " --yes"});
  }
  VIVIM_TRY(const auto conversation, get_json(api, conversation_path(id) + "?branch="));
  if (!confirm("Delete \"" + one_line(text_at(conversation, "title")) +
               "\" from this node? This is not undone.")) {
    return std::unexpected(Problem{.kind = ProblemKind::refused,
                                   .code = "not_confirmed",
                                   .message = "Nothing was deleted.",
                                   .hint = ""});
  }
  return {};
}

}  // namespace

Outcome<void> execute(Context& context, const ImportArguments& arguments) {
  VIVIM_TRY(const auto path, existing_path(arguments.path));
  VIVIM_TRY(const auto api, open_api(context, ApiUse::create));
  VIVIM_TRY(const auto started,
            post_json(*api, "/api/v2/import", boost::json::object{{"path", path}}));
  VIVIM_TRY(const auto status, follow_job(context, *api, text_at(started, "job")));
  if (text_at(status, "state") == "failed") {
    return std::unexpected(problem_of_job(status));
  }
  if (context.common.json) {
    print_json(member(status, "report"));
  } else {
    print(render_import_report(context.out, member(status, "report")));
  }
  return {};
}

Outcome<void> execute(Context& context, const NewArguments& arguments) {
  VIVIM_TRY(const auto api, open_api(context, ApiUse::create));
  VIVIM_TRY(const auto made, post_json(*api, "/api/v2/conversations",
                                       boost::json::object{{"title", arguments.title}}));
  if (context.common.json) {
    print_json(made);
  } else {
    print(text_at(made, "id") + "\n");
  }
  return {};
}

Outcome<void> execute(Context& context, const RenameArguments& arguments) {
  VIVIM_TRY(const auto api, open_api(context, ApiUse::existing));
  VIVIM_TRYV(request(*api, {.method = "PATCH",
                            .path = conversation_path(arguments.id),
                            .json = to_text(boost::json::object{{"title", arguments.title}})}));
  if (context.common.json) {
    print_json(boost::json::object{{"title", arguments.title}});
  } else {
    print("Renamed to \"" + one_line(arguments.title) + "\".\n");
  }
  return {};
}

Outcome<void> execute(Context& context, const RemoveArguments& arguments) {
  VIVIM_TRY(const auto api, open_api(context, ApiUse::existing));
  if (!arguments.yes) {
    VIVIM_TRYV(agree_to_remove(context, *api, arguments.id));
  }
  VIVIM_TRYV(request(*api, {.method = "DELETE", .path = conversation_path(arguments.id)}));
  if (context.common.json) {
    print_json(boost::json::object{{"removed", true}});
  } else {
    print("Deleted.\n");
  }
  return {};
}

namespace {

std::string what_it_permits(std::string_view access) {
  return access == "read" ? "read" : access == "contribute" ? "read, and add to," : "read and edit";
}

}  // namespace

Outcome<void> execute(Context& context, const ShareArguments& arguments) {
  VIVIM_TRY(const auto api, open_api(context, ApiUse::running_node));
  VIVIM_TRY(const auto ticket,
            post_json(*api, conversation_path(arguments.id) + "/share?access=" + arguments.access,
                      boost::json::object()));
  if (context.common.json) {
    print_json(ticket);
    return {};
  }
  print(text_at(ticket, "ticket") + "\n");
  std::fputs(styled(context.err, Style::dim,
                    "Whoever has this ticket can " + what_it_permits(arguments.access) +
                        " the conversation. They use it with: "
                        "vivim join TICKET\nTake it back with: vivim unshare " +
                        one_line(arguments.id) + "\n")
                 .c_str(),
             stderr);
  return {};
}

Outcome<void> execute(Context& context, const JoinArguments& arguments) {
  VIVIM_TRY(const auto api, open_api(context, ApiUse::running_node));
  VIVIM_TRY(const auto joined,
            post_json(*api, "/api/v2/join", boost::json::object{{"ticket", arguments.ticket}}));
  if (context.common.json) {
    print_json(joined);
  } else if (text_at(joined, "state") == "waiting") {
    print(
        "The other node cannot be reached now. It is tried again and again while this one runs; "
        "\"" +
        one_line(text_at(joined, "title")) + "\" comes when it answers.\n");
  } else {
    print("Joined \"" + one_line(text_at(joined, "title")) + "\". Read it with: vivim show " +
          short_id(text_at(joined, "id")) + "\n");
  }
  return {};
}

Outcome<void> execute(Context& context, const UnshareArguments& arguments) {
  VIVIM_TRY(const auto api, open_api(context, ApiUse::existing));
  VIVIM_TRYV(
      request(*api, {.method = "DELETE", .path = conversation_path(arguments.id) + "/shares"}));
  if (context.common.json) {
    print_json(boost::json::object{{"revoked", true}});
  } else {
    print("Its tickets are no longer good. What others already have, they keep.\n");
  }
  return {};
}

}  // namespace vivim::cli
