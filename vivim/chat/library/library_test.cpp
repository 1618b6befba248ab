#include "vivim/chat/library/library.hpp"

#include <filesystem>
#include <fstream>

#include <doctest/doctest.h>
#include <unistd.h>

#include "vivim/chat/importers/synthetic.hpp"
#include "vivim/chat/library/hub_documents.hpp"
#include "vivim/chat/tree.hpp"
#include "vivim/crdt/text.hpp"
#include "vivim/rt/sim/world.hpp"
#include "vivim/store/blobs.hpp"
#include "vivim/store/imports.hpp"

using namespace vivim;
using namespace vivim::chat;

namespace {

/// A file that goes when the test ends.
class TemporaryFile {
 public:
  explicit TemporaryFile(const std::string& name)
      : path_(std::filesystem::temp_directory_path() /
              ("vivim_library_" + std::to_string(::getpid()) + name)) {}
  ~TemporaryFile() {
    std::error_code ignored;
    std::filesystem::remove(path_, ignored);
  }
  std::string path() const { return path_.string(); }
  void write(std::string_view text) const { std::ofstream(path_, std::ios::binary) << text; }

 private:
  std::filesystem::path path_;
};

/// One node's library on a simulated disk.
struct Home {
  rt::sim::World world{1};
  rt::sim::Node& node = world.add_node("node");
  std::unique_ptr<rt::Worker> store_worker = node.make_worker();
  std::unique_ptr<rt::Worker> reader = node.make_worker();
  std::unique_ptr<rt::Worker> packer = node.make_worker();
  std::unique_ptr<store::Store> store;
  std::unique_ptr<sync::DocumentHub> hub;
  std::unique_ptr<HubDocuments> documents;
  std::unique_ptr<Library> library;
  std::vector<LibraryEvent> events;

  Home() {
    auto opened = world.run(store::Store::open(
        node.loop(), *store_worker,
        {.database = {.path = "vivim.db", .disk = &node.disk(), .random_seed = 1}}));
    REQUIRE(opened);
    store = std::move(*opened);
    hub = std::make_unique<sync::DocumentHub>(node.loop(), *store, node.rng());
    documents = std::make_unique<HubDocuments>(*hub);
    library = std::make_unique<Library>(
        Library::Parts{node.loop(), *store, *documents, node.rng(), *reader, *packer});
    library->watch([this](const LibraryEvent& event) { events.push_back(event); });
    hub->on_committed([this](const store::DocumentId& id) { library->note_changed(id); });
    library->start();
  }

  ~Home() {
    world.run(library->stop());
    world.run(hub->stop());
    (void)world.run(store->close());
  }

  template <class T>
  T good(rt::Co<Outcome<T>> task) {
    auto outcome = world.run(std::move(task));
    if (!outcome) {
      FAIL(outcome.error().message);
    }
    if constexpr (!std::is_void_v<T>) {
      return std::move(*outcome);
    }
  }
  template <class T>
  Problem bad(rt::Co<Outcome<T>> task) {
    auto outcome = world.run(std::move(task));
    REQUIRE_FALSE(outcome.has_value());
    CHECK_FALSE(outcome.error().message.empty());
    return outcome.error();
  }

  void wait_for_index() {
    CHECK(world.run_until([this] { return good(library->index_pending()) == 0; }));
  }
  std::vector<store::ConversationRow> list() {
    return good(library->list(store::ConversationSort::title, 1000, std::nullopt)).rows;
  }
  std::size_t hits(const std::string& words) {
    return good(library->search({.text = words})).hits.size();
  }
};

std::string turn(const std::string& id, const std::string& parent, const std::string& children,
                 const std::string& words) {
  return "\"" + id +
         R"(":{"message":{"author":{"role":"user"},"content":{"content_type":"text","parts":[")" +
         words + R"("]}},"parent":)" + parent + R"(,"children":[)" + children + "]}";
}

std::string conversation(const std::string& id, const std::string& title, const std::string& turns,
                         const std::string& current) {
  return R"({"conversation_id":")" + id + R"(","title":")" + title + R"(","current_node":")" +
         current + R"(","mapping":{)" + turns + "}}";
}

const std::string k_first = turn("a", "null", "", "zebra question");
const std::string k_second =
    turn("a", "null", "\"b\"", "zebra question") + "," + turn("b", "\"a\"", "", "giraffe answer");

}  // namespace

