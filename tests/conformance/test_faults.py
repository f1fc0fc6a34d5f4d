"""What goes wrong in operation: one clear line, no crash, no busy loop, and recovery where there can be one."""

import os
import pathlib
import re
import socket
import subprocess
import threading
import time
import unittest

from .lab import KafkaCluster
from .longhaul import Longhaul, TwoClusters, cpu_bound, properties
from .processes import Process, free_port, wait_until, work_directory
from .tools import batch, record


class NotKafka:
    """A listener that is no Kafka: it answers whatever it is sent as a web server would, and closes."""

    def __enter__(self):
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port = self._socket.getsockname()[1]
        self.connections = 0
        threading.Thread(target=self._serve, daemon=True).start()
        return self

    def _serve(self):
        while True:
            try:
                peer, _ = self._socket.accept()
            except OSError:
                return
            self.connections += 1
            with peer:
                try:
                    peer.recv(4096)
                    peer.sendall(b"HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain\r\nConnection: close\r\n\r\n")
                except OSError:
                    pass

    def __exit__(self, *_):
        self._socket.close()


class FaultCase(TwoClusters):
    def problems_about(self, run, word):
        return [line for line in run.problems() if word in line.text]

    def check_one_line(self, run, word, pattern):
        lines = self.problems_about(run, word)
        self.assertEqual(len(lines), 1, f"one line about {word}:\n{run.tail()}")
        self.assertRegex(lines[0].text, pattern)

    def check_outage(self, run, address):
        """A broker that goes under way: one line, although every core has connections of its own."""
        self.check_one_line(run, address, "refused|closed by the other side|reset")

    def end(self, run, seconds=15, exit_codes=(0,)):
        run.terminate()
        self.assertIn(run.process.wait(seconds), exit_codes, run.tail())
        self.check_no_crash(run)

    def under_traffic(self, alias, disturb, rate=5000, settings=None, **topic_arguments):
        """Everything arrives, once and in order, although `disturb(run)` gets in the way of live traffic."""
        topic = f"{alias}-topic"
        self.tool.create_topic(self.a, topic, 4, **topic_arguments)
        self.tool.call("start_producer", self.a, name=alias, topic=topic, partitions=4, rate=rate, linger_ms=5,
                       batch_size=16384)
        with Longhaul(self.flow(alias, topic, settings)) as run:
            self.wait_held(self.b, f"{alias}.{topic}", 4, rate, run=run)
            disturb(run)
            held = self.held(self.b, f"{alias}.{topic}", 4)
            self.wait_held(self.b, f"{alias}.{topic}", 4, held + rate, seconds=90, run=run)
            written = self.tool.call("stop_producer", name=alias)["records"]
            self.wait_held(self.b, f"{alias}.{topic}", 4, written, seconds=90, run=run)
            time.sleep(0.5)
            self.end(run)
        found = self.assert_same(topic, f"{alias}.{topic}", readers=("java",))
        self.assertEqual(sum(records for records, _ in found.values()), written)


class AddressesTest(FaultCase):
    """Addresses that never work, on either side. The program keeps trying (a name or a port may come up), quietly."""

    def check_address(self, address, pattern):
        for side in ("source", "target"):
            with self.subTest(side=side):
                clusters = {"A": address, "B": self.b} if side == "source" else {"A": self.a, "B": address}
                with Longhaul(properties(clusters, {"A->B": ".*"})) as run:
                    line = run.wait_line(address.replace(".", r"\."), 15)
                    self.assertRegex(line.text, pattern)
                    self.assertIn("cluster A" if side == "source" else "cluster B", line.text)
                    cpu_bound(self, run.process, 4, 0.5)
                    self.check_one_line(run, address, pattern)
                    self.end(run, exit_codes=(0, 1))

    def test_wrong_host(self):
        self.check_address("no-such-host.invalid:9092", r"(?i)host.*not found|unknown host|cannot.*resolve|not.*resolve")

    def test_wrong_port(self):
        self.check_address(f"127.0.0.1:{free_port()}", "(?i)connection refused")

    def test_a_port_that_is_no_kafka(self):
        with NotKafka() as peer:
            self.check_address(f"127.0.0.1:{peer.port}", "(?i)not a Kafka listener")
            self.assertGreater(peer.connections, 0)
            self.assertLess(peer.connections, 80, "attempts in about ten seconds: a busy loop")

    def test_until_caught_up_with_a_wrong_port_is_still_quiet(self):
        address = f"127.0.0.1:{free_port()}"
        with Longhaul(properties({"A": address, "B": self.b}, {"A->B": ".*"}), "--until-caught-up") as run:
            run.wait_line("refused", 15)
            cpu_bound(self, run.process, 2, 0.3)
            self.end(run, exit_codes=(0, 1))


