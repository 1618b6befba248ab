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
