#include "vivim/chat/importers/importer.hpp"

#include <filesystem>
#include <fstream>

#include <doctest/doctest.h>

#include "vivim/chat/importers/test_support_detail.hpp"
#include "vivim/chat/importers/zip_writer_detail.hpp"
#include "vivim/chat/tree.hpp"

using namespace vivim;
using namespace vivim::chat;

namespace {

using Files = std::vector<std::pair<std::string, std::string>>;

/// A ChatGPT conversation of one message with this content and metadata.
std::string one_message(const std::string& content, const std::string& metadata = "{}",
                        const std::string& role = "assistant") {
  return R"([{"title":"T","conversation_id":"c1","create_time":1.5,"mapping":{"n":{"id":"n","message":{"author":{"role":")" +
         role + R"("},"content":)" + content + R"(,"metadata":)" + metadata +
         R"(,"create_time":2.25,"recipient":"all","status":"finished_successfully"},"parent":null,"children":[]}}}])";
}

struct Run {
  Outcome<ImportReport> report;
  KeepingSink sink;
};

Run run(Files files, const ImportOptions& options = {}) {
  Run out{.report = ImportReport{}, .sink = {}};
  MemoryExport memory(std::move(files), 7);
  out.report = import_files(memory, "test", out.sink, options);
  return out;
}

Turn only_turn(const std::string& content, const std::string& metadata = "{}") {
  auto result = run({{"conversations.json", one_message(content, metadata)}});
  REQUIRE(result.report.has_value());
  CHECK(result.report->failed == 0);
  REQUIRE(result.sink.conversations.size() == 1);
  REQUIRE(result.sink.conversations[0].conversation.turns.size() == 1);
  return result.sink.conversations[0].conversation.turns[0];
}

template <class Type>
Type only_part(const std::string& content, const std::string& metadata = "{}") {
  const auto turn = only_turn(content, metadata);
  REQUIRE(turn.parts.size() == 1);
  REQUIRE(std::holds_alternative<Type>(turn.parts[0]));
  return std::get<Type>(turn.parts[0]);
}

const std::string k_words = R"({"content_type":"text","parts":["hi"]})";

}  // namespace

TEST_CASE("ChatGPT: words") {
  const auto turn = only_turn(R"({"content_type":"text","parts":["one","","two"]})");
  CHECK(turn.text == "one\n\ntwo");
  CHECK(turn.parts == std::vector<Part>{TextPart{}});
  CHECK(turn.time == 2250);
  CHECK(turn.role == Role::assistant);
  CHECK(turn.provider == "chatgpt");
  CHECK(only_turn(R"({"content_type":"text","text":"old"})").text == "old");
  CHECK(only_turn(R"({"content_type":"text","parts":["\ud83d lone"]})").text ==
        "\xef\xbf\xbd lone");
  CHECK(only_turn("{\"content_type\":\"text\",\"parts\":[\"bad \xff\"]}").text ==
        "bad \xef\xbf\xbd");
}

