"""The binary under test: configuration files for laboratories, its process, its log lines and its summary."""

import json
import os
import pathlib
import re
import signal
import subprocess
import time
import unittest

from .lab import KafkaCluster, end_offsets
from .processes import ROOT, Process, remove_directory, wait_until, work_directory
from .tools import KafkaTool, ToolError, comparable, franz_digest, kcat_digest

BINARY = os.environ.get("LONGHAUL", str(ROOT / "build" / "release" / "longhaul"))

# What clusters of one broker force, and periods that suit tests.
SMALL_LAB = {
    "replication.factor": "1",
    "checkpoints.topic.replication.factor": "1",
    "heartbeats.topic.replication.factor": "1",
    "offset-syncs.topic.replication.factor": "1",
    "offset.storage.replication.factor": "1",
    "config.storage.replication.factor": "1",
    "status.storage.replication.factor": "1",
    "refresh.topics.interval.seconds": "1",
}


def properties(clusters, flows, settings=None):
    """The text of an mm2.properties: {alias: cluster or bootstrap}, {"A->B": topics}, further keys."""
    lines = [f"clusters = {', '.join(clusters)}"]
    for alias, cluster in clusters.items():
        lines.append(f"{alias}.bootstrap.servers = {getattr(cluster, 'bootstrap', cluster)}")
    for flow, topics in flows.items():
        lines += [f"{flow}.enabled = true", f"{flow}.topics = {topics}"]
    for key, value in {**SMALL_LAB, **(settings or {})}.items():
        lines.append(f"{key} = {value}")
    return "\n".join(lines) + "\n"


class LogLine:
    """One line of the log: `2026-01-31T12:00:00.123Z WARN text key=value ...`."""

    _SHAPE = re.compile(r"^\d{4}-\d\d-\d\dT[\d:.]+Z\s+(DEBUG|INFO|WARN|ERROR)\s+(.*)$")

    def __init__(self, text):
        found = self._SHAPE.match(text)
        self.text = text
        self.level = found[1] if found else None

    def __repr__(self):
        return self.text


class Longhaul:
    """`longhaul run FILE` as a process. A context manager: leaving it ends the process and removes its files."""

    def __init__(self, config, *arguments, command="run"):
        self.directory = work_directory("longhaul")
        self.config = self.directory / "mm2.properties"
        self.config.write_text(config)
        self.summary_file = self.directory / "summary.json"
        self.arguments = [command, str(self.config), *arguments]
        if command == "run":
            self.arguments += ["--summary", str(self.summary_file)]
        self.starts = 0
        self.process = None
        self.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        remove_directory(self.directory)

    def start(self):
        """Starts it, or starts it again with the same file; each start has a log of its own."""
        self.starts += 1
        self.process = Process("longhaul", [BINARY, *self.arguments], self.directory / f"run-{self.starts}.log")

    def lines(self):
        return [LogLine(text) for text in self.process.output().splitlines()]

    def problems(self):
        """Lines at WARN and ERROR, and lines that are no log lines at all (a crash, a sanitizer's report)."""
        return [line for line in self.lines() if line.level in ("WARN", "ERROR", None) and line.text.strip()]

    def matching(self, pattern):
        return [line for line in self.lines() if re.search(pattern, line.text)]

    def wait_line(self, pattern, seconds=20):
        def find():
            found = self.matching(pattern)
            if not found and not self.process.running():
                found = self.matching(pattern)
                assert found, f"longhaul ended ({self.process.poll()}) without a line like {pattern!r}:\n{self.tail()}"
            return found

        try:
            return wait_until(find, seconds, f"a line like {pattern!r}", 0.05)[0]
        except Exception as error:
            raise AssertionError(f"{error}\n{self.tail()}") from error

    def tail(self):
        return self.process.tail(40)

    def summary(self):
        return json.loads(self.summary_file.read_text())

    def interrupt(self):
        self.process.signal(signal.SIGINT)

    def terminate(self):
        self.process.signal(signal.SIGTERM)


def command(*arguments, config=None, seconds=120):
    """Runs another command of the binary to its end; returns the completed process with its output as text."""
    directory = work_directory("command")
    try:
        words = [str(word) for word in arguments]
        if config is not None:
            path = directory / "mm2.properties"
            path.write_text(config)
            words.insert(1, str(path))
        return subprocess.run([BINARY, *words], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                              timeout=seconds)
    finally:
        remove_directory(directory)


