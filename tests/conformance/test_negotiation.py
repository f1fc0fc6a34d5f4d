"""Which version of each API goes over the wire to Apache Kafka 4.3, 3.9 and 2.8."""

import os
import pathlib
import re
import subprocess
import unittest

from .lab_versions import KRAFT_3, NEWEST, RELEASES, ZOOKEEPER_2, api_versions, running
from .longhaul import BINARY, Longhaul, properties
from .processes import ROOT
from .tools import KafkaTool, batch, record
from .wire_tap import tapped_cluster


# The version of Produce that names topics by id.
BY_TOPIC_ID = 13


def spoken_here():
    """{API name: (key, newest version)} as docs/protocol-support.md has them; a unit test holds it against the code."""
    rows = re.findall(r"(?m)^\| (\w+) \| (\d+) \| \d+-(\d+)", (ROOT / "docs/protocol-support.md").read_text())
    return {name: (int(key), int(newest)) for name, key, newest in rows}


class NegotiationTest(unittest.TestCase):
    """Which version of each API goes over the wire to each release: the newest that both sides have."""

    # Of listeners with SASL only.
    NOT_ASKED = {"SaslHandshake", "SaslAuthenticate"}

    @classmethod
    def setUpClass(cls):
        cls.clusters = {version: tapped_cluster(f"tap-{version}", version) for version in RELEASES}
        cls.enterClassContext(running(*cls.clusters.values()))
        cls.tool = cls.enterClassContext(KafkaTool())
        cls.advertised = {version: api_versions(one.nodes[0].port) for version, one in cls.clusters.items()}
        cls.ours = spoken_here()

    def expected(self, version, api):
        key, newest = self.ours[api]
        """None where the release does not have the API."""
        return min(newest, self.advertised[version][key]) if key in self.advertised[version] else None

    def test_the_documented_table(self):
        text = (ROOT / "docs/protocol-support.md").read_text()
        releases = re.search(r"(?m)^\| API \| ([\d. |]+) \|$", text)[1].split(" | ")
        rows = re.findall(r"(?m)^\| (\w+) ((?:\| (?:\d+|-) )+)\|$", text)
        documented = {(api, release): None if number == "-" else int(number) for api, numbers in rows
                      for release, number in zip(releases, re.findall(r"\d+|-", numbers))}
        self.assertEqual(documented, {(api, version): self.expected(version, api) for api in self.ours
                                      for version in RELEASES})

    def check_every_api(self, version):
        one = self.clusters[version]
        probe = os.environ.get("VERSION_PROBE") or str(pathlib.Path(BINARY).with_name("version_probe"))
        one.tap.clear()
        done = subprocess.run([probe, one.tapped], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        called = {}
        for line in done.stdout.splitlines():
            api, sent, answer = line.split("\t")
            self.assertEqual(int(sent), self.expected(version, api), api)
            called[api] = answer
        # The last answer of each: the first to JoinGroup only gives the member id.
        for answer in called.values():
            self.assertEqual({code for code in re.findall(r"error_code=([^,}]+)", answer)} - {"NONE"}, set(), answer)
        lacking = {api for api in self.ours if self.expected(version, api) is None}
        self.assertEqual(set(self.ours) - set(called), self.NOT_ASKED | lacking | {"ApiVersions"})
        self.check_answers(version, called)
        # The same by the bytes that went to the broker.
        on_the_wire = one.tap.versions("probe")
        for api in called:
            self.assertEqual(on_the_wire.pop(self.ours[api][0]), {self.expected(version, api)}, api)
        self.assertEqual(on_the_wire, {18: {self.expected(version, "ApiVersions")}})
        self.assertEqual(one.tap.unanswered("probe"), [])

    def check_answers(self, version, called):
        """Beside the absence of errors, that the answers mean what was asked."""
        self.assertIn("high_watermark=1", called["Fetch"])
        self.assertRegex(called["Fetch"], r"records=<[1-9]\d+ bytes>")
        self.assertIn("offset=1", called["ListOffsets"])
        self.assertIn("end_offset=1", called["OffsetForLeaderEpoch"])
        self.assertIn("committed_offset=1", called["OffsetFetch"])
        self.assertIn("current_txn_start_offset=", called["DescribeProducers"])
        self.assertIn('group_id="probe-group"', called["ListGroups"])
        self.assertIn('group_state="Stable"', called["DescribeGroups"])
        self.assertIn('value="2000000"', called["DescribeConfigs"])
        self.assertIn("low_watermark=1", called["DeleteRecords"])
        self.assertEqual(called["Metadata"].count("partition_index="), 2)

    def test_every_api_on_4_3(self):
        self.check_every_api(NEWEST)

    def test_every_api_on_3_9(self):
        self.check_every_api(KRAFT_3)

    def test_every_api_on_2_8(self):
        self.check_every_api(ZOOKEEPER_2)

    def check_flow(self, source, target):
        """A whole run through both taps: `longhaul` itself sends the versions that were negotiated, and no others."""
        a, b = self.clusters[source], self.clusters[target]
        alias = "from-" + source.replace(".", "-")
        topic = f"tapped-{target}".replace(".", "-")
        self.tool.create_topic(a, topic, 2)
        self.tool.produce(a, topic, [batch([record(b"k", b"v")], 0), batch([record(b"k", b"v")], 1)])
        for one in (a, b):
            one.tap.clear()
        config = properties({alias: a.tapped, "B": b.tapped}, {f"{alias}->B": topic})
        with Longhaul(config, "--until-caught-up") as run:
            self.assertEqual(run.process.wait(60), 0, run.tail())
        used = {"source": ("Fetch", "ListOffsets", "Metadata", "DescribeConfigs", "ApiVersions"),
                "target": ("Produce", "ListOffsets", "Metadata", "DescribeConfigs", "ApiVersions", "CreateTopics",
                           "InitProducerId", "FindCoordinator", "AddPartitionsToTxn", "EndTxn", "Fetch")}
        # A take-over reads single partitions by name, and ends its transaction so that the marker carries its epoch.
        bounds = {("target", "Fetch"): 12, ("target", "EndTxn"): 4}
        for side, version, one in (("source", source, a), ("target", target, b)):
            found = {}
            for client in one.tap.clients():
                self.assertEqual(one.tap.unanswered(client), [], side)
                for api, versions in one.tap.versions(client).items():
                    found.setdefault(api, set()).update(versions)
            names = {key: name for name, (key, _) in self.ours.items()}
            for api, versions in found.items():
                newest = self.expected(version, names[api])
                newest = min(newest, bounds.get((side, names[api]), newest))
                expected = {newest}
                if names[api] == "Produce" and self.advertised[version][api] >= BY_TOPIC_ID:
                    # Records go by topic id, positions by name.
                    expected.add(BY_TOPIC_ID)
                self.assertEqual(versions, expected, f"{side}: {names[api]}")
            self.assertLessEqual({self.ours[api][0] for api in used[side]}, set(found), side)

    def test_a_flow_from_4_3_to_2_8(self):
        self.check_flow(NEWEST, ZOOKEEPER_2)

    def test_a_flow_from_2_8_to_3_9(self):
        self.check_flow(ZOOKEEPER_2, KRAFT_3)

    def test_a_flow_from_3_9_to_4_3(self):
        self.check_flow(KRAFT_3, NEWEST)
