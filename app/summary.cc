#include "app/summary.h"

#include <sys/resource.h>

#include <cerrno>
#include <fstream>
#include <nlohmann/json.hpp>

namespace longhaul::app {
namespace {

double seconds_of(const timeval& time) {
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
}

}  // namespace

std::string summary_json(const std::vector<FlowSnapshot>& flows, double seconds) {
  using Json = nlohmann::ordered_json;
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  Json summary;
  summary["version"] = 1;
  summary["process"] = {{"seconds", seconds},
                        {"cpu_seconds", seconds_of(usage.ru_utime) + seconds_of(usage.ru_stime)},
                        {"peak_memory_bytes", usage.ru_maxrss * 1024}};
  summary["flows"] = Json::array();
  for (const auto& flow : flows) {
    const auto& status = flow.status;
    Json stopped = Json::array();
    for (const auto& one : status.stopped) {
      stopped.push_back({{"topic", one.source.topic},
                         {"partition", one.source.partition.value()},
                         {"offset", one.stop.source_offset.value()},
                         {"reason", std::string(replicator::describe(one.stop.reason))},
                         {"detail", one.stop.detail}});
    }
    Json one = {{"flow", flow.name},
                {"topics", flow.topics},
                {"partitions", status.partitions},
                {"records", status.records},
                {"batches", status.batches},
                {"bytes", status.bytes},
                {"batches_passed_through", status.batches - status.batches_reencoded},
                {"batches_reencoded", status.batches_reencoded},
                {"records_reencoded", status.records_reencoded},
                {"corrupt_batches_skipped", status.corrupt_batches_skipped},
                {"lost_offsets", status.lost_offsets},
                {"retries", status.retries},
                {"lag_records", status.lag},
                {"missing_topics", status.missing_topics},
                {"stopped_partitions", stopped}};
    if (!flow.failure.empty()) one["failure"] = flow.failure;
    summary["flows"].push_back(std::move(one));
  }
  return summary.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

Result<void> write_summary(const std::string& file, const std::vector<FlowSnapshot>& flows, double seconds) {
  std::ofstream out(file, std::ios::trunc);
  out << summary_json(flows, seconds);
  out.close();
  if (!out)
    return fail(ErrorCode(errno, boost::system::system_category()), "cannot write summary '{}'", file);
  return {};
}

}  // namespace longhaul::app
