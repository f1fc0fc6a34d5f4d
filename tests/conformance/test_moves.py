"""The source or the target moves under us: records deleted before they were read, topics created anew, leaders that
move or are elected uncleanly, too few replicas in sync, quotas. Each record once, and what is lost is named."""

import operator
import re
import signal
import time

from .batches import Batches
from .lab import KafkaCluster
from .lab_versions import running
from .longhaul import Longhaul, cpu_bound
from .processes import wait_until
from .test_faults import FaultCase
from .tools import KafkaTool, batch, record

LOST = "they are lost"


def numbered(first, end, partition=0, size=10):
    """Batches of `size` records whose keys are the numbers from `first` to before `end`."""
    return [batch([record(b"%d" % i, b"v") for i in range(at, min(at + size, end))], partition)
            for at in range(first, end, size)]


class MovesCase(FaultCase, Batches):
    """What the classes below share; no cases of its own."""

    THREE = {"replication.factor": "3", "offset.storage.replication.factor": "3"}

    def keys(self, topic, partition=0):
        """The numbers that a partition of the target holds, in its order."""
        return [int(one["key"]) for one in self.tool.dump(self.b, topic) if one["partition"] == partition]

    def check_lost(self, run, topic, pattern, offsets):
        """One line names what is lost, and the summary counts it."""
        self.assertEqual(run.summary()["flows"][0]["lost_offsets"], offsets)
        (line,) = run.matching(LOST)
        self.assertIn(line.level, ("WARN", "ERROR"))
        self.assertRegex(line.text, pattern)
        self.assertIn(f"topic={topic} ", f"{line.text} ")
        self.assertRegex(line.text, r"partition=0\b")

    def leaders(self, cluster, topic):
        return self.tool.describe(cluster, topic)["leaders"]

    def check_quota(self, alias, topic, limited, limits, settings=None):
        """Two megabytes that one cluster paces to 100 kB a second: slow, and nothing else."""
        self.tool.call("limit_clients", limited, limits=limits)
        try:
            with Longhaul(self.flow(alias, topic, settings), "--until-caught-up") as run:
                self.assertEqual(run.process.wait(150), 0, run.tail())
                self.check_no_crash(run)
                summary = run.summary()
        finally:
            self.tool.call("limit_clients", limited, limits=dict.fromkeys(limits))
        (flow,) = summary["flows"]
        self.assertEqual((flow["records"], flow["retries"], flow["stopped_partitions"]), (2000, 0, []))
        self.assertGreater(summary["process"]["seconds"], 14, "three batches had to be paid for before the last one")
        self.assertEqual(self.assert_same(topic, f"{alias}.{topic}", readers=("java",))[0][0], 2000)

    def move_leaders(self, cluster, topic, remote):
        """Returns what moves the leaders of `topic` again and again while records flow to `remote`."""
        def have_moved(chosen):
            # Of the fifty partitions of the coordinators some may stay where they are.
            return sum(map(operator.eq, chosen, self.leaders(cluster, topic))) > len(chosen) // 2

        def disturb(run):
            for turn in range(6):
                chosen = self.tool.call("move_leaders", cluster, topic=topic, turn=turn)["leaders"]
                wait_until(lambda: have_moved(chosen), 90, "other leaders")
                held = self.held(self.b, remote, 4)
                self.wait_held(self.b, remote, 4, held + 1000, seconds=90, run=run)

        return disturb

    def elect_uncleanly(self, cluster, topic, write):
        """Partitions 0 and 1 of `topic` lose what `write()` writes: broker 1 is away then, and leads them later."""
        cluster.stop_node(0)
        wait_until(lambda: self.tool.describe(cluster, topic)["in_sync"][:2] == [1, 1], 60, "one replica in sync")
        write()
        cluster.kill_node(1)
        self.addCleanup(cluster.start_node, 1)
        cluster.start_node(0)
        wait_until(lambda: self.leaders(cluster, topic)[:2] == [1, 1], 90, "an unclean election")

    def create_cut(self, cluster, topic):
        """Three partitions, for `elect_uncleanly`: the last one loses nothing."""
        self.tool.create_topic(cluster, topic, replicas=[[2, 1], [2, 1], [3, 2]],
                               configs={"unclean.leader.election.enable": "true"})

    def produce_each(self, topic, first, end, partitions=range(3)):
        for partition in partitions:
            self.tool.produce(self.a, topic, numbered(first, end, partition))


