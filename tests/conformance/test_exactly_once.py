"""Each record once, whatever happens to the process that carries it: killed in full flight again and again, two at the
same time, stopped and woken after somebody else took over, its ids forgotten by the target."""

import signal
import time

from . import wire
from .longhaul import Longhaul, TwoClusters, command
from .processes import wait_until

PARTITIONS = 8
OLD = 1_600_000_000_000
TAKEN_OVER = "another instance has taken partitions over"


class ExactlyOnceCase(TwoClusters):
    RATE = 20_000

    def traffic(self, alias, partitions=PARTITIONS):
        """A topic and a producer that writes to it; returns the topic's name."""
        topic = f"{alias}-topic"
        self.tool.create_topic(self.a, topic, partitions)
        self.tool.call("start_producer", self.a, name=alias, topic=topic, partitions=partitions, rate=self.RATE,
                       value_size=100, linger_ms=2, batch_size=8192, compression="lz4")
        return topic

    def old_backlog(self, topic, partitions=PARTITIONS, count=120_000):
        """Records that are older than any broker remembers producers: what comes twice is not recognised by them."""
        self.tool.create_topic(self.a, topic, partitions)
        self.tool.bulk(self.a, topic, count, partitions=partitions, value_size=100, batch_size=8192, linger_ms=2,
                       timestamp=OLD)
        return count

    def finish(self, alias, topic, run, partitions=PARTITIONS):
        """Ends the traffic, waits for the rest, drains `run`, and compares by independent readers."""
        written = self.tool.call("stop_producer", name=alias)["records"]
        self.complete(alias, topic, run, written, partitions)

    def complete(self, alias, topic, run, written, partitions=PARTITIONS):
        """Waits until all that was written is there, drains `run`, and compares."""
        self.wait_held(self.b, f"{alias}.{topic}", partitions, written, seconds=120, run=run)
        # A duplicate would arrive behind the last record that is expected.
        time.sleep(1)
        run.terminate()
        self.assertIn(run.process.wait(30), (0, 3), run.tail())
        self.check_no_crash(run)
        found = self.assert_same(topic, f"{alias}.{topic}", readers=("java", "franz-go"))
        self.assertEqual(sum(records for records, _ in found.values()), written)

    def more(self, run, alias, topic, records, partitions=PARTITIONS):
        """Waits until the target holds that many more than now."""
        held = self.held(self.b, f"{alias}.{topic}", partitions)
        self.wait_held(self.b, f"{alias}.{topic}", partitions, held + records, seconds=120, run=run)


class TakeOverTest(ExactlyOnceCase):
    def test_killed_in_full_flight_again_and_again(self):
        topic = self.traffic("kills")
        with Longhaul(self.flow("kills", topic)) as run:
            for number in range(10):
                self.more(run, "kills", topic, 3_000 + 1_700 * (number % 4))
                run.process.kill()
                run.start()
            self.finish("kills", topic, run)
        producers = {position["producers"][-1]["id"] for position in self.stored("kills").values()}
        self.assertEqual(len(producers), 1, "eight neighbouring partitions share a transactional id")

    def test_of_two_instances_the_later_one_goes_on(self):
        topic = self.traffic("two")
        config = self.flow("two", topic)
        with Longhaul(config) as older:
            self.more(older, "two", topic, 10_000)
            with Longhaul(config) as newer:
                line = older.wait_line(TAKEN_OVER, 60)
                self.assertEqual(line.level, "ERROR")
                self.assertIn("transactional_id=longhaul::two->B:", line.text)
                self.assertIn(f"/{newer.process.pid}", line.text, "it says who")
                self.more(newer, "two", topic, 10_000)
                self.assertEqual(len(older.matching(TAKEN_OVER)), 1, "one line, although eight partitions stop")
                self.assertEqual(newer.matching(TAKEN_OVER), [])
                self.finish("two", topic, newer)
            older.terminate()
            self.assertIn(older.process.wait(30), (1, 2, 3), "it has stopped partitions")
            self.check_no_crash(older)

    def test_an_instance_that_wakes_up_after_it_was_replaced_writes_nothing(self):
        topic = self.traffic("asleep")
        config = self.flow("asleep", topic)
        with Longhaul(config) as sleeper:
            self.more(sleeper, "asleep", topic, 10_000)
            sleeper.process.signal(signal.SIGSTOP)
            with Longhaul(config) as awake:
                self.more(awake, "asleep", topic, 20_000)
                sleeper.process.signal(signal.SIGCONT)
                sleeper.wait_line(TAKEN_OVER, 60)
                self.more(awake, "asleep", topic, 10_000)
                self.assertEqual(awake.matching(TAKEN_OVER), [])
                self.finish("asleep", topic, awake)

    def test_an_epoch_that_the_coordinator_fences_by_itself_stops_nothing(self):
        topic = self.traffic("late")
        with Longhaul(self.flow("late", topic)) as run:
            self.more(run, "late", topic, 10_000)
            wait_until(lambda: len(self.stored("late")) == PARTITIONS, 30, "positions")
            producer = self.stored("late")[0]["producers"][-1]
            ids = [name for name in self.tool.call("list_transactions", self.b)["transactions"]
                   if name.startswith("longhaul::late->B:") and not name.endswith(":t")]
            # A request of ours that arrives when everybody has given it up: nobody ends what it opens.
            with wire.Connection(self.b.bootstrap) as connection:
                errors = connection.add_partitions_to_txn(*ids, producer["id"], producer["epoch"], f"late.{topic}",
                                                          range(PARTITIONS))
            self.assertEqual(errors, [0] * PARTITIONS)
            line = run.wait_line("fenced an epoch of ours that nobody has taken", 120)
            self.assertIn(f"transactional_id={ids[0]}", line.text)
            self.more(run, "late", topic, 10_000)
            self.assertEqual(run.matching(f"{TAKEN_OVER}|partition stopped"), [], run.tail())
            self.finish("late", topic, run)

    def test_old_timestamps_survive_kills(self):
        count = self.old_backlog("aged", 4, 200_000)
        with Longhaul(self.flow("old", "aged"), "--until-caught-up") as run:
            for share in (0.2, 0.5):
                self.wait_held(self.b, "old.aged", 4, count * share, run=run)
                run.process.kill()
                run.start()
            self.assertEqual(run.process.wait(120), 0, run.tail())
        self.assert_same("aged", "old.aged", readers=("java", "franz-go"))


