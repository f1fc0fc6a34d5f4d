"""verify and generate on real clusters: what they find, what they write, and what they say."""

import re
import signal
import time

from .longhaul import BINARY, Longhaul, TwoClusters, command
from .processes import Process, remove_directory, wait_until, work_directory
from .tools import batch, franz_transactions, record

TIME = 1_700_000_000_000
# Cleaned as soon as there is anything to clean, or not while a test runs.
CLEANED = {"cleanup.policy": "compact", "segment.ms": "200", "min.cleanable.dirty.ratio": "0.01",
           "max.compaction.lag.ms": "500"}
UNCLEANED = {"cleanup.policy": "compact", "min.compaction.lag.ms": "9000000000000"}


def records(count, first=0, **changes):
    """`count` records that tell each other apart; `changes` replaces parts of the last one."""
    made = [{"key": b"k%d" % i, "value": b"v%d" % i, "headers": [("h", b"%d" % i)], "timestamp": TIME + i}
            for i in range(first, first + count)]
    made[-1].update(changes)
    return [record(**one) for one in made]


class Pairs(TwoClusters):
    """What the classes below share; no cases of its own."""

    def given(self, topic, source, target, target_configs=None, source_configs=None):
        """A topic of A and its supposed copy on B, each written in one go."""
        self.tool.create_topic(self.a, topic, 1, configs=source_configs)
        self.tool.create_topic(self.b, f"V.{topic}", 1, configs=target_configs)
        if source:
            self.tool.produce(self.a, topic, [batch(source)])
        if target:
            self.tool.produce(self.b, f"V.{topic}", [batch(target)])

    def verify(self, topic, *arguments, settings=None):
        return command("verify", "--wait", "0.5", *arguments, config=self.flow("V", topic, settings))

    def cleaned(self, cluster, topic, keys):
        """Waits until the cleaner has left one record for each of `keys`; others do not count."""
        def done():
            # A record of now behind rolls the segment; the cleaner never touches the active one.
            self.tool.produce(cluster, topic, [batch([record(b"roll", b"x")])])
            kept = [item["key"] for item in self.tool.dump(cluster, topic)]
            return sorted(key for key in kept if key in keys) == sorted(keys)

        wait_until(done, 90, f"compaction of {topic}", 0.5)