class SourceMovesTest(MovesCase):
    """Records and topics that are gone from the source before we come to them, and a source that paces its readers."""

    # Quotas that look back over one second, and not ten.
    SOURCE_SETTINGS = {"quota.window.num": 2}

    def caught_up(self, alias, topics, settings=None):
        """A run until everything is on the target, whose log can be looked at."""
        run = self.enterContext(Longhaul(self.flow(alias, topics, settings), "--until-caught-up"))
        self.assertEqual(run.process.wait(120), 0, run.tail())
        self.check_no_crash(run)
        return run

    def forget(self, topic):
        """Offsets 20 to 49 are written, and those before 35, in the middle of a batch, are deleted."""
        self.tool.produce(self.a, topic, numbered(20, 50))
        self.tool.call("delete_records", self.a, topic=topic, partition=0, before=35)

    def delete_while_the_target_stalls(self, topic):
        """Offsets 20 to 12,014 go, of which Longhaul has read only some: it does not read far ahead of the target."""
        self.b.pause_node()
        try:
            self.tool.bulk(self.a, topic, 12_000, partitions=1, value_size=1000, batch_size=32 << 10, linger_ms=5)
            self.tool.call("delete_records", self.a, topic=topic, before=12_015)
        finally:
            self.b.resume_node()

    def create_anew(self, topic, batches):
        self.tool.delete_topic(self.a, topic)
        self.tool.create_topic(self.a, topic, 1)
        self.tool.produce(self.a, topic, batches)

    def test_records_deleted_between_two_runs_are_named_and_the_others_arrive(self):
        self.tool.create_topic(self.a, "expired", 2)
        self.tool.produce(self.a, "expired", numbered(0, 20) + numbered(0, 20, 1))
        self.copy("expires", "expired")
        self.tool.produce(self.a, "expired", numbered(20, 50, 1))
        self.forget("expired")
        run = self.caught_up("expires", "expired")
        self.check_lost(run, "expired", r"source offsets 20\.\.34 \(15\) were deleted", 15)
        self.assertEqual(self.caught_up("expires", "expired").matching(LOST), [], "it is said once")
        self.assertEqual(self.keys("expires.expired", 0), [*range(20), *range(35, 50)])
        self.assertEqual(self.keys("expires.expired", 1), [*range(50)])

    def test_records_deleted_after_a_kill(self):
        """What the predecessor wrote behind its stored position is gone from the source, and so is more."""
        self.tool.create_topic(self.a, "killed", 1)
        with Longhaul(self.flow("kills", "killed", {"longhaul.position.flush.interval.ms": "3600000"})) as run:
            run.wait_line("remote topic created")
            self.tool.produce(self.a, "killed", numbered(0, 20))
            self.wait_held(self.b, "kills.killed", 1, 20, run=run)
            run.process.kill()
        self.forget("killed")
        run = self.caught_up("kills", "killed")
        self.check_lost(run, "killed", r"source offsets 20\.\.34 \(15\) were deleted", 15)
        self.assertEqual(self.keys("kills.killed"), [*range(20), *range(35, 50)])

    def test_records_deleted_while_the_target_stalls_are_named_and_the_others_arrive(self):
        self.tool.create_topic(self.a, "stalls", 1)
        self.tool.produce(self.a, "stalls", numbered(0, 20))
        with Longhaul(self.flow("slow", "stalls")) as run:
            self.wait_held(self.b, "slow.stalls", 1, 20, run=run)
            self.delete_while_the_target_stalls("stalls")
            found = re.search(r" from_offset=(\d+) to_offset=12014 lost_offsets=(\d+)", run.wait_line(LOST, 60).text)
            first, lost = int(found[1]), int(found[2])
            self.assertEqual(first + lost, 12_015)
            self.tool.produce(self.a, "stalls", numbered(12_020, 12_030))
            self.wait_held(self.b, "slow.stalls", 1, 12_030 - lost, run=run)
            self.end(run)
            self.check_lost(run, "stalls", "records were deleted on the source", lost)
        # The load of 12,000 begins to count anew, at offset 20.
        self.assertEqual(self.keys("slow.stalls"),
                         [*range(20), *range(first - 20), *range(11_995, 12_000), *range(12_020, 12_030)])

    def test_a_partition_without_reset_stops_where_records_were_deleted_and_others_go_on(self):
        for topic in ("strict-before", "strict-while", "strict-not"):
            self.tool.create_topic(self.a, topic, 1)
            self.tool.produce(self.a, topic, numbered(0, 20))
        self.copy("strict", "strict-.*")
        gone = "the source no longer has this offset: "
        self.forget("strict-before")
        with Longhaul(self.flow("strict", "strict-.*", {"strict.consumer.auto.offset.reset": "none"})) as run:
            run.wait_line("partition stopped .*topic=strict-before", 60)
            self.stopped_line(run, "strict-before", 0, 20, gone + "the source starts at 35 and .* is none")
            run.process.signal(signal.SIGSTOP)
            # Not a wait for something: the request for what follows, which is at the source, comes to its end.
            time.sleep(2)
            self.forget("strict-while")
            run.process.signal(signal.SIGCONT)
            run.wait_line("partition stopped .*topic=strict-while", 60)
            self.stopped_line(run, "strict-while", 0, 20, gone + r"the source holds offsets 35\.\.49")
            self.tool.produce(self.a, "strict-not", numbered(20, 30))
            self.wait_held(self.b, "strict.strict-not", 1, 30, run=run)
            self.end(run, exit_codes=(1,))
            self.assertEqual(run.matching(LOST), [], "nothing was passed over")
        for topic, count in (("strict-before", 20), ("strict-while", 20), ("strict-not", 30)):
            self.assertEqual(self.keys(f"strict.{topic}"), [*range(count)])

    def test_without_reset_all_in_front_of_the_named_offset_arrives(self):
        self.tool.create_topic(self.a, "ahead", 1)
        self.tool.produce(self.a, "ahead", numbered(0, 10))
        self.copy("reads", "ahead")
        with Longhaul(self.flow("reads", "ahead", {"reads.consumer.auto.offset.reset": "none"})) as run:
            self.tool.produce(self.a, "ahead", numbered(10, 20))
            self.wait_held(self.b, "reads.ahead", 1, 20, run=run)
            self.delete_while_the_target_stalls("ahead")
            stopped = run.wait_line("partition stopped .*topic=ahead", 60)
            self.end(run, exit_codes=(1,))
        self.assertEqual(len(self.keys("reads.ahead")), int(re.search(r" offset=(\d+) ", stopped.text)[1]))

    def test_a_topic_created_anew_under_its_name_follows_the_old_one(self):
        """The lives of a topic, longer and shorter in turn: offsets do not tell them apart."""
        self.tool.create_topic(self.a, "lives", 1)
        self.tool.produce(self.a, "lives", numbered(0, 20))
        anew = "the source topic was created anew .*; replicating it from its start"
        with Longhaul(self.flow("many", "lives")) as run:
            self.wait_held(self.b, "many.lives", 1, 20, run=run)
            self.create_anew("lives", numbered(20, 60))
            self.wait_held(self.b, "many.lives", 1, 60, run=run)
            self.assertEqual(len(run.matching(anew)), 1, run.tail())
            self.end(run)
            self.create_anew("lives", numbered(60, 80))
            run.start()
            run.wait_line(anew, 60)
            self.wait_held(self.b, "many.lives", 1, 80, run=run)
            run.process.kill()
            self.create_anew("lives", numbered(80, 120))
            run.start()
            run.wait_line(anew, 60)
            self.wait_held(self.b, "many.lives", 1, 120, run=run)
            self.end(run)
            self.assertEqual(self.keys("many.lives"), [*range(120)])
            self.tool.delete_topic(self.b, "many.lives")
            self.create_anew("lives", numbered(120, 130))
            run.start()
            run.wait_line("the target topic was created anew", 60)
            self.wait_held(self.b, "many.lives", 1, 10, run=run)
            self.end(run)
        self.assertEqual(self.keys("many.lives"), [*range(120, 130)])

    def test_a_quota_slows_it_down(self):
        self.tool.create_topic(self.a, "read", 1)
        # A batch that is larger than what may be read in a second or two would never be sent.
        self.tool.bulk(self.a, "read", 2000, partitions=1, value_size=1000, batch_size=16_384, linger_ms=5)
        self.check_quota("reads-slowly", "read", self.a, {"consumer_byte_rate": 100_000},
                         {"reads-slowly.consumer.request.timeout.ms": "3000"})


