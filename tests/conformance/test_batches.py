"""Batches that brokers do not take as they are: they are written anew, and every record arrives as it was."""

import time

from . import wire
from .lab import KafkaCluster
from .lab_versions import ZOOKEEPER_2, cluster, running
from .longhaul import Longhaul, TwoClusters, properties
from .processes import wait_until
from .tools import KafkaTool, ToolError, batch, record

CODECS = ["none", "gzip", "snappy", "lz4", "zstd"]
HOUR_MS = 3_600_000
NO_LIMIT = str(2**63 - 1)
DELETE_HORIZON = 0x40
COMPACTED = {"cleanup.policy": "compact", "segment.ms": "200", "min.cleanable.dirty.ratio": "0.01",
             "max.compaction.lag.ms": "500", "delete.retention.ms": "3600000"}


def is_sparse(item):
    return not item["control"] and 0 < item["count"] < item["last_offset"] - item["base_offset"] + 1


class Batches(TwoClusters):
    """What the classes below share; no cases of its own."""

    def counted(self, summary):
        """(records, batches passed through, batches re-encoded, records re-encoded) of the only flow."""
        (flow,) = summary["flows"]
        return tuple(flow[key] for key in ("records", "batches_passed_through", "batches_reencoded", "records_reencoded"))

    def check_target(self, remote, partitions=1, compression=None):
        """Every batch on the target is whole and dense, of a producer of ours, without a transaction."""
        for partition in range(partitions):
            for item in self.batches(self.b, remote, partition):
                self.assertTrue(item["valid"])
                self.assertFalse(item["control"] or item["transactional"] or is_sparse(item), item)
                self.assertGreaterEqual(item["producer_id"], 0)
                if compression is not None:
                    self.assertEqual(item["compression"], compression)

    def stopped_line(self, run, topic, partition, offset, reason):
        """The one line about a partition that stopped."""
        lines = [line for line in run.problems() if "partition stopped" in line.text]
        found = [line for line in lines if f"topic={topic} " in line.text and f"partition={partition} " in line.text]
        self.assertEqual(len(found), 1, run.tail())
        self.assertIn(f"offset={offset} ", found[0].text)
        self.assertRegex(found[0].text, reason)
        return found[0].text

    def run_with_stops(self, alias, topics, settings=None):
        """A run that ends although some partitions stop; leaves its log to be looked at."""
        run = self.enterContext(Longhaul(self.flow(alias, topics, settings), "--until-caught-up"))
        self.assertEqual(run.process.wait(120), 1, run.tail())
        self.check_no_crash(run)
        return run


    def raw(self, cluster, topic):
        """[(base offset, bytes)] of every batch of partition 0, as the broker sends them."""
        with wire.Connection(cluster.bootstrap.split(",")[0]) as connection:
            return [(base, data) for base, data, _ in wire.batch_spans(connection.log(topic))]

    def has_delete_horizon(self, cluster, topic):
        return any(int.from_bytes(data[21:23], "big") & DELETE_HORIZON for _, data in self.raw(cluster, topic))


