"""Records and positions in transactions of the target: everything where the file asks for it, otherwise what the target may
forget (old timestamps, compacted topics). Readers of committed records find each record once, whatever breaks, and readers of
uncommitted ones unless the target had to abort something by itself."""

import json
import signal
import time

from .batches import COMPACTED
from .lab import KafkaCluster
from .lab_versions import running
from .longhaul import Longhaul, TwoClusters, command
from .processes import wait_until
from .test_exactly_once import OLD, TAKEN_OVER, ExactlyOnceCase
from .tools import KafkaTool

COMMITTED, UNCOMMITTED = "read_committed", "read_uncommitted"
ENABLED = {"B.exactly.once.source.support": "enabled"}


class RegimeCase(ExactlyOnceCase):
    PARTITIONS = 4

    def committed(self, alias, topic):
        """{partition: records} that a reader of committed records finds in the remote topic."""
        found = self.tool.digest(self.b, f"{alias}.{topic}", COMMITTED)
        return {partition: one["records"] for partition, one in found.items()}

    def wait_committed(self, alias, topic, count, run, seconds=120):
        self.wait_held(self.b, f"{alias}.{topic}", self.PARTITIONS, count, seconds, run)
        try:
            wait_until(lambda: sum(self.committed(alias, topic).values()) >= count, seconds, f"{count} records", 0.5)
        except Exception as error:
            raise AssertionError(f"{error}; committed: {self.committed(alias, topic)}\n{run.tail()}") from error

    def drained(self, run):
        run.terminate()
        self.assertIn(run.process.wait(30), (0, 3), run.tail())
        self.check_no_crash(run)

    def same_for_committed_readers(self, alias, topic, count, isolations=(COMMITTED,)):
        """All of the source, once and in order, for readers that are not ours."""
        for reader in ("java", "franz-go"):
            before = self.digest(reader, self.a, topic, UNCOMMITTED)
            for isolation in isolations:
                with self.subTest(reader=reader, isolation=isolation):
                    after = self.digest(reader, self.b, f"{alias}.{topic}", isolation)
                    self.assert_digests(before, after, f"{alias}.{topic}")
                    self.assertEqual(sum(records for records, _ in after.values()), count)

    def same_for_all_readers(self, alias, topic, count):
        """Also for those who would see what was aborted: a successor commits what a killed process has left open."""
        self.same_for_committed_readers(alias, topic, count, (COMMITTED, UNCOMMITTED))

    def table(self, topic):
        """The last committed value of each key of a compacted topic, keys and values from JSON."""
        found = {}
        for entry in self.tool.dump(self.b, topic, COMMITTED):
            found[entry["key"]] = entry["value"]
        return [(json.loads(key), json.loads(value)) for key, value in found.items() if value is not None]

    def stored_offsets(self, alias):
        """Where the next record of each partition comes from: by our state topic, and by MirrorMaker 2's topic."""
        ours = {key[1]["partition"]: value["source"]["offset"]
                for key, value in self.table(f"mm2-longhaul.{alias}.internal") if key[0] == "position"}
        theirs = {key[1]["partition"]: value["offset"] + 1 for key, value in self.table(f"mm2-offsets.{alias}.internal")}
        return ours, theirs

    def check_atomic(self, alias, topic):
        """What is committed ends where both positions topics say. The markers of a transaction come one by one."""
        def agree():
            counts = {partition: records for partition, records in self.committed(alias, topic).items() if records}
            ours, theirs = self.stored_offsets(alias)
            # Ours says where a partition begins before anything is committed, MirrorMaker 2's does not.
            return ({partition: offset for partition, offset in ours.items() if offset}, theirs) == (counts, counts)

        try:
            wait_until(agree, 30, "records and positions to agree", 0.5)
        except Exception as error:
            raise AssertionError(f"{error}: {self.committed(alias, topic)}, {self.stored_offsets(alias)}") from error

    def regimes(self, alias, topic, partition=0):
        """Whether the batches of a remote partition are transactional, in log order, without repetitions."""
        found = []
        for batch in self.batches(self.b, f"{alias}.{topic}", partition):
            if not found or found[-1] != batch["transactional"]:
                found.append(batch["transactional"])
        return found


