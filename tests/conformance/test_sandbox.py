"""Clients that are not ours against `longhaul sandbox`: kcat, Kafka's console tools, franz-go; then Longhaul itself."""

import json
import re
import subprocess
import unittest

from .lab import end_offsets, java_command, kafka_classpath
from .longhaul import Longhaul, command, properties
from .processes import LabError, remove_directory, wait_until, work_directory
from .sandbox import Sandbox
from .tools import KafkaTool, comparable, franz_digest, franz_produce, kcat_digest

LINES = [f"key-{number}:value {number}" for number in range(200)]
TOPIC_COMMAND = "org.apache.kafka.tools.TopicCommand"
CONSOLE_PRODUCER = "org.apache.kafka.tools.ConsoleProducer"
CONSOLE_CONSUMER = "org.apache.kafka.tools.consumer.ConsoleConsumer"


def kcat(cluster, *arguments, lines=None, seconds=60):
    """Runs kcat to its end; returns the completed process."""
    words = ["kcat", "-b", cluster.bootstrap, "-X", "topic.metadata.refresh.interval.ms=1000", *map(str, arguments)]
    return subprocess.run(words, input=None if lines is None else "\n".join(lines) + "\n",
                          stdin=subprocess.DEVNULL if lines is None else None, capture_output=True, text=True,
                          timeout=seconds)


def kafka(main, *arguments, lines=None, seconds=90):
    """Runs one of Kafka's command-line tools to its end; returns the completed process."""
    words = java_command(kafka_classpath(), main, list(map(str, arguments)),
                         defines=["-Dorg.slf4j.simpleLogger.defaultLogLevel=warn"])
    return subprocess.run(words, input=None if lines is None else "\n".join(lines) + "\n",
                          stdin=subprocess.DEVNULL if lines is None else None, capture_output=True, text=True,
                          timeout=seconds)


class SandboxTest(unittest.TestCase):
    """One sandbox for all cases of a class; each case has topics of its own."""

    CLUSTERS = ("one", "three:3")
    maxDiff = 4000

    @classmethod
    def setUpClass(cls):
        cls.sandbox = cls.enterClassContext(Sandbox(*cls.CLUSTERS))
        cls.clusters = [cls.sandbox.cluster(name.partition(":")[0]) for name in cls.CLUSTERS]

    def done(self, process):
        self.assertEqual(process.returncode, 0, process.stdout + process.stderr)
        return process.stdout


class KcatTest(SandboxTest):
    def test_lists_brokers_and_topics(self):
        for cluster in self.clusters:
            self.sandbox.control("topic name=listed partitions=4", cluster.name)
            found = json.loads(self.done(kcat(cluster, "-L", "-J")))
            self.assertEqual(sorted(broker["name"] for broker in found["brokers"]), sorted(cluster.addresses))
            topics = {topic["topic"]: topic["partitions"] for topic in found["topics"]}
            self.assertEqual([part["partition"] for part in topics["listed"]], [0, 1, 2, 3])
            self.assertTrue(all(part["leader"] > 0 and part["isrs"] for part in topics["listed"]))

    def test_reads_what_it_wrote_in_every_codec(self):
        for cluster in self.clusters:
            for codec in ("none", "gzip", "snappy", "lz4", "zstd"):
                topic = f"written-{codec}"
                self.done(kcat(cluster, "-P", "-t", topic, "-K", ":", "-z", codec, lines=LINES))
                read = self.done(kcat(cluster, "-C", "-t", topic, "-e", "-q", "-K", ":", "-X", "check.crcs=true"))
                self.assertEqual(sorted(read.splitlines()), sorted(LINES), codec)

    def test_an_idempotent_producer_and_headers(self):
        for cluster in self.clusters:
            self.done(kcat(cluster, "-P", "-t", "idempotent", "-X", "enable.idempotence=true", "-H", "a=1", "-H", "b=2",
                           lines=LINES))
            read = self.done(kcat(cluster, "-C", "-t", "idempotent", "-e", "-q", "-f", "%h\\n"))
            self.assertEqual(read.splitlines(), ["a=1,b=2"] * len(LINES))

    def test_finds_offsets_by_time(self):
        cluster = self.clusters[0]
        self.done(kcat(cluster, "-P", "-t", "timed", lines=["early"]))
        found = self.done(kcat(cluster, "-Q", "-t", "timed:0:1"))
        self.assertIn("offset 0", found)
        found = self.done(kcat(cluster, "-Q", "-t", "timed:0:-1"))
        self.assertIn("offset 1", found)

    def test_a_group_reads_everything_once_and_goes_on_where_it_was(self):
        for cluster in self.clusters:
            self.sandbox.control("topic name=grouped partitions=6", cluster.name)
            self.done(kcat(cluster, "-P", "-t", "grouped", "-K", ":", lines=LINES))
            options = ("-q", "-e", "-K", ":", "-X", "auto.offset.reset=earliest")
            first = self.done(kcat(cluster, "-G", "readers", *options, "grouped"))
            self.assertEqual(sorted(first.splitlines()), sorted(LINES))
            more = [f"more-{number}:x" for number in range(20)]
            self.done(kcat(cluster, "-P", "-t", "grouped", "-K", ":", lines=more))
            second = self.done(kcat(cluster, "-G", "readers", *options, "grouped"))
            self.assertEqual(sorted(second.splitlines()), sorted(more))


