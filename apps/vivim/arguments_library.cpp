// The words of commands about conversations.
#include "apps/vivim/arguments_detail.hpp"

namespace vivim::cli {

void Grammar::add_reading_commands() {
  auto [list, list_args] = add<ListArguments>(
      "ls", "List conversations",
      {"vivim ls", "vivim ls --sort title --all", "vivim ls --json | jq length"});
  list->add_option("--sort", list_args->sort, "newest, oldest or title")
      ->check(CLI::IsMember({"newest", "oldest", "title"}).description(""))
      ->type_name("ORDER");
  list->add_option("--limit", list_args->limit, "How many (50, or all with --json)")
      ->check(CLI::Range(1, 1'000'000).description(""))
      ->type_name("N");
  list->add_flag("--all", list_args->all, "All of them");
  add_common(*list);

  auto [show, show_args] =
      add<ShowArguments>("show", "Read a conversation",
                         {"vivim show 4k7qm2", "vivim show 4k7qm2 --branch 9d2f --hidden"});
  show->add_option("id", show_args->id, "The id, or its start")->required()->type_name("ID");
  show->add_option("--branch", show_args->branch, "Show the branch through this turn")
      ->type_name("TURN");
  show->add_flag("--hidden", show_args->hidden, "Also what the provider hid (tools, system)");
  add_common(*show);

  auto [search, search_args] =
      add<SearchArguments>("search", "Find words in all conversations",
                           {"vivim search holiday plans", "vivim search '\"exact words\"' --best",
                            "vivim search dogs -cats"});
  search->add_option("words", search_args->words, "Words, all of which must be there")
      ->required()
      ->type_name("WORDS");
  auto* newest = search->add_flag("--newest", search_args->newest, "Newest first (default)");
  search->add_flag("--best", search_args->best, "Best match first")->excludes(newest);
  search->add_option("--limit", search_args->limit, "How many")
      ->capture_default_str()
      ->check(CLI::Range(1, 200).description(""))
      ->type_name("N");
  add_common(*search);

  auto [save, save_args] = add<ExportArguments>("export", "Write a conversation to a file",
                                                {"vivim export 4k7qm2 --format html -o plans.html",
                                                 "vivim export 4k7qm2 --format json | jq .title"});
  save->add_option("id", save_args->id, "The id, or its start")->required()->type_name("ID");
  save->add_option("--format", save_args->format, "json, md or html")
      ->capture_default_str()
      ->check(CLI::IsMember({"json", "md", "html"}).description(""))
      ->type_name("FORMAT");
  save->add_option("-o,--output", save_args->output, "The file (default: standard output)")
      ->type_name("FILE");
  add_common(*save);
}

void Grammar::add_writing_commands() {
  auto [bring, bring_args] =
      add<ImportArguments>("import", "Bring in an export of ChatGPT or Claude",
                           {"vivim import ~/Downloads/chatgpt-export.zip",
                            "vivim import conversations.json", "vivim import ./unpacked-export"});
  bring->add_option("path", bring_args->path, "A zip, a folder, or conversations.json")
      ->required()
      ->type_name("FILE|DIR|ZIP");
  add_common(*bring);

  auto [make, make_args] =
      add<NewArguments>("new", "Begin a conversation", {"vivim new 'Holiday plans'"});
  make->add_option("title", make_args->title, "Its title")->type_name("TITLE");
  add_common(*make);

  auto [rename, rename_args] = add<RenameArguments>("rename", "Give a conversation another title",
                                                    {"vivim rename 4k7qm2 'Holiday plans'"});
  rename->add_option("id", rename_args->id, "The id, or its start")->required()->type_name("ID");
  rename->add_option("title", rename_args->title, "The title")->required()->type_name("TITLE");
  add_common(*rename);

  auto [remove, remove_args] = add<RemoveArguments>("rm", "Delete a conversation from this node",
                                                    {"vivim rm 4k7qm2", "vivim rm 4k7qm2 --yes"});
  remove->add_option("id", remove_args->id, "The id, or its start")->required()->type_name("ID");
  remove->add_flag("-y,--yes", remove_args->yes, "Do not ask");
  add_common(*remove);
}

void Grammar::add_sharing_commands() {
  auto [share, share_args] =
      add<ShareArguments>("share", "Make a ticket that lets another node have a conversation",
                          {"vivim share 4k7qm2", "vivim share 4k7qm2 --access read",
                           "vivim share 4k7qm2 --json | jq -r .ticket"});
  share->add_option("id", share_args->id, "The id, or its start")->required()->type_name("ID");
  share
      ->add_option("--access", share_args->access,
                   "What the ticket permits: write; contribute (add, and change one's own); read")
      ->check(CLI::IsMember({"write", "contribute", "read"}).description(""))
      ->type_name("ACCESS");
  add_common(*share);

  auto [join, join_args] =
      add<JoinArguments>("join", "Get the conversation of a ticket, and stay in sync with it",
                         {"vivim join vivim1..."});
  join->add_option("ticket", join_args->ticket, "What `vivim share` printed")
      ->required()
      ->type_name("TICKET");
  add_common(*join);

  auto [unshare, unshare_args] = add<UnshareArguments>(
      "unshare", "Take back every ticket of a conversation", {"vivim unshare 4k7qm2"});
  unshare->add_option("id", unshare_args->id, "The id, or its start")->required()->type_name("ID");
  add_common(*unshare);
}

}  // namespace vivim::cli
