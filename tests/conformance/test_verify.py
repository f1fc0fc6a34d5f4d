"""verify and generate on real clusters: what they find, what they write, and what they say."""

import signal
import time

from .longhaul import BINARY, TwoClusters, command
from .processes import Process, remove_directory, work_directory
from .tools import batch, record

TIME = 1_700_000_000_000


def records(count, first=0, **changes):
    """`count` records that tell each other apart; `changes` replaces parts of the last one."""
    made = [{"key": b"k%d" % i, "value": b"v%d" % i, "headers": [("h", b"%d" % i)], "timestamp": TIME + i}
            for i in range(first, first + count)]
    made[-1].update(changes)
    return [record(**one) for one in made]


class VerifyTest(TwoClusters):
    def given(self, topic, source, target, target_configs=None):
        """A topic of A and its supposed copy on B, each written in one go."""
        self.tool.create_topic(self.a, topic, 1)
        self.tool.create_topic(self.b, f"V.{topic}", 1, configs=target_configs)
        if source:
            self.tool.produce(self.a, topic, [batch(source)])
        if target:
            self.tool.produce(self.b, f"V.{topic}", [batch(target)])

    def verify(self, topic, *arguments, settings=None):
        return command("verify", "--wait", "0.5", *arguments, config=self.flow("V", topic, settings))

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
