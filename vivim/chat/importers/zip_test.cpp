#define ZLIB_CONST
#include <doctest/doctest.h>
#include <zlib.h>

#include "vivim/chat/importers/assets.hpp"
#include "vivim/chat/importers/source.hpp"
#include "vivim/chat/importers/zip_writer_detail.hpp"

using namespace vivim;
using namespace vivim::chat;

namespace {

Result<std::string> unpack(BytesView zip, std::string_view name, const ArchiveLimits& limits = {}) {
  VIVIM_TRY(auto files, open_zip(open_memory(zip), limits));
  for (const auto& member : files->members()) {
    if (member.name == name) {
      VIVIM_TRY(auto bytes, read_member(*files, member, 1ULL << 40));
      return std::string(as_text(*bytes));
    }
  }
  return fail(ImportError::not_found);
}

}  // namespace

TEST_CASE("members, stored and deflated") {
  std::string long_text;
  for (int i = 0; i < 50'000; ++i) {
    long_text += std::to_string(i * 7919 % 10'007) + " ";
  }
  const auto zip = make_zip({{.name = "a/b.txt", .bytes = long_text},
                             {.name = "c.txt", .bytes = "plain", .stored = true},
                             {.name = "empty", .bytes = ""},
                             {.name = "folder/", .bytes = "", .stored = true}});
  CHECK(unpack(zip, "a/b.txt").value() == long_text);
  CHECK(unpack(zip, "c.txt").value() == "plain");
  CHECK(unpack(zip, "empty").value().empty());
  CHECK(open_zip(open_memory(zip)).value()->members().size() == 3);
}

TEST_CASE("zip64 sizes and places") {
  const auto zip =
      make_zip({{.name = "x", .bytes = "hello hello hello", .zip64 = true}}, {.zip64 = true});
  CHECK(unpack(zip, "x").value() == "hello hello hello");
}

TEST_CASE("names that lead elsewhere are left out") {
  const auto zip = make_zip({{.name = "../up", .bytes = "1"},
                             {.name = "/etc/passwd", .bytes = "2"},
                             {.name = "a/../../b", .bytes = "3"},
                             {.name = "c:\\x", .bytes = "4"},
                             {.name = "fine..txt", .bytes = "5"}});
  const auto files = open_zip(open_memory(zip)).value();
  REQUIRE(files->members().size() == 1);
  CHECK(files->members()[0].name == "fine..txt");
}

TEST_CASE("damage is found") {
  const auto good = make_zip({{.name = "x", .bytes = std::string(5000, 'a') + "b"}});
  auto checksum = make_zip({{.name = "x", .bytes = "hello", .stored = true}});
  checksum[31] ^= 1;  // the data follows a header of 30 bytes and a name of 1
  CHECK(unpack(checksum, "x").error().is(ImportError::zip_checksum));
  CHECK(open_zip(open_memory(BytesView(good).first(good.size() - 1)))
            .error()
            .is(ImportError::bad_zip));
  CHECK(open_zip(open_memory({})).error().is(ImportError::bad_zip));
  CHECK(unpack(make_zip({{.name = "x", .bytes = "hi", .encrypted = true}}), "x")
            .error()
            .is(ImportError::zip_unsupported));
  CHECK(unpack(make_zip({{.name = "x", .bytes = std::string(500, 'a'), .claimed_size = 400}}), "x")
            .error()
            .is(ImportError::bad_zip));
  for (std::size_t i = 0; i < good.size();
       ++i) {  // any byte flipped: an error or the same text, never a crash
    auto bad = good;
    bad[i] ^= 0xff;
    const auto text = unpack(bad, "x");
    CHECK((!text || *text == std::string(5000, 'a') + "b"));
  }
}

TEST_CASE("limits of archives") {
  const auto zip = make_zip({{.name = "a", .bytes = "1"}, {.name = "b", .bytes = "2"}});
  CHECK(open_zip(open_memory(zip), {.members_max = 1}).error().is(ImportError::zip_bomb));
  CHECK(open_zip(open_memory(zip), {.directory_bytes_max = 10}).error().is(ImportError::zip_bomb));
  const auto bomb = make_zip({{.name = "z", .bytes = std::string(80 << 20, '\0')}});
  CHECK(unpack(bomb, "z", {.ratio_max = 500}).error().is(ImportError::zip_bomb));
  CHECK(unpack(bomb, "z", {.member_bytes_max = 1000}).error().is(ImportError::zip_bomb));
}

TEST_CASE("keys of assets") {
  CHECK(asset_key("file-service://file-AbC12") == "file-AbC12");
  CHECK(asset_key("sediment://file_0000abc#p1") == "file_0000abc");
  CHECK(asset_key("file-AbC12-my picture.png") == "file-AbC12");
  CHECK(asset_key("dalle-generations/file-AbC12-9f.webp") == "file-AbC12");
  CHECK(asset_key("user-1/file_0000abc.dat") == "file_0000abc");
  CHECK(asset_key("audio/c0ffee.wav") == "c0ffee");
}
