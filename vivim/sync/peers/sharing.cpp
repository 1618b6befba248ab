#include "vivim/sync/peers/sharing.hpp"

#include <utility>

#include "vivim/crypto/random.hpp"
#include "vivim/store/documents.hpp"

namespace vivim::sync {

namespace {

Problem no_document(const store::DocumentId& document) {
  return {.kind = ProblemKind::not_found,
          .code = "conversation_not_found",
          .message = "There is no conversation " + document.to_text() + ".",
          .hint = "List them with: vivim ls"};
}

Problem store_problem(const Error& error, std::string doing) {
  return Problem::from(error, std::move(doing), "Check the node with: vivim doctor");
}

/// As much of the title as a ticket carries, cut between characters.
std::string short_title(std::string title) {
  if (title.size() > k_ticket_title_bytes_max) {
    auto end = k_ticket_title_bytes_max;
    while (end > 0 && (static_cast<unsigned char>(title[end]) & 0xc0) == 0x80) {
      --end;
    }
    title.resize(end);
  }
  return title;
}

bool is_loopback(const multiformats::Multiaddr& address) {
  const auto endpoint = address.endpoint();
  return endpoint && (endpoint->host.starts_with("127.") || endpoint->host == "::1");
}

/// The addresses that fit into a ticket; those that only this machine can reach come last.
std::vector<Bytes> ticket_addresses(const std::vector<multiformats::Multiaddr>& addresses) {
  std::vector<Bytes> out;
  for (const bool loopback : {false, true}) {
    for (const auto& address : addresses) {
      const bool fits = out.size() < k_ticket_addresses_max &&
                        address.bytes().size() <= k_ticket_address_bytes_max;
      if (fits && is_loopback(address) == loopback) {
        out.push_back(address.bytes());
      }
    }
  }
  return out;
}

/// Creates the document and its grant, or says that they are there already.
Result<bool> add_joined(store::Database& database, const store::GrantRow& grant) {
  store::Documents documents(database);
  store::Grants grants(database);
  if (const auto known = grants.get(grant.id)) {
    return false;
  }
  VIVIM_TRY(const auto here, documents.has(grant.document));
  if (!here) {
    VIVIM_TRYV(documents.create(grant.document, store::DocumentKind::conversation, grant.created));
  }
  VIVIM_TRYV(grants.add(grant));
  return true;
}

}  // namespace

Sharing::Sharing(rt::Loop& loop, rt::Rng& rng, store::Store& store, DocumentHub& hub,
                 PeerSync& peers, libp2p::Host& host)
    : loop_(loop), rng_(rng), store_(store), hub_(hub), peers_(peers), host_(host) {}

rt::Co<Outcome<Ticket>> Sharing::share(store::DocumentId document, std::string title,
                                       store::Access access) {
  auto addresses = ticket_addresses(host_.listen_addresses());
  if (addresses.empty()) {
    co_return std::unexpected(
        Problem{.kind = ProblemKind::unavailable,
                .code = "not_listening",
                .message = "This node listens on no address, so nobody could join.",
                .hint = "Start it with: vivim run --listen /ip4/0.0.0.0/tcp/8471"});
  }
  Ticket ticket{.document = document,
                .grant = {},
                .secret = {},
                .addresses = std::move(addresses),
                .title = short_title(std::move(title))};
  rng_.fill(ticket.grant.bytes);
  rng_.fill(ticket.secret.writable());
  const auto now = loop_.clock().wall_now_ms();
  const auto job = [&ticket, now, access](store::Database& database) -> Result<void> {
    VIVIM_TRY(const auto stored, read_authorship(database, ticket.document));
    if (more_of(stored.access, access) != stored.access) {
      return fail(SyncError::not_permitted);
    }
    return store::Grants(database).add({.id = ticket.grant,
                                        .document = ticket.document,
                                        .secret = to_bytes(ticket.secret.view()),
                                        .origin = store::GrantOrigin::made,
                                        .addresses = {},
                                        .created = now,
                                        .revoked = std::nullopt,
                                        .access = access});
  };
  const auto added = co_await store_.write(job);
  if (!added && added.error().is(SyncError::not_permitted)) {
    co_return std::unexpected(
        Problem{.kind = ProblemKind::refused,
                .code = "not_permitted",
                .message = "You may not change this conversation, or not all of it, so you cannot "
                           "let others do so.",
                .hint = "Let them read it: vivim share --access read"});
  }
  if (!added) {
    co_return std::unexpected(added.error().is(store::StoreError::not_found)
                                  ? no_document(document)
                                  : store_problem(added.error(), "Could not share"));
  }
  if (auto* open = hub_.find(document)) {
    open->authorship().begin_signing();
  }
  co_return std::move(ticket);
}

rt::Co<Outcome<Joined>> Sharing::join(std::string text) {
  auto ticket = Ticket::parse(text);
  if (!ticket) {
    co_return std::unexpected(Problem::from(ticket.error(), "Could not read the ticket",
                                            "Copy it whole, from 'vivim1' or 'vivim://' on."));
  }
  const store::GrantRow grant{.id = ticket->grant,
                              .document = ticket->document,
                              .secret = to_bytes(ticket->secret.view()),
                              .origin = store::GrantOrigin::joined,
                              .addresses = ticket->addresses,
                              .created = loop_.clock().wall_now_ms(),
                              .revoked = std::nullopt};
  auto admitted = co_await admit(*ticket, grant);
  if (!admitted) {
    co_return std::unexpected(std::move(admitted).error());
  }
  const auto status = co_await peers_.wait_joined(grant.id, k_join_wait);
  if (status.state == JoinState::refused) {
    peers_.remove(grant.id);
    co_await withdraw(grant.document);
    co_return std::unexpected(Problem{
        .kind = ProblemKind::refused,
        .code = "ticket_refused",
        .message = "The other node refused the ticket: it was revoked, or is not one of its own.",
        .hint = "Ask for a new ticket."});
  }
  co_return Joined{.document = ticket->document, .title = ticket->title, .status = status};
}

rt::Co<Outcome<void>> Sharing::admit(const Ticket& ticket, const store::GrantRow& grant) {
  for (const auto& bytes : ticket.addresses) {
    const auto address = multiformats::Multiaddr::from_bytes(bytes);
    if (address && address->peer() == host_.peer_id()) {
      co_return std::unexpected(Problem{.kind = ProblemKind::conflict,
                                        .code = "own_ticket",
                                        .message = "This ticket is this node's own.",
                                        .hint = "Give it to somebody else."});
    }
  }
  const auto job = [&grant](store::Database& database) { return add_joined(database, grant); };
  const auto added = co_await store_.write(job);
  if (!added) {
    co_return std::unexpected(store_problem(added.error(), "Could not join"));
  }
  if (auto* open = hub_.find(grant.document)) {
    open->authorship().begin_signing();
  }
  const auto syncing = peers_.add(grant);
  if (!syncing) {
    if (*added) {
      co_await withdraw(grant.document);
    }
    co_return std::unexpected(Problem::from(syncing.error(), "Could not use the ticket's addresses",
                                            "Ask for a new ticket."));
  }
  co_return Outcome<void>{};
}

rt::Co<void> Sharing::withdraw(store::DocumentId document) {
  // Only a document that never got anything: what was synced before stays, whatever became of the
  // ticket.
  hub_.evict(document, Reason::done, "not joined");
  const auto job = [document](store::Database& database) -> Result<void> {
    store::Documents documents(database);
    VIVIM_TRY(const auto seq, documents.last_seq(document));
    return seq == 0 ? documents.remove(document) : Result<void>{};
  };
  (void)co_await store_.write(job);
}

rt::Co<Outcome<std::size_t>> Sharing::unshare(store::DocumentId document) {
  const auto now = loop_.clock().wall_now_ms();
  const auto job = [document, now](store::Database& database) {
    return store::Grants(database).revoke_made(document, now);
  };
  const auto revoked = co_await store_.write(job);
  if (!revoked) {
    co_return std::unexpected(revoked.error().is(store::StoreError::not_found)
                                  ? no_document(document)
                                  : store_problem(revoked.error(), "Could not unshare"));
  }
  peers_.revoke(*revoked);
  if (auto* open = hub_.find(document)) {
    open->authorship().forget_members(*revoked);
  }
  co_return revoked->size();
}

rt::Co<Outcome<Shares>> Sharing::shares(store::DocumentId document) {
  const auto job = [document](store::Database& database) {
    return store::Grants(database).of_document(document);
  };
  auto grants = co_await store_.read(job);
  if (!grants) {
    co_return std::unexpected(store_problem(grants.error(), "Could not list the shares"));
  }
  co_return Shares{.grants = std::move(*grants), .peers = peers_.peers_of(document)};
}

rt::Co<Outcome<void>> Sharing::leave(store::DocumentId document) {
  auto found = co_await shares(document);
  if (!found) {
    co_return std::unexpected(std::move(found).error());
  }
  std::vector<store::GrantId> made;
  for (const auto& grant : found->grants) {
    if (grant.origin == store::GrantOrigin::joined) {
      peers_.remove(grant.id);
    } else {
      made.push_back(grant.id);
    }
  }
  peers_.revoke(made);
  hub_.evict(document, Reason::done, "removed");
  co_return Outcome<void>{};
}

}  // namespace vivim::sync