TEST_CASE("library: create, rename, add, edit, delete, remove") {
  Home home;
  auto& library = *home.library;
  const auto id = home.good(library.create("First")).to_text();
  home.good(library.rename(id.substr(0, 6), "Renamed"));
  const auto question = home.good(library.add_turn(id, {.text = "hello walrus"}));
  const auto answer =
      home.good(library.add_turn(id, {.role = Role::assistant, .text = "an answer"}));
  home.good(library.edit_turn(id, question, "hello brave walrus"));
  home.good(library.delete_turn(id, answer));
  home.good(library.set_current(id, question));
  const auto view = home.good(library.get(id));
  CHECK(view.conversation.title == "Renamed");
  REQUIRE(view.conversation.turns.size() == 2);
  CHECK(view.conversation.turns[0].text == "hello brave walrus");
  CHECK(view.conversation.turns[1].parent == question);
  CHECK(view.conversation.turns[1].deleted);
  CHECK(view.conversation.current == question);
  CHECK(home.list().at(0).title == "Renamed");
  CHECK(home.list().at(0).turns == 1);
  home.wait_for_index();
  CHECK(home.hits("walrus") == 1);
  CHECK(home.hits("answer") == 0);
  std::string page;
  home.good(library.export_to(id, ExportFormat::markdown,
                              [&](std::string_view piece) { page += piece; }));
  CHECK(page.find("hello brave walrus") != std::string::npos);
  home.good(library.remove(id));
  CHECK(home.list().empty());
  CHECK(home.hits("walrus") == 0);
  CHECK(home.bad(library.get(id)).kind == ProblemKind::not_found);
}

TEST_CASE("library: every failure says what happened") {
  Home home;
  auto& library = *home.library;
  const auto id = home.good(library.create("One")).to_text();
  for (const auto* unknown : {"", "zzzz", "no such id at all, and far too long for one", "1!"}) {
    const auto problem = home.bad(library.get(unknown));
    CHECK(problem.code == "conversation_not_found");
    CHECK(problem.message.find(unknown) != std::string::npos);
    CHECK(problem.hint.find("vivim ls") != std::string::npos);
  }
  CHECK(home.bad(library.edit_turn(id, "nope", "x")).kind == ProblemKind::not_found);
  CHECK(home.bad(library.add_turn(id, {.parent = "nope"})).kind == ProblemKind::not_found);
  CHECK(home.bad(library.add_turn(id, {.role = Role::none})).kind == ProblemKind::bad_input);
  CHECK(home.bad(library.rename(id, std::string(5000, 'x'))).kind == ProblemKind::bad_input);
  CHECK(home.bad(library.create(std::string(5000, 'x'))).kind == ProblemKind::bad_input);
  CHECK(home.bad(library.list(store::ConversationSort::newest, 5, "garbage")).kind ==
        ProblemKind::bad_input);
  CHECK(home.bad(library.import_now("/nowhere/at/all")).code == "import.not_found");
  CHECK_FALSE(library.job(99).has_value());
}

TEST_CASE("library: an id that fits several is refused") {
  Home home;
  for (int i = 0; i < 40; ++i) {
    home.good(home.library->create("n"));
  }
  const auto rows = home.list();
  std::size_t ambiguous = 0;
  for (const auto& row : rows) {
    const auto one = home.world.run(home.library->resolve(row.id.to_text().substr(0, 1)));
    ambiguous += !one && one.error().code == "conversation_ambiguous" ? 1 : 0;
    CHECK(home.good(home.library->resolve(row.id.to_text())) == row.id);
  }
  CHECK(ambiguous > 0);
}

TEST_CASE("library: import, import again, a newer export") {
  Home home;
  auto& library = *home.library;
  const TemporaryFile file(".json");
  file.write("[" + conversation("c1", "Old", k_first, "a") + "," +
             conversation("c2", "Other", k_first, "a") + "]");
  auto outcome = home.good(library.import_now(file.path()));
  CHECK(outcome.added == 2);
  CHECK(outcome.report.turns == 2);
  home.wait_for_index();
  CHECK(home.hits("zebra") == 2);
  CHECK(home.hits("Old") == 1);
  const auto before = home.list();

  outcome = home.good(library.import_now(file.path()));
  CHECK(outcome.added == 0);
  CHECK(outcome.unchanged == 2);
  CHECK(home.list().size() == 2);

  const auto id = before[0].id.to_text();
  home.good(library.edit_turn(id, "a", "my own words"));
  file.write("[" + conversation("c1", "New", k_second, "b") + "," +
             conversation("c2", "Old", k_first, "a") + "]");
  outcome = home.good(library.import_now(file.path()));
  CHECK(outcome.added == 0);
  CHECK(outcome.updated == 2);
  CHECK(outcome.turns_added == 1);
  home.wait_for_index();
  CHECK(home.hits("giraffe") == 1);
  for (const auto& row : home.list()) {
    const auto view = home.good(library.get(row.id.to_text()));
    CHECK(row.title == view.conversation.title);
    if (row.original_id == "c1") {
      CHECK(view.conversation.title == "New");
      CHECK(view.conversation.current == "b");
      CHECK(view.conversation.turns.size() == 2);
    }
  }
  const auto imports = home.world.run(home.store->read(
      [](store::Database& database) { return store::Imports(database).list(10); }));
  REQUIRE(imports);
  REQUIRE(imports->size() == 3);
  CHECK(imports->front().report.find("\"updated\":2") != std::string::npos);
}

