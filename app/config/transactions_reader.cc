#include "app/config/transactions_reader.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <string>
#include <utility>

#include "app/config/option_reader.h"
#include "app/config/values.h"

namespace longhaul::config {
namespace {

using std::chrono::milliseconds;

constexpr std::string_view kSupport = "exactly.once.source.support";
constexpr std::string_view kBoundary = "transaction.boundary";
constexpr std::string_view kBoundaryInterval = "transaction.boundary.interval.ms";
constexpr std::string_view kScope = "longhaul.transactions";
constexpr std::string_view kInterval = "longhaul.transaction.interval.ms";
constexpr std::string_view kTimeout = "longhaul.transaction.timeout.ms";
constexpr std::string_view kCalm = "longhaul.transaction.calm.ms";

constexpr milliseconds kLongestOnTheWire{std::numeric_limits<std::int32_t>::max()};

enum class Boundary { poll, interval, connector };

/// `A->B.transaction.boundary = poll (line 12)`
std::string named(const Setting& setting) {
  return fmt::format("{} = {} (line {})", setting.origin.key, setting.printable(), setting.origin.line);
}

class TransactionsReader {
 public:
  TransactionsReader(FlowConfig& flow, const SettingMap& connector, std::vector<Warning>& warnings)
      : flow_(flow), own_(flow.own), in_(connector, flow.effective, warnings), enabling_(find_enabling()) {}

  Result<void> run() {
    read_scope();
    read_interval();
    read_timeout();
    own_.transaction_calm = duration(kCalm, own_.transaction_calm);
    if (flow_.enabled()) advise();
    return in_.result();
  }

 private:
  /// What asks for transactions in everything: the worker's own key, or the one that guides teach.
  [[nodiscard]] const Setting* find_enabling() const {
    if (flow_.worker.exactly_once_source_support != ExactlyOnce::enabled) return nullptr;
    const auto written = flow_.worker.raw.find(kSupport);
    return written != flow_.worker.raw.end() ? &written->second : in_.setting("exactly.once.support");
  }

  void contradict(const Setting& setting, const Setting& other) {
    if (flow_.enabled()) in_.complain(refused(setting, fmt::format("contradicts {}", named(other))));
  }

  void read_scope() {
    own_.transactions = in_.choice(kScope, Transactions::backfill,
                                   {{"never", Transactions::never},
                                    {"backfill", Transactions::backfill},
                                    {"always", Transactions::always}});
    const auto* written = in_.setting(kScope);
    if (enabling_ != nullptr) {
      if (written != nullptr && own_.transactions != Transactions::always) contradict(*written, *enabling_);
      own_.transactions = Transactions::always;
      show(kScope, "always", *enabling_);
    }
    if (own_.exactly_once) return;
    const auto& off = *in_.setting("longhaul.exactly.once");
    if (own_.transactions == Transactions::always) contradict(off, enabling_ ? *enabling_ : *written);
    own_.transactions = Transactions::never;
    show(kScope, "never", off);
  }

  void read_interval() {
    const auto boundary = in_.choice(
        kBoundary, Boundary::poll,
        {{"poll", Boundary::poll}, {"interval", Boundary::interval}, {"connector", Boundary::connector}});
    const auto at_boundary = in_.millis(kBoundaryInterval, flow_.worker.offset_flush_interval, 1);
    const auto fallback = own_.transaction_interval;
    own_.transaction_interval = duration(kInterval, fallback);
    const auto* written = in_.setting(kBoundary);
    const auto* every = in_.setting(kBoundaryInterval);
    if (boundary != Boundary::interval) {
      if (written != nullptr) judge_boundary(boundary, *written);
      if (every != nullptr) {
        in_.warn(WarningKind::no_effect, *every,
                 "without effect unless transaction.boundary = interval, as in MirrorMaker 2");
      }
    } else if (in_.setting(kInterval) == nullptr) {
      own_.transaction_interval = at_boundary;
      show(kInterval, fmt::format("{}", at_boundary.count()), every != nullptr ? *every : *written);
    }
  }