class RewritingTest(Batches):
    def compact(self, topic, keys, partition=0):
        """Waits until the cleaner has left one record per key below the active segment."""
        def done():
            # A record behind rolls the segment; the cleaner never touches the active one.
            self.tool.produce(self.a, topic, [batch([record(b"roll", b"x")], partition)])
            kept = [item["key"] for item in self.tool.dump(self.a, topic) if item["partition"] == partition]
            return len([key for key in kept if key != b"roll"]) == keys

        wait_until(done, 90, "compaction of the source", 0.5)

    def test_compacted_topics_with_holes_in_every_codec(self):
        for codec in CODECS:
            topic = f"holes-{codec}"
            self.tool.create_topic(self.a, topic, 1, configs=COMPACTED)
            first = [record(b"k%d" % i, b"old-%d" % i, [("h", b"%d" % i), ("null", None)], 1_700_000_000_000 + 7 * i)
                     for i in range(300)]
            self.tool.produce(self.a, topic, [batch(first)], compression=codec)
            second = [record(b"k%d" % i, None if i % 3 else b"new") for i in range(0, 300, 2)]
            self.tool.produce(self.a, topic, [batch(second)], compression=codec)
        for codec in CODECS:
            self.compact(f"holes-{codec}", 300)
            self.assertTrue(any(map(is_sparse, self.batches(self.a, f"holes-{codec}", 0))), codec)
        summary = self.copy("sparse", "holes-.*")
        for codec in CODECS:
            self.assert_same(f"holes-{codec}", f"sparse.holes-{codec}")
            self.check_target(f"sparse.holes-{codec}")
            source = [item["compression"] for item in self.batches(self.a, f"holes-{codec}", 0) if is_sparse(item)]
            self.assertEqual(set(source), {codec})
        _, passed, reencoded, records = self.counted(summary)
        self.assertGreaterEqual(reencoded, len(CODECS))
        self.assertGreaterEqual(records, 150 * len(CODECS))
        self.assertGreater(passed, 0)

    def test_a_batch_that_compaction_emptied_is_passed_over(self):
        self.tool.create_topic(self.a, "emptied", 1, configs=COMPACTED)
        # The cleaner keeps the last batch of a producer that is still known, without its records.
        self.tool.produce(self.a, "emptied", [batch([record(b"k", b"first"), record(b"k", b"second")])])
        self.tool.produce(self.a, "emptied", [batch([record(b"k", b"last")])])
        self.compact("emptied", 1)
        self.assertTrue(any(item["count"] == 0 for item in self.batches(self.a, "emptied", 0)))
        self.copy("empty", "emptied")
        self.assert_same("emptied", "empty.emptied")
        self.check_target("empty.emptied")

    def test_tombstones_with_a_delete_horizon(self):
        self.tool.create_topic(self.a, "horizon", 1, configs=COMPACTED)
        self.tool.produce(self.a, "horizon", [batch([record(b"%d" % i, b"v") for i in range(4)])])
        self.tool.produce(self.a, "horizon", [batch([record(b"%d" % i, None) for i in range(4)])])
        self.compact("horizon", 4)
        self.assertTrue(self.has_delete_horizon(self.a, "horizon"))
        self.copy("bit", "horizon")
        self.assert_same("horizon", "bit.horizon")
        # Above all not as it came: the target's cleaner would take it for a time that is running out.
        self.check_target("bit.horizon")

    def test_base_sequences_that_wrap(self):
        self.tool.create_topic(self.a, "wrapping", 1)
        with wire.Connection(self.a.bootstrap) as connection:
            error, producer, epoch = connection.init_producer_id()
            self.assertEqual(error, 0)
            for sequence, count in ((2**31 - 3, 7), (4, 3)):
                data = wire.batch(count=count, producer_id=producer, producer_epoch=epoch, base_sequence=sequence)
                answer = connection.produce({("wrapping", 0): data})["wrapping", 0]
                self.assertEqual((answer.error, answer.message), (0, None))
        self.copy("wrap", "wrapping")
        self.assertEqual(self.assert_same("wrapping", "wrap.wrapping")[0][0], 10)

    def test_append_times_are_preserved_or_passed_through(self):
        append_time = {"message.timestamp.type": "LogAppendTime"}
        created = [1_600_000_000_000 + i for i in range(50)]
        for codec in CODECS:
            self.tool.create_topic(self.a, f"appended-{codec}", 1, configs=append_time)
            self.tool.produce(self.a, f"appended-{codec}",
                              [batch([record(b"%d" % i, b"v", timestamp=at) for i, at in enumerate(created)])] * 3,
                              compression=codec)
        summary = self.copy("kept", "appended-.*")
        self.assertEqual(self.counted(summary), (50 * 3 * 5, 0, 3 * 5, 50 * 3 * 5))
        for codec in CODECS:
            self.assert_same(f"appended-{codec}", f"kept.appended-{codec}")
            self.check_target(f"kept.appended-{codec}", compression=codec)
            self.assertEqual(len({item["timestamp"] for item in self.tool.dump(self.b, f"kept.appended-{codec}")}), 3)

        summary = self.copy("passed", "appended-.*", {"longhaul.log.append.time": "passthrough"})
        self.assertEqual(self.counted(summary), (50 * 3 * 5, 3 * 5, 0, 0))
        for codec in CODECS:
            found = [item["timestamp"] for item in self.tool.dump(self.b, f"passed.appended-{codec}")]
            self.assertEqual(found, created * 3)

    def test_a_target_with_append_times_of_its_own_gets_batches_as_they_are(self):
        append_time = {"message.timestamp.type": "LogAppendTime"}
        self.tool.create_topic(self.a, "stamped", 1, configs=append_time)
        self.tool.create_topic(self.b, "both.stamped", 1, configs=append_time)
        self.tool.produce(self.a, "stamped", [batch([record(b"%d" % i, b"v") for i in range(5)])])
        with Longhaul(self.flow("both", "stamped"), "--until-caught-up") as run:
            self.assertEqual(run.process.wait(60), 0, run.tail())
            self.assertEqual(len(run.matching("gives records its own times")), 1, run.tail())
            self.assertEqual(self.counted(run.summary()), (5, 1, 0, 0))
        keys = [[item["key"] for item in self.tool.dump(on, topic)]
                for on, topic in ((self.a, "stamped"), (self.b, "both.stamped"))]
        self.assertEqual(keys[0], keys[1])

    def test_batches_larger_than_the_target_takes_are_split(self):
        for codec in CODECS:
            topic = f"large-{codec}"
            self.tool.create_topic(self.a, topic, 1, configs={"max.message.bytes": "4000000"})
            self.tool.create_topic(self.b, f"split.{topic}", 1, configs={"max.message.bytes": "20000"})
            noise = [bytes((i * 31 + j * j * 7) % 251 for j in range(400)) for i in range(300)]
            many = [record(b"%d" % i, value, [("n", b"%d" % i)], 1_700_000_000_000 + i) for i, value in enumerate(noise)]
            self.tool.produce(self.a, topic, [batch(many), batch(many[:3]), batch(many)], compression=codec)
        summary = self.copy("split", "large-.*")
        for codec in CODECS:
            self.assert_same(f"large-{codec}", f"split.large-{codec}")
            self.check_target(f"split.large-{codec}", compression=codec)
            self.assertLessEqual(max(item["size"] for item in self.batches(self.b, f"split.large-{codec}", 0)), 20000)
        records, passed, reencoded, _ = self.counted(summary)
        self.assertEqual(records, 5 * 603)
        self.assertGreaterEqual(passed, 5)
        self.assertGreater(reencoded, 2 * len(CODECS))

    def test_a_position_inside_a_batch(self):
        self.tool.create_topic(self.a, "inside", 1)
        for _ in range(3):
            self.tool.produce(self.a, "inside", [batch([record(b"%d" % i, b"v") for i in range(10)])], compression="lz4")
        self.tool.call("delete_records", self.a, topic="inside", before=14)
        summary = self.copy("within", "inside")
        found = self.assert_same("inside", "within.inside")
        self.assertEqual(found[0][0], 16)
        self.assertEqual(self.counted(summary), (16, 1, 1, 6))


