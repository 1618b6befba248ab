#include "vivim/rt/asio/resolver.hpp"

#include <cstring>
#include <map>
#include <optional>

#include <ares.h>
#include <arpa/nameser.h>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <netdb.h>

#include "vivim/base/assert.hpp"
#include "vivim/rt/wait.hpp"

namespace vivim::rt::asio_ {

namespace {

namespace asio = boost::asio;
using SysError = boost::system::error_code;

Error to_resolver_error(int status) {
  switch (status) {
    case ARES_ENOTFOUND:
    case ARES_ENODATA:
    case ARES_ENONAME:
      return Error(RtError::no_such_name);
    case ARES_ETIMEOUT:
      return Error(RtError::timed_out);
    case ARES_EBADNAME:
      return Error(RtError::bad_address);
    case ARES_ECANCELLED:
    case ARES_EDESTRUCTION:
      return Error(RtError::closed);
    case ARES_ECONNREFUSED:
    case ARES_ESERVFAIL:
    case ARES_EREFUSED:
      return Error(RtError::unreachable, static_cast<std::uint64_t>(status));
    default:
      return Error(RtError::io, static_cast<std::uint64_t>(status));
  }
}

bool is_name(const std::string& name) {
  return !name.empty() && name.size() <= k_name_bytes_max && !name.contains('\0');
}

/// c-ares initialises itself once for the program, and counts.
struct Library {
  Library() { VIVIM_ASSERT(ares_library_init(ARES_LIB_INIT_ALL) == ARES_SUCCESS); }
  ~Library() { ares_library_cleanup(); }
  Library(const Library&) = delete;
  Library& operator=(const Library&) = delete;
};

}  // namespace

/// An ares_channel and the watches of its sockets and clock. Shared with the handlers of those.
class DnsResolver::Channel {
 public:
  Channel(Loop& loop, const ResolverOptions& options) : loop_(loop), timer_(loop.context()) {
    ares_options values{};
    values.timeout = static_cast<int>(options.try_time.count());
    values.tries = options.tries;
    values.sock_state_cb = [](void* self, ares_socket_t fd, int readable, int writable) {
      static_cast<Channel*>(self)->watch(fd, readable != 0, writable != 0);
    };
    values.sock_state_cb_data = this;
    const int status = ares_init_options(
        &channel_, &values, ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_SOCK_STATE_CB);
    failed_ = status == ARES_SUCCESS ? std::nullopt : std::optional(to_resolver_error(status));
    std::string servers;
    for (const auto& server : options.servers) {
      servers += (servers.empty() ? "" : ",") + server.to_string();
    }
    if (!failed_ && !servers.empty()) {
      VIVIM_ASSERT(ares_set_servers_ports_csv(channel_, servers.c_str()) == ARES_SUCCESS);
    }
  }
  ~Channel() { close(); }
  Channel(const Channel&) = delete;
  Channel& operator=(const Channel&) = delete;

  /// Ends all questions; from then on nothing can be asked.
  void close() {
    failed_ = failed_.value_or(Error(RtError::closed));
    if (channel_ != nullptr) {
      ares_destroy(std::exchange(channel_, nullptr));
    }
    sockets_.clear();
    timer_.cancel();
  }
  void cancel() {
    if (channel_ != nullptr) {
      ares_cancel(channel_);
    }
  }

  const std::optional<Error>& failed() const { return failed_; }
  ares_channel get() const { return channel_; }
  Loop& loop() { return loop_; }

  /// Sets the clock to the next retry: after every call of c-ares. `self` owns this.
  void arm(const std::shared_ptr<Channel>& self) {
    self_ = self;
    arm_sockets();
    timeval time{};
    if (channel_ == nullptr || ares_timeout(channel_, nullptr, &time) == nullptr) {
      timer_.cancel();
      return;
    }
    timer_.expires_after(std::chrono::seconds(time.tv_sec) +
                         std::chrono::microseconds(time.tv_usec));
    timer_.async_wait([weak = self_](const SysError& error) {
      if (const auto alive = weak.lock(); alive && !error) {
        alive->process(ARES_SOCKET_BAD, ARES_SOCKET_BAD);
      }
    });
  }

  std::size_t questions = 0;

