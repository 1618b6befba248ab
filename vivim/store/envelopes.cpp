#include "vivim/store/envelopes.hpp"

#include <algorithm>
#include <optional>
#include <set>
#include <utility>

#include "vivim/store/error.hpp"
#include "vivim/store/packer.hpp"

namespace vivim::store {
namespace {

constexpr std::size_t k_envelope_bytes_max = k_update_bytes_max + (std::size_t{64} << 10);

Result<void> read_seqs(Query query, std::set<std::uint64_t>& seqs) {
  for (;;) {
    VIVIM_TRY(const bool more, query.step());
    if (!more) {
      return {};
    }
    seqs.insert(static_cast<std::uint64_t>(query.integer(0)));
  }
}

}  // namespace

Result<std::int64_t> Envelopes::row_of(const DocumentId& document) {
  Query query = db_.query("SELECT id FROM documents WHERE doc = ?", document);
  VIVIM_TRYV(query.row());
  return query.integer(0);
}

Result<std::int64_t> Envelopes::author_of(BytesView key) {
  VIVIM_TRYV(db_.run("INSERT OR IGNORE INTO authors(key) VALUES(?)", key));
  Query query = db_.query("SELECT id FROM authors WHERE key = ?", key);
  VIVIM_TRYV(query.row());
  return query.integer(0);
}

Result<std::uint64_t> Envelopes::insert(std::int64_t document, const Envelope& envelope) {
  VIVIM_TRY(const std::int64_t author, author_of(envelope.key));
  Query last = db_.query("SELECT coalesce(max(seq), 0) FROM envelopes WHERE doc = ?", document);
  VIVIM_TRYV(last.row());
  const auto seq = static_cast<std::uint64_t>(last.integer(0)) + 1;
  VIVIM_TRYV(
      db_.run("INSERT INTO envelopes(doc, seq, author, deletes, bytes) VALUES(?, ?, ?, ?, ?)",
              document, seq, author, envelope.deletes ? 1 : 0, envelope.bytes));
  for (const auto& range : envelope.written) {
    VIVIM_TRYV(
        db_.run("INSERT INTO envelope_ranges(doc, client, clock, seq, until) "
                "VALUES(?, ?, ?, ?, ?)",
                document, range.client, range.from, seq, range.to));
  }
  VIVIM_TRYV(bind(document, author, envelope.written));
  return seq;
}

// One envelope can hold tens of thousands of new clients: those that are bound are counted once.
Result<void> Envelopes::bind(std::int64_t document, std::int64_t author,
                             std::span<const ClientClocks> written) {
  std::optional<std::size_t> left;
  for (const auto& range : written) {
    Query bound = db_.query("SELECT author, clock FROM bindings WHERE doc = ? AND client = ?",
                            document, range.client);
    VIVIM_TRY(const bool there, bound.step());
    if (!there) {
      if (!left) {
        VIVIM_TRY(left, bindings_left(document, author));
      }
      if (*left > 0) {
        --*left;
        VIVIM_TRYV(db_.run("INSERT INTO bindings(doc, client, clock, author) VALUES(?, ?, ?, ?)",
                           document, range.client, range.from, author));
      }
    } else if (bound.integer(0) == author &&
               static_cast<std::uint64_t>(bound.integer(1)) > range.from) {
      VIVIM_TRYV(db_.run("UPDATE bindings SET clock = ? WHERE doc = ? AND client = ?", range.from,
                         document, range.client));
    }
  }
  return {};
}

// How many more clients may be bound to a key.
Result<std::size_t> Envelopes::bindings_left(std::int64_t document, std::int64_t author) {
  const auto left = [](Query query, std::size_t max) -> Result<std::size_t> {
    VIVIM_TRYV(query.row());
    return max - std::min(max, static_cast<std::size_t>(query.integer(0)));
  };
  VIVIM_TRY(const auto of_key,
            left(db_.query("SELECT count(*) FROM bindings WHERE author = ? AND doc = ?", author,
                           document),
                 k_bindings_of_key_max));
  if (of_key == 0) {
    return of_key;
  }
  VIVIM_TRY(
      const auto of_all,
      left(db_.query("SELECT count(*) FROM bindings WHERE doc = ?", document), k_bindings_max));
  return std::min(of_key, of_all);
}

// The same bytes have the same first range: that is enough to find them.
Result<bool> Envelopes::has(std::int64_t document, const Envelope& envelope) {
  if (envelope.written.empty()) {
    return false;
  }
  const auto& first = envelope.written.front();
  Query query = db_.query(
      "SELECT 1 FROM envelope_ranges r JOIN envelopes e ON e.doc = r.doc AND e.seq = r.seq "
      "WHERE r.doc = ? AND r.client = ? AND r.clock = ? AND r.until = ? AND e.bytes = ?",
      document, first.client, first.from, first.to, envelope.bytes);
  return query.step();
}

Result<bool> Envelopes::add(const DocumentId& document, const Envelope& envelope) {
  if (envelope.bytes.size() > k_envelope_bytes_max) {
    return fail(StoreError::too_large, envelope.bytes.size());
  }
  return db_.atomically([&]() -> Result<bool> {
    VIVIM_TRY(const std::int64_t row, row_of(document));
    VIVIM_TRY(const bool known, has(row, envelope));
    if (known) {
      return false;
    }
    VIVIM_TRYV(insert(row, envelope));
    return true;
  });
}

// One step in the index for each.
Result<std::vector<std::uint64_t>> Envelopes::clients_of(std::int64_t document) {
  std::vector<std::uint64_t> clients;
  std::int64_t last = -1;
  for (;;) {
    Query next = db_.query("SELECT min(client) FROM envelope_ranges WHERE doc = ? AND client > ?",
                           document, last);
    VIVIM_TRYV(next.row());
    if (next.is_null(0)) {
      return clients;
    }
    last = next.integer(0);
    clients.push_back(static_cast<std::uint64_t>(last));
  }
}

Result<std::vector<std::uint64_t>> Envelopes::find(const DocumentId& document,
                                                   const EnvelopeQuery& query) {
  VIVIM_TRY(const std::int64_t row, row_of(document));
  std::set<std::uint64_t> seqs;
  if (query.deleting) {
    VIVIM_TRYV(
        read_seqs(db_.query("SELECT seq FROM envelopes WHERE doc = ? AND deletes = 1", row), seqs));
  }
  VIVIM_TRY(const auto clients, clients_of(row));
  for (const std::uint64_t client : clients) {
    const auto known = query.known.find(client);
    const std::uint64_t from = known == query.known.end() ? 0 : known->second;
    VIVIM_TRYV(read_seqs(
        db_.query("SELECT seq FROM envelope_ranges WHERE doc = ? AND client = ? AND until > ?", row,
                  client, from),
        seqs));
  }
  return std::vector<std::uint64_t>(seqs.begin(), seqs.end());
}

Result<EnvelopeRow> Envelopes::read_one(std::int64_t document, std::uint64_t seq) {
  Query row = db_.query("SELECT bytes FROM envelopes WHERE doc = ? AND seq = ?", document, seq);
  VIVIM_TRYV(row.row());
  EnvelopeRow envelope{.seq = seq, .bytes = row.bytes(0), .written = {}};
  Query ranges = db_.query(
      "SELECT client, clock, until FROM envelope_ranges WHERE doc = ? AND seq = ? "
      "ORDER BY client, clock",
      document, seq);
  for (;;) {
    VIVIM_TRY(const bool more, ranges.step());
    if (!more) {
      return envelope;
    }
    envelope.written.push_back({.client = static_cast<std::uint64_t>(ranges.integer(0)),
                                .from = static_cast<std::uint64_t>(ranges.integer(1)),
                                .to = static_cast<std::uint64_t>(ranges.integer(2))});
  }
}

Result<EnvelopePage> Envelopes::read(const DocumentId& document,
                                     std::span<const std::uint64_t> seqs, std::size_t bytes_max) {
  VIVIM_TRY(const std::int64_t row, row_of(document));
  EnvelopePage page;
  std::size_t bytes = 0;
  for (const std::uint64_t seq : seqs) {
    auto envelope = read_one(row, seq);
    if (envelope) {
      if (bytes > 0 && bytes + envelope->bytes.size() > bytes_max) {
        break;
      }
      bytes += envelope->bytes.size();
      page.rows.push_back(std::move(*envelope));
    } else if (!envelope.error().is(StoreError::not_found)) {
      return fail(envelope.error());
    }
    ++page.looked_at;
  }
  return page;
}

Result<std::vector<Binding>> Envelopes::bindings(const DocumentId& document) {
  VIVIM_TRY(const std::int64_t row, row_of(document));
  Query query = db_.query(
      "SELECT b.client, b.clock, a.key FROM bindings b JOIN authors a ON a.id = b.author "
      "WHERE b.doc = ? ORDER BY b.client",
      row);
  std::vector<Binding> bindings;
  for (;;) {
    VIVIM_TRY(const bool more, query.step());
    if (!more) {
      return bindings;
    }
    bindings.push_back({.client = static_cast<std::uint64_t>(query.integer(0)),
                        .clock = static_cast<std::uint64_t>(query.integer(1)),
                        .key = query.bytes(2)});
  }
}

Result<std::vector<ClientClocks>> Envelopes::signed_by(const DocumentId& document, BytesView key) {
  VIVIM_TRY(const std::int64_t row, row_of(document));
  Query query = db_.query(
      "SELECT b.client, b.clock, r.clock, r.until FROM bindings b "
      "JOIN authors a ON a.id = b.author "
      "JOIN envelope_ranges r ON r.doc = b.doc AND r.client = b.client "
      "WHERE b.doc = ? AND a.key = ? ORDER BY b.client, r.clock",
      row, key);
  std::vector<ClientClocks> out;
  for (;;) {
    VIVIM_TRY(const bool more, query.step());
    if (!more) {
      return out;
    }
    const auto client = static_cast<std::uint64_t>(query.integer(0));
    const auto from = static_cast<std::uint64_t>(query.integer(1));
    if (out.empty() || out.back().client != client) {
      out.push_back({.client = client, .from = from, .to = from});
    }
    if (static_cast<std::uint64_t>(query.integer(2)) <= out.back().to) {
      out.back().to = std::max(out.back().to, static_cast<std::uint64_t>(query.integer(3)));
    }
  }
}

Result<std::vector<EnvelopeRow>> Envelopes::small_ones(const DocumentId& document, BytesView key,
                                                       std::size_t bytes_below, std::size_t limit) {
  VIVIM_TRY(const std::int64_t row, row_of(document));
  std::set<std::uint64_t> seqs;
  VIVIM_TRYV(read_seqs(
      db_.query("SELECT e.seq FROM envelopes e JOIN authors a ON a.id = e.author "
                "WHERE e.doc = ? AND a.key = ? AND length(e.bytes) < ? ORDER BY e.seq LIMIT ?",
                row, key, bytes_below, limit),
      seqs));
  std::vector<EnvelopeRow> rows;
  for (const std::uint64_t seq : seqs) {
    VIVIM_TRY(rows.emplace_back(), read_one(row, seq));
  }
  return rows;
}

Result<void> Envelopes::replace(const DocumentId& document, const std::vector<std::uint64_t>& seqs,
                                std::span<const Envelope> envelopes) {
  return db_.atomically([&]() -> Result<void> {
    VIVIM_TRY(const std::int64_t row, row_of(document));
    for (const Envelope& envelope : envelopes) {
      if (envelope.bytes.size() > k_envelope_bytes_max) {
        return fail(StoreError::too_large, envelope.bytes.size());
      }
      VIVIM_TRYV(insert(row, envelope));
    }
    for (const std::uint64_t seq : seqs) {
      VIVIM_TRYV(db_.run("DELETE FROM envelopes WHERE doc = ? AND seq = ?", row, seq));
    }
    return {};
  });
}

Result<std::uint64_t> Envelopes::count(const DocumentId& document) {
  VIVIM_TRY(const std::int64_t row, row_of(document));
  Query query = db_.query("SELECT count(*) FROM envelopes WHERE doc = ?", row);
  VIVIM_TRYV(query.row());
  return static_cast<std::uint64_t>(query.integer(0));
}

}  // namespace vivim::store
