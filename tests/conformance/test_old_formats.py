"""Messages of magic 0 and 1, which brokers before Kafka 0.11 wrote and Kafka 2.8 still keeps."""

import time

from .batches import HOUR_MS, Batches
from .lab import KafkaCluster
from .lab_versions import ZOOKEEPER_2, cluster, running
from .longhaul import Longhaul, TwoClusters, properties
from .processes import wait_until
from .tools import KafkaTool, ToolError, batch, record


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
        self.assertEqual(self.verify("old", "old-.*").count(": same: 705 records"), 8)

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
