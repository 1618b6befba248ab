#include "vivim/rt/asio/disk.hpp"

#include <cstdlib>
#include <filesystem>
#include <stdexcept>
#include <thread>

#include <doctest/doctest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "vivim/rt/asio/worker.hpp"
#include "vivim/rt/task_group.hpp"
#include "vivim/rt/wait.hpp"

using namespace vivim;
using namespace vivim::rt;
using asio_::DirectoryDisk;

namespace {

class TempDirectory {
 public:
  TempDirectory() {
    std::string pattern = (std::filesystem::temp_directory_path() / "vivim_disk_XXXXXX").string();
    REQUIRE(::mkdtemp(pattern.data()) != nullptr);
    path_ = pattern;
  }
  ~TempDirectory() { std::filesystem::remove_all(path_); }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

}  // namespace

TEST_CASE("disk: reads, writes, names") {
  const TempDirectory temp;
  auto disk = DirectoryDisk::open_root(temp.path() + "/deep/home").value();
  CHECK(disk->open("x", OpenMode::read).error().is(RtError::not_found));
  auto file = disk->open("sub/dir/x", OpenMode::create).value();
  CHECK(file->write_at(3, as_bytes("abc")));
  CHECK(file->size().value() == 6);
  CHECK(file->sync());
  CHECK(disk->sync_directory());
  Bytes buffer(10);
  CHECK(file->read_at(2, buffer).value() == 4);
  CHECK(as_text(buffer).substr(1, 3) == "abc");
  CHECK(file->truncate(1));
  CHECK(file->read_at(1, buffer).value() == 0);
  CHECK(disk->rename("sub/dir/x", "y"));
  CHECK(disk->exists("y"));
  CHECK(!disk->exists("sub/dir/x"));
  CHECK(disk->open("a", OpenMode::create));
  CHECK(disk->list().value() == std::vector<std::string>{"a", "y"});
  CHECK(disk->remove("y"));
  CHECK(disk->remove("y").error().is(RtError::not_found));
  CHECK(disk->sync_directory());
  struct stat status{};
  REQUIRE(::stat((temp.path() + "/deep/home/a").c_str(), &status) == 0);
  CHECK((status.st_mode & 0777) == 0600);
}

TEST_CASE("disk: nothing outside its directory") {
  const TempDirectory temp;
  auto disk = DirectoryDisk::open_root(temp.path()).value();
  for (const auto* bad : {"../x", "/etc/passwd", "a//b", ""}) {
    CHECK(disk->open(bad, OpenMode::create).error().is(RtError::bad_path));
    CHECK(disk->remove(bad).error().is(RtError::bad_path));
    CHECK(disk->rename(bad, "x").error().is(RtError::bad_path));
    CHECK(!disk->exists(bad));
  }
  REQUIRE(::symlink("/etc/passwd", (temp.path() + "/link").c_str()) == 0);
  CHECK(!disk->open("link", OpenMode::read));
  CHECK(DirectoryDisk::open_root("/proc/nothing/here").error().is(RtError::not_found));
}

TEST_CASE("disk: a full device says so, and a failed sync stays failed") {
  const TempDirectory temp;
  auto disk = DirectoryDisk::open_root("/dev").value();
  auto full = disk->open("full", OpenMode::read_write);
  REQUIRE(full);
  CHECK((*full)->write_at(0, as_bytes("x")).error().is(RtError::no_space));
  const auto first = (*full)->sync();
  if (!first) {
    CHECK(!(*full)->sync());
  }
}

namespace {

Co<int> job(Worker& worker, std::vector<int>& order, int number) {
  co_return co_await worker.run([&order, number] {
    order.push_back(number);
    return number;
  });
}

Co<void> one_job(Worker& worker, std::vector<int>& order, int number) {
  CHECK(co_await job(worker, order, number) == number);
}

Co<void> work(asio_::Loop& loop) {
  asio_::ThreadWorker worker(loop, "worker", 2);
  std::vector<int> order;
  TaskGroup tasks(loop);
  for (int i = 0; i < 20; ++i) {  // far more than its queue takes
    tasks.spawn("job", one_job(worker, order, i));
  }
  const auto id = co_await worker.run([] { return std::this_thread::get_id(); });
  CHECK(id != std::this_thread::get_id());
  bool thrown = false;
  try {
    co_await worker.run([] { throw std::invalid_argument("no"); });
  } catch (const std::invalid_argument&) {
    thrown = true;
  }
  CHECK(thrown);
  while (tasks.running() > 0) {
    co_await sleep_for(loop, std::chrono::milliseconds(1));
  }
  CHECK(order.size() == 20);
  co_await tasks.stop();
}

}  // namespace

TEST_CASE("worker: jobs run on its thread, one after the other, with a bounded queue") {
  asio_::Loop loop;
  loop.run(work(loop));
}