class ConsoleTest(SandboxTest):
    """Kafka's own command-line tools of 4.3.1."""

    def topics(self, cluster, *arguments):
        return kafka(TOPIC_COMMAND, "--bootstrap-server", cluster.bootstrap, *arguments)

    def test_topics_are_created_described_altered_and_deleted(self):
        cluster = self.clusters[1]
        self.done(self.topics(cluster, "--create", "--topic", "managed", "--partitions", 3, "--replication-factor", 3,
                              "--config", "retention.ms=1000000"))
        told = self.done(self.topics(cluster, "--describe", "--topic", "managed"))
        self.assertRegex(told, r"PartitionCount: 3\s+ReplicationFactor: 3\s+Configs: .*retention.ms=1000000")
        self.assertEqual(len(re.findall(r"Isr: \d,\d,\d", told)), 3, told)
        self.done(self.topics(cluster, "--alter", "--topic", "managed", "--partitions", 5))
        self.assertIn("PartitionCount: 5", self.done(self.topics(cluster, "--describe", "--topic", "managed")))
        again = self.topics(cluster, "--create", "--topic", "managed")
        self.assertNotEqual(again.returncode, 0)
        self.assertIn("already exists", again.stdout + again.stderr)
        self.done(self.topics(cluster, "--delete", "--topic", "managed"))
        self.assertNotIn("managed", self.done(self.topics(cluster, "--list")).split())

    def produce(self, cluster, topic, lines=None):
        return self.done(kafka(CONSOLE_PRODUCER, "--bootstrap-server", cluster.bootstrap, "--topic", topic,
                               "--reader-property", "parse.key=true", "--reader-property", "key.separator=:",
                               lines=lines or LINES))

    def consume(self, cluster, topic, count, *arguments):
        read = self.done(kafka(CONSOLE_CONSUMER, "--bootstrap-server", cluster.bootstrap, "--topic", topic,
                               "--max-messages", count, "--timeout-ms", 60000, "--formatter-property", "print.key=true",
                               "--formatter-property", "key.separator=:", *arguments))
        return sorted(read.splitlines())

    def test_the_console_consumer_reads_what_the_console_producer_wrote(self):
        for cluster in self.clusters:
            self.produce(cluster, "console")
            self.assertEqual(self.consume(cluster, "console", len(LINES), "--from-beginning"), sorted(LINES))

    def test_the_console_consumer_in_a_group_goes_on_where_it_was(self):
        for cluster in self.clusters:
            self.sandbox.control("topic name=console-group partitions=3", cluster.name)
            self.produce(cluster, "console-group")
            first = self.consume(cluster, "console-group", len(LINES), "--group", "console", "--from-beginning")
            self.assertEqual(first, sorted(LINES))
            self.produce(cluster, "console-group", ["later:one", "later:two"])
            self.assertEqual(self.consume(cluster, "console-group", 2, "--group", "console"),
                             ["later:one", "later:two"])


