"""What goes through a flow arrives as it was: every codec, every odd record, transactions, topics and their settings."""

import time

from . import wire
from .batches import CODECS, Batches
from .longhaul import Longhaul, TwoClusters
from .processes import wait_until
from .tools import ToolError, batch, record

DAY_MS = 86_400_000


def odd_batches():
    """Batches of everything a record may be, as (records, partition)."""
    many = [record(b"key-%d" % i, b"value-%d-" % i + b"x" * (i % 200), [("n", b"%d" % i)], 1_700_000_000_000 + i)
            for i in range(5000)]
    return [
        batch([record(b"single", b"one record in a batch")], 0),
        batch(many, 1),
        batch([record(None, b"null key"), record(b"", b"empty key"), record(b"tombstone", None), record(b"empty", b""),
               record(None, None), record(b"", b"")], 0),
        batch([record(b"h", b"v", [(f"header-{i}", b"%d" % i) for i in range(200)])], 2),
        batch([record(b"h", b"v", [("null", None), ("empty", b""), ("twice", b"1"), ("twice", b"2"), ("", b"no name")]),
               record(b"no headers", b"v")], 2),
        batch([record(b"old", b"1970", timestamp=0), record(b"older than the broker", b"2001", timestamp=10**12),
               record(b"backwards", b"yesterday", timestamp=int(time.time() * 1000) - DAY_MS),
               record(b"now", b"now", timestamp=int(time.time() * 1000))], 1),
        batch([record(bytes(range(256)), bytes(range(256)) * 16, [("binary", b"\xff\xfe\x80")])], 2),
        batch([record("ключ".encode(), "値".encode(), [("заголовок", "✓".encode())])], 0),
        batch([record(b"big", b"0123456789abcdef" * 65536)], 0),
    ]


class CodecsTest(Batches):
    def test_odd_records_in_every_codec(self):
        for codec in CODECS:
            self.tool.create_topic(self.a, f"odd-{codec}", 3, configs={"retention.ms": "-1"})
            for idempotent in (True, False):
                self.tool.produce(self.a, f"odd-{codec}", odd_batches(), compression=codec,
                                  idempotent=str(idempotent).lower())
        summary = self.copy("codecs", "odd-.*")
        for codec in CODECS:
            found = self.assert_same(f"odd-{codec}", f"codecs.odd-{codec}")
            self.assertEqual(sum(records for records, _ in found.values()), 2 * 5017)
            self.assert_passed_through(f"odd-{codec}", f"codecs.odd-{codec}")
        (flow,) = summary["flows"]
        self.assertEqual(flow["records"], 5 * 2 * 5017)
        self.assertEqual((flow["batches"], flow["batches_passed_through"]), (5 * 2 * 9, 5 * 2 * 9))
        self.assertEqual((flow["flow"], flow["topics"], flow["partitions"]), ("codecs->B", 5, 15))
        self.assertEqual((flow["lag_records"], flow["stopped_partitions"]), (0, []))

    def test_producer_ids_of_the_source_are_replaced(self):
        # Every cluster hands them out from 0 on; on the source they shall lie where the target's do not.
        with wire.Connection(self.a.bootstrap) as connection:
            wait_until(lambda: connection.init_producer_id()[1] >= 200, 30, "producer ids of the source", 0)
        self.tool.create_topic(self.a, "ids", 3)
        records = [record(b"%d" % i, b"v") for i in range(5)]
        self.tool.produce(self.a, "ids", [batch(records, 0)] * 2)
        self.tool.produce(self.a, "ids", [batch(records, 1)] * 2, transactional_id="ids")
        self.tool.produce(self.a, "ids", [batch(records, 2)] * 2, idempotent="false")
        theirs = self.producer_ids(self.a, "ids")
        self.assertGreaterEqual(min(*theirs[0], *theirs[1]), 200)
        self.assertEqual(theirs[2], {-1})

        self.copy("replaced", "ids")
        self.assert_same("ids", "replaced.ids", readers=("java",))
        ours = self.producer_ids(self.b, "replaced.ids")
        self.assertTrue(set.union(*theirs).isdisjoint(set.union(*ours)), (theirs, ours))
        stored = self.stored("replaced")
        self.assertEqual(ours, [{stored[partition]["producers"][-1]["id"]} for partition in range(3)])

    def producer_ids(self, cluster, topic):
        return [{item["producer_id"] for item in self.batches(cluster, topic, partition)} for partition in range(3)]

    def test_a_record_of_ten_megabytes(self):
        self.tool.create_topic(self.a, "huge", 1, configs={"max.message.bytes": str(16 << 20)})
        payload = bytes(i * 7919 % 251 for i in range(10_000)) * 1000
        self.tool.produce(self.a, "huge", [batch([record(b"huge", payload)]), batch([record(b"after", b"small")])])
        self.copy("huge", "huge")
        self.assert_same("huge", "huge.huge")

    def test_a_log_that_does_not_start_at_zero(self):
        self.tool.create_topic(self.a, "trimmed", 1)
        for i in range(20):
            self.tool.produce(self.a, "trimmed", [batch([record(b"%d" % i, b"x") for _ in range(10)])])
        self.tool.call("delete_records", self.a, topic="trimmed", before=120)
        self.copy("trimmed", "trimmed")
        found = self.assert_same("trimmed", "trimmed.trimmed")
        self.assertEqual(found[0][0], 80)

    def test_empty_topics_are_created_and_nothing_waits_for_them(self):
        self.tool.create_topic(self.a, "empty", 4)
        self.copy("empty", "empty")
        self.assertEqual(self.tool.describe(self.b, "empty.empty")["partitions"], 4)