class StopsTest(Batches):
    """What cannot be forwarded stops its partition, with one line; everything else goes on."""

    def check_others(self, topic, remote, others):
        source, target = self.digest("java", self.a, topic, "read_uncommitted"), \
            self.digest("java", self.b, remote, "read_uncommitted")
        for partition in others:
            self.assertGreater(source[partition][0], 0)
            self.assertEqual(source[partition], target[partition])
        return target

    def test_one_record_that_is_larger_than_the_target_takes(self):
        self.tool.create_topic(self.a, "large", 2)
        self.tool.create_topic(self.b, "big.large", 2, configs={"max.message.bytes": "20000"})
        small = [record(b"%d" % i, b"small") for i in range(3)]
        mixed = [*small, record(b"x", b"y" * 30000), *small]
        self.tool.produce(self.a, "large", [batch(small, 0), batch(small, 1), batch(mixed, 0), batch(small, 0),
                                            batch(small, 1)])
        run = self.run_with_stops("big", "large")
        self.stopped_line(run, "large", 0, 6, r"larger than the target topic takes.*max\.message\.bytes is 20000")
        target = self.check_others("large", "big.large", others=[1])
        self.assertEqual(target[0][0], 6, "the records before it are there")

    def test_a_stopped_partition_stays_stopped_while_others_run_on(self):
        self.tool.create_topic(self.a, "runs", 2)
        self.tool.create_topic(self.b, "on.runs", 2, configs={"max.message.bytes": "20000"})
        self.tool.produce(self.a, "runs", [batch([record(b"x", b"y" * 30000)], 0), batch([record(b"a", b"1")], 1)])
        with Longhaul(self.flow("on", "runs")) as run:
            run.wait_line(r"partition=0")
            for i in range(5):
                self.tool.produce(self.a, "runs", [batch([record(b"a", b"%d" % i)], 1)])
                self.wait_held(self.b, "on.runs", 2, 2 + i, run=run)
            self.assertEqual(len([line for line in run.problems() if "partition=0" in line.text]), 1, run.tail())
            run.terminate()
            run.process.wait(20)
            self.check_no_crash(run)

    def test_null_keys_into_a_compacted_target(self):
        self.tool.create_topic(self.a, "keyless", 3)
        self.tool.create_topic(self.b, "nokey.keyless", 3, configs={"cleanup.policy": "compact,delete"})
        keyed = [record(b"%d" % i, b"v") for i in range(3)]
        self.tool.produce(self.a, "keyless", [batch(keyed, partition) for partition in range(3)])
        self.tool.produce(self.a, "keyless", [batch([*keyed, record(None, b"no key"), *keyed], 1), batch(keyed, 0),
                                              batch([record(b"", b"an empty key is one")], 2), batch(keyed, 1)])
        run = self.run_with_stops("nokey", "keyless")
        self.stopped_line(run, "keyless", 1, 3, r"no key and the target topic is compacted.*source offset 6\b")
        target = self.check_others("keyless", "nokey.keyless", others=[0, 2])
        self.assertEqual(target[1][0], 3)