class FranzTest(SandboxTest):
    def test_franz_go_reads_what_it_wrote_and_all_readers_agree(self):
        tool = self.enterContext(KafkaTool())
        for cluster in self.clusters:
            self.sandbox.control("topic name=franz partitions=4", cluster.name)
            franz_produce(cluster, "franz", 5000)
            found = comparable(franz_digest(cluster, "franz"))
            self.assertEqual(sum(records for records, _ in found.values()), 5000)
            self.assertEqual(comparable(kcat_digest(cluster, "franz", 4)), found)
            self.assertEqual(comparable(tool.digest(cluster, "franz")), found)


class ReplicationTest(SandboxTest):
    """Longhaul between two sandboxes."""

    def test_everything_arrives_as_longhaul_and_kcat_see_it(self):
        source, target = self.clusters
        done = command("generate", source.bootstrap, "--topic", "flow:4", "--records", 20000, "--codec", "mixed",
                       "--batch-bytes", 20000)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        config = properties({"S": source, "T": target}, {"S->T": "flow"})
        with Longhaul(config, "--until-caught-up") as run:
            self.assertEqual(run.process.wait(90), 0, run.tail())
            self.assertEqual(run.summary()["flows"][0]["records"], 20000)
        done = command("verify", "--wait", "0.5", config=config)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertEqual(comparable(kcat_digest(source, "flow", 4)), comparable(kcat_digest(target, "S.flow", 4)))

    def test_what_the_sandbox_generates_is_what_it_was_asked_for(self):
        with Sandbox("G", "H", arguments=["--generate", "H/made:3,records=3000,codec=zstd", "--generate",
                                          "G/flow,rate=200"]) as sandbox:
            port = int(sandbox.cluster("H").bootstrap.rpartition(":")[2])
            wait_until(lambda: "# H/made: 3000 records" in sandbox.output(), 60, "the generated records")
            self.assertEqual(end_offsets("127.0.0.1", port, "made", 3), [1000, 1000, 1000])
            port = int(sandbox.cluster("G").bootstrap.rpartition(":")[2])
            wait_until(lambda: end_offsets("127.0.0.1", port, "flow", 1)[0] > 100, 60, "more and more records")


class FaultsTest(SandboxTest):
    """Each kind of fault, asked for in the control file, seen by a client and got over by it. kcat leaves for good when
    all brokers are out of reach, so there are three."""

    CLUSTERS = ("one:3",)

    def setUp(self):
        self.cluster = self.clusters[0]
        self.addCleanup(self.sandbox.control, "clear")

    def filled(self, topic):
        self.done(kcat(self.cluster, "-P", "-t", topic, lines=LINES))
        return topic

    def read(self, topic, *arguments):
        return kcat(self.cluster, "-C", "-t", topic, "-e", *arguments)

    def test_a_connection_that_is_closed_is_opened_again(self):
        topic = self.filled("disconnect")
        before = self.sandbox.injected("disconnect", "one")
        self.sandbox.control("fault action=disconnect api=Fetch count=2")
        read = self.read(topic, "-d", "broker")
        self.assertEqual(len(self.done(read).splitlines()), len(LINES))
        self.assertEqual(self.sandbox.injected("disconnect", "one") - before, 2)
        self.assertIn("Disconnected", read.stderr)

    def test_an_answer_that_never_comes_times_out(self):
        topic = self.filled("stall")
        self.sandbox.control("fault action=stall api=Fetch count=1")
        read = self.read(topic, "-X", "socket.timeout.ms=1500", "-d", "broker,protocol")
        self.assertEqual(len(self.done(read).splitlines()), len(LINES))
        self.assertIn("timed out", read.stderr.lower())

    def test_an_answer_that_is_late_is_waited_for(self):
        topic = self.filled("delay")
        self.sandbox.control("fault action=delay delay_ms=700 api=Metadata count=1")
        before = self.sandbox.injected("delay", "one")
        read = self.read(topic)
        self.assertEqual(len(self.done(read).splitlines()), len(LINES))
        self.assertEqual(self.sandbox.injected("delay", "one") - before, 1)

    def test_an_error_code_reaches_the_client(self):
        self.sandbox.control("topic name=error partitions=1")
        self.sandbox.control("fault action=error error=TOPIC_AUTHORIZATION_FAILED api=Produce topic=error count=1")
        refused = kcat(self.cluster, "-P", "-t", "error", lines=LINES[:1])
        self.assertIn("Topic authorization failed", refused.stderr)
        self.done(kcat(self.cluster, "-P", "-t", "error", lines=LINES[:1]))
        self.assertEqual(len(self.done(self.read("error", "-q")).splitlines()), 1)

    def test_frames_that_are_cut_or_garbage_end_the_connection_only(self):
        for action in ("truncate", "garbage"):
            with self.subTest(action):
                topic = self.filled(action)
                self.sandbox.control(f"fault action={action} api=Metadata count=1")
                read = self.read(topic, "-d", "broker")
                self.assertEqual(len(self.done(read).splitlines()), len(LINES))
                self.assertEqual(self.sandbox.injected(action, "one"), 1)

    def test_other_topics_and_apis_are_left_alone(self):
        topic = self.filled("untouched")
        before = self.sandbox.injected("error", "one")
        self.sandbox.control("fault action=error error=TOPIC_AUTHORIZATION_FAILED api=Fetch topic=other")
        self.assertEqual(len(self.done(self.read(topic, "-q")).splitlines()), len(LINES))
        self.assertEqual(self.sandbox.injected("error", "one"), before)

    def test_a_command_that_makes_no_sense_is_refused_with_the_word(self):
        for line, word in (("fault action=explode", "explode"), ("leader topic=t", "partition="),
                           ("broker id=9 state=down", "no broker 9"), ("dance", "dance")):
            with self.subTest(line), self.assertRaisesRegex(LabError, re.escape(word)):
                self.sandbox.control(line)
        with self.assertRaisesRegex(LabError, "no cluster 'two'"):
            self.sandbox.control("status", "two")