class TransactionsTest(TwoClusters):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.tool.create_topic(cls.a, "tx", 2)
        for number in range(12):
            records = [record(b"%d-%d" % (number, i), b"v" * i) for i in range(7)]
            batches = [batch(records, 0), batch(records[:3], 1), batch(records[3:], 0)]
            cls.tool.produce(cls.a, "tx", batches, transactional_id="tx", end="abort" if number % 3 == 1 else "commit")
        cls.tool.produce(cls.a, "tx", [batch([record(b"plain", b"no transaction")], 1)])

    def test_read_uncommitted_carries_aborted_records_too(self):
        self.copy("uncommitted", "tx")
        found = self.assert_same("tx", "uncommitted.tx")
        self.assertEqual(sum(records for records, _ in found.values()), 12 * 14 + 1)
        self.assert_no_transactions("uncommitted.tx")

    def test_read_committed_leaves_aborted_records_out(self):
        self.copy("committed", "tx", {"committed.consumer.isolation.level": "read_committed"})
        found = self.assert_same("tx", "committed.tx", isolation="read_committed")
        self.assertEqual(sum(records for records, _ in found.values()), 8 * 14 + 1)
        self.assert_no_transactions("committed.tx")

    def test_an_open_transaction_holds_read_committed_until_it_ends(self):
        self.tool.create_topic(self.a, "open", 1)
        self.tool.produce(self.a, "open", [batch([record(b"1", b"before")])])
        self.tool.produce(self.a, "open", [batch([record(b"2", b"inside")])], transactional_id="open", end="open")
        self.tool.produce(self.a, "open", [batch([record(b"3", b"behind")])])
        settings = {"opened.consumer.isolation.level": "read_committed"}
        # Caught up means the last stable offset: the open transaction does not keep it from ending.
        self.copy("opened", "open", settings)
        self.assertEqual(self.held(self.b, "opened.open", 1), 1)
        self.tool.produce(self.a, "open", [batch([record(b"4", b"end")])], transactional_id="open", end="commit",
                          **{"continue": True})
        self.copy("opened", "open", settings)
        found = self.assert_same("open", "opened.open", isolation="read_committed")
        self.assertEqual(found[0][0], 4)

    def assert_no_transactions(self, remote):
        for partition in range(2):
            for item in self.batches(self.b, remote, partition):
                self.assertFalse(item["transactional"], item)