TEST_CASE("ChatGPT: every content type") {
  CHECK(only_part<CodePart>(R"({"content_type":"code","language":"py","text":"x"})") ==
        CodePart{"py", "x"});
  CHECK(only_part<OutputPart>(R"({"content_type":"execution_output","text":"42"})").text == "42");
  CHECK(only_part<QuotePart>(
            R"({"content_type":"tether_quote","url":"u","domain":"d","title":"t","text":"x"})") ==
        QuotePart{"u", "d", "t", "x"});
  CHECK(only_part<QuotePart>(R"({"content_type":"sonic_webpage","url":"u","snippet":"s"})").text ==
        "s");
  CHECK(only_part<BrowsingPart>(
            R"({"content_type":"tether_browsing_display","result":"r","summary":"s"})") ==
        BrowsingPart{"r", "s"});
  CHECK(only_part<ThoughtsPart>(
            R"({"content_type":"thoughts","thoughts":[{"summary":"s","content":"c","chunks":[]}]})")
            .thoughts == std::vector<Thought>{{"s", "c"}});
  CHECK(only_part<RecapPart>(R"({"content_type":"reasoning_recap","content":"Thought for 8s"})")
            .text == "Thought for 8s");
  CHECK(
      only_part<ContextPart>(
          R"({"content_type":"user_editable_context","user_profile":"p","user_instructions":"i"})")
          .text == "p\n\ni");
  CHECK(
      only_part<ContextPart>(R"({"content_type":"model_editable_context","model_set_context":"m"})")
          .text == "m");
  CHECK(only_part<ErrorPart>(R"({"content_type":"system_error","name":"n","text":"t"})") ==
        ErrorPart{"t", "n"});
  CHECK(
      only_part<ContextPart>(
          R"({"content_type":"app_pairing_content","workspaces":[{"app_name":"Code","title":"a.cpp"}]})")
          .text == "Code\n\na.cpp");
  const auto computer = only_turn(
      R"({"content_type":"computer_output","computer_id":"7","screenshot":{"asset_pointer":"file-service://file-s","width":3},"state":{"url":"u"}})");
  REQUIRE(computer.parts.size() == 2);
  CHECK(std::get<MediaPart>(computer.parts[0]).width == 3);
  CHECK(std::get<ToolResultPart>(computer.parts[1]).output.text == R"({"url":"u"})");
}

TEST_CASE("ChatGPT: parts of many kinds in one message") {
  const auto turn = only_turn(R"({"content_type":"multimodal_text","parts":[
    {"content_type":"image_asset_pointer","asset_pointer":"sediment://file_00ab","width":10,
       "height":20,"size_bytes":5,
     "metadata":{"dalle":{"prompt":"a cat"}}},
    "look",
    {"content_type":"audio_transcription","text":"hello","direction":"in"},
    {"content_type":"audio_asset_pointer","asset_pointer":"sediment://file_00ac","format":"wav"},
    {"content_type":"real_time_user_audio_video_asset_pointer",
       "audio_asset_pointer":{"asset_pointer":"sediment://file_00ad"},
     "video_container_asset_pointer":{"asset_pointer":"sediment://file_00ae","format":"mp4"},
     "frames_asset_pointers":[{"asset_pointer":"sediment://file_00af"}]},
    null,
    {"content_type":"hologram","x":1}]})");
  REQUIRE(turn.parts.size() == 8);
  CHECK(std::get<MediaPart>(turn.parts[0]) == MediaPart{.kind = MediaKind::image,
                                                        .asset = "sediment://file_00ab",
                                                        .prompt = "a cat",
                                                        .width = 10,
                                                        .height = 20,
                                                        .bytes = 5});
  CHECK(part_type(turn.parts[1]) == "text");
  CHECK(turn.text == "look");
  CHECK(std::get<MediaPart>(turn.parts[2]).text == "hello");
  CHECK(std::get<MediaPart>(turn.parts[3]).mime == "audio/wav");
  CHECK(part_type(turn.parts[4]) == "audio");
  CHECK(part_type(turn.parts[5]) == "video");
  CHECK(part_type(turn.parts[6]) == "image");
  CHECK(std::get<UnknownPart>(turn.parts[7]).kind == "hologram");
  CHECK(std::get<UnknownPart>(turn.parts[7]).raw == R"({"content_type":"hologram","x":1})");
}

TEST_CASE("ChatGPT: what stands beside the message") {
  const auto turn = only_turn(
      k_words,
      R"({"model_slug":"gpt-9","citations":[{"start_ix":1,"end_ix":4,"metadata":{"url":"u","title":"t","text":"x"}}],
    "content_references":[{"type":"grouped_webpages","start_idx":2,"end_idx":3,
       "items":[{"url":"a","title":"A"},{"url":"b"}]},
      {"type":"file","name":"f.md","start_idx":5}],
    "aggregate_result":{"messages":[{"message_type":"image",
       "image_url":"file-service://file-plot"},{"message_type":"stream"}]},
    "attachments":[{"id":"file-1","name":"n.pdf","mimeType":"application/pdf","size":9}]})");
  REQUIRE(turn.parts.size() == 7);
  CHECK(turn.model == "gpt-9");
  CHECK(std::get<MediaPart>(turn.parts[1]).asset == "file-service://file-plot");
  CHECK(std::get<CitationPart>(turn.parts[2]) ==
        CitationPart{.url = "u", .title = "t", .text = "x", .start = 1, .end = 4});
  CHECK(std::get<CitationPart>(turn.parts[3]).title == "A");
  CHECK(std::get<CitationPart>(turn.parts[4]).url == "b");
  CHECK(std::get<CitationPart>(turn.parts[5]).title == "f.md");
  CHECK(std::get<MediaPart>(turn.parts[6]) == MediaPart{.kind = MediaKind::file,
                                                        .asset = "file-1",
                                                        .mime = "application/pdf",
                                                        .name = "n.pdf",
                                                        .bytes = 9});
}