class VerifyTest(Pairs):
    def test_equal_records_in_another_codec_are_the_same(self):
        self.given("codec", records(500), records(500), {"compression.type": "zstd"})
        done = self.verify("codec")
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertIn("codec-0 -> V.codec-0: same: 500 records", done.stdout)

    def test_every_kind_of_change_is_found_with_both_offsets(self):
        for name, change in {"key": {"key": b"other"}, "value": {"value": None}, "headers": {"headers": []},
                             "timestamp": {"timestamp": TIME + 1}}.items():
            with self.subTest(name):
                topic = f"changed-{name}"
                self.given(topic, records(10) + records(5, first=10), records(10, **change) + records(5, first=10))
                done = self.verify(topic)
                self.assertEqual(done.returncode, 3, done.stdout + done.stderr)
                self.assertIn(f"DIFFERS: after 9 equal records, {name} differs at source offset 9, target offset 9",
                              done.stdout)

    def test_missing_and_surplus_records_are_told_apart(self):
        self.given("missing", records(10), records(7))
        done = self.verify("missing")
        self.assertEqual(done.returncode, 3, done.stdout + done.stderr)
        self.assertIn("the target ends at offset 7; the source has a record at offset 7", done.stdout)
        self.given("surplus", records(7), records(10))
        done = self.verify("surplus")
        self.assertEqual(done.returncode, 3, done.stdout + done.stderr)
        self.assertIn("the source ends at offset 7; the target has a record too much at offset 7", done.stdout)

    def test_append_times_of_the_target_are_not_compared(self):
        self.given("appended", records(20), records(20), {"message.timestamp.type": "LogAppendTime"})
        done = self.verify("appended")
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertIn("20 timestamps not compared", done.stdout)

    def test_logs_that_were_cleaned_at_different_times_are_compared_by_key(self):
        first = records(60)
        second = [record(b"k%d" % i, b"new" if i % 3 else None, timestamp=TIME + 1000 + i) for i in range(0, 60, 2)]
        for topic, change in (("cleaned", []), ("outdated", [record(b"k7", b"other", timestamp=TIME + 2000)])):
            self.given(topic, first + second, first + second + change, UNCLEANED, CLEANED)
            self.cleaned(self.a, topic, {b"k%d" % i for i in range(60)})
            last = self.tool.dump(self.a, topic)[-1]["timestamp"]
            self.tool.produce(self.b, f"V.{topic}", [batch([record(b"roll", b"x", timestamp=last)])])
        done = self.verify("cleaned")
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertRegex(done.stdout, r"cleaned-0 -> V.cleaned-0: same: 61 keys \(the logs were cleaned at different times: "
                                      r"\d+ records on the source, 91 on the target\)")
        done = self.verify("outdated")
        self.assertEqual(done.returncode, 3, done.stdout + done.stderr)
        self.assertRegex(done.stdout, r"the last record of key 'k7' \(2 bytes\) is another one or is missing: "
                                      r"source offset 7, target offset 90")

    def test_missing_topics_and_partitions_are_differences(self):
        self.tool.create_topic(self.a, "alone", 1)
        done = self.verify("alone")
        self.assertEqual(done.returncode, 3, done.stdout + done.stderr)
        self.assertIn("the topic does not exist on B", done.stdout)
        self.tool.create_topic(self.a, "grown", 3)
        self.tool.create_topic(self.b, "V.grown", 2)
        done = self.verify("grown")
        self.assertEqual(done.returncode, 3, done.stdout + done.stderr)
        self.assertIn("3 partitions on V, 2 on B", done.stdout)

    def test_nothing_to_compare_is_not_a_success(self):
        done = self.verify("there-is-no-such-topic")
        self.assertEqual(done.returncode, 4, done.stdout + done.stderr)

    def test_wrong_names_are_explained(self):
        self.tool.create_topic(self.a, "named", 1)
        done = self.verify("named", "--flow", "V-")
        self.assertEqual(done.returncode, 2, done.stdout + done.stderr)
        self.assertIn("quote the name", done.stderr)
        done = self.verify("named", "--topics", "a{1")
        self.assertEqual(done.returncode, 2, done.stdout + done.stderr)
        self.assertIn("--topics", done.stderr)


