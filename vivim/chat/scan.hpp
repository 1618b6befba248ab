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
