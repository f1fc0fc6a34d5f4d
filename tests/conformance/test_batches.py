"""Batches that brokers do not take as they are: they are written anew, and every record arrives as it was."""

import operator

from . import wire
from .batches import CODECS, COMPACTED, Batches, is_sparse
from .longhaul import Longhaul
from .processes import wait_until
from .test_replication import odd_batches
from .tools import batch, record


class RewritingTest(Batches):
    def compact(self, topic, keys, partition=0):
        """Waits until the cleaner has left one record per key below the active segment."""
        def done():
            # A record behind rolls the segment; the cleaner never touches the active one.
            self.tool.produce(self.a, topic, [batch([record(b"roll", b"x")], partition)])
            kept = [item["key"] for item in self.tool.dump(self.a, topic) if item["partition"] == partition]
            return len([key for key in kept if key != b"roll"]) == keys

        wait_until(done, 90, "compaction of the source", 0.5)

    def uncleaned(self, remote):
        """The remote topic, compacted as its source, but nothing in it is old enough for the cleaner."""
        self.tool.create_topic(self.b, remote, 1, configs={"cleanup.policy": "compact", "min.compaction.lag.ms": str(10**12)})

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
            self.uncleaned(f"sparse.holes-{codec}")
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
        self.assertEqual(self.verify("sparse", "holes-.*").count(": same:"), len(CODECS))

    def test_a_batch_that_compaction_emptied_is_passed_over(self):
        self.tool.create_topic(self.a, "emptied", 1, configs=COMPACTED)
        # The cleaner keeps the last batch of a producer that is still known, without its records.
        self.tool.produce(self.a, "emptied", [batch([record(b"k", b"first"), record(b"k", b"second")])])
        self.tool.produce(self.a, "emptied", [batch([record(b"k", b"last")])])
        self.compact("emptied", 1)
        self.assertTrue(any(item["count"] == 0 for item in self.batches(self.a, "emptied", 0)))
        self.uncleaned("empty.emptied")
        self.copy("empty", "emptied")
        self.assert_same("emptied", "empty.emptied")
        self.check_target("empty.emptied")

    def test_tombstones_with_a_delete_horizon(self):
        self.tool.create_topic(self.a, "horizon", 1, configs=COMPACTED)
        self.tool.produce(self.a, "horizon", [batch([record(b"%d" % i, b"v") for i in range(4)])])
        self.tool.produce(self.a, "horizon", [batch([record(b"%d" % i, None) for i in range(4)])])
        self.compact("horizon", 4)
        self.assertTrue(self.has_delete_horizon(self.a, "horizon"))
        self.uncleaned("bit.horizon")
        self.copy("bit", "horizon")
        self.assert_same("horizon", "bit.horizon")
        # Above all not as it came: the target's cleaner would take it for a time that is running out.
        self.assertFalse(self.has_delete_horizon(self.b, "bit.horizon"))
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

        self.verify("kept", "appended-.*")

        passthrough = {"longhaul.log.append.time": "passthrough"}
        summary = self.copy("passed", "appended-.*", passthrough)
        self.assertEqual(self.counted(summary), (50 * 3 * 5, 3 * 5, 0, 0))
        for codec in CODECS:
            found = [item["timestamp"] for item in self.tool.dump(self.b, f"passed.appended-{codec}")]
            self.assertEqual(found, created * 3)
        self.verify("passed", "appended-.*", settings=passthrough)
        self.assertIn("timestamp differs", self.verify("passed", "appended-.*", exit_code=3))

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

    def test_a_target_with_append_times_of_its_own_gets_created_ones_as_they_are(self):
        self.tool.create_topic(self.a, "created", 3)
        self.tool.create_topic(self.b, "stamps.created", 3, configs={"message.timestamp.type": "LogAppendTime"})
        self.tool.produce(self.a, "created", odd_batches(), compression="zstd")
        with Longhaul(self.flow("stamps", "created"), "--until-caught-up") as run:
            self.assertEqual(run.process.wait(60), 0, run.tail())
            (line,) = run.matching("gives records its own times")
            self.assertEqual(line.level, "WARN")
            self.assertIn("topic=stamps.created", line.text)
            self.assertEqual(self.counted(run.summary()), (5017, 9, 0, 0))
            self.check_no_crash(run)
        self.assert_passed_through("created", "stamps.created")
        self.assertEqual(self.without_times(self.a, "created"), self.without_times(self.b, "stamps.created"))
        self.assertEqual(self.verify("stamps", "created").count(": same:"), 3)

    def without_times(self, cluster, topic):
        return [(one["partition"], one["key"], one["value"], one["headers"])
                for one in sorted(self.tool.dump(cluster, topic), key=operator.itemgetter("partition"))]

    def test_fetches_that_end_within_a_batch(self):
        limit, cut = 3000, 0
        for codec in CODECS:
            self.tool.create_topic(self.a, f"cut-{codec}", 3)
            for size in (1, 3, 40):
                batches = [batch([record(b"%d" % i, b"%d" % i * 20) for i in range(size)], number % 3)
                           for number in range(30)]
                self.tool.produce(self.a, f"cut-{codec}", batches, compression=codec)
            self.tool.produce(self.a, f"cut-{codec}", odd_batches(), compression=codec)
            with wire.Connection(self.a.bootstrap) as connection:
                data, _ = connection.fetch(f"cut-{codec}", max_bytes=limit)
            cut += 0 < sum(len(whole) for _, whole, _ in wire.batch_spans(data)) < len(data)
        self.assertGreater(cut, 0, "the broker cuts the last batch")
        summary = self.copy("small", "cut-.*", {"small.consumer.max.partition.fetch.bytes": str(limit)})
        for codec in CODECS:
            self.assert_same(f"cut-{codec}", f"small.cut-{codec}")
            self.assert_passed_through(f"cut-{codec}", f"small.cut-{codec}")
        self.assertEqual(self.counted(summary), (5 * (30 * 44 + 5017), 5 * (3 * 30 + 9), 0, 0))

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
        # Every third record is in one of the places, and each place names its time.
        sampled = self.verify("split", "large-.*", "--sample", "200")
        self.assertRegex(sampled, r"large-zstd-0 -> split\.large-zstd-0 from time \d+: same: 20 records")
        self.assertGreater(sampled.count(": same:"), 5 * len(CODECS))

    def test_a_position_inside_a_batch(self):
        self.tool.create_topic(self.a, "inside", 1)
        for _ in range(3):
            self.tool.produce(self.a, "inside", [batch([record(b"%d" % i, b"v") for i in range(10)])], compression="lz4")
        self.tool.call("delete_records", self.a, topic="inside", before=14)
        summary = self.copy("within", "inside")
        found = self.assert_same("inside", "within.inside")
        self.assertEqual(found[0][0], 16)
        self.assertEqual(self.counted(summary), (16, 1, 1, 6))