class EnabledTest(RegimeCase):
    """`<target>.exactly.once.source.support = enabled`."""

    def test_killed_in_full_flight_again_and_again(self):
        topic = self.traffic("always", self.PARTITIONS)
        config = self.flow("always", topic, {**ENABLED, "longhaul.transaction.interval.ms": "300"})
        planned = command("plan", config=config)
        self.assertIn("transactions: everything", planned.stdout, planned.stderr)
        with Longhaul(config) as run:
            for number in range(5):
                self.more(run, "always", topic, 5_000 + 3_000 * (number % 3), self.PARTITIONS)
                run.process.kill()
                run.start()
            written = self.tool.call("stop_producer", name="always")["records"]
            self.wait_committed("always", topic, written, run)
            self.drained(run)
        self.same_for_all_readers("always", topic, written)
        self.check_atomic("always", topic)
        self.assertEqual(self.regimes("always", topic), [True])

    def test_positions_agree_with_what_is_committed_while_nobody_runs(self):
        topic = self.traffic("atomic", self.PARTITIONS)
        with Longhaul(self.flow("atomic", topic, {**ENABLED, "atomic->B.transaction.boundary": "poll"})) as run:
            self.more(run, "atomic", topic, 30_000, self.PARTITIONS)
            run.process.kill()
            # What the last transaction wrote is neither here nor there until somebody ends it.
            self.check_atomic("atomic", topic)
            run.start()
            written = self.tool.call("stop_producer", name="atomic")["records"]
            self.wait_committed("atomic", topic, written, run)
            self.drained(run)
        self.same_for_committed_readers("atomic", topic, written)
        self.check_atomic("atomic", topic)

    def test_of_two_instances_the_later_one_goes_on(self):
        topic = self.traffic("both", self.PARTITIONS)
        config = self.flow("both", topic, ENABLED)
        with Longhaul(config) as older:
            self.more(older, "both", topic, 10_000, self.PARTITIONS)
            with Longhaul(config) as newer:
                older.wait_line(TAKEN_OVER, 60)
                self.more(newer, "both", topic, 10_000, self.PARTITIONS)
                written = self.tool.call("stop_producer", name="both")["records"]
                self.wait_committed("both", topic, written, newer)
                self.assertEqual(newer.matching(TAKEN_OVER), [])
                self.drained(newer)
            older.terminate()
            self.assertIn(older.process.wait(30), (1, 2, 3), "it has stopped partitions")
        self.same_for_committed_readers("both", topic, written)


