#include <algorithm>
#include <cstdlib>
#include <functional>
#include <new>
#include <string>

#include <doctest/doctest.h>

#include "vivim/crdt/doc.hpp"
#include "vivim/crdt/heap_test_detail.hpp"
#include "vivim/crdt/lib0.hpp"
#include "vivim/crdt/limits.hpp"
#include "vivim/crdt/text.hpp"
#include "vivim/crdt/update.hpp"
#include "vivim/crdt/wire_detail.hpp"

namespace vivim::crdt {
namespace {

using lib0::Encoder;

/// Updates that hold much in few bytes. Client ids take one byte, as an attacker's would.
struct Hostile {
  const char* name;
  std::function<Bytes(std::uint64_t count)> make;
};

/// One group of client 5; the first struct is a text in a root.
Bytes one_client(std::uint64_t count, const std::function<void(Encoder&, std::uint64_t)>& write) {
  Encoder out;
  out.var_uint(1);
  out.var_uint(count);
  out.var_uint(5);
  out.var_uint(0);
  for (std::uint64_t i = 0; i < count; ++i) {
    write(out, i);
  }
  out.var_uint(0);
  return out.take();
}

/// `n` groups of one garbage struct each; `begin` writes client and clock.
Bytes garbage_of(std::uint64_t n, const std::function<void(Encoder&, std::uint64_t)>& begin) {
  Encoder out;
  out.var_uint(n);
  for (std::uint64_t i = 0; i < n; ++i) {
    out.var_uint(1);
    begin(out, i);
    out.u8(0);
    out.u8(1);
  }
  out.var_uint(0);
  return out.take();
}

/// Deletions of `n` clients, of `count` operations each, which `write` writes.
Bytes deletions_of(std::uint64_t n, std::uint64_t count,
                   const std::function<void(Encoder&, std::uint64_t)>& write) {
  Encoder out;
  out.var_uint(0);
  out.var_uint(n);
  for (std::uint64_t i = 1; i <= n; ++i) {
    out.var_uint(n == 1 ? 5 : i);
    out.var_uint(count);
    for (std::uint64_t j = 0; j < count; ++j) {
      write(out, j);
    }
  }
  return out.take();
}

void in_root(Encoder& out, std::uint8_t kind, std::string_view name) {
  out.u8(kind);
  out.u8(1);
  out.var_string(name);
}

/// One text of so many letters, by client 5.
Bytes long_text(std::uint64_t letters) {
  return one_client(1, [letters](Encoder& out, std::uint64_t) {
    in_root(out, 4, "text");
    out.var_string(std::string(letters, 'x'));
  });
}

/// A struct of `kind` behind the first one, without its content.
void behind_first(Encoder& out, std::uint8_t kind) {
  out.u8(kind | 0x80);
  out.var_uint(5);
  out.var_uint(0);
}

/// As behind_first(), the first one being a type in a root.
Bytes many_of(std::uint64_t count, std::uint8_t kind,
              const std::function<void(Encoder&)>& content) {
  return one_client(count, [&](Encoder& out, std::uint64_t i) {
    if (i == 0) {
      in_root(out, 7, "r");
      out.u8(0);
    } else {
      behind_first(out, kind);
      content(out);
    }
  });
}

const std::vector<Hostile> k_hostile{
    {"garbage",
     [](std::uint64_t n) {
       return one_client(n, [](Encoder& out, std::uint64_t) {
         out.u8(0);
         out.u8(1);
       });
     }},
    {"deleted", [](std::uint64_t n) { return many_of(n, 1, [](Encoder& out) { out.u8(1); }); }},
    {"letters",
     [](std::uint64_t n) { return many_of(n, 4, [](Encoder& out) { out.var_string("x"); }); }},
    {"types", [](std::uint64_t n) { return many_of(n, 7, [](Encoder& out) { out.u8(0); }); }},
    {"elements",
     [](std::uint64_t n) {
       return many_of(n, 7, [](Encoder& out) {
         out.u8(3);
         out.var_string("");
       });
     }},
    {"values",
     [](std::uint64_t n) {
       return many_of(n, 8, [](Encoder& out) {
         out.u8(1);
         out.u8(126);
       });
     }},
    {"marks",
     [](std::uint64_t n) {
       return many_of(n, 6, [](Encoder& out) {
         out.var_string("");
         out.var_string("1");
       });
     }},
    {"documents",
     [](std::uint64_t n) {
       return many_of(n, 9, [](Encoder& out) {
         out.var_string("");
         out.u8(118);
         out.u8(0);
       });
     }},
    {"roots",
     [](std::uint64_t n) {
       return one_client(n, [](Encoder& out, std::uint64_t i) {
         in_root(out, 4, std::to_string(i));
         out.var_string("x");
       });
     }},
    {"keys",
     [](std::uint64_t n) {
       return one_client(n, [](Encoder& out, std::uint64_t i) {
         in_root(out, 0x24, "r");
         out.var_string(std::to_string(i));
         out.var_string("x");
       });
     }},
    {"clients",
     [](std::uint64_t n) {
       return garbage_of(n, [n](Encoder& out, std::uint64_t i) {
         out.var_uint(n - i);
         out.var_uint(0);
       });
     }},
    {"one client again and again",
     [](std::uint64_t n) {
       return garbage_of(n, [](Encoder& out, std::uint64_t i) {
         out.var_uint(5);
         out.var_uint(i);
       });
     }},
    {"deletions of unknown clients",
     [](std::uint64_t n) {
       return deletions_of(n, 1, [](Encoder& out, std::uint64_t) {
         out.var_uint(7);
         out.var_uint(1);
       });
     }},
    {"deletions of what is unknown",
     [](std::uint64_t n) {
       return deletions_of(1, n, [](Encoder& out, std::uint64_t i) {
         out.var_uint(2 * (i % 60));
         out.var_uint(1);
       });
     }},
    {"what waits",
     [](std::uint64_t n) {
       return one_client(n, [](Encoder& out, std::uint64_t) {
         out.u8(0x87);
         out.var_uint(6);
         out.var_uint(9);
         out.u8(0);
       });
     }},
};

struct Cost {
  bool taken = false;
  double bytes = 0;
};

/// What it takes at most to apply `update` in an empty document.
Cost cost_of(BytesView update, UpdateFormat format, GapMode gap_mode = GapMode::v13) {
  Doc doc(ClientId{1}, {.gap_mode = gap_mode});
  HeapPeak peak;
  const auto heap = heap_bytes();
  const auto applied = apply_update(doc, update, {}, format);
  if (!applied) {
    CHECK((applied.error().is(CrdtError::too_costly) || applied.error().is(CrdtError::too_many)));
  }
  const auto held = static_cast<double>(heap_bytes()) - static_cast<double>(heap);
  return {applied.has_value(), std::max(held, static_cast<double>(peak.bytes()))};
}

double allowed(std::size_t bytes) {
  return static_cast<double>(k_update_memory_min) + 64.0 * static_cast<double>(bytes);
}

}  // namespace

TEST_CASE("budget: no update takes more memory than its size allows, and the costly are refused") {
  const bool counted = heap_bytes() > 0;  // else the large ones would only take time
  double worst = 0;
  std::size_t refused = 0;
  for (const Hostile& hostile : k_hostile) {
    for (const std::uint64_t count : {10'000, 60'000, 120'000, 200'000, 400'000}) {
      if (!counted && count > 60'000) {
        break;
      }
      CAPTURE(hostile.name);
      CAPTURE(count);
      const Bytes update = hostile.make(count);
      const Cost cost = cost_of(update, UpdateFormat::v1);
      CHECK(cost.bytes <= allowed(update.size()));
      worst = std::max(worst, cost.bytes / static_cast<double>(update.size()));
      refused += cost.taken ? 0 : 1;
      // The same structs in columns take hardly any bytes, and may cost no more for that.
      if (const auto columns = convert_update(update, UpdateFormat::v1, UpdateFormat::v2)) {
        CHECK(cost_of(*columns, UpdateFormat::v2).bytes <= allowed(columns->size()));
      }
    }
  }
  CHECK((!counted || refused > 5));
  CHECK((!counted || worst > 50));  // the limit is reached
  MESSAGE("the worst of v1 took ", worst, " times its size");
}

TEST_CASE("budget: gaps take no more memory than what makes them allows") {
  const std::vector<Hostile> hostile{
      {"of one client",
       [](std::uint64_t n) {
         return one_client(2 * n, [](Encoder& out, std::uint64_t i) {
           out.u8(i % 2 == 0 ? 10 : 0);
           out.u8(1);
         });
       }},
      {"of many clients",
       [](std::uint64_t n) {
         return garbage_of(n, [n](Encoder& out, std::uint64_t i) {
           out.var_uint(n - i);
           out.var_uint(1);
         });
       }},
  };
  for (const Hostile& each : hostile) {
    for (const std::uint64_t count : {5'000, 20'000, 60'000, 200'000}) {
      CAPTURE(each.name);
      CAPTURE(count);
      const Bytes update = each.make(count);
      CHECK(cost_of(update, UpdateFormat::v1, GapMode::v14).bytes <= allowed(update.size()));
    }
  }
}

// Gaps by the ten thousand, each filled alone, and updates of a few bytes that name them all.
TEST_CASE("budget: filling many gaps takes a time that grows with what comes") {
  constexpr std::uint64_t k_gaps = 20'000;
  const auto apply = [](Doc& doc, BytesView update) { REQUIRE(apply_update(doc, update)); };
  const auto gapped = one_client(2 * k_gaps, [](Encoder& out, std::uint64_t i) {
    out.u8(i % 2 == 0 ? 10 : 0);
    out.u8(1);
  });
  Doc doc(ClientId{1}, {.gap_mode = GapMode::v14});
  apply(doc, gapped);
  CHECK(pending(doc).gaps.begin()->second.size() == k_gaps);
  // A struct over all of them that waits for somebody unknown is not kept once for each gap.
  Encoder waiting;
  waiting.raw(Bytes{1, 1, 5, 0, 0x81, 6, 0});
  waiting.var_uint(2 * k_gaps);
  waiting.u8(0);
  apply(doc, waiting.view());
  CHECK(pending(doc).structs.size() < 20'000);
  // Fills from the last to the first, each an update.
  for (std::uint64_t i = k_gaps; i-- > k_gaps / 2;) {
    Encoder fill;
    fill.raw(Bytes{1, 1, 5});
    fill.var_uint(2 * i);
    fill.raw(Bytes{0, 1, 0});
    apply(doc, fill.view());
  }
  CHECK(consistent(doc));
  CHECK(pending(doc).gaps.begin()->second.size() == k_gaps / 2);
  // All that is left, at once.
  Encoder rest;
  rest.raw(Bytes{1, 1, 5, 0, 0});
  rest.var_uint(2 * k_gaps);
  rest.u8(0);
  apply(doc, rest.view());
  while (work_left(doc)) {
    apply(doc, Bytes{0, 0});
  }
  CHECK(consistent(doc));
  CHECK(pending(doc).gaps.empty());
  CHECK(state_vector(doc).at(ClientId{5}) == 2 * k_gaps);
}

TEST_CASE("budget: what is refused changes nothing") {
  Doc doc(ClientId{1});
  doc.transact([&](Transaction& t) { doc.text("text").push(t, "here"); });
  const Bytes before = encode_state_as_update(doc);
  const Bytes update = k_hostile.front().make(400'000);
  CHECK(apply_update(doc, update).error().is(CrdtError::too_costly));
  CHECK(merge_updates(std::vector<BytesView>{update}).error().is(CrdtError::too_costly));
  CHECK(encode_state_as_update(doc) == before);
}

TEST_CASE("budget: an update that takes too many steps goes on with the next ones") {
  // A long text by one client, and another client's cuts all over it, each of which moves the rest.
  constexpr std::uint64_t k_letters = 400'000;
  constexpr std::uint64_t k_cuts = 3'000;
  Encoder cuts;
  cuts.raw(Bytes{1});
  cuts.var_uint(k_cuts);
  cuts.raw(Bytes{6, 0});
  for (std::uint64_t i = 0; i < k_cuts; ++i) {
    cuts.u8(0xc4);
    cuts.var_uint(5);
    cuts.var_uint(i);
    cuts.var_uint(5);
    cuts.var_uint(i + 1);
    cuts.var_string("y");
  }
  cuts.u8(0);

  Doc doc(ClientId{1});
  REQUIRE(apply_update(doc, long_text(k_letters)));
  REQUIRE(apply_update(doc, cuts.view()));
  CHECK(work_left(doc));
  CHECK(has_pending(doc));
  CHECK(pending(doc).missing.empty());
  const auto first = state_vector(doc).at(ClientId{6});
  CHECK(first > 100);
  CHECK(first < k_cuts);
  // Nothing of it is lost on the way.
  Doc other(ClientId{2});
  REQUIRE(apply_update(other, encode_state_as_update(doc)));
  int rounds = 0;
  while (work_left(doc) && ++rounds < 100) {
    const auto before = state_vector(doc).at(ClientId{6});
    REQUIRE(apply_update(doc, Bytes{0, 0}));
    CHECK(state_vector(doc).at(ClientId{6}) > before);
  }
  CHECK_FALSE(has_pending(doc));
  CHECK(doc.text("text").length() == k_letters + k_cuts);
  CHECK(doc.text("text").to_string().starts_with("xyxyxyxy"));
  while (work_left(other)) {
    REQUIRE(apply_update(other, Bytes{0, 0}));
  }
  CHECK(encode_state_as_update(other) == encode_state_as_update(doc));
  CHECK(consistent(doc));
}

TEST_CASE("budget: deletions that take too many steps go on with the next ones") {
  constexpr std::uint64_t k_letters = 400'000;
  const Bytes holes = deletions_of(1, 2'000, [](Encoder& out, std::uint64_t i) {
    out.var_uint(2 * i);
    out.u8(1);
  });
  Doc doc(ClientId{1});
  REQUIRE(apply_update(doc, long_text(k_letters)));
  REQUIRE(apply_update(doc, holes));
  CHECK(work_left(doc));
  CHECK(doc.text("text").length() > k_letters - 2'000);
  int rounds = 0;
  while (work_left(doc) && ++rounds < 100) {
    REQUIRE(apply_update(doc, Bytes{0, 0}));
  }
  CHECK_FALSE(has_pending(doc));
  CHECK(doc.text("text").length() == k_letters - 2'000);
  CHECK(consistent(doc));
}

TEST_CASE("budget: types nested too deep wait for ever, and are passed on") {
  const auto nested = [](std::uint64_t levels) {
    return one_client(levels, [](Encoder& out, std::uint64_t i) {
      if (i == 0) {
        in_root(out, 7, "array");
      } else {
        out.u8(7);
        out.u8(0);
        out.var_uint(5);
        out.var_uint(i - 1);
      }
      out.u8(0);
    });
  };
  Doc doc(ClientId{1});
  REQUIRE(apply_update(doc, nested(k_nesting_max)));
  CHECK_FALSE(has_pending(doc));
  const Bytes deeper = nested(k_nesting_max + 1);
  REQUIRE(apply_update(doc, deeper));
  CHECK(has_pending(doc));
  CHECK_FALSE(work_left(doc));
  CHECK(state_vector(doc).at(ClientId{5}) == k_nesting_max);
  CHECK(encode_state_as_update(doc) == deeper);
  // Others go on.
  doc.transact([&](Transaction& t) { doc.text("text").push(t, "here"); });
  CHECK(doc.text("text").to_string() == "here");
}

}  // namespace vivim::crdt