TEST_CASE("ChatGPT: an attachment that is also a part is one part") {
  const auto part = only_part<MediaPart>(
      R"({"content_type":"multimodal_text","parts":[{"content_type":"image_asset_pointer","asset_pointer":"file-service://file-9"}]})",
      R"({"attachments":[{"id":"file-9","name":"cat.png","mime_type":"image/png"}]})");
  CHECK(part.name == "cat.png");
  CHECK(part.mime == "image/png");
}

TEST_CASE("what is not understood is kept and counted") {
  auto result =
      run({{"conversations.json", one_message(R"({"content_type":"dream","x":[1.50]})")}});
  REQUIRE(result.report.has_value());
  CHECK(result.report->unknown_kinds.at("dream") == 1);
  const auto& turn = result.sink.conversations[0].conversation.turns[0];
  CHECK(std::get<UnknownPart>(turn.parts[0]).raw == R"({"content_type":"dream","x":[1.50]})");
  result = run({{"conversations.json", one_message(k_words, "{}", "critic")}});
  CHECK(result.sink.conversations[0].conversation.turns[0].role == Role::tool);
  CHECK(result.sink.conversations[0].conversation.turns[0].name == "critic");
}

TEST_CASE("hidden turns are marked") {
  CHECK(only_turn(k_words, R"({"is_visually_hidden_from_conversation":true})").hidden);
  CHECK_FALSE(only_turn(k_words).hidden);
  CHECK(only_turn(R"({"content_type":"user_editable_context"})").hidden);
}

TEST_CASE("branches keep their order; ids that come twice are both kept") {
  auto result = run({{"conversations.json", R"([{"current_node":"c","mapping":{
    "r":{"message":null,"parent":null,"children":["c","b"]},
    "b":{"message":null,"parent":"r","children":[]},
    "c":{"message":null,"parent":"r","children":[]},
    "b":{"message":null,"parent":"gone","children":[]}}}])"}});
  REQUIRE(result.report.has_value());
  const auto& conversation = result.sink.conversations[0].conversation;
  REQUIRE(conversation.turns.size() == 4);
  CHECK(conversation.turns[1].index == 1);
  CHECK(conversation.turns[2].index == 0);
  CHECK(conversation.turns[3].id == "b~2");
  CHECK(Tree(conversation).main_branch() == std::vector<std::size_t>{0, 2});
  CHECK(Tree(conversation).roots().size() == 2);
}

