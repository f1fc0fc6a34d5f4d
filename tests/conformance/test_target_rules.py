"""What the target's settings say of timestamps, codecs and sizes, and what `plan` says of them beforehand."""

import time

from . import wire
from .batches import HOUR_MS, Batches
from .longhaul import Longhaul, command
from .tools import batch, record

NO_LIMIT = str(2**63 - 1)


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

    def test_plan_says_what_will_not_pass_as_it_is(self):
        self.tool.create_topic(self.a, "planned-plain", 2)
        self.tool.create_topic(self.a, "planned-tx", 2)
        self.tool.create_topic(self.a, "planned-times", 1, configs={"message.timestamp.type": "LogAppendTime"})
        self.tool.create_topic(self.a, "planned-compact", 1, configs={"cleanup.policy": "compact"})
        self.tool.create_topic(self.b, "said.planned-plain", 2, configs={"compression.type": "lz4"})
        self.tool.produce(self.a, "planned-plain", [batch([record(b"k", b"v")], 1)])
        self.tool.produce(self.a, "planned-tx", [batch([record(b"k", b"v")], 1)], transactional_id="planned", end="abort")
        done = command("plan", config=self.flow("said", "planned-.*"))
        self.assertEqual(done.returncode, 0, done.stderr)
        notes, topic = {}, None
        for line in done.stdout.splitlines():
            topic = line.split()[0] if " -> said." in line else topic
            if line.strip().startswith("note: "):
                notes.setdefault(topic, []).append(line.strip())
        self.assertEqual(sorted(notes), ["planned-compact", "planned-plain", "planned-times", "planned-tx"])
        for name, said in {"compact": ["with holes", "because the remote topic is compacted"],
                           "plain": ["compression.type=lz4"], "times": ["append times"],
                           "tx": ["said.consumer.isolation.level = read_committed"]}.items():
            self.assertEqual(len(notes[f"planned-{name}"]), len(said), notes)
            for words, note in zip(said, notes[f"planned-{name}"]):
                self.assertIn(words, note)

    def test_a_target_that_compresses_anew_is_said_once(self):
        self.tool.create_topic(self.a, "anew", 2)
        self.tool.create_topic(self.b, "codec.anew", 2, configs={"compression.type": "gzip"})
        for codec in ("none", "zstd"):
            self.tool.produce(self.a, "anew", [batch([record(b"%d" % i, b"v" * 100) for i in range(20)], partition)
                                               for partition in range(2)], compression=codec)
        with Longhaul(self.flow("codec", "anew"), "--until-caught-up") as run:
            self.assertEqual(run.process.wait(60), 0, run.tail())
            (line,) = run.matching("compresses anew")
            self.assertRegex(line.text, r"WARN.*compresses anew.*remote_topic=codec\.anew compression\.type=gzip")
        self.assert_same("anew", "codec.anew")