class LateClusterTest(unittest.TestCase):
    """Clusters of its own: each is down when Longhaul starts and comes up later."""

    def check_late(self, late):
        case = FaultCase()
        with KafkaCluster("A") as a, KafkaCluster("B") as b, FaultTool(case, a, b) as tool:
            tool.create_topic(a, "late", 2)
            tool.bulk(a, "late", 5000, partitions=2, linger_ms=5)
            cluster = {"A": a, "B": b}[late]
            cluster.stop_node()
            with Longhaul(properties({"A": a, "B": b}, {"A->B": "late"})) as run:
                run.wait_line(rf"cluster {late}.*(?i:refused)", 15)
                cpu_bound(self, run.process, 4, 0.5)
                case.check_one_line(run, cluster.bootstrap, "(?i)refused")
                cluster.start_node()
                case.wait_held(b, "A.late", 2, 5000, run=run)
                case.end(run)
            case.assert_same("late", "A.late", readers=("java",))

    def test_source_comes_up_later(self):
        self.check_late("A")

    def test_target_comes_up_later(self):
        self.check_late("B")


class FaultTool:
    """Lends a Java tool and two clusters to a case that has no set-up of its own."""

    def __init__(self, case, a, b):
        from .tools import KafkaTool
        self._tool = KafkaTool()
        case.a, case.b, case.tool = a, b, self._tool

    def __enter__(self):
        return self._tool

    def __exit__(self, *_):
        self._tool.close()


class BrokerFaultsTest(FaultCase):
    """Brokers that go and come back under live traffic: everything arrives, once and in order."""

    def restart(self, cluster, how):
        def disturb(run):
            getattr(cluster, how)()
            try:
                run.wait_line(cluster.nodes[0].address, 30)
                cpu_bound(self, run.process, 3, 0.6)
                self.check_outage(run, cluster.nodes[0].address)
            finally:
                cluster.start_node()

        return disturb

    def test_source_broker_restarts(self):
        self.under_traffic("srcrestart", self.restart(self.a, "stop_node"))

    def test_target_broker_restarts(self):
        self.under_traffic("tgtrestart", self.restart(self.b, "stop_node"))

    def test_source_broker_is_killed(self):
        self.under_traffic("srckill", self.restart(self.a, "kill_node"))

    def test_target_broker_is_killed(self):
        self.under_traffic("tgtkill", self.restart(self.b, "kill_node"))

    def test_brokers_that_stall(self):
        def disturb(run):
            for cluster in (self.b, self.a):
                cluster.pause_node()
                try:
                    cpu_bound(self, run.process, 4, 0.6)
                finally:
                    cluster.resume_node()

        self.under_traffic("stall", disturb)


