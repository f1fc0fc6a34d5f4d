#include "sandbox/control.h"

#include <algorithm>
#include <charconv>
#include <map>
#include <optional>
#include <vector>

#include "protocol/error_code.h"
#include "sandbox/cluster.h"

namespace longhaul::sandbox {
namespace {

using protocol::KafkaErrc;

std::string_view next_word(std::string_view& text) {
  const auto begin = text.find_first_not_of(" \t\r\n");
  text.remove_prefix(begin == std::string_view::npos ? text.size() : begin);
  const auto word = text.substr(0, text.find_first_of(" \t\r\n"));
  text.remove_prefix(word.size());
  return word;
}

/// The words `name=value` behind a command.
class Words {
 public:
  [[nodiscard]] static Result<Words> parse(std::string_view text) {
    Words words;
    for (auto word = next_word(text); !word.empty(); word = next_word(text)) {
      const auto equals = word.find('=');
      if (equals == std::string_view::npos) {
        return fail(KafkaErrc::invalid_request, "{}: name=value is wanted", word);
      }
      words.values_.emplace(word.substr(0, equals), word.substr(equals + 1));
    }
    return words;
  }

  [[nodiscard]] Result<std::string> text(const std::string& name) {
    const auto found = values_.extract(name);
    if (found.empty()) return fail(KafkaErrc::invalid_request, "{}= is missing", name);
    return found.mapped();
  }
  [[nodiscard]] Result<std::int32_t> number(const std::string& name) {
    LH_TRY(const auto value, text(name));
    std::int32_t number = 0;
    const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), number);
    if (error != std::errc{} || end != value.data() + value.size()) {
      return fail(KafkaErrc::invalid_request, "{}={}: a number is wanted", name, value);
    }
    return number;
  }
  [[nodiscard]] Result<std::int64_t> offset(const std::string& name) {
    LH_TRY(const auto value, text(name));
    std::int64_t number = 0;
    const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), number);
    if (error != std::errc{} || end != value.data() + value.size() || number < 0) {
      return fail(KafkaErrc::invalid_request, "{}={}: an offset is wanted", name, value);
    }
    return number;
  }
  /// Broker ids between commas.
  [[nodiscard]] Result<std::vector<BrokerId>> brokers(const std::string& name) {
    LH_TRY(const auto value, text(name));
    std::vector<BrokerId> ids;
    std::string_view rest = value;
    while (!rest.empty()) {
      std::int32_t number = 0;
      const auto [end, error] = std::from_chars(rest.data(), rest.data() + rest.size(), number);
      if (error != std::errc{} || (end != rest.data() + rest.size() && *end != ',')) {
        return fail(KafkaErrc::invalid_request, "{}={}: broker ids are wanted, such as 1,2", name, value);
      }
      ids.emplace_back(number);
      rest.remove_prefix(std::min(rest.size(), static_cast<std::size_t>(end - rest.data()) + 1));
    }
    return ids;
  }
  /// Everything that is left, in no particular order.
  [[nodiscard]] const std::map<std::string, std::string>& rest() const { return values_; }
  [[nodiscard]] bool has(const std::string& name) const { return values_.contains(name); }
  /// An error for words that no command knows.
  [[nodiscard]] Result<void> end() const {
    if (values_.empty()) return {};
    return fail(KafkaErrc::invalid_request, "{}: no such word here", values_.begin()->first);
  }

 private:
  std::map<std::string, std::string> values_;
};

Result<std::string> move_leader(Cluster& cluster, Words words, Now now) {
  LH_TRY(const auto topic, words.text("topic"));
  LH_TRY(const auto partition, words.number("partition"));
  LH_TRY(const auto broker, words.number("broker"));
  LH_TRY_VOID(words.end());
  LH_TRY_VOID(cluster.move_leader(topic, PartitionIndex(partition), BrokerId(broker), now));
  return fmt::format("broker {} leads {}-{}", broker, topic, partition);
}

Result<std::string> set_broker(Cluster& cluster, Words words, Now now) {
  LH_TRY(const auto broker, words.number("id"));
  LH_TRY(const auto state, words.text("state"));
  LH_TRY_VOID(words.end());
  if (state != "up" && state != "down") {
    return fail(KafkaErrc::invalid_request, "state={}: up or down is wanted", state);
  }
  LH_TRY_VOID(cluster.set_broker_up(BrokerId(broker), state == "up", now));
  return fmt::format("broker {} is {}", broker, state);
}

Result<std::string> create_topic(Cluster& cluster, Words words) {
  LH_TRY(const auto name, words.text("name"));
  std::int32_t partitions = -1;
  if (words.has("partitions")) {
    LH_TRY(partitions, words.number("partitions"));
  }
  std::int32_t replicas = -1;
  if (words.has("replicas")) {
    LH_TRY(replicas, words.number("replicas"));
  }
  // Whatever else is said is a configuration, and refused as Kafka refuses it.
  const TopicConfig::Values configs(words.rest().begin(), words.rest().end());
  LH_TRY_VOID(cluster.create_topic(name, partitions, static_cast<std::int16_t>(replicas), configs));
  return fmt::format("created {}", name);
}

Result<std::string> delete_data(Cluster& cluster, Words words, Now now) {
  LH_TRY(const auto topic, words.text("topic"));
  if (!words.has("partition")) {
    LH_TRY_VOID(words.end());
    LH_TRY_VOID(cluster.delete_topic(topic, now));
    return fmt::format("deleted {}", topic);
  }
  LH_TRY(const auto partition, words.number("partition"));
  LH_TRY(const auto before, words.offset("before"));
  LH_TRY_VOID(words.end());
  LH_TRY_VOID(cluster.delete_records(topic, PartitionIndex(partition), before, now));
  return fmt::format("{}-{} begins at {}", topic, partition, before);
}