class TargetRulesTest(Batches):
    """What the target's settings say of timestamps and codecs."""

    # A static setting of the brokers, so that it is not copied with the topics.
    SOURCE_SETTINGS = {"log.message.timestamp.after.max.ms": NO_LIMIT}

    def test_timestamps_of_all_ages(self):
        now = int(time.time() * 1000)
        times = [0, 1, 315_532_800_000, now - 400 * 24 * HOUR_MS, now, now + 2 * HOUR_MS, now + 24 * 365 * HOUR_MS]
        self.tool.create_topic(self.a, "times", 1)
        self.tool.produce(self.a, "times", [batch([record(b"%d" % at, b"v", timestamp=at)]) for at in times])
        self.tool.produce(self.a, "times", [batch([record(b"%d" % at, b"v", timestamp=at) for at in times])])
        with wire.Connection(self.a.bootstrap) as connection:
            answer = connection.produce({("times", 0): wire.batch(count=3, timestamp=-1)})["times", 0]
            self.assertEqual((answer.error, answer.message), (0, None))
        self.copy("ages", "times")
        self.assertEqual(self.assert_same("times", "ages.times")[0][0], 2 * len(times) + 3)
        found = [item["timestamp"] for item in self.tool.dump(self.b, "ages.times")]
        self.assertEqual(found, times + times + [-1] * 3)
        self.assertEqual(self.tool.describe(self.b, "ages.times")["configs"]["message.timestamp.after.max.ms"], NO_LIMIT)

    def test_a_limit_of_the_source_topic_is_copied(self):
        self.tool.create_topic(self.a, "limited", 1, configs={"message.timestamp.after.max.ms": str(3 * HOUR_MS)})
        at = int(time.time() * 1000) + 2 * HOUR_MS
        self.tool.produce(self.a, "limited", [batch([record(b"k", b"v", timestamp=at)])])
        self.copy("limit", "limited")
        self.assert_same("limited", "limit.limited", readers=("java",))
        configs = self.tool.describe(self.b, "limit.limited")["configs"]
        self.assertEqual(configs["message.timestamp.after.max.ms"], str(3 * HOUR_MS))

    def test_a_timestamp_that_an_existing_topic_refuses_stops_its_partition(self):
        self.tool.create_topic(self.a, "late", 2)
        self.tool.create_topic(self.b, "future.late", 2)
        at = int(time.time() * 1000) + 2 * HOUR_MS
        fine = [record(b"%d" % i, b"v") for i in range(3)]
        self.tool.produce(self.a, "late", [batch(fine, 0), batch(fine, 1), batch([record(b"k", b"v", timestamp=at)], 1),
                                           batch(fine, 0), batch(fine, 1)])
        run = self.run_with_stops("future", "late")
        self.stopped_line(run, "late", 1, 3, r"message\.timestamp\.after\.max\.ms")
        self.assertEqual((self.held(self.b, "future.late", 1), self.held(self.b, "future.late", 2)), (6, 9))

    def test_a_target_that_compresses_anew_is_said_once(self):
        self.tool.create_topic(self.a, "anew", 2)
        self.tool.create_topic(self.b, "codec.anew", 2, configs={"compression.type": "gzip"})
        for codec in ("none", "zstd"):
            self.tool.produce(self.a, "anew", [batch([record(b"%d" % i, b"v" * 100) for i in range(20)], partition)
                                               for partition in range(2)], compression=codec)
        with Longhaul(self.flow("codec", "anew"), "--until-caught-up") as run:
            self.assertEqual(run.process.wait(60), 0, run.tail())
            (line,) = run.problems()
            self.assertRegex(line.text, r"WARN.*compresses anew.*remote_topic=codec\.anew compression\.type=gzip")
        self.assert_same("anew", "codec.anew")