class BackfillTest(RegimeCase):
    """`longhaul.transactions = backfill`, the default, into a target that forgets producers within seconds."""

    TARGET_SETTINGS = {"producer.id.expiration.ms": "3000", "producer.id.expiration.check.interval.ms": "500",
                       "transaction.abort.timed.out.transaction.cleanup.interval.ms": "500"}
    RATE = 5_000

    def test_old_records_survive_kills(self):
        count = self.old_backlog("aged", self.PARTITIONS)
        with Longhaul(self.flow("old", "aged", {"longhaul.transaction.interval.ms": "300"}), "--until-caught-up") as run:
            for share in (0.2, 0.5, 0.8):
                self.wait_held(self.b, "old.aged", self.PARTITIONS, count * share, run=run)
                run.process.kill()
                run.start()
            self.assertEqual(run.process.wait(120), 0, run.tail())
        self.same_for_all_readers("old", "aged", count)
        self.assertEqual(self.regimes("old", "aged"), [True])

    def test_a_zombie_with_old_records_duplicates_nothing(self):
        count = self.old_backlog("undead", self.PARTITIONS)
        config = self.flow("zombie", "undead", {"longhaul.transaction.interval.ms": "300"})
        with Longhaul(config) as sleeper:
            self.wait_held(self.b, "zombie.undead", self.PARTITIONS, count * 0.2, run=sleeper)
            sleeper.process.signal(signal.SIGSTOP)
            with Longhaul(config) as awake:
                self.wait_held(self.b, "zombie.undead", self.PARTITIONS, count * 0.6, run=awake)
                # Not a wait for something: the time in which the target forgets who may write.
                time.sleep(5)
                sleeper.process.signal(signal.SIGCONT)
                sleeper.wait_line(TAKEN_OVER, 60)
                self.wait_committed("zombie", "undead", count, awake)
                self.drained(awake)
        self.same_for_committed_readers("zombie", "undead", count)

    def test_a_compacted_target(self):
        # Nothing is cleaned while the test looks.
        configs = {"cleanup.policy": "compact", "min.compaction.lag.ms": str(10**12)}
        self.tool.create_topic(self.a, "tables", self.PARTITIONS, configs=configs)
        self.tool.bulk(self.a, "tables", 60_000, partitions=self.PARTITIONS, batch_size=8192, linger_ms=2)
        config = self.flow("compacted", "tables", {"longhaul.transaction.interval.ms": "300"})
        planned = command("plan", config=config)
        self.assertIn("written in transactions", planned.stdout, planned.stderr)
        with Longhaul(config) as run:
            for share in (0.3, 0.7):
                self.wait_held(self.b, "compacted.tables", self.PARTITIONS, 60_000 * share, run=run)
                run.process.kill()
                run.start()
            self.wait_committed("compacted", "tables", 60_000, run)
            self.drained(run)
        self.same_for_all_readers("compacted", "tables", 60_000)
        self.check_atomic("compacted", "tables")
        self.assertEqual(self.regimes("compacted", "tables"), [True])

    def test_a_compacted_target_that_is_cleaned_under_way(self):
        topic, remote = "busy", "cleaned.busy"
        self.tool.create_topic(self.a, topic, self.PARTITIONS,
                               configs={"cleanup.policy": "compact", "min.compaction.lag.ms": str(10**12)})
        self.tool.create_topic(self.b, remote, self.PARTITIONS, configs=COMPACTED)
        # The values of a key differ: they are cut from noise at its running number.
        self.tool.call("start_producer", self.a, name=topic, topic=topic, partitions=self.PARTITIONS, rate=2000,
                       keys=400, linger_ms=5, batch_size=4096)
        config = self.flow("cleaned", topic, {"sync.topic.configs.enabled": "false",
                                              "longhaul.transaction.interval.ms": "300"})
        with Longhaul(config) as run:
            for _ in range(3):
                self.more_and_cleaned(run, remote, 6_000)
                run.process.kill()
                run.start()
            self.more_and_cleaned(run, remote, 3_000)
            written = self.tool.call("stop_producer", name=topic)["records"]
            latest = self.latest(self.a, topic)
            wait_until(lambda: self.latest(self.b, remote) == latest, 60, "the latest value of each key", 0.5)
            self.drained(run)
            self.assertEqual(run.matching("partition stopped"), [], run.tail())
        self.assertEqual(len(latest), 400)
        self.assertLess(len(self.tool.dump(self.b, remote)), written // 2)
        done = command("verify", config=config)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertEqual(done.stdout.count("the logs were cleaned at different times"), self.PARTITIONS, done.stdout)

    def latest(self, cluster, topic):
        """The last committed value and timestamp of each key."""
        return {(one["partition"], one["key"]): (one["value"], one["timestamp"])
                for one in self.tool.dump(cluster, topic, COMMITTED)}

    def more_and_cleaned(self, run, remote, offsets):
        """Waits until the remote partitions have grown by so many offsets, and more than half of all are cleaned."""
        def ends():
            return sum(end for _, end in self.tool.offsets(self.b, remote).values())

        def cleaned():
            self.assertIsNone(run.process.poll(), run.tail())
            found = self.tool.digest(self.b, remote).values()
            return ends() >= goal and 2 * sum(partition["records"] for partition in found) < goal

        goal = ends() + offsets
        wait_until(cleaned, 60, f"{offsets} more offsets in {remote}, most of which are cleaned", 0.3)
        self.assertEqual(run.matching("partition stopped"), [], run.tail())

    def test_recent_old_and_recent_again(self):
        topic, count = "mixed", 0
        self.tool.create_topic(self.a, topic, self.PARTITIONS)
        with Longhaul(self.flow("mixed", topic, {"longhaul.transaction.calm.ms": "2000",
                                                 "longhaul.transaction.interval.ms": "200"})) as run:
            for stamp in (None, OLD, None):
                self.tool.bulk(self.a, topic, 20_000, partitions=self.PARTITIONS, batch_size=4096, linger_ms=1,
                               timestamp=stamp)
                count += 20_000
                self.wait_committed("mixed", topic, count, run)
            # Batches that are recent bring the calm about, in transactions as yet; then they go outside of them.
            for _ in range(30):
                self.tool.bulk(self.a, topic, 1_000, partitions=self.PARTITIONS, batch_size=4096, linger_ms=1)
                count += 1_000
                self.wait_committed("mixed", topic, count, run)
                if all(not self.regimes("mixed", topic, partition)[-1] for partition in range(self.PARTITIONS)):
                    break
            run.process.kill()
            run.start()
            self.tool.bulk(self.a, topic, 1_000, partitions=self.PARTITIONS, batch_size=4096, linger_ms=1)
            count += 1_000
            self.wait_committed("mixed", topic, count, run)
            self.drained(run)
        self.same_for_committed_readers("mixed", topic, count)
        for partition in range(self.PARTITIONS):
            # What was recent when it was written may be too old for this target when a busy machine gets to it.
            self.assertEqual(set(self.regimes("mixed", topic, partition)), {False, True})

    def test_a_transaction_that_times_out_while_the_process_sleeps(self):
        topic = self.traffic("naps", self.PARTITIONS)
        with Longhaul(self.flow("naps", topic, {**ENABLED, "longhaul.transaction.timeout.ms": "4000"})) as run:
            for _ in range(2):
                self.more(run, "naps", topic, 10_000, self.PARTITIONS)
                run.process.signal(signal.SIGSTOP)
                # Not a wait for something: the target aborts what is open for so long.
                time.sleep(8)
                run.process.signal(signal.SIGCONT)
            self.more(run, "naps", topic, 10_000, self.PARTITIONS)
            written = self.tool.call("stop_producer", name="naps")["records"]
            self.wait_committed("naps", topic, written, run)
            self.assertEqual(run.matching("partition stopped|another instance"), [], run.tail())
            self.drained(run)
        self.same_for_committed_readers("naps", topic, written)
        self.check_atomic("naps", topic)


class LostMarkerTest(TwoClusters):
    """A coordinator never writes the marker of a partition that has no leader when the transaction ends."""

    @classmethod
    def setUpClass(cls):
        cls.a, cls.b = cls.enterClassContext(running(KafkaCluster("A"), KafkaCluster("B", brokers=3)))
        cls.tool = cls.enterClassContext(KafkaTool())

    def test_it_is_written_again_although_nothing_more_comes(self):
        self.tool.create_topic(self.a, "idle")
        # The only copy is on broker 3; all that Longhaul keeps is on all three.
        self.tool.create_topic(self.b, "lost.idle", replicas=[[3]])
        settings = {**ENABLED, "longhaul.transaction.interval.ms": "20000", "offset.storage.replication.factor": "3",
                    "replication.factor": "3"}

        def committed():
            return self.tool.digest(self.b, "lost.idle", COMMITTED).get(0, {"records": 0})["records"]

        with Longhaul(self.flow("lost", "idle", settings)) as run:
            self.tool.bulk(self.a, "idle", 1_000)
            self.wait_held(self.b, "lost.idle", 1, 1_000, run=run)
            self.b.kill_node(2)
            wait_until(lambda: self.tool.describe(self.b, "lost.idle")["leaders"] == [-1], 60, "no leader")
            # The transaction ends meanwhile: its positions are there.
            wait_until(lambda: self.stored_offset("lost") == 1_000, 60, "the end of the transaction")
            self.b.start_node(2)
            run.wait_line("the target has lost the end of a committed transaction", 60)
            wait_until(lambda: committed() == 1_000, 60, "what was committed")
            run.terminate()
            self.assertEqual(run.process.wait(30), 0, run.tail())
            self.assertEqual(run.matching("partition stopped|taken over again"), [], run.tail())

    def stored_offset(self, alias):
        """The next source offset of the only partition, as MirrorMaker 2 will read it."""
        found = -1
        for entry in self.tool.dump(self.b, f"mm2-offsets.{alias}.internal", COMMITTED):
            found = json.loads(entry["value"])["offset"] + 1
        return found