class BrokersTest(SandboxTest):
    """Leaders move and brokers go away, while Longhaul replicates."""

    CLUSTERS = ("source:3", "target:3")

    def test_a_flow_goes_on_while_leaders_move_and_brokers_go_down(self):
        source, target = self.clusters
        done = command("generate", source.bootstrap, "--topic", "moved:6", "--records", 3000, "--replication-factor", 3)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        config = properties({"S": source, "T": target}, {"S->T": "moved"},
                            {"replication.factor": "3", "offset.storage.replication.factor": "3"})
        with Longhaul(config) as run:
            written = 3000
            self.wait_copied(target, written, run)
            for act in ("leader topic=moved partition=0 broker=2", "leader topic=moved partition=0 broker=3",
                        "broker id=2 state=down", "broker id=2 state=up", "broker id=3 state=down",
                        "broker id=3 state=up"):
                for name in ("source", "target"):
                    self.sandbox.control(act if name == "source" else act.replace("moved", "S.moved"), name)
                    done = command("generate", source.bootstrap, "--topic", "moved", "--records", 600)
                    self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
                    written += 600
                    self.wait_copied(target, written, run)
            run.interrupt()
            self.assertEqual(run.process.wait(60), 0, run.tail())
        self.assertEqual(comparable(kcat_digest(source, "moved", 6)), comparable(kcat_digest(target, "S.moved", 6)))

    def wait_copied(self, target, count, run):
        def copied():
            self.assertTrue(run.process.running(), run.tail())
            status = self.sandbox.control("status", target.name)
            ends = [int(end) for end in re.findall(r"partition S\.moved-\d+ start=\d+ end=(\d+)", status)]
            return sum(ends) >= count

        try:
            wait_until(copied, 90, f"{count} records on the target", 0.05)
        except LabError as error:
            raise AssertionError(f"{error}\n{run.tail()}") from error


