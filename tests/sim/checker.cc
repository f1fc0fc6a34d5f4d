#include "tests/sim/checker.h"

#include <algorithm>
#include <iterator>
#include <set>

#include "replicator/stored_position.h"
#include "tests/sim/logs.h"

namespace longhaul::sim {
namespace {

using replicator::MapSegment;

std::string identity(const Record& record) {
  return record.key.value_or("\x01null") + "\x02" + record.value.value_or("\x01null");
}

/// What is the matter where `found` leaves `expected`; empty when they are the same.
std::string compare(const std::vector<Record>& expected, const std::vector<Record>& found) {
  const auto both = std::min(expected.size(), found.size());
  std::size_t at = 0;
  while (at < both && expected[at].same_content(found[at])) ++at;
  if (at == expected.size() && at == found.size()) return {};
  std::set<std::string> before;
  for (std::size_t i = 0; i < at; ++i) before.insert(identity(expected[i]));
  std::set<std::string> all;
  for (const auto& record : expected) all.insert(identity(record));
  const auto counts = fmt::format("{} expected, {} found; record {}: ", expected.size(), found.size(), at);
  if (at == found.size()) return counts + "LOST, or not replicated yet: " + expected[at].to_string();
  if (before.contains(identity(found[at]))) return counts + "DUPLICATE " + found[at].to_string();
  if (!all.contains(identity(found[at]))) return counts + "UNKNOWN " + found[at].to_string();
  if (at == expected.size()) return counts + "MORE THAN WRITTEN " + found[at].to_string();
  if (identity(found[at]) == identity(expected[at])) {
    return counts + "CHANGED " + expected[at].to_string() + " to " + found[at].to_string();
  }
  std::set<std::string> rest;
  for (std::size_t i = at; i < found.size(); ++i) rest.insert(identity(found[i]));
  return counts + (rest.contains(identity(expected[at])) ? "OUT OF ORDER " : "LOST ") +
         expected[at].to_string() + " instead of " + found[at].to_string();
}

/// Each partition that the source has.
std::vector<TopicPartition> partitions(SimNet& net, const WorldPlan& plan) {
  std::vector<TopicPartition> all;
  for (const auto& topic : plan.topics) {
    for (std::int32_t i = 0; net.site("a").cluster->partition(topic.name, PartitionIndex(i)); ++i)
      all.push_back({topic.name, PartitionIndex(i)});
  }
  return all;
}

const TopicPlan& topic_of(const WorldPlan& plan, const TopicPartition& partition) {
  const auto found = std::ranges::find(plan.topics, partition.topic, &TopicPlan::name);
  LH_CHECK(found != plan.topics.end());
  return *found;
}

/// Whether the source may lack records that the target has.
bool forgets(const TopicPlan& topic) {
  return topic.is_compacted || topic.loses_start;
}

/// The source as the flow has to read it.
std::optional<Log> read_source(SimNet& net, const WorldPlan& plan, const TopicPartition& partition,
                               std::string& problem) {
  const bool committed = plan.instance.isolation == protocol::IsolationLevel::read_committed;
  return read_log(net, net.site("a"), partition, problem, committed ? Reads::committed : Reads::uncommitted);
}

TopicPartition target_of(const TopicPartition& source) {
  return {"A." + source.topic, source.partition};
}

struct Tables {
  std::map<TopicPartition, replicator::StoredPosition> positions;
  std::map<TopicPartition, std::map<std::int64_t, MapSegment>> segments;
  std::map<TopicPartition, std::int64_t> mm2;
};

Tables read_tables(SimNet& net, std::vector<std::string>& problems) {
  Tables tables;
  auto& target = net.site("b");
  std::string problem;
  for (const auto& [key, value] : read_table(net, target, "mm2-longhaul.A.internal", problem)) {
    const auto parsed = replicator::parse_state_key("A", key);
    if (!parsed || !*parsed) {
      problems.push_back("a state key cannot be read: " + key);
    } else if ((*parsed)->kind == replicator::StateKey::Kind::position) {
      auto position = replicator::parse_position(value);
      if (!position) problems.push_back("a position cannot be read: " + value);
      if (position) tables.positions[(*parsed)->source] = *std::move(position);
    } else {
      auto segment = replicator::parse_segment((*parsed)->segment, value);
      if (!segment) problems.push_back("a segment cannot be read: " + value);
      if (segment) tables.segments[(*parsed)->source][(*parsed)->segment] = *std::move(segment);
    }
  }
  for (const auto& [key, value] : read_table(net, target, "mm2-offsets.A.internal", problem)) {
    const auto source = replicator::parse_mm2_offset_key("MirrorSourceConnector", "A", key);
    const auto offset = replicator::parse_mm2_offset_value(value);
    if (source && offset) tables.mm2[*source] = *offset;
  }
  if (!problem.empty()) problems.push_back(problem);
  return tables;
}

/// Whether the target holds a log that the source has had, and something of what was cut off it.
bool is_of_former_life(const Life& life, const std::vector<Record>& target) {
  if (target.size() > life.records.size()) return false;
  const bool same = std::equal(target.begin(), target.end(), life.records.begin(),
                               [](const Record& a, const Record& b) { return a.same_content(b); });
  const auto lost =
      std::ranges::count_if(life.records, [&](const Record& r) { return r.offset >= life.cut; });
  const auto left = std::ssize(life.records) - lost;
  if (std::ssize(target) > left) return same;
  // Offsets without a record for the target, of markers for example, were read too.
  return same && std::ssize(target) == left && life.end - life.cut > lost;
}

/// The first record that was written, is not on the target and was not reported as lost.
std::string silent_loss(const std::vector<Record>& written, const std::set<std::int64_t>& there,
                        const std::vector<LostRange>& losses) {
  for (const auto& record : written) {
    const bool told = std::ranges::any_of(losses, [&](const LostRange& range) {
      return record.offset >= range.from && record.offset <= range.to;
    });
    if (!told && !there.contains(record.offset)) return "LOST WITHOUT A WORD: " + record.to_string();
  }
  return {};
}

using Pairs = std::vector<std::pair<std::int64_t, std::int64_t>>;

/// Of a topic that forgets the target holds what was there when it was read: some of what was written, each
/// once and in order, and at least what the source still holds. Fills `pairs` with the offsets of what is the
/// same.
std::string compare_remembered(const std::vector<Record>& written, const std::vector<Record>& source,
                               const std::vector<Record>& target, Pairs& pairs) {
  std::set<std::int64_t> there;
  std::size_t at = 0;
  for (const auto& record : target) {
    const auto before = at;
    while (at < written.size() && !written[at].same_content(record)) ++at;
    if (at == written.size()) {
      const bool known = std::any_of(written.begin(), written.begin() + static_cast<std::ptrdiff_t>(before),
                                     [&](const Record& one) { return one.same_content(record); });
      return (known ? "DUPLICATE, or out of order: " : "UNKNOWN ") + record.to_string();
    }
    there.insert(written[at].offset);
    pairs.emplace_back(written[at++].offset, record.offset);
  }
  for (const auto& record : source) {
    if (!there.contains(record.offset)) return "LOST, or not replicated yet: " + record.to_string();
  }
  return {};
}

/// Leaves out pairs of records that the source has forgotten, where the map does not have them either: a
/// successor could not know which they were.
void leave_out_forgotten(Pairs& pairs, const std::vector<Record>& source,
                         const std::map<std::int64_t, MapSegment>& segments) {
  std::set<std::int64_t> known;
  for (const auto& record : source) known.insert(record.offset);
  for (const auto& [number, segment] : segments) {
    for (const auto& run : segment.runs) {
      for (std::int64_t i = 0; i < run.records; ++i) known.insert(run.source.value() + i);
    }
  }
  std::erase_if(pairs, [&](const auto& pair) { return !known.contains(pair.first); });
}

/// Holds the stored map against the pairs that the two logs show.
std::string compare_map(const Pairs& pairs, const std::map<std::int64_t, MapSegment>& segments) {
  Pairs mapped;
  for (const auto& [number, segment] : segments) {
    for (const auto& run : segment.runs) {
      for (std::int64_t i = 0; i < run.records; ++i)
        mapped.emplace_back(run.source.value() + i, run.target.value() + i);
    }
  }
  for (std::size_t i = 0; i < std::min(pairs.size(), mapped.size()); ++i) {
    if (mapped[i] == pairs[i]) continue;
    return fmt::format("the map says {} -> {}, the logs {} -> {}", mapped[i].first, mapped[i].second,
                       pairs[i].first, pairs[i].second);
  }
  if (mapped.size() == pairs.size()) return {};
  const auto& more = mapped.size() > pairs.size() ? mapped : pairs;
  const auto& [source, target] = more[std::min(mapped.size(), pairs.size())];
  return fmt::format("the map has {} records, the log {}; the first behind is {} -> {}", mapped.size(),
                     pairs.size(), source, target);
}

std::string check_position(const Tables& tables, const TopicPartition& partition, const Log& source,
                           const Log& target, Pairs pairs, bool may_forget) {
  const auto found = tables.positions.find(partition);
  if (source.end == 0) return {};  // it may have been made just now
  if (found == tables.positions.end()) return "has no stored position";
  const auto& stored = found->second;
  const auto& progress = stored.progress;
  if (!stored.drained) return "its stored position is not drained";
  if (progress.source_offset.value() != source.end) {
    return fmt::format("its stored source offset is {}, the log ends at {}", progress.source_offset,
                       source.end);
  }
  const auto last = target.records.empty() ? -1 : target.records.back().offset;
  if (last >= 0 && (progress.target_offset.value() <= last || progress.target_offset.value() > target.end)) {
    return fmt::format("its stored target offset is {}, the last record is at {}, the log ends at {}",
                       progress.target_offset, last, target.end);
  }
  const auto mm2 = tables.mm2.find(partition);
  if (mm2 == tables.mm2.end() || mm2->second != source.end - 1) {
    return fmt::format("MM2's record says {}, the last source offset is {}",
                       mm2 == tables.mm2.end() ? -1 : mm2->second, source.end - 1);
  }
  const auto segments = tables.segments.find(partition);
  static const std::map<std::int64_t, MapSegment> kNone;
  const auto& stored_map = segments == tables.segments.end() ? kNone : segments->second;
  if (may_forget) leave_out_forgotten(pairs, source.records, stored_map);
  return compare_map(pairs, stored_map);
}

}  // namespace

std::vector<std::string> open_transactions(SimNet& net) {
  std::vector<std::string> open;
  auto& site = net.site("b");
  for (const auto& topic : site.cluster->topics()) {
    for (std::int32_t i = 0; site.cluster->partition(topic, PartitionIndex(i)); ++i) {
      std::string problem;
      const TopicPartition partition{topic, PartitionIndex(i)};
      const auto all = read_log(net, site, partition, problem);
      const auto committed = read_log(net, site, partition, problem, Reads::committed);
      if (!all || !committed || all->end == committed->end) continue;
      open.push_back(fmt::format("{} ends at {}, but a transaction is open from {} on", partition, all->end,
                                 committed->end));
    }
  }
  return open;
}

std::vector<std::string> check_logs(SimNet& net, const WorldPlan& plan, const Oracle& oracle,
                                    const Told& told) {
  std::vector<std::string> problems;
  static const std::vector<Record> kNone;
  for (const auto& partition : partitions(net, plan)) {
    const auto found = oracle.records.find(partition);
    const auto& written = found == oracle.records.end() ? kNone : found->second;
    std::string problem;
    const auto all = read_log(net, net.site("a"), partition, problem);
    const auto source = read_source(net, plan, partition, problem);
    const auto target = read_log(net, net.site("b"), target_of(partition), problem, Reads::committed);
    if (!all || !source || !target) {
      problems.push_back(problem);
      continue;
    }
    const auto& topic = topic_of(plan, partition);
    std::vector<Record> left;
    std::ranges::copy_if(written, std::back_inserter(left),
                         [&](const Record& record) { return record.offset >= all->start; });
    if (auto wrong = topic.is_compacted ? std::string() : compare(left, all->records); !wrong.empty())
      problems.push_back(fmt::format("the simulator is wrong about source {}: {}", partition, wrong));
    Pairs pairs;
    auto wrong = forgets(topic) ? compare_remembered(written, source->records, target->records, pairs)
                                : compare(source->records, target->records);
    if (wrong.empty() && topic.loses_start) {
      std::set<std::int64_t> there;
      for (const auto& pair : pairs) there.insert(pair.first);
      const auto losses = told.losses.find(partition);
      wrong = silent_loss(written, there,
                          losses == told.losses.end() ? std::vector<LostRange>() : losses->second);
    }
    if (told.stopped.contains(partition))
      wrong = is_lost_cause(net, oracle, partition) ? "" : "STOPPED: " + wrong;
    if (!wrong.empty()) problems.push_back(fmt::format("{}: {}", partition, wrong));
  }
  return problems;
}

std::vector<std::string> check_state(SimNet& net, const WorldPlan& plan, const Oracle& oracle,
                                     const Told& told) {
  std::vector<std::string> problems;
  const auto tables = read_tables(net, problems);
  std::ranges::copy(open_transactions(net), std::back_inserter(problems));
  for (const auto& partition : partitions(net, plan)) {
    if (told.stopped.contains(partition)) continue;
    std::string problem;
    const auto source = read_source(net, plan, partition, problem);
    const auto target = read_log(net, net.site("b"), target_of(partition), problem, Reads::committed);
    if (!source || !target) continue;  // told by check_logs()
    Pairs pairs;
    const bool may_forget = forgets(topic_of(plan, partition));
    if (may_forget) {
      const auto written = oracle.records.find(partition);
      if (written != oracle.records.end())
        (void)compare_remembered(written->second, source->records, target->records, pairs);
    } else {
      for (std::size_t i = 0; i < std::min(source->records.size(), target->records.size()); ++i)
        pairs.emplace_back(source->records[i].offset, target->records[i].offset);
    }
    if (auto wrong = check_position(tables, partition, *source, *target, std::move(pairs), may_forget);
        !wrong.empty())
      problems.push_back(fmt::format("{}: {}", partition, wrong));
  }
  return problems;
}

std::vector<std::string> check_aborts(SimNet& net, const WorldPlan& plan) {
  std::vector<std::string> problems;
  const auto& cluster = *net.site("b").cluster;
  // Two that take an id from each other meet what the other one has open.
  const bool one_writer = plan.has_one_writer();
  // Where the target was seen to have lost what it had, all of a transaction is given up.
  if (plan.target_loses_tails) return problems;
  for (const auto& partition : partitions(net, plan)) {
    std::string problem;
    const auto target = read_log(net, net.site("b"), target_of(partition), problem, Reads::committed);
    if (!target) continue;  // told by check_logs()
    for (const auto& producer : target->aborted) {
      const bool excused = cluster.aborted_by_mistake().contains(producer) ||
                           (!one_writer && cluster.aborted_by_successor().contains(producer));
      if (!excused) {
        problems.push_back(
            fmt::format("{}: holds ABORTED records in front of the marker of producer id {}, epoch {}",
                        partition, producer.first, producer.second));
      }
    }
  }
  return problems;
}

bool is_lost_cause(SimNet& net, const Oracle& oracle, const TopicPartition& partition) {
  const auto lives = oracle.lives.find(partition);
  if (lives == oracle.lives.end()) return false;
  std::string problem;
  const auto target = read_log(net, net.site("b"), target_of(partition), problem, Reads::committed);
  return target && std::ranges::any_of(lives->second, [&](const Life& life) {
           return is_of_former_life(life, target->records);
         });
}

bool target_is_long_enough(SimNet& net, const WorldPlan& plan, const Told& told) {
  for (const auto& partition : partitions(net, plan)) {
    if (told.stopped.contains(partition)) continue;
    const auto target = target_of(partition);
    const auto state = net.site("b").cluster->partition(target.topic, target.partition);
    std::string problem;
    const auto source = read_source(net, plan, partition, problem);
    if (!state || !source || state->end_offset < std::ssize(source->records)) return false;
  }
  return true;
}

}  // namespace longhaul::sim