  void judge_boundary(Boundary boundary, const Setting& written) {
    if (boundary == Boundary::poll) {
      in_.warn(WarningKind::differs_from_mm2, written,
               fmt::format("MirrorMaker 2 commits after each poll, which is up to max.poll.records; Longhaul "
                           "after {} ({} ms)",
                           kInterval, own_.transaction_interval.count()));
    } else if (enabling_ != nullptr && flow_.enabled()) {
      in_.complain(
          refused(written, "MirrorMaker 2's connectors define no boundaries; accepted: poll, interval"));
    } else {
      in_.warn(WarningKind::no_effect, written,
               "MirrorMaker 2's connectors define no boundaries; accepted: poll, interval");
    }
  }

  void read_timeout() {
    own_.transaction_timeout = duration(kTimeout, own_.transaction_timeout);
    const auto* written = in_.setting(kTimeout);
    const auto of_producer = flow_.data_producer.raw.find("transaction.timeout.ms");
    if (written == nullptr && of_producer != flow_.data_producer.raw.end()) {
      written = &of_producer->second;
      own_.transaction_timeout = flow_.data_producer.transaction_timeout;
      show(kTimeout, fmt::format("{}", own_.transaction_timeout.count()), *written);
    }
    if (own_.transaction_timeout > own_.transaction_interval || !flow_.enabled()) return;
    const auto& interval = shown(kInterval);
    const auto reason =
        fmt::format("a transaction that lasts {} ms would be aborted by the target after {} ms ({})",
                    own_.transaction_interval.count(), own_.transaction_timeout.count(),
                    written != nullptr ? named(*written) : std::string(kTimeout));
    in_.complain(refused(interval.origin.is_default() && written != nullptr ? *written : interval, reason));
  }

  void advise() {
    const bool committed_only = flow_.source_consumer.isolation_level == IsolationLevel::read_committed;
    const auto* support = in_.setting("exactly.once.support");
    const bool required = support != nullptr && lowered(trimmed(support->value)) == "required";
    const auto isolation = fmt::format("{}.consumer.isolation.level = read_committed", flow_.source);
    if (required && !own_.exactly_once) contradict(*support, *in_.setting("longhaul.exactly.once"));
    if (required && (!committed_only || enabling_ == nullptr)) {
      in_.warn(
          WarningKind::differs_from_mm2, *support,
          fmt::format("MirrorMaker 2 refuses 'required' without {}.{} = enabled and {}; Longhaul does not",
                      flow_.target, kSupport, isolation));
    } else if (enabling_ != nullptr && !committed_only) {
      in_.warn(WarningKind::value, *enabling_,
               fmt::format("MirrorMaker 2 recommends {} with it; as it stands, aborted records of {} are "
                           "copied too",
                           isolation, flow_.source));
    }
  }

  milliseconds duration(std::string_view key, milliseconds fallback) {
    const auto* found = in_.note(key, fmt::format("{}", fallback.count()));
    if (found == nullptr) return fallback;
    const auto value = parse_duration(found->value);
    if (value && value->count() >= 1 && *value <= kLongestOnTheWire) return *value;
    in_.complain(wrong_value(*found, "a duration from 1 ms, such as 1000, 500 ms or 2s"));
    return fallback;
  }

  /// `key` as it is in effect.
  [[nodiscard]] Setting& shown(std::string_view key) {
    return std::ranges::find(flow_.effective, key, &EffectiveOption::key)->setting;
  }
  /// Lists `key` with a value that another setting gave it.
  void show(std::string_view key, std::string value, const Setting& from) {
    shown(key) = Setting{std::move(value), from.origin, from.secret};
  }

  FlowConfig& flow_;
  FlowOwnSettings& own_;
  OptionReader in_;
  const Setting* enabling_;
};

}  // namespace

Result<void> read_transactions(FlowConfig& flow, const SettingMap& connector,
                               std::vector<Warning>& warnings) {
  return TransactionsReader(flow, connector, warnings).run();
}

}  // namespace longhaul::config