class OldFormatsTest(Batches):
    """Topics of Kafka 2.8 that keep the formats before 0.11 (magic 0 and 1)."""

    FORMATS = {0: "0.9.0", 1: "0.10.2"}
    OLD_CODECS = ("none", "gzip", "snappy", "lz4")

    @classmethod
    def setUpClass(cls):
        super(TwoClusters, cls).setUpClass()
        # Brokers before 3.6 have one limit for both directions; without one of its own a topic has this one.
        cls.a = cluster("A", ZOOKEEPER_2, settings={"log.message.timestamp.difference.max.ms": HOUR_MS})
        cls.b = KafkaCluster("B")
        cls.enterClassContext(running(cls.a, cls.b))
        cls.tool = cls.enterClassContext(KafkaTool())

    def create_old(self, topic, magic, **configs):
        more = {key.replace("_", "."): value for key, value in configs.items()}
        self.tool.create_topic(self.a, topic, 1, configs={"message.format.version": self.FORMATS[magic], **more})

    def write(self, topic, batches, codec="none"):
        self.tool.produce(self.a, topic, batches, idempotent="false", compression=codec)

    def magics(self, topic):
        """The formats of the entries on the broker's disk."""
        found = set()
        for segment in self.a.segments(topic):
            data, at = segment.read_bytes(), 0
            while at + 17 <= len(data):
                found.add(data[at + 16])
                at += 12 + int.from_bytes(data[at + 8:at + 12], "big")
        return found

    def test_both_magics_in_every_codec_they_had(self):
        now = int(time.time() * 1000)
        many = [record(b"%d" % i, b"v" * (i % 300), timestamp=now - i) for i in range(700)]
        odd = [record(None, b"null key"), record(b"", b"empty key"), record(b"tombstone", None), record(b"empty", b"")]
        for magic in self.FORMATS:
            for codec in self.OLD_CODECS:
                self.create_old(f"old-{magic}-{codec}", magic)
                self.write(f"old-{magic}-{codec}", [batch(many), batch(odd), batch(odd[:1])], codec)
                self.assertEqual(self.magics(f"old-{magic}-{codec}"), {magic})
        summary = self.copy("old", "old-.*")
        for magic in self.FORMATS:
            for codec in self.OLD_CODECS:
                # Only Java's reader shows the absent timestamp of magic 0 as -1, and franz-go does not read its LZ4.
                readers = ("java",) if magic == 0 else ("java", "franz-go", "kcat")
                found = self.assert_same(f"old-{magic}-{codec}", f"old.old-{magic}-{codec}", readers=readers)
                self.assertEqual(found[0][0], 705)
                for reader in ("franz-go", "kcat"):
                    self.assertEqual(self.digest(reader, self.b, f"old.old-{magic}-{codec}", "read_uncommitted"), found)
                self.check_target(f"old.old-{magic}-{codec}", compression=codec)
        records, passed, reencoded, reencoded_records = self.counted(summary)
        self.assertEqual((records, passed, reencoded_records), (8 * 705, 0, 8 * 705))
        self.assertLess(reencoded, 8 * 20, "messages that stand alone are put together")

    def test_append_times_of_wrappers_and_of_messages(self):
        for codec in self.OLD_CODECS:
            self.create_old(f"times-{codec}", 1, message_timestamp_type="LogAppendTime")
            for _ in range(2):
                self.write(f"times-{codec}", [batch([record(b"%d" % i, b"v", timestamp=1) for i in range(9)])], codec)
        self.copy("at", "times-.*")
        for codec in self.OLD_CODECS:
            self.assert_same(f"times-{codec}", f"at.times-{codec}")

    def test_compacted_wrappers_beside_batches_of_the_new_format(self):
        topic = "compacted"
        self.create_old(topic, 1, cleanup_policy="compact", segment_ms="500", min_cleanable_dirty_ratio="0.01",
                        max_compaction_lag_ms="1000")
        self.write(topic, [batch([record(b"k%d" % i, b"old") for i in range(20)])], "gzip")
        self.write(topic, [batch([record(b"k%d" % i, b"new") for i in range(0, 20, 3)])], "gzip")

        def compacted():
            self.write(topic, [batch([record(b"roll", b"x")])])
            kept = [item for item in self.tool.dump(self.a, topic) if item["offset"] < 20]
            return len(kept) == 13

        wait_until(compacted, 90, "compaction of the source", 0.5)
        self.tool.call("alter_configs", self.a, topic=topic, configs={"message.format.version": None})

        def written():
            try:
                return self.tool.produce(self.a, topic, [batch([record(b"h", b"v", [("header", b"1")])])])
            except ToolError as error:
                if "headers" not in str(error) and "UnsupportedForMessageFormat" not in str(error):
                    raise
                return None

        wait_until(written, 30, "the new message format")
        self.assertEqual(self.magics(topic), {1, 2})
        self.copy("mixed", topic)
        self.assert_same(topic, f"mixed.{topic}")

    def test_an_old_target_gets_timestamps_of_all_ages(self):
        now = int(time.time() * 1000)
        self.tool.create_topic(self.b, "ages", 1, configs={"retention.ms": "-1"})
        self.tool.produce(self.b, "ages", [batch([record(b"k", b"v", timestamp=at)]) for at in (0, now, now - 99 * HOUR_MS)])
        config = properties({"B": self.b, "A": self.a}, {"B->A": "ages"})
        with Longhaul(config, "--until-caught-up") as run:
            self.assertEqual(run.process.wait(60), 0, run.tail())
        self.assert_same("ages", "B.ages", readers=("java",), source=self.b, target=self.a)
