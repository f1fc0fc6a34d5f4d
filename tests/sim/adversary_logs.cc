// The part of Adversary that takes records away: cleaners, retention, unclean elections.

#include "tests/sim/adversary.h"
#include "tests/sim/logs.h"

namespace longhaul::sim {

void Adversary::clean() {
  auto& site = some_site();
  for (const auto& topic : site.cluster->topics()) {
    // Remote topics keep everything, so that it can be seen whether everything came.
    const bool is_remote = topic.starts_with("A.");
    for (std::int32_t i = 0; !is_remote && site.cluster->partition(topic, PartitionIndex(i)); ++i) {
      if (site.cluster->compact(topic, PartitionIndex(i), net_.now(site)).value_or(0) > 0)
        ++tally_["log compacted"];
    }
  }
  trace_.event("compacted topics of {} are cleaned", site.name);
  net_.deliver(site);
}

void Adversary::delete_start() {
  auto& source = net_.site("a");
  // What is read here must not be answered wrongly on purpose.
  if (!net_.site("b").cluster->faults().rules().empty()) return;
  for (const auto& topic : plan_.topics) {
    for (std::int32_t i = 0; topic.loses_start && i <= topic.partitions; ++i) {
      const auto state = source.cluster->partition(topic.name, PartitionIndex(i));
      if (!state || state->leader < 0 || chance_.one_in(2)) continue;
      // Before the flow has begun with a partition nothing of it can be lost on the way.
      std::string problem;
      const auto target = read_log(net_, net_.site("b"), {"A." + topic.name, PartitionIndex(i)}, problem);
      if (!target || target->records.empty()) continue;
      // Mostly what was replicated long ago; sometimes all that there is.
      const auto keep = chance_.one_in(3) ? 0 : (state->end_offset - state->start_offset) / 2;
      const auto before = chance_.between(state->start_offset, state->end_offset - keep);
      if (before == state->start_offset) continue;
      if (!source.cluster->delete_records(topic.name, PartitionIndex(i), before, net_.now(source))) continue;
      ++tally_["records deleted at the source"];
      trace_.event("{}-{} begins at {}", topic.name, i, before);
    }
  }
  net_.deliver(source);
}

void Adversary::cut_source() {
  auto& source = net_.site("a");
  auto& target = net_.site("b");
  for (const auto& topic : plan_.topics) {
    for (std::int32_t i = 0; topic.loses_end && i <= topic.partitions; ++i) {
      const TopicPartition partition{topic.name, PartitionIndex(i)};
      const auto state = source.cluster->partition(topic.name, partition.partition);
      if (!state || state->leader < 0 || state->end_offset == state->start_offset || cuts_.one_in(2))
        continue;
      const auto written = writers_.oracle().records.find(partition);
      if (written == writers_.oracle().records.end()) continue;
      const auto& records = written->second;
      auto from = std::max(state->start_offset, state->end_offset - cuts_.between(1, 20));
      // Mostly what has not come to the target yet, or the partition ends here.
      if (!cuts_.one_in(8)) {
        // Markers count as records here, so that more may have come than is thought, but not less.
        const auto there = target.cluster->partition("A." + topic.name, partition.partition);
        const auto held = there ? static_cast<std::size_t>(there->end_offset) : 0;
        if (held >= records.size()) continue;
        from = std::max(from, records[held].offset);
      }
      const auto end = source.cluster->elect_unclean(topic.name, partition.partition, from, std::nullopt,
                                                     net_.now(source));
      if (!end) continue;
      ++tally_["source lost its tail"];
      trace_.event("{} of a ends at {} instead of {}", partition, *end, state->end_offset);
      writers_.cut(partition, *end, state->end_offset);
    }
  }
  net_.deliver(source);
}

void Adversary::lose_tails() {
  auto& target = net_.site("b");
  // What is read here must not be answered wrongly on purpose.
  if (!target.cluster->faults().rules().empty()) return;
  for (const auto& topic : plan_.topics) {
    const auto remote = "A." + topic.name;
    for (std::int32_t i = 0; i <= topic.partitions; ++i) {
      const auto state = target.cluster->partition(remote, PartitionIndex(i));
      if (!state || state->leader < 0 || losses_.one_in(2)) continue;
      std::string problem;
      const auto log = read_log(net_, target, {remote, PartitionIndex(i)}, problem);
      // With our marker the target would lose what it knows of our producer, and take whatever comes.
      if (!log || log->last_marker + 1 >= log->end) continue;
      const auto from = std::max(log->last_marker + 1, log->end - losses_.between(1, 20));
      const auto end =
          target.cluster->elect_unclean(remote, PartitionIndex(i), from, std::nullopt, net_.now(target));
      if (!end) continue;
      ++tally_["target lost its tail"];
      trace_.event("{}-{} of b ends at {} instead of {}", remote, i, *end, state->end_offset);
    }
  }
  net_.deliver(target);
}

}  // namespace longhaul::sim