class FollowTest(Pairs):
    """`verify --follow` beside whatever the flow goes through."""

    def follow(self, alias, topics, *arguments, settings=None):
        run = Longhaul(self.flow(alias, topics, settings), "--follow", "--interval", "0.5", "--wait", "1", *arguments,
                       command="verify")
        return self.enterContext(run)

    def wait_says(self, verify, pattern, seconds=90):
        """Waits until the newest line of progress is like `pattern`."""
        def newest():
            self.assertTrue(verify.process.running(), verify.tail())
            lines = [line.text for line in verify.lines() if "records the same" in line.text]
            return lines and re.search(pattern, lines[-1])

        try:
            return wait_until(newest, seconds, f"progress like {pattern!r}", 0.1)
        except Exception as error:
            raise AssertionError(f"{error}\n{verify.tail()}") from error

    def wait_compared(self, verify, count):
        wait_until(lambda: int(self.wait_says(verify, r", (\d+) records the same")[1]) >= count, 120,
                   f"{count} records compared", 0.2)

    def ended(self, verify, exit_code):
        verify.interrupt()
        self.assertEqual(verify.process.wait(30), exit_code, verify.tail())
        return verify.process.output()

    def test_a_flow_that_is_killed_and_taken_over(self):
        self.tool.create_topic(self.a, "live", 4)
        self.tool.call("start_producer", self.a, name="live", topic="live", partitions=4, rate=2000, value_size=100,
                       linger_ms=2, batch_size=8192, compression="lz4")
        verify = self.follow("F", "live")
        self.wait_says(verify, "0 partitions")
        with Longhaul(self.flow("F", "live")) as run:
            for count in (3_000, 9_000):
                self.wait_compared(verify, count)
                run.process.kill()
                run.start()
            self.wait_compared(verify, 20_000)
            written = self.tool.call("stop_producer", name="live")["records"]
            self.wait_says(verify, rf"4 partitions, {written} records the same; nothing is behind")
            run.terminate()
            self.assertEqual(run.process.wait(30), 0, run.tail())
        said = self.ended(verify, 0)
        self.assertIn(f"{written} records compared; 4 partitions the same, 0 differ, 0 not compared", said)

    def test_transactions_and_what_was_aborted(self):
        settings = {"T.consumer.isolation.level": "read_committed"}
        self.tool.create_topic(self.a, "tx", 2)
        verify = self.follow("T", "tx", settings=settings)
        with Longhaul(self.flow("T", "tx", settings)) as run:
            for _ in range(3):
                franz_transactions(self.a, "tx", 12, 50)
            committed = sum(part["records"] for part in self.tool.digest(self.a, "tx", "read_committed").values())
            self.assertLess(committed, 3 * 12 * 50)
            self.wait_says(verify, rf"2 partitions, {committed} records the same; nothing is behind")
            run.terminate()
            self.assertEqual(run.process.wait(30), 0, run.tail())
        self.ended(verify, 0)

    def test_what_has_not_arrived_is_no_difference_and_what_was_passed_over_is_one(self):
        self.given("gap", records(10), records(7))
        verify = self.follow("V", "gap")
        # Longer than --wait.
        self.wait_says(verify, r"1 partitions, 7 records the same; 1 behind by 3 offsets, for (?:[2-9]|\d\d+)\.")
        self.tool.produce(self.b, "V.gap", [batch(records(2, first=7))])
        self.wait_says(verify, r"9 records the same; 1 behind by 1 offsets")
        said = self.ended(verify, 0)
        self.assertIn("gap-0 -> V.gap-0: same: 9 records; 1 source offsets still to arrive", said)
        verify = self.follow("V", "gap")
        self.wait_says(verify, r"9 records the same; 1 behind")
        self.tool.produce(self.a, "gap", [batch(records(2, first=10))])
        self.tool.produce(self.b, "V.gap", [batch(records(1, first=10))])
        self.assertEqual(verify.process.wait(60), 3, "nothing is left to follow: " + verify.tail())
        self.assertIn("DIFFERS: after 9 equal records, key differs at source offset 9, target offset 9", verify.tail())

    def test_a_record_too_much_is_found(self):
        self.given("more", records(5), records(6))
        verify = self.follow("V", "more")
        self.assertEqual(verify.process.wait(60), 3, verify.tail())
        self.assertIn("the target has a record too much at offset 5", verify.tail())

    def test_from_some_time_on(self):
        self.given("since", records(5), [])
        now = int(time.time() * 1000)
        verify = self.follow("V", "since", "--since", "60")
        self.wait_says(verify, "1 partitions, 0 records the same; nothing is behind")
        # The target is still to get what came before.
        self.tool.produce(self.a, "since", [batch([record(b"new", b"1", timestamp=now)])])
        self.tool.produce(self.b, "V.since", [batch(records(5) + [record(b"new", b"1", timestamp=now)])])
        self.wait_says(verify, "1 partitions, 1 records the same; nothing is behind")
        self.ended(verify, 0)

    def test_logs_that_are_cleaned_meanwhile(self):
        self.tool.create_topic(self.a, "keyed", 1, configs=CLEANED)
        keys = {b"k%d" % i for i in range(20)}
        verify = self.follow("C", "keyed")
        with Longhaul(self.flow("C", "keyed")) as run:
            for number in range(30):
                some = [record(key, b"%d" % number, timestamp=TIME + number) for key in sorted(keys)]
                self.tool.produce(self.a, "keyed", [batch(some)])
            self.cleaned(self.a, "keyed", keys)
            # Whoever comes now finds two logs that were cleaned at different times.
            late = self.follow("C", "keyed")
            self.cleaned(self.a, "keyed", keys)
            for one in (verify, late):
                self.wait_says(one, r"1 partitions, \d{2,} records the same; nothing is behind")
            run.terminate()
            self.assertEqual(run.process.wait(30), 0, run.tail())
        for one in (verify, late):
            self.ended(one, 0)

    def test_there_is_nothing_to_follow(self):
        self.tool.create_topic(self.a, "lonely", 1)
        verify = self.follow("V", "lonely")
        self.wait_says(verify, "0 partitions")
        said = self.ended(verify, 4)
        self.assertIn("lonely -> V.lonely: NOT COMPARED: the topic does not exist on B", said)