class SourceElectionsTest(MovesCase):
    """A source of three brokers, whose leaders change."""

    CUT = "its log was cut at offset 100 .*: records that were replicated are gone"

    @classmethod
    def setUpClass(cls):
        cls.a, cls.b = cls.enterClassContext(running(KafkaCluster("A", brokers=3), KafkaCluster("B")))
        cls.tool = cls.enterClassContext(KafkaTool())

    def test_leaders_move_while_records_flow(self):
        self.under_traffic("moved", self.move_leaders(self.a, "moved-topic", "moved.moved-topic"), rate=2000,
                           replication=3)

    def check_cut(self, run, topic, partitions):
        for partition in partitions:
            run.wait_line(f"partition stopped .*topic={topic} partition={partition} ", 60)
            self.stopped_line(run, topic, partition, 150, self.CUT)

    def test_an_unclean_election_that_cuts_the_log_stops_its_partition_and_others_go_on(self):
        self.create_cut(self.a, "cut")
        self.produce_each("cut", 0, 100)
        with Longhaul(self.flow("elects", "cut")) as run:
            def write():
                self.tool.produce(self.a, "cut", numbered(100, 150))
                self.wait_held(self.b, "elects.cut", 3, 350, run=run)

            self.wait_held(self.b, "elects.cut", 3, 300, run=run)
            self.elect_uncleanly(self.a, "cut", write)
            # The log reaches beyond our position again: its length says nothing.
            self.tool.produce(self.a, "cut", [*numbered(1000, 1100), *numbered(100, 120, 1), *numbered(100, 120, 2)])
            self.check_cut(run, "cut", [0])
            self.wait_held(self.b, "elects.cut", 3, 390, run=run)
            self.end(run, exit_codes=(1,))
            run.start()
            self.check_cut(run, "cut", [0])
            self.tool.produce(self.a, "cut", [*numbered(1100, 1110), *numbered(120, 140, 1), *numbered(120, 140, 2)])
            self.wait_held(self.b, "elects.cut", 3, 430, run=run)
            self.end(run, exit_codes=(1,))
        self.assertEqual([self.keys("elects.cut", partition) for partition in range(3)],
                         [[*range(150)], [*range(140)], [*range(140)]])

    def test_a_log_that_was_cut_between_two_runs_stops_its_partition(self):
        """Once behind a run that has drained, once behind one that was killed with an old position in store."""
        self.create_cut(self.a, "between")
        self.produce_each("between", 0, 100)
        late = {"longhaul.position.flush.interval.ms": "3600000"}
        with Longhaul(self.flow("drains", "between")) as drains, Longhaul(self.flow("dies", "between", late)) as dies:
            def write():
                self.tool.produce(self.a, "between", [*numbered(100, 150), *numbered(100, 150, 1)])
                self.wait_held(self.b, "drains.between", 3, 400, run=drains)
                self.wait_held(self.b, "dies.between", 3, 400, run=dies)
                self.end(drains)
                dies.process.kill()

            self.elect_uncleanly(self.a, "between", write)
            # Partition 0 reaches beyond our position again, partition 1 does not.
            self.tool.produce(self.a, "between", [*numbered(1000, 1100), *numbered(100, 120, 2)])
            drains.start()
            dies.start()
            self.check_cut(drains, "between", [0, 1])
            for partition, why in ((0, "that is not what is at source offset 100"),
                                   (1, "the target holds more records of ours than the source has")):
                dies.wait_line(f"partition stopped .*topic=between partition={partition} ", 60)
                self.stopped_line(dies, "between", partition, 100, why)
            self.wait_held(self.b, "drains.between", 3, 420, run=drains)
            self.wait_held(self.b, "dies.between", 3, 420, run=dies)
            self.end(drains, exit_codes=(1,))
            self.end(dies, exit_codes=(1,))
        for remote in ("drains.between", "dies.between"):
            self.assertEqual([self.keys(remote, partition) for partition in range(3)],
                             [[*range(150)], [*range(150)], [*range(120)]])