class SecurityTest(unittest.TestCase):
    """TLS and SASL of the sandbox, judged by Kafka's own consumer and by kcat."""

    def test_kafkas_client_and_kcat_come_in_with_the_right_password_only(self):
        directory = work_directory("tls")
        self.addCleanup(remove_directory, directory)
        with Sandbox("A", arguments=["--security", "SASL_SSL", "--tls-directory", directory, "--user", "ann:se cret",
                                     "--generate", "t:2,records=500"]) as sandbox:
            cluster = sandbox.cluster("A")
            wait_until(lambda: "# A/t: 500 records" in sandbox.output(), 60, "the generated records")
            self.assertNotIn("se cret", sandbox.output())
            read = kcat(cluster, "-C", "-t", "t", "-e", "-q", "-f", "%o\\n", *self.security(cluster, "PLAIN"))
            self.assertEqual(read.returncode, 0, read.stderr)
            self.assertEqual(len(read.stdout.splitlines()), 500)
            refused = kcat(cluster, "-L", "-m", "5", *self.security(cluster, "PLAIN", "wrong"))
            self.assertNotEqual(refused.returncode, 0)
            self.assertIn("authentication", refused.stderr.lower())
            # Debian's kcat fails SCRAM against Kafka's own brokers too.
            for mechanism in ("PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"):
                with self.subTest(mechanism):
                    self.assertEqual(self.console(sandbox, cluster, mechanism), 500)

    @staticmethod
    def security(cluster, mechanism, password="se cret"):
        return ["-X", "security.protocol=SASL_SSL", "-X", f"ssl.ca.location={cluster.settings['ssl.truststore.location']}",
                "-X", f"sasl.mechanism={mechanism}", "-X", "sasl.username=ann", "-X", f"sasl.password={password}"]

    @staticmethod
    def console(sandbox, cluster, mechanism):
        module = "plain.Plain" if mechanism == "PLAIN" else "scram.Scram"
        file = sandbox.directory / f"{mechanism}.properties"
        file.write_text(
            "security.protocol=SASL_SSL\nssl.truststore.type=PEM\n"
            f"ssl.truststore.location={cluster.settings['ssl.truststore.location']}\n"
            f"sasl.mechanism={mechanism}\nsasl.jaas.config=org.apache.kafka.common.security.{module}LoginModule required "
            'username="ann" password="se cret";\n')
        read = kafka(CONSOLE_CONSUMER, "--bootstrap-server", cluster.bootstrap, "--topic", "t", "--from-beginning",
                     "--max-messages", 500, "--timeout-ms", 60000, "--command-config", file)
        return int(re.search(r"Processed a total of (\d+) messages", read.stderr + read.stdout)[1])


class CommandLineTest(unittest.TestCase):
    """What the command says about itself."""

    def test_wrong_options_are_explained(self):
        for words, told in (
                (["--cluster", "a b"], "'a b' is not a cluster"), (["--cluster", "A", "--cluster", "A"], "named twice"),
                (["--generate", "X/t"], "there is no cluster 'X'"), (["--security", "TLS"], "'TLS' is none of"),
                (["--security", "SSL"], "--tls-directory"), (["--user", "ann"], "NAME:PASSWORD"),
                (["--memory", "lots"], "no amount of memory"), (["--port", "70000"], "--port")):
            with self.subTest(words):
                done = command("sandbox", *words)
                self.assertEqual(done.returncode, 2, done.stdout + done.stderr)
                self.assertIn(told, done.stderr + done.stdout)

    def test_a_port_that_is_taken_and_an_address_that_is_none(self):
        with Sandbox("A") as sandbox:
            port = sandbox.cluster("A").bootstrap.rpartition(":")[2]
            done = command("sandbox", "--port", port)
            self.assertEqual(done.returncode, 1, done.stdout + done.stderr)
            self.assertIn(f"cannot listen on 127.0.0.1:{port}: Address already in use", done.stderr)
        done = command("sandbox", "--address", "localhost")
        self.assertEqual(done.returncode, 1, done.stdout + done.stderr)
        self.assertIn("'localhost' is no address to listen on", done.stderr)

    def test_a_signal_ends_it_cleanly_and_ports_are_consecutive(self):
        with Sandbox("A:2", "B", arguments=["--generate", "A/t:2,rate=100"]) as sandbox:
            self.assertEqual(len(sandbox.cluster("A").addresses), 2)
            self.assertEqual(sandbox.process.stop(), 0, sandbox.output())


if __name__ == "__main__":
    unittest.main()
