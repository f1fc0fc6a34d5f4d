"""The configuration files of tests/configs on real clusters: only hosts and replication factors are replaced."""

import re
import time
import unittest

from .lab import KafkaCluster
from .longhaul import SMALL_LAB, Longhaul, command, config_file, properties
from .test_faults import FaultCase, FaultTool
from .tools import batch, record

FACTORS = {key: value for key, value in SMALL_LAB.items() if key.endswith("replication.factor")}


def adapted(name, hosts, settings=None):
    """A file of tests/configs with its hosts replaced, and what a small laboratory needs as later, winning lines."""
    text = config_file(name)
    for host, cluster in hosts.items():
        assert host in text, f"{name} does not name {host}"
        text = text.replace(host, cluster.bootstrap)
    for key in FACTORS:
        text = re.sub(rf"(?m)^{re.escape(key)}\s*=.*$", "", text)
    return text + "\n" + "".join(f"{key} = {value}\n" for key, value in {**FACTORS, **(settings or {})}.items())


class ConfigsTest(unittest.TestCase):
    def start(self, *aliases):
        clusters = [self.enterContext(KafkaCluster(alias, heap="320m")) for alias in aliases]
        self.case = FaultCase()
        self.tool = self.enterContext(FaultTool(self.case, clusters[0], clusters[-1]))
        return clusters

    def fill(self, cluster, topic, count=500, partitions=2):
        self.tool.create_topic(cluster, topic, partitions)
        self.tool.bulk(cluster, topic, count, partitions=partitions, linger_ms=5, seed=sum(topic.encode()))

    def same(self, source, topic, target, remote):
        found = self.case.assert_same(topic, remote, readers=("java", "kcat"), source=source, target=target)
        self.assertGreater(sum(records for records, _ in found.values()), 0)

    def test_basic(self):
        primary, backup = self.start("primary", "backup")
        for topic in ("orders", "payments", "inventory", "unrelated"):
            self.fill(primary, topic)
        self.fill(backup, "orders-of-backup")
        config = adapted("basic.properties", {"primary-kafka:9092": primary, "backup-kafka:9092": backup})
        with Longhaul(config, "--until-caught-up") as run:
            self.assertEqual(run.process.wait(60), 0, run.tail())
            self.case.check_no_crash(run)
        for topic in ("orders", "payments", "inventory"):
            self.same(primary, topic, backup, f"primary.{topic}")
        self.assertNotIn("primary.unrelated", self.tool.topics(backup))
        self.assertEqual([topic for topic in self.tool.topics(primary) if topic.startswith("backup.")], [])
        # Longhaul's own comparison comes to the same result, and notices a difference.
        self.assertEqual(command("verify", config=config).returncode, 0)
        self.tool.produce(backup, "primary.orders", [batch([record(b"k", b"too much")])])
        self.assertEqual(command("verify", config=config).returncode, 3)

    def test_active_active(self):
        us, eu = self.start("us", "eu")
        self.fill(us, "orders")
        self.fill(us, "only-us")
        self.fill(eu, "orders", count=700)
        config = adapted("active-active.properties", {"us-kafka:9092": us, "eu-kafka:9092": eu},
                         {"refresh.topics.interval.seconds": "1"})
        with Longhaul(config) as run:
            self.case.wait_held(eu, "us.orders", 2, 500, run=run)
            self.case.wait_held(eu, "us.only-us", 2, 500, run=run)
            self.case.wait_held(us, "eu.orders", 2, 700, run=run)
            # Three refresh intervals in which a loop would show.
            time.sleep(3.5)
            run.terminate()
            self.assertEqual(run.process.wait(20), 0, run.tail())
            self.case.check_no_crash(run)
        self.same(us, "orders", eu, "us.orders")
        self.same(us, "only-us", eu, "us.only-us")
        self.same(eu, "orders", us, "eu.orders")
        for cluster in (us, eu):
            looped = [topic for topic in self.tool.topics(cluster) if re.match(r"(us|eu)\.(us|eu)\.", topic)]
            self.assertEqual(looped, [])

    def test_hub_and_spoke(self):
        ams, nyc, sgp, hub = self.start("ams", "nyc", "sgp", "hub")
        for number, spoke in enumerate((ams, nyc, sgp)):
            self.fill(spoke, "events.clicks", count=300 + number)
            self.fill(spoke, "private", count=10)
        self.fill(hub, "reference", count=200)
        config = adapted("hub-and-spoke.properties", {"ams-kafka:9092": ams, "nyc-kafka:9092": nyc,
                                                      "sgp-kafka:9092": sgp, "hub-kafka:9092": hub})
        with Longhaul(config, "--until-caught-up") as run:
            self.assertEqual(run.process.wait(60), 0, run.tail())
            self.case.check_no_crash(run)
        for name, spoke in (("ams", ams), ("nyc", nyc), ("sgp", sgp)):
            self.same(spoke, "events.clicks", hub, f"{name}.events.clicks")
            self.assertNotIn(f"{name}.private", self.tool.topics(hub))
        self.same(hub, "reference", ams, "reference")
        self.assertNotIn("reference", self.tool.topics(nyc))

    def test_a_flow_can_be_run_alone(self):
        ams, nyc = self.start("one", "two")
        self.fill(ams, "there")
        self.fill(nyc, "back")
        config = properties({"one": ams, "two": nyc}, {"one->two": "there", "two->one": "back"})
        with Longhaul(config, "--clusters", "two", "--until-caught-up") as run:
            self.assertEqual(run.process.wait(60), 0, run.tail())
        self.same(ams, "there", nyc, "one.there")
        self.assertNotIn("two.back", self.tool.topics(ams))


class CommandsTest(unittest.TestCase):
    """plan and generate on a real cluster."""

    @classmethod
    def setUpClass(cls):
        cls.a = cls.enterClassContext(KafkaCluster("A"))
        cls.b = cls.enterClassContext(KafkaCluster("B"))
        cls.case = FaultCase()
        cls.tool = cls.enterClassContext(FaultTool(cls.case, cls.a, cls.b))

    def test_plan_names_rules_and_changes_nothing(self):
        for topic in ("planned", "left-out", "refused.replica"):
            self.tool.create_topic(self.a, topic, 3)
        before = self.tool.topics(self.b)
        done = command("plan", config=properties({"A": self.a, "B": self.b}, {"A->B": "planned, refused.*"}))
        self.assertEqual(done.returncode, 0, done.stderr)
        for expected in ("planned", "A.planned", "left-out", "refused.replica", ".*\\.replica"):
            self.assertIn(expected, done.stdout)
        self.assertEqual(self.tool.topics(self.b), before)

    def test_wrong_configuration_is_refused_with_its_line(self):
        base = "clusters = A, B\nA.bootstrap.servers = a:9092\nB.bootstrap.servers = b:9092\nA->B.enabled = true\n"
        wrong = {"": ["clusters"],
                 base.replace("B.bootstrap.servers = b:9092\n", ""): ["B.bootstrap.servers"],
                 base + "A->B.topics = a{1\n": ["mm2.properties:5", "A->B.topics", "a{1"],
                 base + "replication.factor = many\n": ["mm2.properties:5", "replication.factor", "many"]}
        for text, words in wrong.items():
            with self.subTest(words=words):
                done = command("run", config=text, seconds=20)
                self.assertEqual(done.returncode, 2, done.stdout + done.stderr)
                for word in words:
                    self.assertIn(word, done.stderr)
