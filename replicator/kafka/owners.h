#pragma once

#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "replicator/fence.h"
#include "replicator/kafka/internal_topics.h"

namespace longhaul::replicator {

/// The transactional ids of one flow and under which producer this process holds each. Lives on the control
/// core.
class Owners {
 public:
  Owners(std::string deployment, std::string flow)
      : deployment_(std::move(deployment)),
        flow_(std::move(flow)),
        plain_(std::make_shared<SharedProducer>()) {}

  [[nodiscard]] std::string id_of(const TopicPartition& target) const {
    return transactional_id(deployment_, flow_, target);
  }
  /// The owner of an id; none held at first.
  [[nodiscard]] std::shared_ptr<SharedProducer> owner(const std::string& id) {
    auto& slot = owners_[id];
    if (slot == nullptr) {
      slot = std::make_shared<SharedProducer>();
      slot->transactional_id = id;
    }
    return slot;
  }
  /// Under whose producer what belongs to a partition is written: its id's, or the common one that no
  /// transactional id stands behind, where the cluster refuses them.
  [[nodiscard]] std::shared_ptr<SharedProducer> writer_of(const TopicPartition& target) {
    if (!fenced_) return plain_;
    return owner(id_of(target));
  }
  [[nodiscard]] bool fenced() const { return fenced_; }
  void go_unfenced() { fenced_ = false; }

  [[nodiscard]] std::vector<std::shared_ptr<SharedProducer>> held() const {
    std::vector<std::shared_ptr<SharedProducer>> list;
    for (const auto& [id, owner] : owners_) {
      if (owner->producer && !owner->lost) list.push_back(owner);
    }
    return list;
  }
  [[nodiscard]] bool is_lost(const TopicPartition& target) const {
    const auto found = owners_.find(id_of(target));
    return found != owners_.end() && found->second->lost;
  }

 private:
  std::string deployment_;
  std::string flow_;
  bool fenced_ = true;
  std::map<std::string, std::shared_ptr<SharedProducer>> owners_;
  std::shared_ptr<SharedProducer> plain_;
};

}  // namespace longhaul::replicator
