#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <vector>

#include <doctest/doctest.h>

#include "vivim/crdt/doc.hpp"
#include "vivim/crdt/inspect.hpp"
#include "vivim/crdt/snapshot.hpp"
#include "vivim/crdt/update.hpp"
#include "vivim/crdt/value.hpp"

namespace vivim::crdt {

/// The users of Yjs' tests (testHelper.js): documents of the clients 0, 1, ... whose updates wait
/// for those who are connected until they are flushed.
class Users {
 public:
  explicit Users(std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) {
      auto user = std::make_unique<User>();
      user->doc = std::make_unique<Doc>(ClientId{i});
      user->hearing = user->doc->on_update([this, i](BytesView update, Origin origin) {
        if (origin.id == 0) {
          send(i, update);
        }
      });
      users_.push_back(std::move(user));
    }
  }

  std::size_t size() const { return users_.size(); }
  Doc& doc(std::size_t i) { return *users_[i]->doc; }
  Array array(std::size_t i) { return doc(i).array("array"); }
  Map map(std::size_t i) { return doc(i).map("map"); }

  /// Each call is a transaction of its own, as in Yjs.
  void edit(std::size_t i, const std::function<void(Transaction&)>& body) { doc(i).transact(body); }
  void insert(std::size_t i, std::uint32_t index, std::vector<Any> values) {
    edit(i, [&](Transaction& t) { array(i).insert(t, index, std::move(values)); });
  }
  void remove(std::size_t i, std::uint32_t index, std::uint32_t length = 1) {
    edit(i, [&](Transaction& t) { array(i).remove(t, index, length); });
  }
  void set(std::size_t i, std::string_view key, const Any& value) {
    edit(i, [&](Transaction& t) { map(i).set(t, key, value); });
  }
  void erase(std::size_t i, std::string_view key) {
    edit(i, [&](Transaction& t) { map(i).erase(t, key); });
  }

  void disconnect(std::size_t i) {
    users_[i]->connected = false;
    users_[i]->inbox.clear();
  }
  /// Both sides give what the other lacks.
  void connect(std::size_t i) {
    users_[i]->connected = true;
    for (std::size_t other = 0; other < size(); ++other) {
      if (other != i && users_[other]->connected) {
        give(i, other);
        give(other, i);
      }
    }
  }
  void flush() {
    for (auto& user : users_) {
      for (const Bytes& update : std::exchange(user->inbox, {})) {
        REQUIRE(apply_update(*user->doc, update, k_remote).has_value());
      }
    }
  }

  /// Yjs' compare: everybody connects and hears everything; then all hold the same, to the struct.
  void compare() {
    for (std::size_t i = 0; i < size(); ++i) {
      if (!users_[i]->connected) {
        connect(i);
      }
    }
    flush();
    for (std::size_t i = 0; i < size(); ++i) {
      CHECK_FALSE(has_pending(doc(i)));
      CHECK(consistent(doc(i)));
      CHECK(array(i).length() == array(0).length());
      CHECK(array(i).to_any() == array(0).to_any());
      CHECK(map(i).size() == map(0).size());
      CHECK(snapshot(doc(i)) == snapshot(doc(0)));
      CHECK(encode_state_as_update(doc(i)) == encode_state_as_update(doc(0)));
      CHECK(encode_state_as_update(doc(i), UpdateFormat::v2) ==
            encode_state_as_update(doc(0), UpdateFormat::v2));
    }
  }

 private:
  static constexpr Origin k_remote{.id = 1};
  struct User {
    std::unique_ptr<Doc> doc;
    Subscription hearing;
    std::vector<Bytes> inbox;
    bool connected = true;
  };

  void send(std::size_t from, BytesView update) {
    if (!users_[from]->connected) {
      return;
    }
    for (std::size_t to = 0; to < size(); ++to) {
      if (to != from && users_[to]->connected) {
        users_[to]->inbox.push_back(to_bytes(update));
      }
    }
  }
  void give(std::size_t to, std::size_t from) {
    const Bytes known = encode_state_vector(doc(to));
    users_[to]->inbox.push_back(encode_state_as_update(doc(from), known).value());
  }

  std::vector<std::unique_ptr<User>> users_;
};

}  // namespace vivim::crdt
