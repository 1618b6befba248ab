#pragma once

#include <cstdint>
#include <source_location>
#include <string>
#include <string_view>
#include <type_traits>

namespace vivim {

/// Whose fault an error is, and so what to do: close on a peer, report locally, or try again.
enum class Blame : std::uint8_t {
  peer,       ///< the other side broke the protocol: close, maybe ban
  local,      ///< our caller, our disk, our configuration: report
  transient,  ///< may succeed later: retry
};

/// What a module says about one of its error codes.
struct ErrorInfo {
  std::string_view name;     ///< the enumerator, e.g. "frame_too_large"
  std::string_view message;  ///< one line for a person, e.g. "frame is larger than the limit"
  Blame blame = Blame::peer;
};

/// A module's error enum, described. One constant per module, found by ADL:
/// `error_domain(MyError)`.
struct ErrorDomain {
  std::string_view name;  ///< the module, e.g. "yamux"
  ErrorInfo (*describe)(int code);
};

template <class E>
concept ErrorEnum = std::is_enum_v<E> && requires(E code) {
  { error_domain(code) } -> std::same_as<const ErrorDomain&>;
};

/// What went wrong: a code of a module's enum, where it was raised, and one number of detail (a
/// position, a size, an errno). Trivially copyable; text is made at the edge by `message()`.
class [[nodiscard]] Error {
 public:
  template <ErrorEnum E>
  Error(E code,
        std::uint64_t detail = 0,  // NOLINT(google-explicit-constructor): an enum is an error
        std::source_location site = std::source_location::current())
      : domain_(&error_domain(code)),
        file_(site.file_name()),
        detail_(detail),
        line_(site.line()),
        code_(static_cast<int>(code)) {}

  const ErrorDomain& domain() const { return *domain_; }
  int code() const { return code_; }
  std::uint64_t detail() const { return detail_; }
  Blame blame() const { return domain_->describe(code_).blame; }

  /// True when this is `code` of its module.
  template <ErrorEnum E>
  bool is(E code) const {
    return domain_ == &error_domain(code) && code_ == static_cast<int>(code);
  }

  /// "yamux: frame is larger than the limit (300000)". For people and logs; never compare it.
  std::string message() const;

  /// "vivim/libp2p/yamux/session.cpp:120", for logs.
  std::string site() const;

 private:
  const ErrorDomain* domain_;
  const char* file_;
  std::uint64_t detail_;
  std::uint32_t line_;
  int code_;
};

static_assert(std::is_trivially_copyable_v<Error>);

}  // namespace vivim