class GenerateTest(TwoClusters):
    def generate(self, *arguments):
        return command("generate", self.a.bootstrap, *arguments)

    def count(self, topic):
        return sum(part["records"] for part in self.tool.digest(self.a, topic).values())

    def test_writes_exactly_as_many_records_in_every_codec(self):
        done = self.generate("--topic", "exact:3", "--records", "10001", "--codec", "mixed", "--batch-bytes", "4096")
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertEqual(self.count("exact"), 10001)
        found = self.tool.dump(self.a, "exact")
        self.assertTrue(any(one["key"] is None for one in found))
        self.assertTrue(any(one["value"] is None for one in found))
        self.assertTrue(any(one["value"] == b"" for one in found))
        self.assertTrue(any(len(one["headers"]) > 1 for one in found))

    def test_the_same_seed_writes_the_same_records(self):
        dumps = []
        for cluster, seed in ((self.a, 5), (self.b, 5)):
            done = command("generate", cluster.bootstrap, "--topic", "seeded:2", "--records", "200", "--seed", seed,
                           "--first-timestamp", TIME)
            self.assertEqual(done.returncode, 0, done.stderr)
            dumps.append(sorted(self.tool.dump(cluster, "seeded"), key=lambda one: (one["partition"], one["offset"])))
        self.assertEqual(len(dumps[0]), 200)
        self.assertEqual(dumps[0], dumps[1])

    def test_refuses_a_topic_of_another_size(self):
        self.tool.create_topic(self.a, "two", 2)
        done = self.generate("--topic", "two:3", "--records", "1")
        self.assertEqual(done.returncode, 2, done.stdout + done.stderr)
        self.assertIn("topic two exists with 2 partitions, 3 were asked for", done.stderr)

    def start(self, *arguments):
        directory = work_directory("generate")
        process = Process("generate", [BINARY, "generate", self.a.bootstrap, *arguments], directory / "generate.log")
        self.addCleanup(remove_directory, directory)
        self.addCleanup(process.kill)
        return process

    def test_a_broker_that_dies_and_comes_back_costs_no_record(self):
        process = self.start("--topic", "killed:4", "--records", "60000", "--rate", "10000", "--batch-bytes", "8192")
        time.sleep(2)
        self.a.kill_node()
        self.a.start_node()
        self.assertEqual(process.wait(90), 0, process.tail())
        self.assertEqual(self.count("killed"), 60000)

    def test_a_signal_ends_it_with_everything_acknowledged(self):
        process = self.start("--topic", "signal:2", "--records", "100000000", "--rate", "5000")
        time.sleep(2)
        process.signal(signal.SIGINT)
        self.assertEqual(process.wait(20), 0, process.tail())
        self.assertIn(f"{self.count('signal')} records in", process.tail())