 private:
  /// A socket of c-ares; it closes it itself, so the descriptor here lets go of it before.
  struct Socket {
    explicit Socket(Loop& loop, ares_socket_t fd) : descriptor(loop.context(), fd) {}
    ~Socket() { descriptor.release(); }
    Socket(const Socket&) = delete;
    Socket& operator=(const Socket&) = delete;
    asio::posix::stream_descriptor descriptor;
    bool wants_read = false;
    bool wants_write = false;
    bool reading = false;
    bool writing = false;
  };

  void watch(ares_socket_t fd, bool readable, bool writable) {
    if (!readable && !writable) {
      sockets_.erase(fd);
      return;
    }
    auto& socket = sockets_[fd];
    if (!socket) {
      socket = std::make_shared<Socket>(loop_, fd);
    }
    socket->wants_read = readable;
    socket->wants_write = writable;
  }

  void arm_sockets() {
    for (const auto& [fd, socket] : sockets_) {
      if (socket->wants_read && !std::exchange(socket->reading, true)) {
        wait(socket, fd, asio::posix::stream_descriptor::wait_read);
      }
      if (socket->wants_write && !std::exchange(socket->writing, true)) {
        wait(socket, fd, asio::posix::stream_descriptor::wait_write);
      }
    }
  }

  void wait(const std::shared_ptr<Socket>& socket, ares_socket_t fd,
            asio::posix::stream_descriptor::wait_type type) {
    const bool read = type == asio::posix::stream_descriptor::wait_read;
    socket->descriptor.async_wait(
        type, [weak = self_, weak_socket = std::weak_ptr(socket), fd, read](const SysError& error) {
          const auto alive = weak.lock();
          const auto same = weak_socket.lock();
          if (!alive || !same || error) {
            return;
          }
          (read ? same->reading : same->writing) = false;
          alive->process(read ? fd : ARES_SOCKET_BAD, read ? ARES_SOCKET_BAD : fd);
        });
  }

  void process(ares_socket_t readable, ares_socket_t writable) {
    if (channel_ != nullptr) {
      ares_process_fd(channel_, readable, writable);
      arm(self_.lock());
    }
  }

  Library library_;
  Loop& loop_;
  asio::steady_timer timer_;
  std::map<ares_socket_t, std::shared_ptr<Socket>> sockets_;
  std::weak_ptr<Channel> self_;
  ares_channel channel_ = nullptr;
  std::optional<Error> failed_;
};

/// Shared by who asks and by c-ares, which answers every question once, maybe too late.
template <class Answer>
struct DnsResolver::Question {
  explicit Question(Channel& channel) : done(channel.loop()), deadline(channel.loop().context()) {}

  void finish(Result<Answer> outcome) {
    if (!result) {
      result.emplace(std::move(outcome));
      done.set();
    }
  }

  /// What c-ares keeps of a question.
  struct Ticket {
    std::shared_ptr<Question> question;
    std::weak_ptr<Channel> channel;

    /// Takes the ticket back from c-ares.
    static std::shared_ptr<Question> redeem(void* argument) {
      const std::unique_ptr<Ticket> ticket(static_cast<Ticket*>(argument));
      if (const auto alive = ticket->channel.lock()) {
        --alive->questions;
      }
      return ticket->question;
    }
  };