class TwoClusters(unittest.TestCase):
    """Two clusters for all cases of a class. Each case takes source aliases of its own, so that positions stored on
    the target by one case mean nothing to another."""

    SOURCE_SETTINGS = {}
    TARGET_SETTINGS = {}
    maxDiff = 4000

    @classmethod
    def setUpClass(cls):
        cls.a = cls.enterClassContext(KafkaCluster("A", settings=cls.SOURCE_SETTINGS))
        cls.b = cls.enterClassContext(KafkaCluster("B", settings=cls.TARGET_SETTINGS))
        cls.tool = cls.enterClassContext(KafkaTool())

    def copy(self, alias, topics, settings=None, exit_code=0, seconds=120):
        """`run --until-caught-up` of alias->B; returns its summary."""
        with Longhaul(self.flow(alias, topics, settings), "--until-caught-up") as run:
            found = run.process.wait(seconds)
            self.assertEqual(found, exit_code, run.tail())
            self.check_no_crash(run)
            return run.summary()

    def flow(self, alias, topics, settings=None):
        return properties({alias: self.a, "B": self.b}, {f"{alias}->B": topics}, settings)

    def check_no_crash(self, run):
        strange = [line for line in run.lines() if line.level is None and line.text.strip()]
        self.assertEqual(strange, [], "lines that are not log lines")

    def held(self, cluster, topic, partitions):
        """Records that a topic holds, without transaction markers; 0 while it does not exist."""
        offsets = 0
        for node in cluster.nodes:
            try:
                # Each partition is answered by its leader alone.
                offsets += sum(end or 0 for end in end_offsets("127.0.0.1", node.port, topic, partitions))
            except (OSError, ValueError):
                pass
        return max(0, offsets - cluster.markers(topic, partitions))

    def wait_held(self, cluster, topic, partitions, count, seconds=60, run=None):
        def enough():
            if run is not None and not run.process.running():
                raise AssertionError(f"longhaul ended ({run.process.poll()}):\n{run.tail()}")
            return self.held(cluster, topic, partitions) >= count

        try:
            wait_until(enough, seconds, f"{count} records in {topic}", 0.02)
        except Exception as error:
            raise AssertionError(f"{error}; it holds {self.held(cluster, topic, partitions)}"
                                 + (f"\n{run.tail()}" if run else "")) from error

    def assert_same(self, topic, remote, isolation="read_uncommitted", readers=("java", "franz-go", "kcat"),
                    source=None, target=None):
        """Every reader finds the same records on both sides: the source under `isolation`, all of the target."""
        source, target = source or self.a, target or self.b
        for reader in readers:
            with self.subTest(reader=reader, topic=topic):
                before = self.digest(reader, source, topic, isolation)
                after = self.digest(reader, target, remote, "read_uncommitted")
                self.assert_digests(before, after, remote)
        return before

    def assert_digests(self, before, after, remote):
        """A difference is noted where ./check asks for it, because a test that fails is repeated there."""
        notes = os.environ.get("LONGHAUL_DIFFERENCES")
        if before != after and notes:
            with open(notes, "a", encoding="utf-8") as file:
                file.write(f"{self.id()}: {remote} differs: {before} on the source, {after} on the target\n")
        self.assertEqual(before, after)

    def batches(self, cluster, topic, partition):
        """The batches of a partition as they lie on the broker's disk (old timestamps roll segments early), without
        markers: Longhaul leaves one of its own where it takes a partition over."""
        for _ in range(5):
            try:
                return [item for segment in cluster.segments(topic, partition) for item in self.tool.batches(segment)
                        if not item["control"]]
            except ToolError as error:
                # The cleaner has taken the segment away meanwhile.
                if "NoSuchFile" not in str(error):
                    raise
        raise AssertionError(f"the segments of {topic}-{partition} change all the time")

    def stored(self, alias):
        """What Longhaul's state topic says about each partition: {partition: position record}."""
        found = {}
        for entry in self.tool.dump(self.b, f"mm2-longhaul.{alias}.internal"):
            key = json.loads(entry["key"])
            if key[0] == "position" and entry["value"] is not None:
                found[key[1]["partition"]] = json.loads(entry["value"])
        return found

    def digest(self, reader, cluster, topic, isolation):
        if reader == "java":
            return comparable(self.tool.digest(cluster, topic, isolation))
        if reader == "franz-go":
            return comparable(franz_digest(cluster, topic, isolation))
        partitions = self.tool.describe(cluster, topic)["partitions"]
        return comparable(kcat_digest(cluster, topic, partitions, isolation))


def cpu_bound(test, process, seconds, limit):
    """Lets `process` live for `seconds` and asserts that it burnt at most `limit` CPU-seconds of it: no busy loop."""
    before = process.cpu_seconds()
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline and process.running():
        time.sleep(0.05)
    test.assertTrue(process.running(), process.tail())
    test.assertLess(process.cpu_seconds() - before, limit, "CPU-seconds while it had nothing to do")


def config_file(name):
    return (pathlib.Path(__file__).resolve().parents[1] / "configs" / name).read_text()
