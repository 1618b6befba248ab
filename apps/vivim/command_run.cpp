#include <csignal>
#include <cstdio>
#include <filesystem>

#include <sys/resource.h>
#include <unistd.h>

#include "apps/vivim/commands.hpp"
#include "apps/vivim/log_sink.hpp"
#include "apps/vivim/machine.hpp"
#include "apps/vivim/text.hpp"
#include "vivim/node/config.hpp"
#include "vivim/node/node_file.hpp"
#include "vivim/rt/asio/disk.hpp"
#include "vivim/rt/task_group.hpp"

namespace vivim::cli {

namespace {

/// How long `run` waits for a home that a command, or a node that stops, has just now.
constexpr auto k_lock_wait_max = std::chrono::seconds(2);
constexpr auto k_lock_poll = std::chrono::milliseconds(50);
/// After this an orderly stop is cut short: what was acknowledged is on the disk already.
constexpr unsigned k_stop_seconds_max = 20;
constexpr rlim_t k_files_wanted = 8192;

/// More connections and files than the usual 1024, where the system lets us.
void raise_file_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < k_files_wanted) {
    limit.rlim_cur = std::min(limit.rlim_max, k_files_wanted);
    ::setrlimit(RLIMIT_NOFILE, &limit);
  }
}

/// What there is to share between peers and everything else.
libp2p::limits::Machine this_machine() {
  rlimit files{};
  ::getrlimit(RLIMIT_NOFILE, &files);
  const auto pages = static_cast<std::uint64_t>(std::max(0L, ::sysconf(_SC_PHYS_PAGES)));
  const auto page_bytes = static_cast<std::uint64_t>(std::max(0L, ::sysconf(_SC_PAGESIZE)));
  return {.memory_bytes = pages * page_bytes, .file_descriptors = files.rlim_cur};
}

/// What stops a node; a terminal that closes, too, unless it was started with nohup.
std::initializer_list<int> stop_signals() {
  static constexpr std::initializer_list<int> k_all = {SIGINT, SIGTERM, SIGHUP};
  static constexpr std::initializer_list<int> k_without_terminal = {SIGINT, SIGTERM};
  struct sigaction action{};
  ::sigaction(SIGHUP, nullptr, &action);
  return action.sa_handler == SIG_IGN ? k_without_terminal : k_all;
}

Outcome<node::HomeLock> lock_home(Context& context) {
  const auto deadline = context.loop.clock().now() + k_lock_wait_max;
  while (true) {
    VIVIM_TRY(auto lock, node::HomeLock::take(context.home));
    if (lock) {
      return std::move(*lock);
    }
    if (node::NodeFile::read(context.home) || context.loop.clock().now() > deadline) {
      return std::unexpected(node::home_in_use(context.home, node::HomeLock::holder(context.home)));
    }
    context.loop.run(rt::sleep_for(context.loop, k_lock_poll));
  }
}

Outcome<node::Config> load_config(const node::HomePaths& home) {
  VIVIM_TRY(const auto text, node::read_private(home.config()));
  if (text) {
    return node::parse_config(*text, home.config());
  }
  VIVIM_TRYV(node::write_private(home.config(), node::default_config_text()));
  return node::default_config();
}

Outcome<node::Config> configure(const node::HomePaths& home, const RunArguments& arguments) {
  VIVIM_TRY(auto config, load_config(home));
  if (arguments.http) {
    VIVIM_TRY(config.http, node::parse_endpoint(*arguments.http, "--http"));
  }
  if (!arguments.listen.empty()) {
    config.network.listen.clear();
    config.network.listen_is_default = false;
    for (const auto& text : arguments.listen) {
      VIVIM_TRY(auto address, node::parse_listen_address(text, "--listen"));
      config.network.listen.push_back(std::move(address));
    }
  }
  config.network.perf = config.network.perf || arguments.perf;
  VIVIM_TRYV(
      node::check_network(config.network, arguments.listen.empty() ? "config.toml" : "vivim run"));
  return config;
}

