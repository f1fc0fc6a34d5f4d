#include "net/io_threads.h"

#include <pthread.h>
#include <sched.h>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <thread>
#include <utility>

#include "base/check.h"
#include "net/tcp.h"

namespace longhaul::net {
namespace {

/// Binds the calling thread to the CPU at position `index` among those the process may use. Best effort.
void pin_to_cpu(std::size_t index) {
  cpu_set_t allowed;
  CPU_ZERO(&allowed);
  if (sched_getaffinity(0, sizeof allowed, &allowed) != 0) return;
  const auto count = static_cast<std::size_t>(CPU_COUNT(&allowed));
  if (count == 0) return;
  auto skip = index % count;
  for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
    if (!CPU_ISSET(cpu, &allowed) || skip-- > 0) continue;
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET(cpu, &one);
    pthread_setaffinity_np(pthread_self(), sizeof one, &one);
    return;
  }
}

std::uint64_t seed_or_random(std::uint64_t seed) {
  if (seed != 0) return seed;
  std::random_device device;
  return (std::uint64_t{device()} << 32) | device();
}

}  // namespace

struct IoThreads::Core {
  explicit Core(std::uint64_t seed)
      : context(1),
        work(boost::asio::make_work_guard(context)),
        time(context.get_executor()),
        connector(context.get_executor(), time),
        random(seed),
        io{context.get_executor(), time, connector, random} {}

  boost::asio::io_context context;
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work;
  SystemTime time;
  TcpConnector connector;
  Random random;
  Io io;
  std::thread thread;
};

IoThreads::IoThreads(IoThreadsOptions options) : pinning_(options.pinning) {
  LH_CHECK(options.cores > 0);
  const auto seed = seed_or_random(options.seed);
  for (std::size_t i = 0; i < options.cores; ++i) cores_.push_back(std::make_unique<Core>(seed + i));
}

IoThreads::~IoThreads() {
  stop();
  join();
}

Io& IoThreads::core(std::size_t index) {
  LH_CHECK(index < cores_.size());
  return cores_[index]->io;
}

void IoThreads::start() {
  for (std::size_t i = 0; i < cores_.size(); ++i) {
    auto& core = *cores_[i];
    LH_CHECK(!core.thread.joinable());
    core.thread = std::thread([&core, i, pinning = pinning_] {
      pthread_setname_np(pthread_self(), fmt::format("core-{}", i).c_str());
      if (pinning == Pinning::one_cpu_each) pin_to_cpu(i);
      core.context.run();
    });
  }
}

void IoThreads::post(std::size_t index, std::move_only_function<void()> work) {
  LH_CHECK(index < cores_.size());
  boost::asio::post(cores_[index]->context, std::move(work));
}

void IoThreads::stop() {
  for (const auto& core : cores_) core->context.stop();
}

void IoThreads::join() {
  for (const auto& core : cores_) {
    if (core->thread.joinable()) core->thread.join();
  }
}

const char* backend_name() {
#ifdef BOOST_ASIO_HAS_IO_URING_AS_DEFAULT
  return "io_uring";
#else
  return "epoll";
#endif
}

}  // namespace longhaul::net
