// Runs a fuzz target without libFuzzer: every file of the corpus folders given, then inputs made
// from fixed seeds. So the same harness is a test on every build, and a fuzzer under the preset
// `fuzz`.
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace {

std::vector<std::uint8_t> read_file(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

void run(const std::vector<std::uint8_t>& input) {
  LLVMFuzzerTestOneInput(input.data(), input.size());
}

// Mutates a corpus entry the way a hostile peer would: flipped bytes, a cut, a repeated tail.
std::vector<std::uint8_t> mutate(std::vector<std::uint8_t> input, std::mt19937_64& rng) {
  const auto changes = 1 + rng() % 4;
  for (std::uint64_t i = 0; i < changes && !input.empty(); ++i) {
    input[rng() % input.size()] = static_cast<std::uint8_t>(rng());
  }
  if (!input.empty() && rng() % 4 == 0) {
    input.resize(rng() % input.size());
  }
  return input;
}

}  // namespace

int main(int argc, char** argv) {
  std::vector<std::vector<std::uint8_t>> corpus{{}};
  for (int i = 1; i < argc; ++i) {
    if (!std::filesystem::is_directory(argv[i])) {
      continue;
    }
    for (const auto& entry : std::filesystem::directory_iterator(argv[i])) {
      corpus.push_back(read_file(entry.path()));
    }
  }
  std::mt19937_64 rng(20250101);
  std::size_t runs = 0;
  for (const auto& input : corpus) {
    run(input);
    ++runs;
  }
  for (std::size_t i = 0; i < 2000; ++i) {
    run(mutate(corpus[rng() % corpus.size()], rng));
    std::vector<std::uint8_t> noise(rng() % 64);
    for (auto& byte : noise) {
      byte = static_cast<std::uint8_t>(rng());
    }
    run(noise);
    runs += 2;
  }
  std::printf("%zu inputs replayed (%zu from the corpus)\n", runs, corpus.size() - 1);
  return 0;
}