class DeletedTopicsTest(FaultCase):
    def while_deleting(self, alias, side):
        for topic in ("gone", "stays"):
            self.tool.create_topic(self.a, f"{alias}-{topic}", 1)
            self.tool.produce(self.a, f"{alias}-{topic}", [batch([record(b"k", b"1")])])
        # A refresh would bring the remote topic back before it counts as deleted.
        settings = {"refresh.topics.interval.seconds": "3600"} if side == "target" else {}
        with Longhaul(self.flow(alias, f"{alias}-.*", settings)) as run:
            for topic in ("gone", "stays"):
                self.wait_held(self.b, f"{alias}.{alias}-{topic}", 1, 1, run=run)
            if side == "source":
                self.tool.delete_topic(self.a, f"{alias}-gone")
            else:
                self.tool.delete_topic(self.b, f"{alias}.{alias}-gone")
                # What comes behind the deletion makes the target side notice it.
                self.tool.produce(self.a, f"{alias}-gone", [batch([record(b"k", b"2")])])
            run.wait_line(f"{alias}-gone.*the {side} topic was deleted", 60)
            cpu_bound(self, run.process, 5, 0.6)
            stopped = [line for line in self.problems_about(run, f"{alias}-gone") if "was deleted" in line.text]
            self.assertEqual(len(stopped), 1, run.tail())
            for number in range(3):
                self.tool.produce(self.a, f"{alias}-stays", [batch([record(b"k", b"%d" % number)])])
                self.wait_held(self.b, f"{alias}.{alias}-stays", 1, 2 + number, run=run)
            self.end(run, exit_codes=(1,))
        if side == "target":
            # The topic selection still holds: the remote topic comes back, from the source's start, and says so.
            with Longhaul(self.flow(alias, f"{alias}-.*")) as run:
                self.wait_held(self.b, f"{alias}.{alias}-gone", 1, 2, run=run)
                self.assertEqual(len(run.matching(f"created anew.*{alias}-gone")), 1, run.tail())
                self.end(run)
        self.assert_same(f"{alias}-stays", f"{alias}.{alias}-stays", readers=("java",))
        if side == "target":
            self.assert_same(f"{alias}-gone", f"{alias}.{alias}-gone", readers=("java",))

    def test_topic_deleted_on_the_source(self):
        self.while_deleting("delsrc", "source")

    def test_topic_deleted_on_the_target(self):
        self.while_deleting("deltgt", "target")

    def test_topic_deleted_on_the_target_comes_back_with_the_next_refresh(self):
        self.tool.create_topic(self.a, "back", 1)
        self.tool.produce(self.a, "back", [batch([record(b"k", b"1")])])
        with Longhaul(self.flow("again", "back")) as run:
            self.wait_held(self.b, "again.back", 1, 1, run=run)
            self.tool.delete_topic(self.b, "again.back")
            self.tool.produce(self.a, "back", [batch([record(b"k", b"2")])])
            run.wait_line("target topic was created anew.*topic=back", 60)
            self.wait_held(self.b, "again.back", 1, 2, run=run)
            self.assertEqual(len(run.matching("target topic was created anew.*topic=back")), 1, run.tail())
            self.end(run, exit_codes=(0, 1))
        self.assert_same("back", "again.back", readers=("java",))

    def test_a_remote_topic_created_anew_while_it_is_idle_holds_nothing_twice(self):
        self.tool.create_topic(self.a, "idle", 1)
        self.tool.produce(self.a, "idle", [batch([record(b"k", b"1")])])
        with Longhaul(self.flow("idles", "idle")) as run:
            self.wait_held(self.b, "idles.idle", 1, 1, run=run)
            self.tool.delete_topic(self.b, "idles.idle")
            self.tool.create_topic(self.b, "idles.idle", 1)
            self.tool.produce(self.a, "idle", [batch([record(b"k", b"2")])])
            run.wait_line("target topic was created anew.*topic=idle", 60)
            self.tool.produce(self.a, "idle", [batch([record(b"k", b"3")])])
            self.wait_held(self.b, "idles.idle", 1, 3, run=run)
            self.end(run, exit_codes=(0, 1))
        self.assert_same("idle", "idles.idle", readers=("java",))