TEST_CASE("Claude: blocks, files, branches") {
  auto result =
      run({{"conversations.json", R"([{"uuid":"u1","name":"N","created_at":"2026-03-29T07:06:34.5Z",
    "updated_at":"2026-03-29T09:06:34+02:00","account":{"uuid":"x"},"chat_messages":[
    {"uuid":"m1","sender":"human","text":"q","content":[{"type":"text","text":"q","citations":[]}],
     "created_at":"1970-01-01T00:00:01.250000Z","updated_at":"1970-01-01T00:00:01.250000Z",
     "attachments":[{"file_name":"","file_size":3,"file_type":"txt","extracted_content":"abc"}],
     "files":[{"file_uuid":"f1","file_name":"cat.png","file_kind":"image"}],
       "files_v2":[{"file_uuid":"f1","file_name":"cat.png"}],
     "parent_message_uuid":"00000000-0000-4000-8000-000000000000"},
    {"uuid":"m2","sender":"assistant","content":[
      {"type":"thinking","thinking":"hm","summaries":[{"summary":"short"}]},
      {"type":"text","text":"first","citations":[{"start_index":1,"end_index":2,
       "details":{"url":"http://x"}}]},
      {"type":"tool_use","id":"t1","name":"search","input":{"q":1.0}},
      {"type":"tool_result","tool_use_id":"t1","name":"search","content":[{"type":"text",
       "text":"r"}],"is_error":true},
      {"type":"text","text":"second"},{"type":"token_budget","remaining":5},{"type":"voice_note",
       "title":"v","text":"said"}],
     "parent_message_uuid":"m1"},
    {"uuid":"m3","sender":"assistant","content":[],"text":"other",
       "parent_message_uuid":"m1"}]}])"}});
  REQUIRE(result.report.has_value());
  CHECK(result.report->providers == std::vector<std::string>{"claude"});
  CHECK(result.report->unknown_kinds.at("token_budget") == 1);
  const auto& conversation = result.sink.conversations[0].conversation;
  CHECK(conversation.title == "N");
  CHECK(conversation.provenance.original_id == "u1");
  CHECK(*conversation.created == 1774767994500);
  CHECK(*conversation.updated == 1774767994000);
  REQUIRE(conversation.turns.size() == 3);
  const auto& question = conversation.turns[0];
  CHECK(question.role == Role::user);
  CHECK(question.time == 1250);
  CHECK_FALSE(question.parent.has_value());
  REQUIRE(question.parts.size() == 3);
  CHECK(std::get<MediaPart>(question.parts[1]).text == "abc");
  CHECK(std::get<MediaPart>(question.parts[2]).kind == MediaKind::image);
  const auto& answer = conversation.turns[1];
  CHECK(answer.text == "first\n\nsecond");
  REQUIRE(answer.parts.size() == 7);
  CHECK(std::get<ThoughtsPart>(answer.parts[0]).text == "hm");
  CHECK(std::get<ThoughtsPart>(answer.parts[0]).thoughts[0].summary == "short");
  CHECK(std::get<CitationPart>(answer.parts[2]).url == "http://x");
  CHECK(std::get<ToolCallPart>(answer.parts[3]).input.text == R"({"q":1.0})");
  CHECK(std::get<ToolResultPart>(answer.parts[4]).error);
  CHECK(std::get<MediaPart>(answer.parts[6]).text == "said");
  CHECK(conversation.turns[2].text == "other");
  CHECK(conversation.turns[2].index == 1);
  CHECK(conversation.current == "m3");
  CHECK(std::string_view(result.sink.conversations[0].blocks.back().bytes)
            .find("\"chat_messages\":[]") != std::string_view::npos);
}

TEST_CASE("Claude: older exports without parents are one line") {
  auto result = run({{"conversations.json",
                      R"([{"uuid":"u","chat_messages":[{"uuid":"a","sender":"human","text":"1"},
    {"uuid":"b","sender":"assistant","text":"2"}]}])"}});
  const auto& turns = result.sink.conversations.at(0).conversation.turns;
  CHECK_FALSE(turns[0].parent.has_value());
  CHECK(turns[1].parent == "a");
}

TEST_CASE("times with zones") {
  CHECK(parse_iso_time("1970-01-01T00:00:00Z") == 0);
  CHECK(parse_iso_time("1970-01-01T01:00:00.5+01:00") == 500);
  CHECK(parse_iso_time("1969-12-31 23:00:00-0100") == 0);
  CHECK(*parse_iso_time("2026-03-29T07:06:35.552627Z") ==
        doctest::Approx(1774767995552.627).epsilon(1e-15));
  for (const auto* bad :
       {"", "2026", "2026-13-01T00:00:00Z", "2026-02-30T00:00:00Z", "2026-01-01T25:00:00Z",
        "2026-01-01T00:00:00X", "2026-01-01T00:00:00+1", "x026-01-01T00:00:00Z"}) {
    CAPTURE(bad);
    CHECK_FALSE(parse_iso_time(bad).has_value());
  }
}

TEST_CASE("shards, single conversations and other files") {
  const auto inside = one_message(k_words);
  const auto one = inside.substr(1, inside.size() - 2);
  auto result = run({{"chat.html", "<html>"},
                     {"conversations-000.json", inside},
                     {"conversations-001.json", "[]"},
                     {"x/conversations/7.json", one},
                     {"user.json", R"({"id":1})"}});
  REQUIRE(result.report.has_value());
  CHECK(result.report->conversations == 2);
  CHECK(result.report->files == 3);
  CHECK(result.report->other_files == std::vector<std::string>{"user.json"});
  REQUIRE(result.sink.files.size() == 1);
  CHECK(as_text(result.sink.files[0].bytes) == R"({"id":1})");
  CHECK(run({{"whatever.json", one}}).report->conversations == 1);
}

