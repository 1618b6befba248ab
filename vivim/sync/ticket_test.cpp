#include "vivim/sync/ticket.hpp"

#include <doctest/doctest.h>

using namespace vivim;
using namespace vivim::sync;

namespace {

Ticket example() {
  return {.document = {{1, 2, 3}},
          .grant = {{4, 5, 6}},
          .secret = GrantSecret(Bytes(k_grant_secret_bytes, 7)),
          .addresses = {{4, 127, 0, 0, 1, 6, 0x1f, 0x90}, {8}},
          .title =
              "Gr\xc3\xbc\xc3\x9f"
              "e"};
}

}  // namespace

TEST_CASE("ticket: text, URL and link forms read back") {
  const auto ticket = example();
  const auto text = ticket.to_text();
  CHECK(text.starts_with("vivim1"));
  for (const auto& form :
       {text, ticket.to_url(), "http://127.0.0.1:8470/#/join/" + text, "  " + text + "\n"}) {
    const auto read = Ticket::parse(form);
    REQUIRE(read);
    CHECK(read->document == ticket.document);
    CHECK(read->grant == ticket.grant);
    CHECK(crypto::equal(read->secret, ticket.secret));
    CHECK(read->addresses == ticket.addresses);
    CHECK(read->title == ticket.title);
  }
}

TEST_CASE("ticket: upper case survives, any damage is noticed") {
  const auto text = example().to_text();
  std::string upper = text;
  for (auto& c : upper) {
    c = c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
  }
  CHECK(Ticket::parse(upper));
  for (std::size_t i = 0; i < text.size(); ++i) {
    auto damaged = text;
    damaged[i] = damaged[i] == 'a' ? 'b' : 'a';
    CHECK_FALSE(Ticket::parse(damaged));
    CHECK_FALSE(Ticket::parse(text.substr(0, i)));
  }
  CHECK_FALSE(Ticket::parse(std::string(k_ticket_text_max + 1, 'a')));
}