class LargeRecordsTest(Batches):
    """Records of 10 MB, where both sides take them: the fetch limit, a slab and a Produce request all have to grow."""

    SOURCE_SETTINGS = {"message.max.bytes": "12000000", "socket.request.max.bytes": "104857600"}
    TARGET_SETTINGS = SOURCE_SETTINGS

    def test_records_of_ten_megabytes(self):
        self.tool.create_topic(self.a, "large", 2)
        large = [record(b"big-%d" % i, bytes([65 + i]) * 10_000_000, timestamp=1_700_000_000_000 + i) for i in range(3)]
        for number, one in enumerate(large):
            self.tool.produce(self.a, "large", [batch([one], number % 2)])
            self.tool.produce(self.a, "large", [batch([record(b"small-%d" % number, b"x")], number % 2)])
        summary = self.copy("big", "large")
        self.assert_same("large", "big.large", readers=("java", "franz-go"))
        records, passed, reencoded, _ = self.counted(summary)
        self.assertEqual((records, passed, reencoded), (6, 6, 0))
        self.assertEqual(self.verify("big", "large").count(": same:"), 2)


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


class CorruptTest(Batches):
    """Damage on the source's disk is never copied and never made good: it stops its partition, or is left out on purpose."""

    # Where in a batch, counted from its base offset, and which bits.
    CONTROL_BIT = 22, 0x20
    RECORD_COUNT = 60, 1

    def damage(self, topic, partition, offset, place=None, mask=4):
        """Changes bits of the batch that begins at that offset: at `place`, or one bit in the middle of its payload."""
        for segment in self.a.segments(topic, partition):
            with open(segment, "r+b") as file:
                data, at = file.read(), 0
                while at + 61 <= len(data):
                    size = 12 + int.from_bytes(data[at + 8:at + 12], "big")
                    if int.from_bytes(data[at:at + 8], "big") == offset:
                        place = at + (61 + (size - 61) // 2 if place is None else place)
                        file.seek(place)
                        file.write(bytes([data[place] ^ mask]))
                        return
                    at += size
        self.fail(f"no batch at offset {offset} of {topic}-{partition}")

    def check_stop_and_skip(self, alias, topic):
        for number in range(5):
            fine = [record(b"%d-%d" % (number, i), b"v" * 50) for i in range(10)]
            self.tool.produce(self.a, topic, [batch(fine, 0), batch(fine, 1)], compression="lz4" if number % 2 else "none")
        self.damage(topic, 0, 20)
        self.damage(topic, 0, 30)
        run = self.run_with_stops(alias, topic)
        self.stopped_line(run, topic, 0, 20, "damaged")
        self.assertEqual((self.held(self.b, f"{alias}.{topic}", 1), self.held(self.b, f"{alias}.{topic}", 2)), (20, 70))

        with Longhaul(self.flow(alias, topic), "--until-caught-up", "--skip-corrupt") as run:
            self.assertEqual(run.process.wait(60), 0, run.tail())
            self.check_skipped(run, topic, [(0, 20, 29), (0, 30, 39)], records=10)
        found = [item["key"] for item in self.tool.dump(self.b, f"{alias}.{topic}") if item["partition"] == 0]
        self.assertEqual(found, [b"%d-%d" % (number, i) for number in (0, 1, 4) for i in range(10)])
        self.assertIn("checksum", self.verify(alias, topic, exit_code=4))

    def check_skipped(self, run, topic, skipped, records):
        """One line for each damaged batch, as (partition, first, last offset); `records` were written."""
        lines = sorted(run.matching("is skipped"), key=lambda line: line.text.partition("partition=")[2])
        self.assertEqual(len(lines), len(skipped), run.tail())
        for line, (partition, first, last) in zip(lines, skipped):
            self.assertEqual(line.level, "ERROR")
            self.assertIn(f"topic={topic} partition={partition} from_offset={first} to_offset={last}", line.text)
        (flow,) = run.summary()["flows"]
        self.assertEqual((flow["records"], flow["corrupt_batches_skipped"]), (records, len(skipped)))
        self.check_no_crash(run)

    def test_headers_that_tell_of_nothing_to_copy(self):
        """A batch of records that claims to be a marker, and one that claims to hold none: neither is passed over."""
        topic, remote = "headers", "lies.headers"
        self.tool.create_topic(self.a, topic, 3)
        ten = [record(b"%d" % i, b"v" * 50) for i in range(10)]
        for partition, second in ((0, ten), (1, ten[:1]), (2, ten)):
            self.tool.produce(self.a, topic, [batch(ten, partition), batch(second, partition), batch(ten, partition)],
                              idempotent="false")
        complete = self.digest("java", self.a, topic, "read_uncommitted")[2]
        self.damage(topic, 0, 10, *self.CONTROL_BIT)
        self.damage(topic, 1, 10, *self.RECORD_COUNT)
        run = self.run_with_stops("lies", topic)
        for partition in (0, 1):
            self.stopped_line(run, topic, partition, 10, "damaged")
        self.assertEqual(run.summary()["flows"][0]["records"], 10 + 10 + 30)

        with Longhaul(self.flow("lies", topic), "--until-caught-up", "--skip-corrupt") as run:
            self.assertEqual(run.process.wait(60), 0, run.tail())
            self.check_skipped(run, topic, [(0, 10, 19), (1, 10, 10)], records=20)
        found = self.tool.dump(self.b, remote)
        for partition in (0, 1):
            keys = [item["key"] for item in found if item["partition"] == partition]
            self.assertEqual(keys, [b"%d" % i for i in range(10)] * 2)
        self.assertEqual(self.digest("java", self.b, remote, "read_uncommitted")[2], complete)
        self.assertEqual(self.verify("lies", topic, exit_code=4).count("checksum"), 2)

    def test_a_run_that_was_killed_behind_what_it_had_skipped_finds_its_place(self):
        self.tool.create_topic(self.a, "killed", 1)
        for number in range(4):
            self.tool.produce(self.a, "killed", [batch([record(b"%d-%d" % (number, i), b"v" * 50) for i in range(10)])])
        self.damage("killed", 0, 10)
        # What is stored stands in front of the damage.
        late = {"longhaul.position.flush.interval.ms": "3600000"}
        with Longhaul(self.flow("left", "killed", late), "--skip-corrupt") as run:
            self.wait_held(self.b, "left.killed", 1, 30, run=run)
            run.process.kill()
            run.start()
            self.tool.produce(self.a, "killed", [batch([record(b"4-%d" % i, b"v") for i in range(10)])])
            self.wait_held(self.b, "left.killed", 1, 40, run=run)
            self.assertEqual(run.matching("partition stopped|is skipped"), [], run.tail())
            run.terminate()
            self.assertEqual(run.process.wait(20), 0, run.tail())
        found = [item["key"] for item in self.tool.dump(self.b, "left.killed")]
        self.assertEqual(found, [b"%d-%d" % (number, i) for number in (0, 2, 3, 4) for i in range(10)])

    def test_batches_that_pass_as_they_are(self):
        self.tool.create_topic(self.a, "damaged", 2)
        self.check_stop_and_skip("bad", "damaged")

    def test_batches_that_are_written_anew(self):
        self.tool.create_topic(self.a, "stamped", 2, configs={"message.timestamp.type": "LogAppendTime"})
        self.check_stop_and_skip("worse", "stamped")
