"""Apache Kafka 4.3, 3.9 and 2.8 as source and as target of each other: data, positions, settings."""

import signal

from .lab_versions import KRAFT_3, NEWEST, ZOOKEEPER_2, cluster, running, topic_command
from .longhaul import Longhaul, TwoClusters, command
from .processes import wait_until
from .test_replication import CODECS, odd_batches
from .tools import KafkaTool, ToolError, batch, record

# Kafka 2.8 as it runs in the middle of an upgrade from 2.7: it has no topic ids.
WITHOUT_IDS = {"inter.broker.protocol.version": "2.7", "log.message.format.version": "2.7"}
OLD_TIME = 1_700_000_000_000


class VersionsCase(TwoClusters):
    """Named clusters for all cases of a class; each case says which of them are source and target."""

    CLUSTERS = {}
    BROKERS = {}

    @classmethod
    def setUpClass(cls):
        cls.clusters = {name: cluster(name, version, settings=settings, brokers=cls.BROKERS.get(name, 1))
                        for name, (version, settings) in cls.CLUSTERS.items()}
        cls.enterClassContext(running(*cls.clusters.values()))
        cls.tool = cls.enterClassContext(KafkaTool())

    def use(self, source, target):
        """Returns the alias of the source: one per pair, because several sources write to the same target."""
        self.a, self.b = self.clusters[source], self.clusters[target]
        return source

    def end(self, run, exit_code=0):
        run.terminate()
        self.assertEqual(run.process.wait(30), exit_code, run.tail())
        self.check_no_crash(run)

    def problems(self, run):
        """What it complained of, but for the settings of the lab's configuration file."""
        return [line for line in run.problems() if "mm2.properties: " not in line.text]


class PairsTest(VersionsCase):
    """Everything a record may be, in every codec, and transactions, for each pair of releases."""

    CLUSTERS = {"new": (NEWEST, {}), "k39": (KRAFT_3, {}), "k39b": (KRAFT_3, {}), "k28": (ZOOKEEPER_2, {}),
                "k28b": (ZOOKEEPER_2, WITHOUT_IDS)}
    SOURCES = ("new", "k39", "k28", "k28b")

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.sources = {}
        for name in cls.SOURCES:
            source = cls.clusters[name]
            cls.tool.create_topic(source, "odd", 3 * len(CODECS), configs={"max.message.bytes": "3000000"})
            for index, codec in enumerate(CODECS):
                batches = [{**one, "partition": one["partition"] + 3 * index} for one in odd_batches()]
                cls.tool.produce(source, "odd", batches, compression=codec)
            cls.tool.create_topic(source, "tx", 1)
            for number in range(6):
                cls.tool.produce(source, "tx", [batch([record(b"%d" % number, b"v" * i) for i in range(7)])],
                                 transactional_id="tx", end="abort" if number % 3 == 1 else "commit")

    def check_pair(self, source, target):
        alias = self.use(source, target)
        summary = self.copy(alias, "odd, tx", {f"{alias}.consumer.isolation.level": "read_committed"})
        remote = f"{alias}.odd"
        found = self.assert_same("odd", remote)
        self.assertEqual(sum(records for records, _ in found.values()), 5017 * len(CODECS))
        for index, codec in enumerate(CODECS):
            for partition in range(3 * index, 3 * index + 3):
                before = self.batches(self.a, "odd", partition)
                after = self.batches(self.b, remote, partition)
                for key in ("count", "size", "compression"):
                    self.assertEqual([one[key] for one in before], [one[key] for one in after], f"{codec}: {key}")
                self.assertTrue(all(one["valid"] for one in after))
        self.assertEqual(self.assert_same("tx", f"{alias}.tx", isolation="read_committed")[0][0], 4 * 7)
        (flow,) = summary["flows"]
        self.assertEqual((flow["topics"], flow["partitions"], flow["records"]), (2, 16, 5017 * len(CODECS) + 28))
        self.assertEqual((flow["lag_records"], flow["stopped_partitions"]), (0, []))
        done = command("verify", config=self.flow(alias, "odd"))
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        # Kafka's own tool of that release sees what the topic was created with.
        described = topic_command(self.b, "--describe", "--topic", remote)
        self.assertRegex(described, r"PartitionCount:\s*15\b")
        self.assertIn("max.message.bytes=3000000", described)

    def test_4_3_to_3_9(self):
        self.check_pair("new", "k39")

    def test_3_9_to_4_3(self):
        self.check_pair("k39", "new")

    def test_4_3_to_2_8(self):
        self.check_pair("new", "k28")

    def test_2_8_to_4_3(self):
        self.check_pair("k28", "new")

    def test_3_9_to_3_9(self):
        self.check_pair("k39", "k39b")

    def test_2_8_to_2_8_without_topic_ids(self):
        self.check_pair("k28", "k28b")

    def test_2_8_without_topic_ids_to_4_3(self):
        self.check_pair("k28b", "new")