Result<std::string> set_in_sync(Cluster& cluster, Words words, Now now) {
  LH_TRY(const auto topic, words.text("topic"));
  LH_TRY(const auto partition, words.number("partition"));
  LH_TRY(const auto brokers, words.brokers("brokers"));
  LH_TRY_VOID(words.end());
  LH_TRY_VOID(cluster.set_in_sync(topic, PartitionIndex(partition), brokers, now));
  return fmt::format("{} replicas of {}-{} are in sync", brokers.size(), topic, partition);
}

Result<std::string> lose(Cluster& cluster, Words words, Now now) {
  LH_TRY(const auto topic, words.text("topic"));
  LH_TRY(const auto partition, words.number("partition"));
  LH_TRY(const auto from, words.offset("from"));
  std::optional<BrokerId> broker;
  if (words.has("broker")) {
    LH_TRY(const auto id, words.number("broker"));
    broker = BrokerId(id);
  }
  LH_TRY_VOID(words.end());
  LH_TRY(const auto end, cluster.elect_unclean(topic, PartitionIndex(partition), from, broker, now));
  return fmt::format("{}-{} ends at {}", topic, partition, end);
}

Result<std::string> compact(Cluster& cluster, Words words, Now now) {
  LH_TRY(const auto topic, words.text("topic"));
  LH_TRY(const auto partition, words.number("partition"));
  LH_TRY_VOID(words.end());
  LH_TRY(const auto removed, cluster.compact(topic, PartitionIndex(partition), now));
  return fmt::format("{} records went from {}-{}", removed, topic, partition);
}

Result<std::string> move_coordinators(Cluster& cluster, Words words, Now now) {
  std::int32_t loading = 0;
  if (words.has("loading_ms")) {
    LH_TRY(loading, words.number("loading_ms"));
  }
  LH_TRY_VOID(words.end());
  cluster.move_coordinators(milliseconds(loading), now);
  return std::string("coordinators have moved");
}

Result<std::string> set_options(Cluster& cluster, const Words& words, Now now) {
  for (const auto& [name, value] : words.rest()) {
    LH_TRY_VOID(cluster.set_option(name, value, now));
  }
  return fmt::format("{} options are set", words.rest().size());
}

Result<std::string> use_up_epochs(Cluster& cluster, Words words) {
  LH_TRY(const auto id, words.text("id"));
  LH_TRY_VOID(words.end());
  LH_TRY_VOID(cluster.use_up_epochs(id));
  return fmt::format("{} has its last epoch", id);
}

std::string status(Cluster& cluster) {
  std::string text;
  for (const auto& name : cluster.topics()) {
    for (std::int32_t i = 0;; ++i) {
      const auto state = cluster.partition(name, PartitionIndex(i));
      if (!state) break;
      text += fmt::format("partition {}-{} start={} end={} leader={} epoch={} bytes={}\n", name, i,
                          state->start_offset, state->end_offset, state->leader, state->leader_epoch,
                          state->bytes);
    }
  }
  for (const auto& id : cluster.transactional_ids()) {
    const auto state = *cluster.transaction(id);
    text += fmt::format("transaction {} producer={} epoch={} state={} partitions={}\n", id, state.producer_id,
                        state.producer_epoch, state.state, state.partitions);
  }
  for (const auto& [id, state] : cluster.faults().rules()) {
    text += fmt::format("fault {} {} matched={} injected={}\n", id, state.rule.to_string(), state.matched,
                        state.injected);
  }
  for (const auto action : {FaultAction::disconnect, FaultAction::stall, FaultAction::delay,
                            FaultAction::error, FaultAction::truncate, FaultAction::garbage}) {
    text += fmt::format("injected {}={}\n", name_of(action), cluster.faults().injected(action));
  }
  return text;
}

}  // namespace

Result<std::string> run_control(Cluster& cluster, std::string_view line, Now now) {
  const auto command = next_word(line);
  if (command.empty() || command.starts_with('#')) return std::string();
  if (command == "fault") {
    LH_TRY(auto rule, FaultRule::parse(line));
    return fmt::format("fault {}", cluster.faults().add(std::move(rule)));
  }
  LH_TRY(auto words, Words::parse(line));
  if (command == "clear") {
    if (!words.has("fault")) {
      LH_TRY_VOID(words.end());
      cluster.faults().clear();
      return std::string("no faults");
    }
    LH_TRY(const auto id, words.number("fault"));
    LH_TRY_VOID(words.end());
    if (id < 0 || !cluster.faults().remove(static_cast<Faults::RuleId>(id))) {
      return fail(KafkaErrc::invalid_request, "there is no fault {}", id);
    }
    return fmt::format("no fault {}", id);
  }
  if (command == "leader") return move_leader(cluster, std::move(words), now);
  if (command == "broker") return set_broker(cluster, std::move(words), now);
  if (command == "topic") return create_topic(cluster, std::move(words));
  if (command == "status") return status(cluster);
  if (command == "delete") return delete_data(cluster, std::move(words), now);
  if (command == "isr") return set_in_sync(cluster, std::move(words), now);
  if (command == "lose") return lose(cluster, std::move(words), now);
  if (command == "compact") return compact(cluster, std::move(words), now);
  if (command == "coordinators") return move_coordinators(cluster, std::move(words), now);
  if (command == "set") return set_options(cluster, words, now);
  if (command == "epochs") return use_up_epochs(cluster, std::move(words));
  return fail(
      KafkaErrc::invalid_request,
      "{}: broker, clear, compact, coordinators, delete, epochs, fault, isr, leader, lose, set, status "
      "or topic is wanted",
      command);
}

}  // namespace longhaul::sandbox
