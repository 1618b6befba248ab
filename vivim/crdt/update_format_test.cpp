#include <algorithm>
#include <string>
#include <string_view>

#include <doctest/doctest.h>

#include "vivim/crdt/doc.hpp"
#include "vivim/crdt/hex_test_detail.hpp"
#include "vivim/crdt/inspect.hpp"
#include "vivim/crdt/lib0.hpp"
#include "vivim/crdt/update.hpp"
#include "vivim/crdt/value.hpp"

namespace vivim::crdt {
namespace {

constexpr auto k_v1 = UpdateFormat::v1;
constexpr auto k_v2 = UpdateFormat::v2;

// One document with every kind of content, written by Yjs 13.6.33 in both formats.
const Bytes k_document_v1 = unhex(
    "020283808080802000c4050f0505024142a805150177046c6174651a05000401017401688105000284050202"
    "6c6f8405040c20f09f98802077c3b6726c6446050004626f6c640474727565c60504050504626f6c64046e75"
    "6c6cc60502050304626f6c64046e756c6cc505100503157b22696d616765223a2278222c226e223a312e357d"
    "c60511050304626f6c6404747275652101016d016b012301016d016203010203a10513012801016d03626967"
    "017b433fffffffffffff2801016d036e616e017b7ff80000000000002801016d036e6567017d402901016d03"
    "646f6306677569642d317601046d6574617601017a7d012101016d036d6170010001010101610188051c027d"
    "027d03c1051c051d01070101780301702800052005636c617373017701630700052006040005220268698705"
    "200505686f6f6b790105050102130115011a031f01");
const Bytes k_document_v2 = unhex(
    "0003000303088380808080404516101e0c6a050000441c0204120008000444070a4a0a440100342fc400a800"
    "0400810084014600c601c500c60021002300a100280229002100000001008800c10007002800070004008768"
    "4f414274686c6f20f09f98802077c3b6726c64626f6c64626f6c64626f6c64626f6c646d6b6d626d6269676d"
    "6e616e6d6e65676d646f63677569642d316d6d6170617870636c6173736869686f6f6b790241000209440241"
    "030301030103010306010341010502050301090003030605070102410602410002020077046c6174651a0078"
    "7e7e760205696d616765770178016e7c3fc0000078030102037b433fffffffffffff7b7ff80000000000007d"
    "407601046d6574617601017a7d017d027d0377016301050501011000010004020200");
const Bytes k_obfuscated = unhex(
    "020283808080802000c4050f0505023030880515017d011a0500040101740132810500028405020234348405"
    "04093535353535353535354605000136077b2269223a367dc6050405050136046e756c6cc605020503013604"
    "6e756c6cc505100503027b7dc6051105030136077b2269223a367d2101016d023131012301016d023132010c"
    "810513012801016d023134017d0e2801016d023135017d0f2801016d023136017d102901016d023137023137"
    "76002101016d023138010001010101610188051c027d147d14c1051c051d010701017803076e6f64652d3232"
    "28000520023233017d170700052006040005220235358705200507686f6f6b2d32360105050102130115011a"
    "031f01");

CrdtError refusal_in_v2(const Bytes& update) {
  Doc doc(ClientId{99});
  const auto applied = apply_update(doc, update, {}, k_v2);
  REQUIRE_FALSE(applied.has_value());
  CHECK(encode_state_as_update(doc) == Bytes{0, 0});
  return static_cast<CrdtError>(applied.error().code());
}

// A v2 update of the given columns.
Bytes columns(Bytes clients, Bytes left_clocks, Bytes infos, Bytes strings, Bytes parents,
              Bytes lens, Bytes rest) {
  lib0::Encoder out;
  out.u8(0);
  for (const Bytes& column :
       {Bytes(), clients, left_clocks, Bytes(), infos, strings, parents, Bytes(), lens}) {
    out.var_bytes(column);
  }
  out.raw(rest);
  return out.take();
}

const Bytes k_no_strings{0};

TEST_CASE("v2: an empty document is what Yjs writes") {
  const Doc doc(ClientId{1});
  CHECK(to_hex(encode_state_as_update(doc, k_v2)) == "00000000000001000000000000");
}

TEST_CASE("v2: a document of Yjs is read, and written to the byte, in both formats") {
  for (const auto format : {k_v1, k_v2}) {
    Doc doc(ClientId{1});
    REQUIRE(apply_update(doc, format == k_v1 ? k_document_v1 : k_document_v2, {}, format));
    CHECK(consistent(doc));
    CHECK(to_hex(encode_state_as_update(doc, k_v1)) == to_hex(k_document_v1));
    CHECK(to_hex(encode_state_as_update(doc, k_v2)) == to_hex(k_document_v2));
  }
}

TEST_CASE("v2: updates are converted without a document") {
  const Bytes v2 = convert_update(k_document_v1, k_v1, k_v2).value();
  const Bytes v1 = convert_update(k_document_v2, k_v2, k_v1).value();
  CHECK(convert_update(v2, k_v2, k_v1).value() == v1);
  CHECK(convert_update(v1, k_v1, k_v2).value() == v2);
  Doc doc(ClientId{1});
  REQUIRE(apply_update(doc, v1).has_value());
  CHECK(to_hex(encode_state_as_update(doc)) == to_hex(k_document_v1));
  // As in Yjs: what has an origin does not say any more that it has a key.
  CHECK(v1.size() == k_document_v1.size());
  CHECK(v1 != k_document_v1);
}

TEST_CASE("v2: an obfuscated update keeps the structure and nothing else") {
  CHECK(to_hex(obfuscate_update(k_document_v1).value()) == to_hex(k_obfuscated));
  const Bytes v2 = obfuscate_update(k_document_v2, {}, k_v2).value();
  CHECK(to_hex(convert_update(v2, k_v2, k_v1).value()) == to_hex(k_obfuscated));
  const Obfuscation nothing{.formatting = false, .subdocuments = false, .xml_names = false};
  const auto info = inspect_update(obfuscate_update(k_document_v1, nothing).value()).value();
  CHECK(std::ranges::any_of(info.structs,
                            [](const StructInfo& item) { return item.text == "bold"; }));
  CHECK(std::ranges::any_of(info.structs,
                            [](const StructInfo& item) { return item.text == "hooky"; }));
  CHECK(std::ranges::any_of(info.structs,
                            [](const StructInfo& item) { return item.text == "guid-1"; }));
}

TEST_CASE("of the options of a document within those are written that Yjs keeps") {
  const auto with = [](Any::Object options) {
    lib0::Encoder out;
    for (const std::uint64_t number : {1, 1, 7, 0, 9, 1}) {
      out.var_uint(number);
    }
    out.var_string("m");
    out.var_string("guid");
    out.any(Any(std::move(options)));
    out.var_uint(0);
    return out.take();
  };
  const Bytes of_yrs = with({{"shouldLoad", Any(false)},
                             {"autoLoad", Any(true)},
                             {"gc", Any(0)},
                             {"meta", Any(nullptr)},
                             {"encoding", Any(1)}});
  const Bytes of_yjs = with({{"gc", Any(false)}, {"autoLoad", Any(true)}});
  Doc doc(ClientId{1});
  REQUIRE(apply_update(doc, of_yrs));
  CHECK(to_hex(encode_state_as_update(doc)) == to_hex(of_yjs));
  const BytesView views[] = {of_yrs, of_yrs};
  CHECK(to_hex(merge_updates(views).value()) == to_hex(of_yjs));
  CHECK(to_hex(convert_update(of_yrs, k_v1, k_v2).value()) ==
        to_hex(convert_update(of_yjs, k_v1, k_v2).value()));
}

TEST_CASE("JSON is written as JavaScript writes it, whoever wrote it before") {
  const auto with = [](std::string_view embed, std::string_view format, std::string_view old) {
    lib0::Encoder out;
    for (const std::uint64_t number : {1, 3, 7, 0, 5, 1}) {
      out.var_uint(number);
    }
    out.var_string("t");
    out.var_string(embed);
    for (const std::uint64_t number : {6, 1}) {
      out.var_uint(number);
    }
    out.var_string("t");
    out.var_string("size");
    out.var_string(format);
    for (const std::uint64_t number : {2, 1}) {
      out.var_uint(number);
    }
    out.var_string("a");
    out.var_uint(1);
    out.var_string(old);
    out.var_uint(0);
    return out.take();
  };
  const Bytes of_others = with(R"({ "b":[1.0,-0],"7":"\u00e9" })", "1.0", R"("\/")");
  const Bytes of_yjs = with(R"({"7":"é","b":[1,0]})", "1", R"("/")");
  const BytesView views[] = {of_others, of_others};
  CHECK(to_hex(merge_updates(views).value()) == to_hex(of_yjs));
  const Bytes v2 = convert_update(of_others, k_v1, k_v2).value();
  CHECK(to_hex(v2) == to_hex(convert_update(of_yjs, k_v1, k_v2).value()));
  CHECK(to_hex(convert_update(v2, k_v2, k_v1).value()) == to_hex(of_yjs));
  const Bytes no_json = with("{", "nonsense", "undefined");
  const BytesView others[] = {no_json, no_json};
  CHECK(to_hex(merge_updates(others).value()) == to_hex(no_json));
}

TEST_CASE("v2: update events come in both formats") {
  Doc doc(ClientId{1});
  Bytes v1;
  Bytes v2;
  const auto first = doc.on_update([&](BytesView update, Origin) { v1 = to_bytes(update); });
  const auto second = doc.on_update([&](BytesView update, Origin) { v2 = to_bytes(update); }, k_v2);
  doc.transact([&](Transaction& t) { doc.text("t").insert(t, 0, "a😀"); });
  CHECK(convert_update(v2, k_v2, k_v1).value() == v1);
  CHECK(convert_update(v1, k_v1, k_v2).value() == v2);
}

TEST_CASE("v2: merge, diff and state vector work on it as on v1") {
  Doc doc(ClientId{7});
  std::vector<Bytes> v1;
  std::vector<Bytes> v2;
  const auto first =
      doc.on_update([&](BytesView update, Origin) { v1.push_back(to_bytes(update)); });
  const auto second =
      doc.on_update([&](BytesView update, Origin) { v2.push_back(to_bytes(update)); }, k_v2);
  for (const char* word : {"one", "two", "three"}) {
    doc.transact([&](Transaction& t) { doc.text("t").insert(t, 0, word); });
  }
  const BytesView v1_ends[] = {v1[2], v1[0]};
  const BytesView v2_ends[] = {v2[2], v2[0]};
  const Bytes merged = merge_updates(v2_ends, k_v2).value();
  CHECK(convert_update(merged, k_v2, k_v1).value() == merge_updates(v1_ends).value());
  CHECK(decode_state_vector(state_vector_from_update(merged, k_v2).value()).value() ==
        StateVector{{ClientId{7}, 3}});
  const Bytes known = encode_state_vector({{ClientId{7}, 2}});
  CHECK(convert_update(diff_update(merged, known, k_v2).value(), k_v2, k_v1).value() ==
        diff_update(merge_updates(v1_ends).value(), known).value());
}

TEST_CASE("v2: runs that never end are refused before they cost anything") {
  // 2^40 GC structs of length 1 in 30 bytes (yjs#687).
  CHECK(refusal_in_v2(columns({1}, {}, {0}, k_no_strings, {}, {0x41, 0xff, 0xff, 0xff, 0xff, 0x1f},
                              {1, 0x80, 0x80, 0x80, 0x80, 0x80, 0x20, 0, 0})) ==
        CrdtError::too_many);
  // As many empty strings within one struct.
  CHECK(refusal_in_v2(columns({1}, {}, {2}, {0, 0x40, 0xff, 0xff, 0xff, 0xff, 0x1f}, {1},
                              {0x80, 0x80, 0x80, 0x80, 0x20}, {1, 1, 0, 0})) ==
        CrdtError::too_many);
  // A column that ends.
  CHECK(refusal_in_v2(columns({}, {}, {0}, k_no_strings, {}, {1}, {1, 1, 0, 0})) ==
        CrdtError::truncated);
  // A clock below zero.
  CHECK(refusal_in_v2(columns({0x41, 0}, {0x42}, {0x88}, k_no_strings, {}, {1},
                              {1, 1, 5, 0x7e, 0})) == CrdtError::number_too_large);
}

TEST_CASE("v2: as many structs as the limit allows are read, one more is not") {
  const auto update = [](std::uint64_t count) {
    lib0::Encoder rest;
    rest.var_uint(1);
    rest.var_uint(count);
    rest.var_uint(0);
    rest.var_uint(0);
    lib0::Encoder lens;
    lens.u8(0x41);  // 1, again and again
    lens.var_uint(count - 2);
    return columns({1}, {}, {0}, k_no_strings, {}, lens.take(), rest.take());
  };
  const Bytes size = update(32'768);
  const std::uint64_t most = 32'768 + 4 * size.size();
  CHECK(check_update(update(most), k_v2).has_value());
  CHECK(check_update(update(most + 1), k_v2).error().code() ==
        static_cast<int>(CrdtError::too_many));
}

TEST_CASE("v2: content that repeats without end is refused") {
  // Format marks that all name one key of 4,000 bytes: a byte of value each.
  lib0::Encoder strings;
  strings.var_string("t" + std::string(4'000, 'k'));
  strings.var_int(1);
  strings.var_int(4'000);
  lib0::Encoder rest;
  rest.var_uint(1);
  rest.var_uint(60'000);
  rest.var_uint(0);
  rest.raw(Bytes(60'000, 126));
  rest.var_uint(0);
  lib0::Encoder out;
  out.u8(0);
  out.var_bytes(Bytes{1, 0xdf, 0xd4, 0x03});  // key 0, again and again
  out.var_bytes(Bytes{0x45, 0xff, 0xff, 0x07});
  out.var_bytes(Bytes{0, 3, 0xff, 0xff, 0x07});
  out.var_bytes(Bytes());
  out.var_bytes(Bytes{0x06, 0x00, 0x86});
  out.var_bytes(strings.view());
  out.var_bytes(Bytes{1});
  out.var_bytes(Bytes());
  out.var_bytes(Bytes());
  out.raw(rest.view());
  CHECK(check_update(out.view(), k_v2).error().code() == static_cast<int>(CrdtError::too_many));
}

TEST_CASE("v2: a string that is cut inside a surrogate pair reads as two replacement characters") {
  // Strings "t", "a" + half, half + "b" in one column: what JavaScript writes for lone surrogates
  // that happen to meet.
  const Bytes update = columns({5, 5}, {2}, {0x04, 0x00, 0x84},
                               unhex("07"
                                     "74"
                                     "61"
                                     "f09f9880"
                                     "62"
                                     "01"
                                     "4200"),
                               {1}, {}, {1, 2, 0, 0});
  Doc doc(ClientId{1});
  REQUIRE(apply_update(doc, update, {}, k_v2).has_value());
  CHECK(doc.text("t").to_string() ==
        "a\xef\xbf\xbd\xef\xbf\xbd"
        "b");
}

TEST_CASE("v2: values of embeds and formats are what JSON keeps of them") {
  // An embed {"a": -0, "b": undefined, "c": NaN}.
  lib0::Encoder rest;
  rest.raw(Bytes{1, 1, 0});
  rest.any(Any(Any::Object{{"a", Any(-0.0)}, {"b", Any()}, {"c", Any(0.0 / 0.0)}}));
  rest.u8(0);
  const Bytes update = columns({5}, {}, {5}, {1, 't', 1}, {1}, {}, rest.take());
  const auto info = inspect_update(update, k_v2).value();
  REQUIRE(info.structs.size() == 1);
  CHECK(info.structs[0].values.at(0).to_json() == R"({"a":0,"c":null})");
}

TEST_CASE("a client that is named again and again costs no more than its bytes") {
  constexpr std::uint64_t k_times = 200'000;
  lib0::Encoder update;
  update.var_uint(k_times);
  for (std::uint64_t clock = 0; clock < k_times; ++clock) {
    update.raw(Bytes{1, 5});
    update.var_uint(clock);
    update.raw(Bytes{0, 1});
  }
  update.var_uint(k_times);
  for (std::uint64_t clock = 0; clock < k_times; ++clock) {
    update.raw(Bytes{5, 1});
    update.var_uint(2 * (k_times - clock));
    update.u8(1);
  }
  const auto info = inspect_update(update.view()).value();
  CHECK(info.structs.size() == k_times);
  CHECK(info.deletes.at(ClientId{5}).size() == k_times);
}

TEST_CASE("inspect: an update tells who wrote what where without a document") {
  const auto v1 = inspect_update(k_document_v1).value();
  const auto v2 = inspect_update(k_document_v2, k_v2).value();
  REQUIRE(v1.structs.size() == v2.structs.size());
  CHECK(v1.deletes == v2.deletes);
  CHECK(contains(v1.deletes, {.client = ClientId{5}, .clock = 1}));
  CHECK_FALSE(contains(v1.deletes, {.client = ClientId{5}, .clock = 0}));
  const StructInfo& text = v1.structs[2];
  CHECK(text.kind == StructKind::string);
  CHECK(text.text == "h");
  CHECK(std::get<std::string>(text.parent) == "t");
  const StructInfo& late = v1.structs[1];
  CHECK(value_of(late.id.client) == (std::uint64_t{1} << 40) + 3);
  CHECK(late.values == std::vector<Any>{Any("late")});
  CHECK(late.origin == Id{.client = ClientId{5}, .clock = 21});
  for (std::size_t i = 0; i < v1.structs.size(); ++i) {
    CHECK(v1.structs[i].values == v2.structs[i].values);
    CHECK(v1.structs[i].text == v2.structs[i].text);
  }
}

}  // namespace
}  // namespace vivim::crdt
