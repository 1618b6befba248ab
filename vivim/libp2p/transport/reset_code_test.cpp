#include "vivim/libp2p/transport/reset_code.hpp"

#include <doctest/doctest.h>

#include "vivim/libp2p/transport/close_reason.hpp"
#include "vivim/rt/error.hpp"

using namespace vivim;
using namespace vivim::libp2p;

TEST_CASE("reset code: every code has a name, others have one in common") {
  CHECK(reset_code_name(0) == "none");
  for (std::uint32_t code = to_value(ResetCode::negotiation_failed);
       code <= to_value(ResetCode::gated); ++code) {
    CHECK(reset_code_name(code) != "other");
  }
  CHECK(reset_code_name(to_value(ResetCode::limit_exceeded)) == "limit_exceeded");
  CHECK(reset_code_name(1) == "other");
  CHECK(reset_code_name(0x1009) == "other");
}

TEST_CASE("reset code: tells a peer of its own faults only") {
  CHECK(reset_code_for(rt::RtError::end_of_stream) == ResetCode::protocol_violation);
  CHECK(reset_code_for(rt::RtError::timed_out) == ResetCode::none);
  CHECK(reset_code_for(rt::RtError::no_space) == ResetCode::none);
  CHECK(reset_code_for(rt::RtError::reset) == ResetCode::none);  // it has gone itself
}

TEST_CASE("close reason: a cause, and the error behind it") {
  CHECK(CloseReason{}.to_string() == "local");
  CHECK(CloseReason{.cause = CloseCause::limit}.to_string() == "limit");
  const auto lost = CloseReason::from(rt::RtError::timed_out);
  CHECK(lost.cause == CloseCause::lost);
  CHECK(lost.to_string().starts_with("lost: "));
}

TEST_CASE("close code: what peers are told, and what they tell") {
  CHECK(close_code_name(CloseCode::none) == "none");
  for (std::uint32_t code = 0x1000; code <= 0x1007; ++code) {
    CHECK(close_code_name(CloseCode{code}) != "other");
  }
  CHECK(close_code_name(CloseCode{0x1008}) == "other");
  CHECK(CloseReason{}.told() == CloseCode::none);
  CHECK(CloseReason{.cause = CloseCause::lost}.told() == CloseCode::none);
  CHECK(to_value(CloseReason{.cause = CloseCause::limit}.told()) == 0x1001);
  CHECK(to_value(CloseReason{.cause = CloseCause::protocol}.told()) == 0x1003);
  const CloseReason trimmed{.cause = CloseCause::limit, .code = CloseCode::garbage_collected};
  CHECK(to_value(trimmed.told()) == 0x1005);
  CHECK(trimmed.to_string() == "limit (garbage_collected)");
  CHECK(CloseReason{.cause = CloseCause::remote, .code = CloseCode{77}}.to_string() ==
        "remote (code 77)");
}