/// The folder of the web app: as configured, else share/vivim/web beside the program's bin, else
/// that of a release build around it; empty when there is none.
std::string find_web(const std::string& configured) {
  namespace fs = std::filesystem;
  std::error_code error;
  const auto folder = fs::read_symlink("/proc/self/exe", error).parent_path().parent_path();
  std::vector<fs::path> places = {folder / "share/vivim/web",
                                  folder.parent_path() / "share/vivim/web"};
  if (!configured.empty()) {
    places = {configured};
  }
  for (const auto& place : places) {
    if (fs::is_regular_file(place / "index.html", error)) {
      return place.string();
    }
  }
  return {};
}

using DiskPointer = std::unique_ptr<rt::asio_::DirectoryDisk>;

Outcome<DiskPointer> open_folder(const std::string& path) {
  auto disk = rt::asio_::DirectoryDisk::open_root(path);
  if (!disk) {
    return std::unexpected(Problem::from(disk.error(), "Could not open the folder " + path,
                                         "Check its owner and free space."));
  }
  return std::move(*disk);
}

Outcome<std::string> session_token(Context& context, rt::Rng& rng) {
  return node::load_session_token(context.home, [&rng](std::string& bytes) {
    rng.fill({reinterpret_cast<std::uint8_t*>(bytes.data()), bytes.size()});
  });
}

/// Everything of a `vivim run`, from the lock to the stop.
class Runner {
 public:
  Runner(Context& context, const RunArguments& arguments)
      : context_(context), arguments_(arguments), tasks_(context.loop) {}
  Outcome<void> run();

 private:
  Outcome<node::ServeOptions> serve_options();
  Outcome<void> start();
  Outcome<void> announce();
  void stop();
  rt::Co<void> watch_signals();

  Context& context_;
  const RunArguments& arguments_;
  std::optional<node::HomeLock> lock_;
  node::Config config_;
  std::optional<Machine> machine_;
  DiskPointer web_;
  DiskPointer uploads_;
  std::unique_ptr<node::Node> node_;
  std::optional<rt::asio_::Signals> signals_;
  rt::TaskGroup tasks_;
};

rt::Co<void> Runner::watch_signals() {
  const auto first = co_await signals_->next();
  if (!first) {
    co_return;
  }
  node_->request_stop();
  if (co_await signals_->next()) {
    ::_exit(130);  // asked twice: at once; what was acknowledged is on the disk
  }
}

Outcome<node::ServeOptions> Runner::serve_options() {
  node::ServeOptions options{
      .http = config_.http, .network = config_.network, .names = config_.names};
  VIVIM_TRY(options.token, session_token(context_, machine_->rng));
  const auto web = find_web(config_.web);
  if (!web.empty()) {
    VIVIM_TRY(web_, open_folder(web));
    options.web = web_.get();
  } else {
    log::write(log::Level::warning, "node", "the web app is not built: only the API is served");
  }
  options.uploads_path = context_.home.temporary();
  VIVIM_TRY(uploads_, open_folder(options.uploads_path));
  options.uploads = uploads_.get();
  return options;
}

/// Says once where everything is; the token is for the person who started the node.
Outcome<void> Runner::announce() {
  const node::NodeFile file{.pid = ::getpid(), .http = node_->http(), .peer_id = node_->peer_id()};
  VIVIM_TRY(const auto token, session_token(context_, machine_->rng));
  VIVIM_TRYV(file.write(context_.home));
  const std::string url = node_->http() + "?token=" + token;
  if (context_.common.json) {
    boost::json::array listen;
    for (const auto& address : node_->listen_addresses()) {
      listen.emplace_back(address);
    }
    print_json(boost::json::object{{"http", node_->http()},
                                   {"url", url},
                                   {"peer_id", node_->peer_id()},
                                   {"listen", std::move(listen)},
                                   {"pid", ::getpid()}});
  } else if (!arguments_.quiet) {
    std::string text = "VIVIM " VIVIM_VERSION " runs on " + context_.home.root + "\n\n  Open     " +
                       styled(context_.out, Style::bold, url) + "\n  Peer id  " + node_->peer_id() +
                       "\n";
    for (const auto& address : node_->listen_addresses()) {
      text += "  Listens  " + address + "\n";
    }
    print(text + "\nStop it with Ctrl-C, or from elsewhere with: vivim stop\n");
  }
  std::fflush(stdout);
  return {};
}