class ForgetfulTargetTest(ExactlyOnceCase):
    """A target that forgets ids within seconds, as any does within days."""

    TARGET_SETTINGS = {"producer.id.expiration.ms": "3000", "producer.id.expiration.check.interval.ms": "500",
                       "transactional.id.expiration.ms": "4000",
                       "transaction.remove.expired.transaction.cleanup.interval.ms": "500"}
    RATE = 5_000

    def test_the_transactional_id_is_forgotten_between_two_runs(self):
        topic = self.traffic("forgot", 2)
        # Outside of transactions: this target forgets within seconds, and an open one keeps its id.
        with Longhaul(self.flow("forgot", topic, {"longhaul.transactions": "never"})) as run:
            self.more(run, "forgot", topic, 5_000, 2)
            run.process.kill()
            before = self.stored("forgot")
            wait_until(lambda: self.is_forgotten("longhaul::forgot->B:"), 60, "the transactional id to expire")
            run.start()
            self.more(run, "forgot", topic, 5_000, 2)
            after = self.stored("forgot")
            for partition, position in before.items():
                self.assertEqual([after[partition]["producers"][-1][field] for field in ("id", "epoch")],
                                 [position["producers"][-1][field] for field in ("id", "epoch")],
                                 "a marker of another id holds nobody back: the former producer goes on")
            self.finish("forgot", topic, run, 2)

    def is_forgotten(self, prefix):
        listed = self.tool.call("list_transactions", self.b)["transactions"]
        return not any(name.startswith(prefix) for name in listed)

    def test_a_producer_is_forgotten_while_it_has_nothing_to_write(self):
        self.tool.create_topic(self.a, "pauses", 2)
        written = 0
        with Longhaul(self.flow("pauses", "pauses")) as run:
            for _ in range(3):
                self.tool.bulk(self.a, "pauses", 1_000, partitions=2, batch_size=512, linger_ms=0)
                written += 1_000
                self.wait_held(self.b, "pauses.pauses", 2, written, run=run)
                # Not a wait for something: the time in which the target forgets.
                time.sleep(5)
            run.process.kill()
            run.start()
            self.tool.bulk(self.a, "pauses", 1_000, partitions=2, batch_size=512, linger_ms=0)
            self.wait_held(self.b, "pauses.pauses", 2, written + 1_000, run=run)
            run.terminate()
            self.assertEqual(run.process.wait(30), 0, run.tail())
            self.assertEqual(run.matching("in doubt|partition stopped"), [], run.tail())
        self.assert_same("pauses", "pauses.pauses", readers=("java", "franz-go"))


class WithoutTransactionsTest(ExactlyOnceCase):
    def test_off_is_at_least_once_and_says_so_in_its_batches(self):
        topic = self.traffic("off")
        with Longhaul(self.flow("off", topic, {"longhaul.exactly.once": "off"})) as run:
            self.more(run, "off", topic, 20_000)
            self.finish("off", topic, run)
        self.assertEqual(self.b.markers(f"off.{topic}", PARTITIONS), 0)
        ids = {batch["producer_id"] for partition in range(PARTITIONS)
               for batch in self.batches(self.b, f"off.{topic}", partition)}
        self.assertEqual(ids, {-1})


class RefusedTransactionsTest(ExactlyOnceCase):
    """A target whose access rules leave out transactional ids: one warning, no fence, and still each record once."""

    # It forgets producers as soon as their records are old.
    TARGET_SETTINGS = {"authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
                       "allow.everyone.if.no.acl.found": "true", "producer.id.expiration.check.interval.ms": "500"}
    REFUSED = "the target refuses transactional ids"

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.tool.call("deny_transactional_ids", cls.b, prefix="longhaul:")

    def test_one_warning_and_each_record_once_after_kills(self):
        topic = self.traffic("denied")
        config = self.flow("denied", topic)
        planned = command("plan", config=config)
        self.assertEqual(planned.returncode, 0, planned.stderr)
        self.assertIn("WARNING: the target refuses the transactional ids longhaul::denied->B:*", planned.stdout)
        with Longhaul(config) as run:
            for _ in range(3):
                self.more(run, "denied", topic, 10_000)
                self.assertEqual(len(run.matching(self.REFUSED)), 1, run.tail())
                run.process.kill()
                run.start()
            self.finish("denied", topic, run)
        self.assertEqual(self.b.markers(f"denied.{topic}", PARTITIONS), 0)

    def test_old_records_survive_kills(self):
        count = self.old_backlog("aged")
        with Longhaul(self.flow("refused", "aged")) as run:
            for share in (0.1, 0.3, 0.5, 0.7):
                self.wait_held(self.b, "refused.aged", PARTITIONS, count * share, seconds=120, run=run)
                self.assertEqual(len(run.matching(self.REFUSED)), 1, run.tail())
                run.process.kill()
                run.start()
            self.complete("refused", "aged", run, count)
        self.assertEqual(self.b.markers("refused.aged", PARTITIONS), 0)
