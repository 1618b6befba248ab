#pragma once

#include <string>
#include <vector>

#include "vivim/chat/library/library.hpp"
#include "vivim/gateway/events.hpp"
#include "vivim/gateway/services.hpp"
#include "vivim/store/store.hpp"
#include "vivim/sync/peers/sharing.hpp"

namespace vivim::gateway {

/// chat::Library for the API, and what it tells for the events.
class ChatLibrary final : public LibraryService, public ImportService {
 public:
  /// `sharing` may be null (a home without a running node). All must outlive it; nothing that the
  /// library does may happen after it is gone.
  ChatLibrary(chat::Library& library, store::Store& store, sync::Sharing* sharing,
              EventHub& events);

  Co<Outcome<store::DocumentId>> resolve(std::string text) override;
  Co<Outcome<store::ConversationPage>> list(store::ConversationSort sort, std::size_t limit,
                                            std::optional<std::string> after) override;
  Co<Outcome<store::DocumentId>> create(std::string title) override;
  Co<Outcome<chat::Conversation>> read(store::DocumentId id) override;
  Co<Outcome<void>> rename(store::DocumentId id, std::string title) override;
  Co<Outcome<void>> remove(store::DocumentId id) override;
  Co<Outcome<std::string>> add_turn(store::DocumentId id, NewTurn turn) override;
  Co<Outcome<void>> edit_turn(store::DocumentId id, std::string turn, std::string text) override;
  Co<Outcome<void>> remove_turn(store::DocumentId id, std::string turn) override;
  Co<Outcome<ExportedFile>> export_file(store::DocumentId id, chat::ExportFormat format) override;
  Co<Outcome<store::SearchResult>> search(store::SearchRequest request) override;
  Co<Outcome<Blob>> blob(store::BlobId id) override;
  Co<Outcome<std::vector<store::Check>>> doctor() override;

  Co<Outcome<std::string>> start(std::string path,
                                 std::move_only_function<void()> when_done) override;
  Co<Outcome<JobStatus>> job(std::string id) override;

 private:
  void publish(const chat::LibraryEvent& event);
  Outcome<JobStatus> status_of(std::uint64_t job) const;

  chat::Library& library_;
  store::Store& store_;
  sync::Sharing* sharing_;
  EventHub& events_;
};

/// sync::Sharing for the API.
class TicketShares final : public ShareService {
 public:
  TicketShares(sync::Sharing& sharing, store::Store& store, chat::Library& library)
      : sharing_(sharing), store_(store), library_(library) {}

  Co<Outcome<SharedTicket>> share(store::DocumentId id, store::Access access) override;
  Co<Outcome<DocumentShares>> shares(store::DocumentId id) override;
  Co<Outcome<void>> revoke(store::DocumentId id) override;
  Co<Outcome<Joined>> join(std::string ticket) override;

 private:
  sync::Sharing& sharing_;
  store::Store& store_;
  chat::Library& library_;
};

}  // namespace vivim::gateway