class SignalsTest(FaultCase):
    def test_one_interrupt_drains(self):
        self.tool.create_topic(self.a, "drain", 4)
        self.tool.bulk(self.a, "drain", 200_000, partitions=4, linger_ms=10, batch_size=65536)
        with Longhaul(self.flow("drain", "drain")) as run:
            self.wait_held(self.b, "drain.drain", 4, 1, run=run)
            run.interrupt()
            self.assertEqual(run.process.wait(20), 0, run.tail())
            self.check_no_crash(run)
        # What was written is stored: the next run completes it without repeating anything.
        self.copy("drain", "drain")
        self.assert_same("drain", "drain.drain", readers=("java",))

    def test_a_second_interrupt_leaves_at_once(self):
        self.tool.create_topic(self.a, "twice", 4)
        self.tool.call("start_producer", self.a, name="twice", topic="twice", partitions=4, rate=5000, linger_ms=5)
        with Longhaul(self.flow("twice", "twice")) as run:
            self.wait_held(self.b, "twice.twice", 4, 1000, run=run)
            # A target that does not answer cannot be drained: the first signal has something to wait for.
            self.b.pause_node()
            try:
                time.sleep(0.5)
                run.interrupt()
                time.sleep(1)
                self.assertTrue(run.process.running(), "the first interrupt drains")
                run.interrupt()
                begun = time.monotonic()
                code = run.process.wait(10)
                self.assertLess(time.monotonic() - begun, 2)
                self.assertGreater(code, 0, "leaving undrained is no success, and no crash")
                self.check_no_crash(run)
            finally:
                self.b.resume_node()
            written = self.tool.call("stop_producer", name="twice")["records"]
        self.copy("twice", "twice")
        found = self.assert_same("twice", "twice.twice", readers=("java",))
        self.assertEqual(sum(records for records, _ in found.values()), written)


class SmallDisk:
    """A tmpfs of a few megabytes in a mount namespace of its own; what runs `inside` sees it, nobody else does."""

    def __init__(self, megabytes):
        self.directory = work_directory("disk")
        self.mount = self.directory / "mount"
        self.mount.mkdir()
        script = f"mount -t tmpfs -o size={megabytes}m tmpfs {self.mount} && touch {self.directory}/ready && exec sleep 900"
        self.holder = Process("namespace", ["unshare", "-m", "--propagation", "private", "sh", "-c", script],
                              self.directory / "namespace.log")
        wait_until(lambda: (self.directory / "ready").exists() or not self.holder.running(), 10, "the mount")
        if not self.holder.running():
            raise unittest.SkipTest(f"no mount namespace here: {self.holder.tail()}")

    def inside(self, *command):
        return ["nsenter", "-t", str(self.holder.pid), "-m", "--", *command]

    def resize(self, megabytes):
        subprocess.run(self.inside("mount", "-o", f"remount,size={megabytes}m", str(self.mount)), check=True)

    def close(self):
        self.holder.kill()


@unittest.skipUnless(os.geteuid() == 0, "a file system that fills up needs root (mount in a private namespace)")
class FullTargetTest(unittest.TestCase):
    def test_a_full_disk_stops_and_more_disk_heals(self):
        disk = SmallDisk(60)
        self.addCleanup(disk.close)
        settings = {"log.segment.bytes": 8 << 20, "log.index.size.max.bytes": 65536}
        target = KafkaCluster("B", settings=settings, log_directory=disk.mount, inside=disk.inside)
        case = FaultCase()
        with KafkaCluster("A") as a, target as b, FaultTool(case, a, b) as tool:
            tool.create_topic(a, "fills", 4)
            tool.bulk(a, "fills", 120_000, partitions=4, value_size=1000, linger_ms=20, batch_size=65536)
            with Longhaul(properties({"A": a, "B": b}, {"A->B": "fills"})) as run:
                # Kafka takes its only log directory offline and halts; to us the broker is gone.
                wait_until(lambda: not b.nodes[0].process.running(), 60, "the broker to run out of disk")
                run.wait_line(b.bootstrap, 30)
                cpu_bound(self, run.process, 5, 0.8)
                case.check_outage(run, b.bootstrap)
                self.assertIn("No space left", pathlib.Path(b.nodes[0].process.log).read_text())
                disk.resize(400)
                b.start_node()
                case.wait_held(b, "A.fills", 4, 120_000, seconds=90, run=run)
                case.end(run)
            case.assert_same("fills", "A.fills", readers=("java",))
