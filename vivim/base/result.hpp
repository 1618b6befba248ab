#pragma once

#include <cstdint>
#include <expected>
#include <source_location>
#include <utility>

#include "vivim/base/error.hpp"

namespace vivim {

/// A value, or the error that stood in its way. The return type of everything that a peer, a disk
/// or a person can make fail.
template <class T = void>
using Result = std::expected<T, Error>;

/// `return fail(YamuxError::frame_too_large, length);`
template <ErrorEnum E>
std::unexpected<Error> fail(E code, std::uint64_t detail = 0,
                            std::source_location site = std::source_location::current()) {
  return std::unexpected(Error(code, detail, site));
}

inline std::unexpected<Error> fail(Error error) {
  return std::unexpected(error);
}

}  // namespace vivim

#define VIVIM_DETAIL_CONCAT2(a, b) a##b
#define VIVIM_DETAIL_CONCAT(a, b) VIVIM_DETAIL_CONCAT2(a, b)

#define VIVIM_DETAIL_TRY(name, declaration, expression, return_keyword) \
  auto name = (expression);                                             \
  if (!name) [[unlikely]] {                                             \
    return_keyword std::unexpected(std::move(name).error());            \
  }                                                                     \
  declaration = std::move(*name)

#define VIVIM_DETAIL_TRYV(name, expression, return_keyword)  \
  if (auto name = (expression); !name) [[unlikely]] {        \
    return_keyword std::unexpected(std::move(name).error()); \
  }                                                          \
  static_assert(true)

/// A declaration statement: `VIVIM_TRY(auto frame, decode(bytes));` returns the error from this
/// function if there is one.
#define VIVIM_TRY(declaration, expression) \
  VIVIM_DETAIL_TRY(VIVIM_DETAIL_CONCAT(vivim_try_, __LINE__), declaration, expression, return)
/// The same for Result<void>: `VIVIM_TRYV(check(frame));`
#define VIVIM_TRYV(expression) \
  VIVIM_DETAIL_TRYV(VIVIM_DETAIL_CONCAT(vivim_try_, __LINE__), expression, return)
/// In a coroutine: `VIVIM_CO_TRY(auto n, co_await stream.read_some(buffer));`
#define VIVIM_CO_TRY(declaration, expression) \
  VIVIM_DETAIL_TRY(VIVIM_DETAIL_CONCAT(vivim_try_, __LINE__), declaration, expression, co_return)
#define VIVIM_CO_TRYV(expression) \
  VIVIM_DETAIL_TRYV(VIVIM_DETAIL_CONCAT(vivim_try_, __LINE__), expression, co_return)
