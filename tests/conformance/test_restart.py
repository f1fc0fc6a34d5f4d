"""Stopped and started again in the middle of 3,000,000 records, orderly or by SIGKILL: nothing lost, nothing twice."""

import os
import time

from .longhaul import Longhaul, TwoClusters

RECORDS = int(os.environ.get("LAB_RESTART_RECORDS", "3000000"))
PARTITIONS = 8


class RestartTest(TwoClusters):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.tool.create_topic(cls.a, "many", PARTITIONS)
        cls.tool.bulk(cls.a, "many", RECORDS, partitions=PARTITIONS, value_size=200, batch_size=32 << 10, linger_ms=20,
                      compression="none")
        cls.digests = None

    @classmethod
    def source_digests(cls, test):
        """The source does not change: each reader reads it once."""
        if cls.digests is None:
            cls.digests = {reader: test.digest(reader, cls.a, "many", "read_uncommitted")
                           for reader in ("java", "franz-go")}
        return cls.digests

    def assert_complete(self, remote, readers=("java", "franz-go")):
        expected = self.source_digests(self)
        self.assertEqual(sum(records for records, _ in expected["java"].values()), RECORDS)
        for reader in readers:
            with self.subTest(reader=reader):
                self.assertEqual(self.digest(reader, self.b, remote, "read_uncommitted"), expected[reader])

    def break_off(self, run, remote, at_least, how):
        """Ends the process once the target holds `at_least` records; returns what it holds then."""
        self.wait_held(self.b, remote, PARTITIONS, at_least, run=run)
        how(run)
        held = self.held(self.b, remote, PARTITIONS)
        self.assertLess(held, RECORDS, "it was over before it could be interrupted")
        return held

    def test_sigterm_drains_and_the_next_run_goes_on(self):
        with Longhaul(self.flow("term", "many"), "--until-caught-up") as run:
            def terminate(run):
                run.terminate()
                self.assertEqual(run.process.wait(30), 0, run.tail())

            for share in (0.2, 0.5):
                self.break_off(run, "term.many", RECORDS * share, terminate)
                self.check_no_crash(run)
                run.start()
            self.assertEqual(run.process.wait(120), 0, run.tail())
            self.check_no_crash(run)
        self.assert_complete("term.many")

    def test_sigkill_loses_and_repeats_nothing(self):
        with Longhaul(self.flow("kill", "many"), "--until-caught-up") as run:
            for share in (0.1, 0.3, 0.5, 0.7):
                self.break_off(run, "kill.many", RECORDS * share, lambda run: run.process.kill())
                run.start()
            self.assertEqual(run.process.wait(120), 0, run.tail())
            self.check_no_crash(run)
        self.assert_complete("kill.many", readers=("java",))

    def test_sigterm_under_live_traffic(self):
        self.tool.create_topic(self.a, "live", PARTITIONS)
        self.tool.call("start_producer", self.a, name="live", topic="live", partitions=PARTITIONS, rate=20000,
                       value_size=100, linger_ms=5, batch_size=16384, compression="lz4")
        with Longhaul(self.flow("flows", "live")) as run:
            for _ in range(3):
                held = self.held(self.b, "flows.live", PARTITIONS)
                self.wait_held(self.b, "flows.live", PARTITIONS, held + 20000, run=run)
                run.terminate()
                self.assertEqual(run.process.wait(30), 0, run.tail())
                self.check_no_crash(run)
                run.start()
            written = self.tool.call("stop_producer", name="live")["records"]
            self.wait_held(self.b, "flows.live", PARTITIONS, written, run=run)
            # A duplicate would arrive behind the last record that is expected.
            time.sleep(1)
            run.terminate()
            self.assertEqual(run.process.wait(30), 0, run.tail())
        found = self.assert_same("live", "flows.live", readers=("java", "franz-go"))
        self.assertEqual(sum(records for records, _ in found.values()), written)

    def test_nothing_new_is_nothing_written(self):
        self.tool.create_topic(self.a, "quiet", 2)
        self.tool.bulk(self.a, "quiet", 1000, partitions=2, linger_ms=5)
        self.copy("still", "quiet")
        before = self.held(self.b, "still.quiet", 2)
        for _ in range(2):
            self.copy("still", "quiet")
        self.assertEqual(self.held(self.b, "still.quiet", 2), before)
        # One marker per start and partition is all that is left behind.
        self.assertEqual(self.b.markers("still.quiet", 2), 3 * 2)
        self.assert_same("quiet", "still.quiet", readers=("java",))