  Event done;
  asio::steady_timer deadline;
  std::optional<Result<Answer>> result;
};

namespace {

Result<std::vector<IpAddress>> read_addresses(int status, ares_addrinfo* info) {
  const std::unique_ptr<ares_addrinfo, decltype(&ares_freeaddrinfo)> owner(info,
                                                                           &ares_freeaddrinfo);
  if (status != ARES_SUCCESS || info == nullptr) {
    return fail(to_resolver_error(status));
  }
  std::vector<IpAddress> addresses;
  for (const auto* at = info->nodes; at != nullptr && addresses.size() < k_answers_max;
       at = at->ai_next) {
    IpAddress ip;
    if (at->ai_family == AF_INET) {
      std::memcpy(ip.bytes.data(), &reinterpret_cast<const sockaddr_in*>(at->ai_addr)->sin_addr, 4);
    } else if (at->ai_family == AF_INET6) {
      ip.is_v6 = true;
      std::memcpy(ip.bytes.data(), &reinterpret_cast<const sockaddr_in6*>(at->ai_addr)->sin6_addr,
                  16);
    } else {
      continue;
    }
    addresses.push_back(ip);
  }
  return addresses.empty() ? Result<std::vector<IpAddress>>(fail(RtError::no_such_name))
                           : addresses;
}

Result<std::vector<std::string>> read_texts(int status, BytesView reply) {
  ares_txt_ext* list = nullptr;
  if (status == ARES_SUCCESS) {
    status = ares_parse_txt_reply_ext(reply.data(), static_cast<int>(reply.size()), &list);
  }
  const std::unique_ptr<void, decltype(&ares_free_data)> owner(list, &ares_free_data);
  if (status != ARES_SUCCESS) {
    return fail(to_resolver_error(status));
  }
  std::vector<std::string> texts;
  for (const auto* at = list; at != nullptr; at = at->next) {
    if (at->record_start != 0 || texts.empty()) {
      if (texts.size() == k_answers_max) {
        break;
      }
      texts.emplace_back();
    }
    texts.back() += as_text(BytesView(at->txt, at->length));
  }
  std::erase_if(texts, [](const auto& text) { return text.size() > k_text_record_bytes_max; });
  return texts.empty() ? Result<std::vector<std::string>>(fail(RtError::no_such_name)) : texts;
}

}  // namespace

DnsResolver::DnsResolver(Loop& loop, ResolverOptions options)
    : loop_(loop),
      options_(std::move(options)),
      channel_(std::make_shared<Channel>(loop_, options_)) {}

DnsResolver::~DnsResolver() {
  channel_->close();
}

void DnsResolver::cancel() {
  channel_->cancel();
  channel_->arm(channel_);
}

template <class Answer, class Ask>
Co<Result<Answer>> DnsResolver::ask(std::string name, Duration timeout, Ask start) {
  VIVIM_ASSERT(loop_.is_here());
  if (!is_name(name)) {
    co_return fail(RtError::bad_address);
  }
  if (channel_->failed()) {
    co_return fail(*channel_->failed());
  }
  if (channel_->questions >= k_resolver_questions_max) {
    co_return fail(RtError::limit, k_resolver_questions_max);
  }
  const auto question = std::make_shared<Question<Answer>>(*channel_);
  question->deadline.expires_after(timeout);
  question->deadline.async_wait([weak = std::weak_ptr(question)](const SysError& error) {
    if (const auto alive = weak.lock(); alive && !error) {
      alive->finish(fail(RtError::timed_out));
    }
  });
  ++channel_->questions;
  auto ticket = std::make_unique<typename Question<Answer>::Ticket>(question, channel_);
  start(channel_->get(), name.c_str(), ticket.release());
  channel_->arm(channel_);
  co_await question->done.wait();
  question->deadline.cancel();
  co_return std::move(*question->result);
}

Co<Result<std::vector<IpAddress>>> DnsResolver::addresses(std::string name, AddressFamily family,
                                                          Duration timeout) {
  using Answer = std::vector<IpAddress>;
  const int kind = family == AddressFamily::v4 ? AF_INET : AF_INET6;
  co_return co_await ask<Answer>(
      std::move(name), timeout, [kind](ares_channel channel, const char* text, void* ticket) {
        ares_addrinfo_hints hints{};
        hints.ai_family = kind;
        hints.ai_socktype = SOCK_STREAM;
        ares_getaddrinfo(
            channel, text, nullptr, &hints,
            [](void* argument, int status, int, ares_addrinfo* info) {
              auto answer = read_addresses(status, info);
              Question<Answer>::Ticket::redeem(argument)->finish(std::move(answer));
            },
            ticket);
      });
}

Co<Result<std::vector<std::string>>> DnsResolver::texts(std::string name, Duration timeout) {
  using Answer = std::vector<std::string>;
  co_return co_await ask<Answer>(
      std::move(name), timeout, [](ares_channel channel, const char* text, void* ticket) {
        ares_query(
            channel, text, ns_c_in, ns_t_txt,
            [](void* argument, int status, int, unsigned char* reply, int size) {
              auto answer = read_texts(status, {reply, static_cast<std::size_t>(size)});
              Question<Answer>::Ticket::redeem(argument)->finish(std::move(answer));
            },
            ticket);
      });
}

}  // namespace vivim::rt::asio_
