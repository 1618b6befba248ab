#pragma once

#include <bit>
#include <cstdint>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace vivim::chat::detail {

/// Searches in blocks of 16 bytes where the processor can, byte by byte elsewhere. Each returns the
/// first match at or after `at`, or `end`.

inline bool ends_string_run(char c) {
  return c == '"' || c == '\\';
}

/// A quote or a backslash.
inline const char* find_string_special(const char* at, const char* end) {
#if defined(__SSE2__)
  const __m128i quote = _mm_set1_epi8('"');
  const __m128i backslash = _mm_set1_epi8('\\');
  for (; end - at >= 16; at += 16) {
    const __m128i block = _mm_loadu_si128(reinterpret_cast<const __m128i*>(at));
    const int mask = _mm_movemask_epi8(
        _mm_or_si128(_mm_cmpeq_epi8(block, quote), _mm_cmpeq_epi8(block, backslash)));
    if (mask != 0) {
      return at + std::countr_zero(static_cast<unsigned>(mask));
    }
  }
#endif
  while (at != end && !ends_string_run(*at)) {
    ++at;
  }
  return at;
}

inline bool is_structural(char c) {
  return c == '"' || c == '{' || c == '}' || c == '[' || c == ']';
}

/// A quote, a brace or a bracket. The braces and brackets differ only in one bit: 0x20.
inline const char* find_structural(const char* at, const char* end) {
#if defined(__SSE2__)
  const __m128i quote = _mm_set1_epi8('"');
  const __m128i open = _mm_set1_epi8('{');
  const __m128i close = _mm_set1_epi8('}');
  const __m128i fold = _mm_set1_epi8(0x20);
  for (; end - at >= 16; at += 16) {
    const __m128i block = _mm_loadu_si128(reinterpret_cast<const __m128i*>(at));
    const __m128i folded = _mm_or_si128(block, fold);
    const __m128i braces =
        _mm_or_si128(_mm_cmpeq_epi8(folded, open), _mm_cmpeq_epi8(folded, close));
    const int mask = _mm_movemask_epi8(_mm_or_si128(_mm_cmpeq_epi8(block, quote), braces));
    if (mask != 0) {
      return at + std::countr_zero(static_cast<unsigned>(mask));
    }
  }
#endif
  while (at != end && !is_structural(*at)) {
    ++at;
  }
  return at;
}

/// How many bytes are line feeds.
inline std::uint64_t count_lines(const char* at, const char* end) {
  std::uint64_t lines = 0;
#if defined(__SSE2__) && defined(__x86_64__)
  while (end - at >= 16) {
    // each byte counts down from 0; 255 rounds are what it can hold
    __m128i counts = _mm_setzero_si128();
    for (int round = 0; round < 255 && end - at >= 16; ++round, at += 16) {
      const __m128i block = _mm_loadu_si128(reinterpret_cast<const __m128i*>(at));
      counts = _mm_sub_epi8(counts, _mm_cmpeq_epi8(block, _mm_set1_epi8('\n')));
    }
    const __m128i sums = _mm_sad_epu8(counts, _mm_setzero_si128());
    lines += static_cast<std::uint64_t>(_mm_cvtsi128_si64(sums)) +
             static_cast<std::uint64_t>(_mm_cvtsi128_si64(_mm_srli_si128(sums, 8)));
  }
#endif
  for (; at != end; ++at) {
    lines += *at == '\n' ? 1 : 0;
  }
  return lines;
}

/// What stands where in 64 bytes of JSON: bit i is byte i.
struct JsonBlock {
  std::uint64_t quotes = 0;
  std::uint64_t backslashes = 0;
  std::uint64_t opens = 0;   ///< braces and brackets
  std::uint64_t closes = 0;  ///< braces and brackets
};

inline constexpr int k_json_block_bytes = 64;

inline JsonBlock json_block(const char* at) {
  JsonBlock block;
#if defined(__SSE2__)
  const __m128i fold = _mm_set1_epi8(0x20);
  for (int i = 0; i < k_json_block_bytes; i += 16) {
    const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(at + i));
    const __m128i folded = _mm_or_si128(bytes, fold);
    const auto mask = [i](__m128i same) {
      return static_cast<std::uint64_t>(static_cast<unsigned>(_mm_movemask_epi8(same))) << i;
    };
    block.quotes |= mask(_mm_cmpeq_epi8(bytes, _mm_set1_epi8('"')));
    block.backslashes |= mask(_mm_cmpeq_epi8(bytes, _mm_set1_epi8('\\')));
    block.opens |= mask(_mm_cmpeq_epi8(folded, _mm_set1_epi8('{')));
    block.closes |= mask(_mm_cmpeq_epi8(folded, _mm_set1_epi8('}')));
  }
#else
  for (int i = 0; i < k_json_block_bytes; ++i) {
    const std::uint64_t bit = std::uint64_t{1} << i;
    block.quotes |= at[i] == '"' ? bit : 0;
    block.backslashes |= at[i] == '\\' ? bit : 0;
    block.opens |= at[i] == '{' || at[i] == '[' ? bit : 0;
    block.closes |= at[i] == '}' || at[i] == ']' ? bit : 0;
  }
#endif
  return block;
}

/// The bytes after an odd number of backslashes. `first` says whether byte 0 is such a one, and
/// then whether the byte after the block is. A run of backslashes that begins at an even place ends
/// in a carry at an even place if its length is even, and the other way round.
inline std::uint64_t escaped_bytes(std::uint64_t backslashes, bool& first) {
  constexpr std::uint64_t k_even = 0x5555'5555'5555'5555;
  const std::uint64_t carry = first ? 1 : 0;
  backslashes &= ~carry;
  const std::uint64_t after = backslashes << 1 | carry;
  const std::uint64_t odd_starts = backslashes & ~k_even & ~after;
  const std::uint64_t sum = odd_starts + backslashes;
  first = sum < backslashes;
  return (k_even ^ (sum << 1)) & after;
}

/// Bit i of the result is the parity of bits 0 to i.
inline std::uint64_t prefix_parity(std::uint64_t bits) {
  for (int shift = 1; shift < 64; shift *= 2) {
    bits ^= bits << shift;
  }
  return bits;
}

inline bool is_json_space(char c) {
  return c == ' ' || c == '\n' || c == '\r' || c == '\t';
}

/// The first byte that is not JSON's white space.
inline const char* skip_json_space(const char* at, const char* end) {
#if defined(__SSE2__)
  const __m128i space = _mm_set1_epi8(' ');
#endif
  while (at != end && is_json_space(*at)) {
#if defined(__SSE2__)
    if (*at == ' ' && end - at >= 16) {
      const __m128i block = _mm_loadu_si128(reinterpret_cast<const __m128i*>(at));
      const unsigned other =
          ~static_cast<unsigned>(_mm_movemask_epi8(_mm_cmpeq_epi8(block, space))) & 0xffffU;
      at += other == 0 ? 16 : std::countr_zero(other);
      continue;
    }
#endif
    ++at;
  }
  return at;
}

}  // namespace vivim::chat::detail