class OldBrokersTest(VersionsCase):
    """What older brokers lack, forget or keep: settings, topic ids, producers, record formats."""

    # A producer is forgotten when its last batch is older than this, by the record's time.
    CLUSTERS = {"new": (NEWEST, {}), "k39": (KRAFT_3, {}),
                "k28": (ZOOKEEPER_2, {"transactional.id.expiration.ms": 60_000}), "k27": (ZOOKEEPER_2, WITHOUT_IDS)}
    BROKERS = {"k27": 2}

    def test_settings_that_an_older_target_does_not_know_are_left_out(self):
        alias = self.use("new", "k28")
        known = {"retention.ms": "123456789", "cleanup.policy": "compact,delete", "segment.ms": "7654321"}
        newer = {"message.timestamp.before.max.ms": "9223372036854775807", "compression.gzip.level": "9"}
        for topic in ("newer-1", "newer-2"):
            self.tool.create_topic(self.a, topic, 1, configs={**known, **newer})
            self.tool.produce(self.a, topic, [batch([record(b"k", b"v")])])
        planned = command("plan", config=self.flow(alias, "newer-.*"))
        self.assertEqual(planned.returncode, 0, planned.stderr)
        self.assertIn("compression.gzip.level is left out: the target does not know it", planned.stdout)
        with Longhaul(self.flow(alias, "newer-.*"), "--until-caught-up") as run:
            self.assertEqual(run.process.wait(60), 0, run.tail())
            problems = self.problems(run)
            self.assertEqual(sorted(line.text.rpartition("setting=")[2] for line in problems), sorted(newer), run.tail())
            self.assertTrue(all(line.level == "WARN" for line in problems), run.tail())
        for topic in ("newer-1", "newer-2"):
            found = self.tool.describe(self.b, f"{alias}.{topic}")["configs"]
            self.assertEqual({key: found.get(key) for key in known}, known)
            self.assert_same(topic, f"{alias}.{topic}", readers=("java",))
        described = topic_command(self.b, "--describe", "--topic", f"{alias}.newer-1")
        self.assertIn("segment.ms=7654321", described)

    def test_settings_that_a_newer_target_has_lost_are_left_out(self):
        alias = self.use("k28", "new")
        lost = {"message.downconversion.enable": "false", "message.format.version": "2.6"}
        self.tool.create_topic(self.a, "older", 1, configs={"retention.ms": "123456789", **lost})
        self.tool.produce(self.a, "older", [batch([record(b"k", b"v")])])
        with Longhaul(self.flow(alias, "older"), "--until-caught-up") as run:
            self.assertEqual(run.process.wait(60), 0, run.tail())
            (problem,) = self.problems(run)
            self.assertIn("setting=message.downconversion.enable", problem.text)
        found = self.tool.describe(self.b, f"{alias}.older")["configs"]
        self.assertEqual(found.get("retention.ms"), "123456789")
        self.assert_same("older", f"{alias}.older", readers=("java",))

    def check_resume(self, source, target):
        """Killed and drained under live traffic: nothing lost, nothing twice."""
        alias = self.use(source, target)
        topic, remote = f"live-{target}", f"{alias}.live-{target}"
        self.tool.create_topic(self.a, topic, 4)
        self.tool.call("start_producer", self.a, name=alias, topic=topic, partitions=4, rate=10000, value_size=100,
                       linger_ms=5, batch_size=16384, compression="zstd")
        with Longhaul(self.flow(alias, topic)) as run:
            for how in (signal.SIGKILL, signal.SIGTERM, signal.SIGKILL):
                held = self.held(self.b, remote, 4)
                self.wait_held(self.b, remote, 4, held + 15000, run=run)
                run.process.signal(how)
                self.assertEqual(run.process.wait(30), -how if how == signal.SIGKILL else 0, run.tail())
                self.check_no_crash(run)
                run.start()
            written = self.tool.call("stop_producer", name=alias)["records"]
            self.wait_held(self.b, remote, 4, written, run=run)
            self.end(run)
        # A duplicate that was written late would be part of the digests.
        found = self.assert_same(topic, remote, readers=("java", "franz-go"))
        self.assertEqual(sum(records for records, _ in found.values()), written)

    def test_resume_from_2_8_to_4_3(self):
        self.check_resume("k28", "new")

    def test_resume_from_4_3_to_2_8(self):
        self.check_resume("new", "k28")

    def test_resume_from_3_9_to_2_8_without_topic_ids(self):
        self.check_resume("k39", "k27")

    def test_resume_from_2_8_without_topic_ids_to_3_9(self):
        self.check_resume("k27", "k39")

    def check_restarts(self, source, target):
        """A broker with ZooKeeper knows no topics for a moment after its start: that is no deletion."""
        alias = self.use(source, target)
        topic = f"restarts-{target}"
        self.tool.create_topic(self.a, topic, 2)
        with Longhaul(self.flow(alias, topic)) as run:
            for number, restart in enumerate([None, self.a.stop_node, self.a.kill_node]):
                if restart is not None:
                    restart()
                    self.a.start_node()
                for partition in range(2):
                    self.tool.produce(self.a, topic, [batch([record(b"k", b"%d" % number)], partition)])
                self.wait_held(self.b, f"{alias}.{topic}", 2, 2 * (number + 1), run=run)
            self.end(run)
        self.assert_same(topic, f"{alias}.{topic}", readers=("java",))

    def test_a_2_8_source_that_restarts(self):
        self.check_restarts("k28", "new")

    def test_a_3_9_source_that_restarts(self):
        self.check_restarts("k39", "k28")

    def test_leaders_of_a_2_8_source_move(self):
        """The leader's epoch grows when it moves (KIP-320), which fences requests with the former; no topic ids here."""
        alias = self.use("k27", "new")
        self.tool.create_topic(self.a, "moves", 4, replication=2)
        self.tool.call("start_producer", self.a, name="moves", topic="moves", partitions=4, rate=2000, linger_ms=5)
        with Longhaul(self.flow(alias, "moves")) as run:
            self.wait_held(self.b, f"{alias}.moves", 4, 2000, run=run)
            self.a.kill_node(0)
            for disturb in (None, self.a.start_node):
                if disturb is not None:
                    disturb()
                held = self.held(self.b, f"{alias}.moves", 4)
                self.wait_held(self.b, f"{alias}.moves", 4, held + 5000, seconds=90, run=run)
            written = self.tool.call("stop_producer", name="moves")["records"]
            self.wait_held(self.b, f"{alias}.moves", 4, written, run=run)
            self.end(run)
        found = self.assert_same("moves", f"{alias}.moves", readers=("java", "franz-go"))
        self.assertEqual(sum(records for records, _ in found.values()), written)
        epochs = {one["leader_epoch"] for partition in range(4) for path in self.a.segments("moves", partition, node=1)
                  for one in self.tool.batches(path)}
        self.assertGreater(max(epochs), 0, "no leader has moved")

    def test_generate_on_2_8(self):
        old = self.clusters["k28"]
        done = command("generate", old.bootstrap, "--topic", "generated:3", "--records", "5000", "--codec", "mixed")
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertEqual(sum(part["records"] for part in self.tool.digest(old, "generated").values()), 5000)

    def test_a_producer_that_the_target_has_forgotten_goes_on(self):
        """Records are old, so that 2.8 drops their producer when it loads the log again; it takes any sequence then. Outside of
        transactions, that is."""
        alias = self.use("new", "k28")
        self.tool.create_topic(self.a, "forgotten", 1)
        self.tool.produce(self.a, "forgotten", [batch([record(b"1", b"v" * i, [], OLD_TIME + i) for i in range(10)])])
        with Longhaul(self.flow(alias, "forgotten", {"longhaul.transactions": "never"})) as run:
            self.wait_held(self.b, f"{alias}.forgotten", 1, 10, run=run)
            self.b.stop_node()
            self.b.start_node()
            for number in range(3):
                self.tool.produce(self.a, "forgotten", [batch([record(b"2", b"%d" % number, [], OLD_TIME)])])
                self.wait_held(self.b, f"{alias}.forgotten", 1, 11 + number, run=run)
            self.end(run)
        self.assert_same("forgotten", f"{alias}.forgotten")
        found = self.batches(self.b, f"{alias}.forgotten", 0)
        self.assertEqual(len({one["producer_id"] for one in found}), 1)
        # A broker that has just come back may say that it does not lead, which it says of what it has appended too: then
        # what is old is taken over again, and counts from 0.
        sequences = [one["base_sequence"] for one in found]
        self.assertIn(sequences, ([0, 10, 11, 12], [0, 0, 1, 2]))

    def test_a_topic_deleted_on_a_source_without_topic_ids(self):
        alias = self.use("k27", "new")
        for topic in ("del-gone", "del-stays"):
            self.tool.create_topic(self.a, topic, 1)
            self.tool.produce(self.a, topic, [batch([record(b"k", b"1"), record(b"k", b"2")])])
        with Longhaul(self.flow(alias, "del-.*")) as run:
            for topic in ("del-gone", "del-stays"):
                self.wait_held(self.b, f"{alias}.{topic}", 1, 2, run=run)
            self.tool.delete_topic(self.a, "del-gone")
            run.wait_line("del-gone.*the source topic was deleted", 60)
            self.tool.produce(self.a, "del-stays", [batch([record(b"k", b"3")])])
            self.wait_held(self.b, f"{alias}.del-stays", 1, 3, run=run)
            self.end(run, exit_code=1)

    def test_a_topic_created_anew_on_a_2_8_source(self):
        """Fetch 12 names topics, so that the broker cannot tell the new one from the old: its id in Metadata does."""
        alias = self.use("k28", "new")
        old, new = [record(b"old", b"%d" % i) for i in range(3)], [record(b"new", b"%d" % i) for i in range(2)]
        self.tool.create_topic(self.a, "anew", 1)
        self.tool.produce(self.a, "anew", [batch(old)])
        with Longhaul(self.flow(alias, "anew")) as run:
            self.wait_held(self.b, f"{alias}.anew", 1, 3, run=run)
            self.tool.delete_topic(self.a, "anew")
            run.wait_line("the source topic was deleted", 60)
            self.tool.create_topic(self.a, "anew", 1)
            self.tool.produce(self.a, "anew", [batch(new)])
            self.wait_held(self.b, f"{alias}.anew", 1, 5, run=run)
            self.assertEqual(len(run.matching("the source topic was created anew")), 1, run.tail())
            self.end(run)
        self.assertEqual([one["key"] for one in self.tool.dump(self.b, f"{alias}.anew")], [b"old"] * 3 + [b"new"] * 2)

    def produce_when_allowed(self, topic, one):
        """The broker hears of a changed setting a moment after the tool has set it, log by log."""
        def done():
            try:
                return self.tool.produce(self.a, topic, [one])
            except ToolError as e:
                if "UnsupportedForMessageFormat" not in str(e):
                    raise
                return None

        wait_until(done, 30, "the new message format")

    def test_records_of_an_old_format_are_written_anew(self):
        alias = self.use("k28", "new")
        self.tool.create_topic(self.a, "format", 2)
        fine = [record(b"k%d" % i, b"v") for i in range(3)]
        self.tool.produce(self.a, "format", [batch(fine, 0), batch(fine, 1)])
        self.tool.call("alter_configs", self.a, topic="format", configs={"message.format.version": "0.10.2"})
        self.tool.produce(self.a, "format", [batch(fine, 1)], idempotent="false")
        self.tool.call("alter_configs", self.a, topic="format", configs={"message.format.version": None})
        for partition in (0, 1):
            self.produce_when_allowed("format", batch(fine, partition))
        with Longhaul(self.flow(alias, "format"), "--until-caught-up") as run:
            self.assertEqual(run.process.wait(60), 0, run.tail())
            self.assertEqual(self.problems(run), [])
            self.check_no_crash(run)
            (flow,) = run.summary()["flows"]
            self.assertEqual((flow["records"], flow["records_reencoded"]), (15, 3))
        self.assert_same("format", f"{alias}.format")