TEST_CASE("attachments are found, handed over once, before their conversation") {
  const auto content = R"({"content_type":"multimodal_text","parts":[
    {"content_type":"image_asset_pointer","asset_pointer":"file-service://file-AA"},
    {"content_type":"image_asset_pointer","asset_pointer":"file-service://file-AA"},
    {"content_type":"image_asset_pointer","asset_pointer":"file-service://file-BB"},
    {"content_type":"image_asset_pointer","asset_pointer":"file-service://file-CC"}]})";
  auto result = run({{"conversations.json", one_message(content)},
                     {"dalle-generations/file-AA-1.webp", "picture"},
                     {"file-BB-big.png", std::string(100, 'x')}},
                    {.attachment_bytes_max = 50});
  REQUIRE(result.report.has_value());
  CHECK(result.report->attachments == 1);
  CHECK(result.report->attachment_bytes == 7);
  CHECK(result.report->attachments_too_large == 1);
  CHECK(result.report->attachments_missing == 1);
  REQUIRE(result.sink.files.size() == 1);
  const auto& parts = result.sink.conversations[0].conversation.turns[0].parts;
  CHECK(std::get<MediaPart>(parts[0]).cid == ContentId::of(as_bytes("picture")).to_text());
  CHECK(std::get<MediaPart>(parts[1]).cid == std::get<MediaPart>(parts[0]).cid);
  CHECK(std::get<MediaPart>(parts[2]).cid.empty());
  CHECK(std::get<MediaPart>(parts[3]).cid.empty());
}

TEST_CASE("one bad conversation does not stop the others, and its place is told") {
  const auto good = one_message(k_words);
  const auto one = good.substr(1, good.size() - 2);
  const auto text = "[" + one + ",\n{\"mapping\": {\"a\": tru}},\n17,{\"x\":1}," + one + "]";
  auto result = run({{"conversations.json", text}});
  REQUIRE(result.report.has_value());
  CHECK(result.report->conversations == 2);
  CHECK(result.report->failed == 3);
  CHECK(result.report->failures[0].line == 2);
  CHECK(result.report->failures[0].byte == text.find("tru}") + 3);
  CHECK(result.report->failures[0].message.find("conversations.json, byte ") == 0);
  const auto garbage = "[" + one + "} " + one + "]";
  result = run({{"conversations.json", garbage}});
  CHECK(result.report->conversations == 1);
  CHECK(result.report->failures.at(0).byte == one.size() + 1);
  // a bracket that closes too little swallows the rest; the position is still that of the mistake
  const auto swallowed = "[" + one + ",{\"a\": ]x" + one + "]";
  result = run({{"conversations.json", swallowed}});
  CHECK(result.report->conversations == 1);
  CHECK(result.report->failures.at(0).byte == swallowed.find("]x"));
}