TEST_CASE("library: a conversation that comes twice in one export is one") {
  Home home;
  const TemporaryFile file(".json");
  file.write("[" + conversation("c1", "T", k_first, "a") + "," +
             conversation("c1", "T", k_second, "b") + "," + conversation("c1", "T", k_second, "b") +
             "]");
  const auto outcome = home.good(home.library->import_now(file.path()));
  CHECK(outcome.added == 1);
  CHECK(outcome.updated == 1);
  CHECK(outcome.unchanged == 1);
  CHECK(home.list().size() == 1);
}

TEST_CASE("library: what an import stores can be read back, to the byte") {
  Home home;
  const TemporaryFile file(".json");
  std::string text;
  write_synthetic_export({.bytes = 300'000}, [&](std::string_view piece) { text += piece; });
  file.write(text);
  const auto outcome = home.good(home.library->import_now(file.path()));
  CHECK(outcome.added == outcome.report.conversations);
  CHECK(outcome.report.failed == 0);
  const auto row = home.list().at(0);
  const auto view = home.good(home.library->get(row.id.to_text()));
  for (const auto& each : view.conversation.turns) {
    const auto id = store::BlobId::parse(each.content);
    REQUIRE(id);
    const auto bytes = home.world.run(home.store->read(
        [&id](store::Database& database) { return store::Blobs(database).get(*id); }));
    REQUIRE(bytes);
    CHECK(text.find(as_text(*bytes)) != std::string::npos);
  }
}

TEST_CASE("library: an import of several batches, and the same again") {
  Home home;
  const TemporaryFile file(".json");
  std::string text;
  write_synthetic_export({.bytes = 2 * k_import_batch_bytes + 100'000},
                         [&](std::string_view piece) { text += piece; });
  file.write(text);
  auto outcome = home.good(home.library->import_now(file.path()));
  const auto conversations = outcome.report.conversations;
  CHECK(outcome.added == conversations);
  CHECK(home.list().size() == conversations);
  outcome = home.good(home.library->import_now(file.path()));
  CHECK(outcome.added == 0);
  CHECK(outcome.unchanged == conversations);
  CHECK(home.list().size() == conversations);
}

TEST_CASE("library: a broken file keeps what came before, as a job") {
  Home home;
  const TemporaryFile file(".json");
  const auto good = conversation("c1", "T", k_first, "a");
  file.write("[" + good + "," + good.substr(0, 60));
  bool cleaned = false;
  const auto job = home.library->start_import(file.path(), [&cleaned] { cleaned = true; });
  REQUIRE(job);
  CHECK(home.library->start_import(file.path()).error().kind == ProblemKind::conflict);
  CHECK(home.world.run_until([&] { return home.library->job(*job)->state != JobState::running; }));
  const auto status = *home.library->job(*job);
  REQUIRE(status.state == JobState::done);
  CHECK(status.outcome->added == 1);
  CHECK(status.outcome->report.failed == 1);
  CHECK(status.bytes == status.bytes_total);
  CHECK(outcome_json(*status.outcome).find("\"failed\":1") != std::string::npos);
  CHECK(cleaned);
  CHECK(home.list().size() == 1);
  const auto failed = home.library->start_import("/nowhere");
  REQUIRE(failed);
  CHECK(
      home.world.run_until([&] { return home.library->job(*failed)->state == JobState::failed; }));
  CHECK(home.library->job(*failed)->problem->code == "import.not_found");
}

TEST_CASE("library: statuses of old imports are forgotten") {
  Home home;
  for (std::size_t i = 0; i < k_jobs_kept_max + 3; ++i) {
    const auto job = home.library->start_import("/nowhere");
    REQUIRE(job);
    CHECK(home.world.run_until([&] { return home.library->job(*job)->state == JobState::failed; }));
  }
  CHECK_FALSE(home.library->job(1).has_value());
  CHECK(home.library->job(k_jobs_kept_max + 3).has_value());
}

TEST_CASE("library: edits of others are indexed and told") {
  Home home;
  const auto id = home.good(home.library->create("Shared"));
  home.wait_for_index();
  home.events.clear();
  const auto edited = home.world.run(home.documents->edit(id, [](crdt::Doc& doc) {
    doc.transact(
        [&](crdt::Transaction& transaction) { doc.text("title").push(transaction, " quokka"); });
  }));
  REQUIRE(edited);
  CHECK(home.world.run_until([&] {
    return std::ranges::any_of(home.events, [&](const LibraryEvent& event) {
      return event.kind == LibraryEvent::Kind::changed && event.id == id;
    });
  }));
  // Who asks when it is told gets the new state.
  CHECK(home.hits("quokka") == 1);
  CHECK(home.list().at(0).title == "Shared quokka");
}