Outcome<void> Runner::start() {
  auto& loop = context_.loop;
  node::NodeOptions options{.home = context_.home,
                            .version = VIVIM_VERSION,
                            .limits = node::limits_of(this_machine(), config_.network)};
  VIVIM_TRY(options.secrets, node::read_secrets(config_.network, context_.home.root));
  auto opened = loop.run(node::Node::open(machine_->world(), std::move(options)));
  if (!opened) {
    return std::unexpected(std::move(opened).error());
  }
  node_ = std::move(*opened);
  VIVIM_TRY(auto serving, serve_options());
  return loop.run(node_->serve(std::move(serving)));
}

void Runner::stop() {
  node::NodeFile::remove(context_.home);
  ::alarm(k_stop_seconds_max);
  if (node_) {
    context_.loop.run(node_->stop());
  }
  if (signals_) {
    signals_->cancel();
  }
  context_.loop.run(tasks_.stop());
  ::alarm(0);
}

Outcome<void> Runner::run() {
  VIVIM_TRYV(node::make_home(context_.home));
  VIVIM_TRY(lock_, lock_home(context_));
  VIVIM_TRY(config_, configure(context_.home, arguments_));
  log_to(context_.home.log(), config_.log_level,
         arguments_.quiet ? log::Level::error : log::Level::warning, context_.loop.clock());
  raise_file_limit();
  std::signal(SIGPIPE, SIG_IGN);  // whoever reads the log may leave
  if (!config_.http.ip.is_loopback()) {
    log::write(log::Level::warning, "node",
               "the web app can be reached from other machines, without encryption",
               {{"http", config_.http.to_string()}});
  }
  machine_.emplace(context_.loop);
  auto outcome = start();
  if (outcome) {
    signals_.emplace(context_.loop, stop_signals());
    tasks_.spawn("signals", watch_signals());
    outcome = announce();
  }
  if (outcome) {
    log::write(log::Level::info, "node", "started", {{"http", node_->http()}});
    context_.loop.run(node_->wait_stop_requested());
    log::write(log::Level::info, "node", "stopping");
  }
  stop();
  log::write(log::Level::info, "node", "stopped");
  log_to_terminal();
  return outcome;
}

}  // namespace

Outcome<void> execute(Context& context, const RunArguments& arguments) {
  return Runner(context, arguments).run();
}

Outcome<void> execute(Context& context, const InitArguments&) {
  VIVIM_TRYV(node::make_home(context.home));
  VIVIM_TRY(const auto lock, lock_home(context));
  VIVIM_TRYV(load_config(context.home));
  Machine machine(context.loop);
  VIVIM_TRYV(session_token(context, machine.rng));
  node::NodeOptions options{.home = context.home, .version = VIVIM_VERSION};
  auto opened = context.loop.run(node::Node::open(machine.world(), std::move(options)));
  if (!opened) {
    return std::unexpected(std::move(opened).error());
  }
  const std::string peer_id = (*opened)->peer_id();
  context.loop.run((*opened)->stop());
  if (context.common.json) {
    print_json(boost::json::object{{"home", context.home.root}, {"peer_id", peer_id}});
  } else {
    print("The home " + context.home.root + " is ready.\nPeer id: " + peer_id +
          "\nNext: vivim import FILE, or vivim run\n");
  }
  return {};
}

}  // namespace vivim::cli