TEST_CASE("bombs of depth and values are refused one by one") {
  const auto good = one_message(k_words);
  const auto one = good.substr(1, good.size() - 2);
  const auto deep =
      std::string(R"({"mapping":)") + std::string(100'000, '[') + std::string(100'000, ']') + "}";
  std::string wide = R"({"mapping":{"a":[0)";
  for (int i = 0; i < 2000; ++i) {
    wide += ",0";
  }
  wide += "]}}";
  auto result = run({{"conversations.json", "[" + deep + "," + wide + "," + one + "]"}},
                    {.json = {.values_max = 1000}});
  REQUIRE(result.report.has_value());
  CHECK(result.report->conversations == 1);
  CHECK(result.report->failed == 2);
  result = run({{"conversations.json", "[" + deep + "," + one + "]"}},
               {.splitter = {.element_bytes_max = 5000}});
  CHECK(result.report->conversations == 1);
  CHECK(result.report->failures.at(0).message.find("larger than the limit") != std::string::npos);
}

TEST_CASE("failures beyond the limit are only counted") {
  const auto good = one_message(k_words);
  std::string text = good.substr(0, good.size() - 1);
  for (int i = 0; i < 150; ++i) {
    text += ",1";
  }
  const auto result = run({{"conversations.json", text + "]"}});
  CHECK(result.report->failed == 150);
  CHECK(result.report->failures.size() == k_failures_kept_max);
}

TEST_CASE("kinds of unknown parts beyond the limit are kept but not listed") {
  std::string parts;
  for (std::size_t i = 0; i < k_unknown_kinds_max + 5; ++i) {
    parts += (i == 0 ? "" : ",") + (R"({"content_type":"k)" + std::to_string(i)) + "\"}";
  }
  const auto result =
      run({{"conversations.json",
            one_message(R"({"content_type":"multimodal_text","parts":[)" + parts + "]}")}});
  CHECK(result.report->unknown_kinds.size() == k_unknown_kinds_max);
  CHECK(result.report->parts_by_type.at("unknown") == k_unknown_kinds_max + 5);
}

TEST_CASE("nothing to import is a problem that says what to do") {
  for (const auto& files :
       {Files{{"a.txt", "hello"}}, Files{{"a.txt", "1"}, {"b.txt", "2"}}, Files{}}) {
    const auto result = run(files);
    REQUIRE_FALSE(result.report.has_value());
    CHECK(result.report.error().code == "import.not_an_export");
    CHECK(result.report.error().message.find("'test'") != std::string::npos);
  }
  KeepingSink sink;
  const auto missing = import_export("/nowhere/at/all", sink);
  REQUIRE_FALSE(missing.has_value());
  CHECK(missing.error().code == "import.not_found");
  CHECK(import_export("/dev/null", sink).error().code == "import.unreadable");
}

TEST_CASE("the sink's error and the caller's wish end an import") {
  class Full final : public Sink {
   public:
    Result<void> conversation(Imported) override { return fail(ImportError::unreadable); }
    Result<void> file(ImportedFile) override { return fail(ImportError::unreadable); }
  };
  MemoryExport files({{"conversations.json", one_message(k_words)}});
  Full full;
  CHECK(import_files(files, "x", full).error().code == "import.unreadable");
  MemoryExport with_file(
      {{"conversations.json",
        one_message(R"({"content_type":"image_asset_pointer","asset_pointer":"file-A"})")},
       {"file-A.png", "x"}});
  CHECK(import_files(with_file, "x", full).error().code == "import.unreadable");
  KeepingSink sink;
  CHECK(import_files(files, "x", sink, {.cancelled = [] { return true; }}).error().code ==
        "import.cancelled");
}

TEST_CASE("a zip from the disk, and a damaged one") {
  const auto path = std::filesystem::temp_directory_path() / "vivim_importer_test.zip";
  const auto good =
      one_message(R"({"content_type":"image_asset_pointer","asset_pointer":"sediment://file_0a"})");
  auto zip = make_zip({{.name = "conversations.json", .bytes = good},
                       {.name = "file_0a-sanitized.png", .bytes = "png", .stored = true}});
  const auto write = [&] {
    std::ofstream(path, std::ios::binary)
        .write(reinterpret_cast<const char*>(zip.data()), static_cast<std::streamsize>(zip.size()));
  };
  write();
  KeepingSink sink;
  auto report = import_export(path.string(), sink);
  REQUIRE(report.has_value());
  CHECK(report->conversations == 1);
  CHECK(report->attachments == 1);
  for (int i = 0; i < 20; ++i) {
    zip[120 + static_cast<std::size_t>(i)] ^= 0x55;
  }
  write();
  report = import_export(path.string(), sink);
  CHECK((!report || report->failed > 0));
  std::filesystem::remove(path);
}

TEST_CASE("the line of an export that is cut in the second file of two") {
  const auto good = one_message(k_words);
  const auto result =
      run({{"conversations-0.json", good}, {"conversations-1.json", good.substr(0, 50)}});
  REQUIRE(result.report.has_value());
  CHECK(result.report->conversations == 1);
  CHECK(result.report->failures.at(0).file == "conversations-1.json");
  CHECK(result.report->failures.at(0).byte == 50);
}