class TopicsTest(TwoClusters):
    def test_remote_topics_have_the_partitions_and_the_configuration_of_the_source(self):
        configs = {"cleanup.policy": "compact", "segment.bytes": "33554432", "retention.ms": "123456789",
                   "max.message.bytes": "2000000", "min.insync.replicas": "1", "compression.type": "producer"}
        self.tool.create_topic(self.a, "configured", 5, configs=configs)
        self.tool.create_topic(self.a, "default", 2)
        self.copy("topics", "configured, default")
        remote = self.tool.describe(self.b, "topics.configured")
        self.assertEqual(remote["partitions"], 5)
        # min.insync.replicas is in MirrorMaker's default config.properties.exclude.
        expected = {key: value for key, value in configs.items() if key != "min.insync.replicas"}
        self.assertEqual({key: remote["configs"].get(key) for key in expected}, expected)
        self.assertNotIn("min.insync.replicas", remote["configs"])
        plain = self.tool.describe(self.b, "topics.default")
        self.assertEqual((plain["partitions"], plain["replication"]), (2, 1))

    def test_new_topics_and_new_partitions_are_found_while_it_runs(self):
        self.tool.create_topic(self.a, "grow-1", 1)
        self.tool.produce(self.a, "grow-1", [batch([record(b"a", b"1")])])
        with Longhaul(self.flow("grow", "grow-.*")) as run:
            self.wait_held(self.b, "grow.grow-1", 1, 1, run=run)
            self.tool.call("create_partitions", self.a, topic="grow-1", total=3)
            self.tool.create_topic(self.a, "grow-2", 2)
            self.tool.create_topic(self.a, "other", 1)
            self.tool.produce(self.a, "grow-1", [batch([record(b"b", b"2")], 2), batch([record(b"c", b"3")], 1)])
            self.tool.produce(self.a, "grow-2", [batch([record(b"d", b"4")], 1)])
            # The interval is 1 s here; 15 s leave room for a loaded machine.
            self.wait_held(self.b, "grow.grow-1", 3, 3, seconds=15, run=run)
            self.wait_held(self.b, "grow.grow-2", 2, 1, seconds=15, run=run)
            run.terminate()
            self.assertEqual(run.process.wait(20), 0, run.tail())
            self.check_no_crash(run)
        self.assert_same("grow-1", "grow.grow-1")
        self.assert_same("grow-2", "grow.grow-2")
        self.assertNotIn("grow.other", self.tool.topics(self.b))

    def test_selection_takes_lists_and_regular_expressions_and_excludes_win(self):
        for topic in ("sel-orders", "sel-orders-eu", "sel-payments", "sel-audit", "mm2-x.internal", "sel.replica"):
            self.tool.create_topic(self.a, topic, 1)
            self.tool.produce(self.a, topic, [batch([record(b"k", topic.encode())])])
        self.copy("sel", "sel-orders.*|sel-audit , sel-pay[a-z]+, sel\\\\.replica",
                  {"topics.exclude": ".*-eu, .*\\\\.replica"})
        found = [topic for topic in self.tool.topics(self.b) if topic.startswith("sel.")]
        self.assertEqual(found, ["sel.sel-audit", "sel.sel-orders", "sel.sel-payments"])

    def test_default_excludes_leave_internal_topics_alone(self):
        for topic in ("int-data", "mm2-int.internal", "int.replica"):
            self.tool.create_topic(self.a, topic, 1)
        self.copy("int", "int-data, mm2-int\\\\.internal, int\\\\.replica, __.*")
        found = [topic for topic in self.tool.topics(self.b) if topic.startswith("int.")]
        self.assertEqual(found, ["int.int-data"])

    def test_identity_policy_keeps_names(self):
        self.tool.create_topic(self.a, "same-name", 2)
        self.tool.produce(self.a, "same-name", [batch([record(b"k", b"v")], 1)])
        self.copy("identity", "same-name", {
            "identity->B.replication.policy.class": "org.apache.kafka.connect.mirror.IdentityReplicationPolicy"})
        self.assert_same("same-name", "same-name")

    def test_a_separator_of_its_own(self):
        self.tool.create_topic(self.a, "separated", 1)
        self.tool.produce(self.a, "separated", [batch([record(b"k", b"v")])])
        self.copy("sep", "separated", {"replication.policy.separator": "__"})
        self.assert_same("separated", "sep__separated")

    def test_both_directions_do_not_loop(self):
        self.tool.create_topic(self.a, "loop-a", 1)
        self.tool.create_topic(self.b, "loop-b", 1)
        self.tool.produce(self.a, "loop-a", [batch([record(b"k", b"a")])])
        self.tool.produce(self.b, "loop-b", [batch([record(b"k", b"b")])])
        from .longhaul import properties
        config = properties({"us": self.a, "eu": self.b}, {"us->eu": ".*loop.*", "eu->us": ".*loop.*"})
        with Longhaul(config) as run:
            self.wait_held(self.b, "us.loop-a", 1, 1, run=run)
            self.wait_held(self.a, "eu.loop-b", 1, 1, run=run)
            # Three refresh intervals, in which a loop would create us.eu.loop-b.
            time.sleep(3.5)
            run.terminate()
            self.assertEqual(run.process.wait(20), 0, run.tail())
        looped = [topic for cluster in (self.a, self.b) for topic in self.tool.topics(cluster)
                  if "loop" in topic and topic.count(".") > 1]
        self.assertEqual(looped, [])


class TargetTopicTest(TwoClusters):
    def test_a_remote_topic_that_exists_is_used_as_it_is(self):
        self.tool.create_topic(self.a, "exists", 2)
        self.tool.create_topic(self.b, "ex.exists", 4, configs={"retention.ms": "99999999"})
        self.tool.produce(self.a, "exists", [batch([record(b"k", b"v")], 1)])
        self.copy("ex", "exists", {"sync.topic.configs.enabled": "false"})
        self.assertEqual(self.tool.describe(self.b, "ex.exists")["partitions"], 4)
        self.assertEqual(self.held(self.b, "ex.exists", 4), 1)

    def test_a_replication_factor_that_the_target_cannot_give_is_said_once(self):
        self.tool.create_topic(self.a, "factor", 1)
        with Longhaul(self.flow("rf", "factor", {"replication.factor": "3"})) as run:
            line = run.wait_line(r"(?i)replication.factor")
            self.assertIn("factor", line.text)
            self.assertRaises(ToolError, self.tool.describe, self.b, "rf.factor")
            run.terminate()
            run.process.wait(20)
            self.check_no_crash(run)
