#include "tests/sim/adversary.h"

#include "tests/sim/passing_errors.h"

namespace longhaul::sim {
namespace {

using protocol::ApiKey;
using sandbox::FaultAction;
using sandbox::FaultMoment;
using sandbox::FaultRule;

/// A cluster's clock may be wrong, but not so much that it refuses what is written now.
constexpr std::int64_t kClusterClockMaxMs = 20 * 60'000;
/// A host of Longhaul may be wrong by much more: brokers take no record from further ahead than an hour, and
/// forget a producer whose records are a day old. Half a day ahead, all records would be old.
constexpr std::int64_t kHostAheadMaxMs = 11 * 3'600'000;
constexpr std::int64_t kHostBehindMaxMs = 30 * 3'600'000;

std::string_view action_name(FaultAction action) {
  return sandbox::name_of(action);
}

constexpr FaultAction kActions[] = {FaultAction::disconnect, FaultAction::stall,    FaultAction::delay,
                                    FaultAction::error,      FaultAction::truncate, FaultAction::garbage};

}  // namespace

Adversary::Adversary(SimLoop& loop, SimNet& net, Trace& trace, Tally& tally, const WorldPlan& plan,
                     Crew& crew, Writers& writers)
    : loop_(loop),
      net_(net),
      trace_(trace),
      tally_(tally),
      plan_(plan),
      crew_(crew),
      writers_(writers),
      chance_(plan.seed, 0x616476),
      losses_(plan.seed, 0x746C73),
      cuts_(plan.seed, 0x637573) {}

std::vector<std::string> Adversary::kinds(const RunOptions& options) {
  std::vector<std::string> kinds = {"cut on the way to the broker",
                                    "cut on the way to the client",
                                    "connection reset",
                                    "connection silent",
                                    "connection stalled",
                                    "slow road",
                                    "connect refused",
                                    "host partitioned",
                                    "broker paused",
                                    "broker down",
                                    "leader moved",
                                    "clock jump",
                                    "host clock an hour ahead",
                                    "host clock a day behind",
                                    "coordinators moved",
                                    "log compacted",
                                    "records deleted at the source",
                                    "source lost its tail",
                                    "transactional ids expired",
                                    "epochs used up",
                                    "two instances at once",
                                    "instance cut off and back",
                                    "crash",
                                    "drain and restart",
                                    "Produce executed after its sender was gone"};
  for (const auto action : kActions) kinds.push_back(fmt::format("broker: {}", action_name(action)));
  kinds.emplace_back(options.transactions ? "marker lost without a leader" : "target lost its tail");
  return kinds;
}

std::vector<std::string> Adversary::error_kinds() {
  std::vector<std::string> kinds;
  for (const auto* errors : {&source_errors(), &target_errors()}) {
    for (const auto& error : *errors) {
      if (std::ranges::find(kinds, error.kind()) == kinds.end()) kinds.push_back(error.kind());
    }
  }
  return kinds;
}

void Adversary::start(SteadyTime end) {
  end_ = end;
  if (Chance(plan_.seed, 0x637265).one_in(8)) creation_fails();
  schedule(chance_, plan_.fault_pace, &Adversary::strike);
  if (plan_.target_loses_tails) schedule(losses_, 2 * plan_.fault_pace, &Adversary::lose_tails);
  if (std::ranges::any_of(plan_.topics, &TopicPlan::loses_end))
    schedule(cuts_, 4 * plan_.fault_pace, &Adversary::cut_source);
}

void Adversary::schedule(Chance& chance, milliseconds pace, Blow blow) {
  const auto when = loop_.time.now() + milliseconds(chance.between(1, 2 * pace.count()));
  if (when >= end_) return;
  (void)loop_.time.call_at(when, [this, &chance, pace, blow] {
    if (healed_) return;
    (this->*blow)();
    schedule(chance, pace, blow);
  });
}

void Adversary::strike() {
  static constexpr Blow kBlows[] = {&Adversary::cut,
                                    &Adversary::cut,
                                    &Adversary::reset,
                                    &Adversary::reset,
                                    &Adversary::silence,
                                    &Adversary::stall,
                                    &Adversary::slow_road,
                                    &Adversary::refuse,
                                    &Adversary::partition_host,
                                    &Adversary::pause_broker,
                                    &Adversary::broker_down,
                                    &Adversary::leaders_move,
                                    &Adversary::leaders_move,
                                    &Adversary::answers_go_wrong,
                                    &Adversary::answers_go_wrong,
                                    &Adversary::errors,
                                    &Adversary::errors,
                                    &Adversary::clock_jumps,
                                    &Adversary::coordinators_move,
                                    &Adversary::ids_expire,
                                    &Adversary::delete_start,
                                    &Adversary::clean};
  const auto blow = kBlows[chance_.below(std::size(kBlows))];
  (this->*blow)();
}

Site& Adversary::some_site() {
  return net_.site(chance_.percent(40) ? "a" : "b");
}

BrokerId Adversary::some_broker(const Site& site) {
  return BrokerId(static_cast<std::int32_t>(chance_.between(1, site.cluster->options().brokers)));
}

std::shared_ptr<Link> Adversary::some_link() {
  return net_.some_link(-1, some_site().name);
}

milliseconds Adversary::some_time(std::int64_t max_ms) {
  // Short ones hit what is under way, long ones outlast time-outs.
  return milliseconds(chance_.one_in(2) ? chance_.between(1, std::min<std::int64_t>(max_ms, 1'000))
                                        : chance_.between(1, max_ms));
}

void Adversary::cut() {
  const auto link = some_link();
  if (link == nullptr) return;
  auto& pipe = chance_.one_in(2) ? link->to_broker : link->to_client;
  pipe.cut_after = static_cast<std::size_t>(chance_.one_in(2) ? chance_.below(100) : chance_.below(5'000));
  trace_.event("link {} will be cut", link->id);
}

void Adversary::reset() {
  const auto link = some_link();
  if (link == nullptr) return;
  ++tally_["connection reset"];
  const auto leftovers = chance_.one_in(3) ? Leftovers::dropped : Leftovers::delivered;
  trace_.event("link {} reset", link->id);
  net_.reset(*link, leftovers, some_time(20'000));
}

void Adversary::silence() {
  const auto link = some_link();
  if (link == nullptr) return;
  ++tally_["connection silent"];
  trace_.event("link {} silent", link->id);
  net_.go_silent(*link);
}

void Adversary::stall() {
  const auto link = some_link();
  if (link == nullptr) return;
  ++tally_["connection stalled"];
  auto& pipe = chance_.one_in(2) ? link->to_broker : link->to_client;
  pipe.held_until = loop_.time.now() + some_time(40'000);
  trace_.event("link {} stalled", link->id);
  net_.rearm();
}

void Adversary::slow_road() {
  if (crew_.current() == nullptr) return;
  ++tally_["slow road"];
  auto& road = net_.road(crew_.current()->number(), some_site().name);
  road.extra = std::chrono::microseconds(chance_.between(1'000, 800'000));
  trace_.event("slow road");
  (void)loop_.time.call_at(loop_.time.now() + some_time(30'000), [&road] { road.extra = {}; });
}

void Adversary::refuse() {
  if (crew_.current() == nullptr) return;
  auto& site = some_site();
  auto& road = net_.road(crew_.current()->number(), site.name);
  road.refused_until = loop_.time.now() + some_time(30'000);
  trace_.event("connects to {} are refused", site.name);
  // Something has to be connected anew.
  const auto link = net_.some_link(crew_.current()->number(), site.name);
  if (link != nullptr) net_.reset(*link, Leftovers::dropped, milliseconds(0));
}

void Adversary::partition_host() {
  if (crew_.current() == nullptr) return;
  ++tally_["host partitioned"];
  auto& site = some_site();
  net_.road(crew_.current()->number(), site.name).blocked_until = loop_.time.now() + some_time(60'000);
  trace_.event("instance {} cannot reach {}", crew_.current()->number(), site.name);
  net_.rearm();
}

void Adversary::pause_broker() {
  ++tally_["broker paused"];
  auto& site = some_site();
  const auto broker = some_broker(site);
  site.paused_until[broker] = loop_.time.now() + some_time(40'000);
  trace_.event("broker {} of {} paused", broker, site.name);
  net_.rearm();
}

void Adversary::broker_down() {
  auto& site = some_site();
  const auto broker = some_broker(site);
  if (!site.cluster->is_up(broker)) return;
  ++tally_["broker down"];
  trace_.event("broker {} of {} goes down", broker, site.name);
  LH_CHECK(site.cluster->set_broker_up(broker, false, net_.now(site)).has_value());
  net_.deliver(site);
  (void)loop_.time.call_at(loop_.time.now() + some_time(40'000), [this, &site, broker] {
    if (site.cluster->is_up(broker)) return;
    trace_.event("broker {} of {} is back", broker, site.name);
    LH_CHECK(site.cluster->set_broker_up(broker, true, net_.now(site)).has_value());
    net_.deliver(site);
  });
}

void Adversary::leaders_move() {
  auto& site = some_site();
  const auto to = some_broker(site);
  if (!site.cluster->is_up(to)) return;
  const auto topics = site.cluster->topics();
  if (topics.empty()) return;
  const bool all = chance_.one_in(4);
  const auto& chosen = chance_.pick(topics);
  for (const auto& topic : topics) {
    if (!all && topic != chosen) continue;
    for (std::int32_t i = 0; site.cluster->partition(topic, PartitionIndex(i)); ++i) {
      // A broker without a replica cannot lead; that is no fault then.
      if (site.cluster->move_leader(topic, PartitionIndex(i), to, net_.now(site))) ++tally_["leader moved"];
    }
  }
  trace_.event("leaders of {} on {} move to {}", all ? "everything" : chosen, site.name, to);
  net_.deliver(site);
}

void Adversary::add_rule(Site& site, FaultRule rule) {
  rule.count = chance_.between(1, chance_.one_in(2) ? 2 : 15);
  rule.skip = chance_.one_in(2) ? 0 : chance_.below(10);
  if (chance_.one_in(3)) rule.probability = 0.4;
  trace_.event("{}: {}", site.name, rule.to_string());
  const auto id = site.cluster->faults().add(std::move(rule));
  (void)loop_.time.call_at(loop_.time.now() + some_time(60'000), [this, &site, id] {
    auto& faults = site.cluster->faults();
    const auto found = faults.rules().find(id);
    if (found == faults.rules().end()) return;
    count_errors(found->second);
    (void)faults.remove(id);
  });
}

void Adversary::count_errors(const sandbox::Faults::RuleState& state) {
  const auto& rule = state.rule;
  if (rule.action == FaultAction::error)
    tally_[PassingError{*rule.api, rule.error_code}.kind()] += state.injected;
}

void Adversary::answers_go_wrong() {
  auto& site = some_site();
  FaultRule rule;
  rule.action = chance_.one_of({FaultAction::disconnect, FaultAction::disconnect, FaultAction::stall,
                                FaultAction::delay, FaultAction::truncate, FaultAction::garbage});
  rule.moment = chance_.one_in(2) ? FaultMoment::before : FaultMoment::after;
  rule.delay = some_time(20'000);
  // Producers of the source are not the ones that are tested.
  rule.api = site.name == "a"
                 ? chance_.one_of({ApiKey::fetch, ApiKey::fetch, ApiKey::metadata, ApiKey::list_offsets,
                                   ApiKey::api_versions, ApiKey::offset_for_leader_epoch})
                 : chance_.one_of({ApiKey::produce, ApiKey::produce, ApiKey::produce, ApiKey::fetch,
                                   ApiKey::metadata, ApiKey::list_offsets, ApiKey::api_versions,
                                   ApiKey::create_topics, ApiKey::find_coordinator, ApiKey::init_producer_id,
                                   ApiKey::add_partitions_to_txn, ApiKey::end_txn, ApiKey::end_txn,
                                   ApiKey::describe_transactions, ApiKey::describe_producers});
  add_rule(site, std::move(rule));
}

void Adversary::errors() {
  auto& site = some_site();
  const auto& error = chance_.pick(site.name == "a" ? source_errors() : target_errors());
  FaultRule rule;
  rule.action = FaultAction::error;
  rule.api = error.api;
  rule.error_code = error.code;
  rule.moment = error.moment;
  add_rule(site, std::move(rule));
}

void Adversary::creation_fails() {
  // Remote topics are made when the first instance starts, and hardly ever later.
  std::vector<PassingError> creations;
  for (const auto& error : target_errors()) {
    if (error.api == ApiKey::create_topics) creations.push_back(error);
  }
  const auto& error = chance_.pick(creations);
  add_rule(
      net_.site("b"),
      {.api = error.api, .action = FaultAction::error, .moment = error.moment, .error_code = error.code});
}

void Adversary::clock_jumps() {
  ++tally_["clock jump"];
  if (crew_.current() != nullptr && chance_.one_in(2)) {
    const auto ms = chance_.between(-kHostBehindMaxMs, kHostAheadMaxMs);
    if (ms > 3'600'000) ++tally_["host clock an hour ahead"];
    if (ms < -24 * 3'600'000) ++tally_["host clock a day behind"];
    trace_.event("clock of instance {} is {} ms ahead", crew_.current()->number(), ms);
    crew_.current()->time().set_ahead(ms);
    return;
  }
  auto& site = some_site();
  site.wall_ahead_ms = chance_.between(-kClusterClockMaxMs, kClusterClockMaxMs);
  trace_.event("clock of {} is {} ms ahead", site.name, site.wall_ahead_ms);
}

void Adversary::coordinators_move() {
  ++tally_["coordinators moved"];
  auto& site = some_site();
  trace_.event("coordinators of {} move", site.name);
  site.cluster->move_coordinators(some_time(5'000), net_.now(site));
  net_.deliver(site);
}

void Adversary::ids_expire() {
  // Behind a lost tail nobody can say any more under which producer a predecessor could still write.
  if (plan_.target_loses_tails) return;
  // What hangs under an id that nobody has any more only an administrator can end.
  auto& target = net_.site("b");
  if (target.cluster->has_open_transactions()) return;
  const auto ids = target.cluster->transactional_ids();
  // Both take what no live owner lets happen: a week without use, or 32,767 successors. No request takes that
  // long.
  if (ids.empty() || !crew_.nobody_lives() || net_.has_requests_under_way("b")) return;
  if (chance_.one_in(2)) {
    // As after a week without use.
    constexpr std::string_view kOption = "transactional.id.expiration.ms";
    for (const auto* value : {"1", "604800000"})
      LH_CHECK(target.cluster->set_option(kOption, value, net_.now(target)).has_value());
    ++tally_["transactional ids expired"];
    trace_.event("transactional ids of b expire");
  } else if (target.cluster->use_up_epochs(chance_.pick(ids))) {
    ++tally_["epochs used up"];
    trace_.event("epochs of a transactional id of b are used up");
  }
  net_.deliver(target);
}

void Adversary::count_rules() {
  for (const auto* name : {"a", "b"}) {
    for (const auto action : kActions)
      tally_[fmt::format("broker: {}", action_name(action))] +=
          net_.site(name).cluster->faults().injected(action);
    for (const auto& [id, state] : net_.site(name).cluster->faults().rules()) count_errors(state);
  }
}

void Adversary::heal() {
  healed_ = true;
  count_rules();
  tally_["marker lost without a leader"] += net_.site("b").cluster->lost_markers();
  trace_.event("everything is healed");
  for (const auto* name : {"a", "b"}) {
    auto& site = net_.site(name);
    site.cluster->faults().clear();
    for (int broker = 1; broker <= site.cluster->options().brokers; ++broker) {
      if (!site.cluster->is_up(BrokerId(broker)))
        LH_CHECK(site.cluster->set_broker_up(BrokerId(broker), true, net_.now(site)).has_value());
    }
    net_.deliver(site);
  }
  net_.heal();
}

}  // namespace longhaul::sim