class TargetMovesTest(MovesCase):
    """A target of three brokers: leaders that move, replicas that are missing, quotas."""

    @classmethod
    def setUpClass(cls):
        # Quotas that look back over one second, and not ten.
        b = KafkaCluster("B", brokers=3, settings={"quota.window.num": 2})
        cls.a, cls.b = cls.enterClassContext(running(KafkaCluster("A"), b))
        cls.tool = cls.enterClassContext(KafkaTool())

    def test_leaders_move_while_records_flow(self):
        self.under_traffic("lead", self.move_leaders(self.b, "lead.lead-topic", "lead.lead-topic"), rate=2000,
                           settings=self.THREE)

    def test_transaction_coordinators_move_while_records_flow(self):
        settings = {**self.THREE, "B.exactly.once.source.support": "enabled", "longhaul.transaction.interval.ms": "200"}
        self.under_traffic("commits", self.move_leaders(self.b, "__transaction_state", "commits.commits-topic"),
                           rate=2000, settings=settings)
        self.assertGreater(self.b.markers("commits.commits-topic", 4), 4 * 6)

    def test_too_few_replicas_in_sync(self):
        self.tool.create_topic(self.b, "few.few-topic", replicas=[[2, 3], [3, 2], [2, 3], [3, 2]],
                               configs={"min.insync.replicas": "2"})

        def disturb(run):
            self.b.kill_node(2)
            try:
                wait_until(lambda: self.tool.describe(self.b, "few.few-topic")["in_sync"] == [1] * 4, 60, "one replica")
                line = run.wait_line("the target refuses writes for now", 60)
                self.assertIn("few.few-topic", line.text)
                held = self.held(self.b, "few.few-topic", 4)
                cpu_bound(self, run.process, 4, 1.0)
                self.assertEqual(self.held(self.b, "few.few-topic", 4), held, "two copies or none")
            finally:
                self.b.start_node(2)

        self.under_traffic("few", disturb, rate=1000, settings=self.THREE)

    def test_a_quota_slows_it_down(self):
        self.tool.create_topic(self.a, "paid", 1)
        # Two megabytes in batches that are each paid for with five seconds, longer than a request may take.
        self.tool.bulk(self.a, "paid", 2000, partitions=1, value_size=1000, batch_size=500_000, linger_ms=1000)
        self.check_quota("pays", "paid", self.b, {"producer_byte_rate": 100_000},
                         {**self.THREE, "B.producer.request.timeout.ms": "3000"})
