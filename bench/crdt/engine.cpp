// One row of bench/crdt in vivim::crdt:
//
//   crdt_engine ROW FOLDER WARM-UPS REPETITIONS
//
// prints {"ms": [processor milliseconds of each repetition], "text": ..., "state": ..., "bytes":
// ...}: what worker.mjs prints for npm's Yjs. The files are those of data.mjs. `crdt_engine
// scaling` is the plot: see scaling() below.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <fstream>
#include <functional>
#include <iterator>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <malloc.h>

#include "vivim/crdt/doc.hpp"
#include "vivim/crdt/lazy_doc.hpp"
#include "vivim/crdt/update.hpp"
#include "vivim/crdt/value.hpp"

namespace vivim::crdt {
namespace {

constexpr std::size_t k_copies = 20;  // of a document whose memory is measured

[[noreturn]] void give_up(const std::string& why) {
  std::fprintf(stderr, "crdt_engine: %s\n", why.c_str());
  std::exit(1);
}

Bytes read_file(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in) {
    give_up("cannot read " + path);
  }
  return Bytes(std::istreambuf_iterator<char>(in), {});
}

std::uint32_t number_at(BytesView bytes, std::size_t at) {
  std::uint32_t number = 0;
  std::memcpy(&number, bytes.data() + at, sizeof(number));
  return number;
}

std::vector<Bytes> read_list(const std::string& path) {
  const Bytes bytes = read_file(path);
  std::vector<Bytes> blobs;
  for (std::size_t at = 0; at < bytes.size();) {
    const std::uint32_t size = number_at(bytes, at);
    blobs.push_back(to_bytes(BytesView(bytes).subspan(at + 4, size)));
    at += 4 + size;
  }
  return blobs;
}

struct Patch {
  std::uint32_t at = 0;
  std::uint32_t removed = 0;
  std::string inserted;
};

std::vector<Patch> read_trace(const std::string& path) {
  std::vector<Patch> patches;
  for (const Bytes& blob : read_list(path)) {
    patches.push_back({.at = number_at(blob, 0),
                       .removed = number_at(blob, 4),
                       .inserted = std::string(as_text(BytesView(blob).subspan(8)))});
  }
  return patches;
}

// FNV-1a of 64 bits.
std::string fingerprint(BytesView bytes) {
  std::uint64_t hash = 0xcbf29ce484222325;
  for (const std::uint8_t byte : bytes) {
    hash = (hash ^ byte) * 0x100000001b3;
  }
  char text[17];
  std::snprintf(text, sizeof(text), "%016llx", static_cast<unsigned long long>(hash));
  return text;
}

double spent_ms() {
  timespec now{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) * 1e3 + static_cast<double>(now.tv_nsec) / 1e6;
}

// Bytes in use, as the C library counts them.
double memory() {
  const auto info = mallinfo2();
  return static_cast<double>(info.uordblks + info.hblkhd);
}

std::unique_ptr<Doc> open(std::uint64_t client) {
  return std::make_unique<Doc>(ClientId{client},
                               DocOptions{.formatting_cleanup = FormattingCleanup::yjs});
}

void receive(Doc& doc, BytesView update) {
  if (!apply_update(doc, update)) {
    give_up("an update was refused");
  }
}

std::unique_ptr<Doc> loaded(BytesView update) {
  auto doc = open(2);
  receive(*doc, update);
  return doc;
}

Bytes encode(const Doc& doc) {
  return encode_state_as_update(doc);
}
Bytes encode_v2(const Doc& doc) {
  return encode_state_as_update(doc, UpdateFormat::v2);
}

std::string text(Doc& doc) {
  return doc.text("text").to_string();
}

std::string chat(Doc& doc) {
  std::string all;
  Array messages = doc.array("messages");
  for (std::uint32_t i = 0; i < messages.length(); ++i) {
    const auto message = messages.get(i);
    all += i == 0 ? "" : "\n";
    all += message->if_map()->get("text")->if_text()->to_string();
  }
  return all;
}

void replay(Doc& doc, const std::vector<Patch>& patches) {
  Text text = doc.text("text");
  for (const Patch& patch : patches) {
    doc.transact([&](Transaction& t) {
      text.remove(t, patch.at, patch.removed);
      text.insert(t, patch.at, patch.inserted);
    });
  }
}

// What came of a repetition.
struct Outcome {
  double ms = 0;
  std::string text;
  std::optional<Bytes> state;
  std::optional<double> bytes;
};
using Row = std::function<Outcome()>;
using Read = std::string (*)(Doc&);

template <class Run>
double timed(Run&& run) {
  const double before = spent_ms();
  run();
  return spent_ms() - before;
}

Row local(const std::string& path) {
  return [patches = read_trace(path + ".trace")] {
    const auto doc = open(1);
    std::size_t heard = 0;
    const auto listening =
        doc->on_update([&](BytesView update, Origin) { heard += update.size(); });
    const double ms = timed([&] { replay(*doc, patches); });
    return Outcome{.ms = ms, .text = text(*doc), .state = encode(*doc), .bytes = {}};
  };
}

Row remote(const std::string& path, Read read) {
  return [updates = read_list(path + ".updates"), read] {
    const auto doc = open(2);
    const double ms = timed([&] {
      for (const Bytes& update : updates) {
        receive(*doc, update);
      }
    });
    return Outcome{.ms = ms, .text = read(*doc), .state = encode(*doc), .bytes = {}};
  };
}

Row load(const std::string& path) {
  return [update = read_file(path + ".v1")] {
    std::unique_ptr<Doc> doc;
    std::string content;
    const double ms = timed([&] {
      doc = loaded(update);
      content = text(*doc);
    });
    return Outcome{.ms = ms, .text = content, .state = encode(*doc), .bytes = {}};
  };
}

Row encoded(const std::string& path, Bytes (*write)(const Doc&), std::size_t times_before) {
  return [update = read_file(path + ".v1"), write, times_before] {
    const auto doc = loaded(update);
    for (std::size_t i = 0; i < times_before; ++i) {
      write(*doc);
    }
    Bytes out;
    const double ms = timed([&] { out = write(*doc); });
    return Outcome{.ms = ms, .text = text(*doc), .state = std::move(out), .bytes = {}};
  };
}

Row held(const std::string& path) {
  return [update = read_file(path + ".v1")] {
    std::vector<std::unique_ptr<Doc>> docs(k_copies);
    const double before = memory();
    const double ms = timed([&] {
      for (auto& doc : docs) {
        doc = loaded(update);
      }
    });
    const double bytes = (memory() - before) / k_copies;
    return Outcome{.ms = ms, .text = text(*docs[0]), .state = encode(*docs[0]), .bytes = bytes};
  };
}

Row merged(const std::string& path) {
  return [updates = read_list(path + ".updates")] {
    const std::vector<BytesView> views(updates.begin(), updates.end());
    Bytes out;
    const double ms = timed([&] {
      auto merged = merge_updates(views);
      out = merged ? std::move(*merged) : Bytes();
    });
    const auto doc = loaded(out);
    return Outcome{.ms = ms, .text = text(*doc), .state = encode(*doc), .bytes = {}};
  };
}

// As a relay or a list of conversations has them: bytes that were read from a file, until somebody
// reads what they say.
Row open_chats_lazily(const std::string& path) {
  return [updates = read_list(path + ".updates")] {
    ResidentDocs residents(std::size_t{64} << 20);
    std::vector<std::unique_ptr<LazyDoc>> docs;
    const double ms = timed([&] {
      for (const Bytes& update : updates) {
        docs.push_back(std::make_unique<LazyDoc>(ClientId{2}, DocOptions{}, &residents));
        docs.back()->load(to_bytes(update));
      }
    });
    std::string all;
    for (const auto& lazy : docs) {
      const auto doc = lazy->doc();
      if (!doc) {
        give_up("a chat cannot be read");
      }
      all += (all.empty() ? "" : "\n") + chat(**doc);
    }
    docs.clear();
    return Outcome{.ms = ms, .text = all, .state = {}, .bytes = {}};
  };
}

Row open_chats(const std::string& path) {
  return [updates = read_list(path + ".updates")] {
    std::vector<std::unique_ptr<Doc>> docs;
    const double ms = timed([&] {
      for (const Bytes& update : updates) {
        docs.push_back(loaded(update));
      }
    });
    std::string all;
    for (const auto& doc : docs) {
      all += (all.empty() ? "" : "\n") + chat(*doc);
    }
    return Outcome{.ms = ms, .text = all, .state = {}, .bytes = {}};
  };
}

Row row(const std::string& name, const std::string& folder) {
  const std::string b4 = folder + "/b4";
  const std::string random = folder + "/random";
  if (name == "b4-local") {
    return local(b4);
  }
  if (name == "random-local") {
    return local(random);
  }
  if (name == "b4-remote") {
    return remote(b4, text);
  }
  if (name == "b4-load") {
    return load(b4);
  }
  if (name == "b4-encode") {
    return encoded(b4, encode, 0);
  }
  if (name == "b4-encode-again") {
    return encoded(b4, encode, 2);
  }
  if (name == "b4-encode-v2") {
    return encoded(b4, encode_v2, 0);
  }
  if (name == "b4-merge") {
    return merged(b4);
  }
  if (name == "chats-open") {
    return open_chats_lazily(folder + "/chats");
  }
  if (name == "chats-read") {
    return open_chats(folder + "/chats");
  }
  if (name == "b4-memory") {
    return held(b4);
  }
  if (name == "random-memory") {
    return held(random);
  }
  if (name == "chat") {
    return remote(folder + "/chat", chat);
  }
  if (name == "conflict" || name == "format" || name == "reverse") {
    return remote(folder + "/" + name, text);
  }
  give_up("knows no row " + name);
}

// A text that grows by words at random places, with every tenth edit a removal: for each size from
// 10^4 to 10^7 characters the nanoseconds that one edit takes, its transaction and update event
// with it. One JSON line per size.
void scaling(std::size_t characters_max) {
  constexpr std::size_t k_edits = 20'000;  // measured at each size
  Doc doc(ClientId{1});
  std::size_t heard = 0;
  const auto listening = doc.on_update([&](BytesView update, Origin) { heard += update.size(); });
  Text text = doc.text("text");
  std::uint32_t state = 1;
  const auto below = [&](std::uint32_t limit) {
    state = state * 1664525 + 1013904223;
    return static_cast<std::uint32_t>((std::uint64_t{state} * limit) >> 32);
  };
  const auto edit = [&](bool grow) {
    const std::uint32_t at = below(text.length() + 1);
    doc.transact([&](Transaction& t) {
      if (grow) {
        text.insert(t, at, "ten chars ");
      } else {
        text.remove(t, at, 10);
      }
    });
  };
  for (double size = 1e4; size <= static_cast<double>(characters_max) * 1.01;
       size *= 1.7782794100389228) {
    for (std::size_t i = 0; text.length() < static_cast<std::uint32_t>(size); ++i) {
      edit(i % 10 != 9);
    }
    const double ms = timed([&] {
      for (std::size_t i = 0; i < k_edits; ++i) {
        edit(i % 2 == 0);  // the size stays
      }
    });
    std::printf("{\"characters\": %u, \"ns\": %.1f, \"heard\": %zu}\n", text.length(),
                ms * 1e6 / k_edits, heard);
    std::fflush(stdout);
  }
}

void print(const std::vector<double>& ms, const Outcome& outcome) {
  std::string times;
  for (const double time : ms) {
    times += (times.empty() ? "" : ", ") + std::to_string(time);
  }
  const auto quoted = [](BytesView bytes) { return "\"" + fingerprint(bytes) + "\""; };
  std::printf("{\"ms\": [%s], \"text\": %s, \"state\": %s, \"bytes\": %s}\n", times.c_str(),
              quoted(as_bytes(outcome.text)).c_str(),
              outcome.state ? quoted(*outcome.state).c_str() : "null",
              outcome.bytes ? std::to_string(*outcome.bytes).c_str() : "null");
}

}  // namespace

int run(const std::vector<std::string>& words) {
  if (words.size() == 2 && words[0] == "scaling") {
    scaling(std::stoul(words[1]));
    return 0;
  }
  if (words.size() != 4) {
    give_up("wants ROW FOLDER WARM-UPS REPETITIONS, or: scaling CHARACTERS");
  }
  const Row measured = row(words[0], words[1]);
  for (unsigned long i = std::stoul(words[2]); i > 0; --i) {
    measured();
  }
  std::vector<double> ms;
  Outcome last;
  for (unsigned long i = std::stoul(words[3]); i > 0; --i) {
    last = measured();
    ms.push_back(last.ms);
  }
  print(ms, last);
  return 0;
}

}  // namespace vivim::crdt

int main(int argc, char** argv) {
  return vivim::crdt::run({argv + 1, argv + argc});
}
