"""Real Apache Kafka clusters on loopback, started in seconds and gone afterwards. Python's standard library only.

    with KafkaCluster("A") as a, KafkaTool() as tool:
        tool.create_topic(a.bootstrap, "t", partitions=3)

Jars come from Maven Central by version, once, into .lab/jars/VERSION. A cluster is ready when its brokers answer a
Metadata request that names all of them; nothing here waits by sleeping.
"""

import base64
import hashlib
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import struct
import subprocess
import time
import uuid

from .processes import (
    LAB, ROOT, LabError, Process, build_lock, free_port, remove_directory, wait_until, work_directory)

KAFKA_VERSION = os.environ.get("LAB_KAFKA_VERSION", "4.3.1")

# A lab starts many short-lived JVMs on few cores: the quick compiler and the plain collector start fastest.
_QUICK_JVM = ["-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Xshare:auto"]


def kafka_classpath(version=KAFKA_VERSION):
    """The class path of one Kafka release; downloads its jars on first use."""
    return f"{kafka_jars(version)}/*"


def kafka_jars(version=KAFKA_VERSION):
    """The directory with the jars of one Kafka release: 35 MB (2.8) to 57 MB, ten seconds of download."""
    directory = LAB / "jars" / version
    with build_lock(f"jars-{version}"):
        if not (directory / "complete").exists():
            shutil.rmtree(directory, ignore_errors=True)
            command = ["mvn", "-q", "-B", "-f", ROOT / "scripts/kafka/pom.xml", "dependency:copy-dependencies",
                       f"-Dkafka.version={version}", f"-DoutputDirectory={directory}", "-DincludeScope=runtime"]
            if version.startswith("2."):
                command.append("-Dbroker.only")
            for attempt in range(3):
                # Maven remembers what it failed to fetch; -U makes it ask again.
                done = subprocess.run([str(part) for part in command + ["-U"] * (attempt > 0)],
                                      stdin=subprocess.DEVNULL, text=True, capture_output=True)
                if done.returncode == 0:
                    break
                time.sleep(2 * attempt)
            else:
                raise LabError(f"could not fetch the jars of Kafka {version}:\n{(done.stdout + done.stderr)[-3000:]}")
            (directory / "complete").touch()
    return directory


def java_command(classpath, main, arguments=(), heap="400m", quick=True, defines=()):
    return ["java", f"-Xmx{heap}", *(_QUICK_JVM if quick else []), "-Djava.awt.headless=true",
            "-Dorg.slf4j.simpleLogger.showDateTime=true", *defines, "-cp", str(classpath), main, *arguments]


def request(host, port, calls, timeout=2.0):
    """Sends (api, version, body) requests on one connection of a listener; yields each response body."""
    with socket.create_connection((host, port), timeout=timeout) as sock:
        sock.settimeout(timeout)
        for api, version, body in calls:
            header = struct.pack(">hhih", api, version, 7, 3) + b"lab"
            sock.sendall(struct.pack(">i", len(header) + len(body)) + header + body)
            size = struct.unpack(">i", _receive(sock, 4))[0]
            yield _receive(sock, size)[4:]


def broker_metadata(host, port):
    """Asks one listener ApiVersions v0 and Metadata v1; returns {broker id: (host, port)} as the broker sees it."""
    _, body = request(host, port, [(18, 0, b""), (3, 1, struct.pack(">i", 0))])
    brokers, at = {}, 4
    for _ in range(struct.unpack(">i", body[:4])[0]):
        broker, length = struct.unpack(">ih", body[at:at + 6])
        at += 6
        name = body[at:at + length].decode()
        at += length
        brokers[broker] = (name, struct.unpack(">i", body[at:at + 4])[0])
        rack = struct.unpack(">h", body[at + 4:at + 6])[0]
        at += 6 + max(rack, 0)
    return brokers


def end_offsets(host, port, topic, partitions):
    """End offsets (high watermarks) by ListOffsets v1 to the one broker that leads all of them; None where refused.

    One small request: cheap enough to poll while a benchmark runs."""
    name = topic.encode()
    body = struct.pack(">iih", -1, 1, len(name)) + name + struct.pack(">i", partitions)
    body += b"".join(struct.pack(">iq", partition, -1) for partition in range(partitions))
    (answer,) = request(host, port, [(2, 1, body)])
    ends = [None] * partitions
    for at in range(4 + 2 + len(name) + 4, len(answer), 22):
        partition, error, _, offset = struct.unpack(">ihqq", answer[at:at + 22])
        ends[partition] = offset if error == 0 else None
    return ends


def _receive(sock, size):
    data = b""
    while len(data) < size:
        piece = sock.recv(size - len(data))
        if not piece:
            raise ConnectionError("closed")
        data += piece
    return data


class KafkaNode:
    """One process that is broker and controller; its directory holds configuration, log data and log output."""

    def __init__(self, cluster, node_id):
        self.cluster = cluster
        self.node_id = node_id
        self.port = free_port()
        self.controller_port = free_port()
        self.directory = cluster.directory / f"node-{node_id}"
        self.data = self.directory / "data"
        self.process = None

    @property
    def address(self):
        return f"127.0.0.1:{self.port}"

    def prepare(self):
        self.directory.mkdir(parents=True)
        settings = self.cluster.node_settings(self)
        self.properties = self.directory / "server.properties"
        self.properties.write_text("".join(f"{key}={value}\n" for key, value in settings.items()))
        self._format()

    def _format(self):
        """Lays down what `kafka.tools.StorageTool format` writes, from a copy made once per release and node id.

        The copy saves one JVM start per node; only the cluster's and the directory's ids differ."""
        arguments = self.cluster.format_arguments
        kind = hashlib.sha256("\0".join(arguments).encode()).hexdigest()[:8] if arguments else "plain"
        template = LAB / "formatted" / f"{self.cluster.version}-{kind}-{self.node_id}"
        with build_lock("formatted"):
            if not (template / "bootstrap.checkpoint").exists():
                self._run_storage_tool(template)
        formatted = self.directory / "formatted"
        shutil.copytree(template, formatted)
        meta = formatted / "meta.properties"
        text = re.sub(r"(?m)^cluster\.id=.*$", f"cluster.id={self.cluster.cluster_id}", meta.read_text())
        meta.write_text(re.sub(r"(?m)^directory\.id=.*$", f"directory.id={_random_id()}", text))
        data = str(self.cluster.log_directory or self.data)
        subprocess.run(self.cluster.inside("mkdir", "-p", data), check=True)
        subprocess.run(self.cluster.inside("cp", "-r", f"{formatted}/.", data), check=True)

    def _run_storage_tool(self, template):
        shutil.rmtree(template, ignore_errors=True)
        template.mkdir(parents=True)
        properties = self.directory / "format.properties"
        properties.write_text(re.sub(r"(?m)^log\.dirs=.*$", f"log.dirs={template}", self.properties.read_text()))
        done = subprocess.run(
            java_command(kafka_classpath(self.cluster.version), "kafka.tools.StorageTool",
                         ["format", "-t", self.cluster.cluster_id, "-c", str(properties),
                          *self.cluster.format_arguments]),
            stdin=subprocess.DEVNULL, capture_output=True, text=True)
        if done.returncode != 0:
            raise LabError(f"StorageTool format failed:\n{done.stdout}{done.stderr}")

    def launch(self):
        self.process = Process(
            f"{self.cluster.name} node {self.node_id}",
            self.cluster.inside(*java_command(
                kafka_classpath(self.cluster.version), "kafka.Kafka", [str(self.properties)],
                heap=self.cluster.heap, quick=self.cluster.quick)),
            self.directory / "broker.log", nice=self.cluster.nice)

    def answers(self):
        """True once this broker answers and knows every broker of the cluster that runs."""
        if self.process is None or not self.process.running():
            tail = self.process.tail() if self.process else "never started"
            raise LabError(f"{self.cluster.name} node {self.node_id} ended while starting:\n{tail}")
        try:
            return len(broker_metadata("127.0.0.1", self.port)) >= self.cluster.running_nodes()
        except (OSError, struct.error):
            return False


class KafkaCluster:
    """A KRaft cluster of one or more combined nodes. A context manager: leaving it stops and removes everything."""

    def __init__(self, name, brokers=1, version=None, settings=None, heap="400m", quick=True, log_directory=None,
                 inside=None, nice=0):
        self.name = name
        self.version = version or KAFKA_VERSION
        self.settings = dict(settings or {})
        self.heap = heap
        self.quick = quick
        self.nice = nice
        self.cluster_id = _random_id()
        self.directory = work_directory(f"kafka_{name}")
        self.log_directory = log_directory
        # Wraps the broker's command, e.g. to enter a namespace.
        self.inside = inside or (lambda *command: list(command))
        # Further arguments of `StorageTool format`: what a cluster holds from its beginning, such as SCRAM users.
        self.format_arguments = []
        self.nodes = [self.make_node(index + 1) for index in range(brokers)]

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.close()

    @property
    def bootstrap(self):
        return ",".join(node.address for node in self.nodes)

    def make_node(self, node_id):
        return KafkaNode(self, node_id)

    def node_settings(self, node):
        copies = min(3, len(self.nodes))
        settings = {
            "process.roles": "broker,controller",
            "node.id": node.node_id,
            "controller.quorum.voters": ",".join(
                f"{other.node_id}@127.0.0.1:{other.controller_port}" for other in self.nodes),
            "controller.listener.names": "CONTROLLER",
            "listeners": f"PLAINTEXT://127.0.0.1:{node.port},CONTROLLER://127.0.0.1:{node.controller_port}",
            "advertised.listeners": f"PLAINTEXT://127.0.0.1:{node.port}",
            "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
            "log.dirs": str(self.log_directory or node.data),
            "auto.create.topics.enable": "false",
            "default.replication.factor": 1,
            "offsets.topic.replication.factor": copies,
            "offsets.topic.num.partitions": 4,
            "transaction.state.log.replication.factor": copies,
            "transaction.state.log.min.isr": 1,
            "transaction.state.log.num.partitions": 4,
            "group.initial.rebalance.delay.ms": 0,
            # A replica that was killed is not elected again by itself (KIP-966); with one copy there is no other.
            "unclean.leader.election.enable": "true" if len(self.nodes) == 1 else "false",
            # Odd timestamps are part of the tests' input; retention by time would delete those records.
            "log.retention.ms": -1,
            "log.segment.delete.delay.ms": 1000,
            "log.cleaner.backoff.ms": 500,
            "log.cleaner.dedupe.buffer.size": 4 << 20,
            "message.max.bytes": 33554432,
            "socket.request.max.bytes": 104857600,
            "controlled.shutdown.enable": "true" if len(self.nodes) > 1 else "false",
            "broker.session.timeout.ms": 6000,
            "broker.heartbeat.interval.ms": 500,
        }
        settings.update(self.settings)
        return settings

    def start(self, seconds=180):
        self.launch()
        self.wait_ready(seconds)

    def launch(self):
        """Starts all nodes without waiting for them."""
        for node in self.nodes:
            node.prepare()
        for node in self.nodes:
            node.launch()

    def wait_ready(self, seconds=180):
        for node in self.nodes:
            if node.process.running():
                wait_until(node.answers, seconds, f"cluster {self.name} to answer on {node.address}", 0.05)

    def running_nodes(self):
        return sum(1 for node in self.nodes if node.process is not None and node.process.running())

    def stop_node(self, index=0):
        self.nodes[index].process.stop()

    def kill_node(self, index=0):
        self.nodes[index].process.kill()

    def start_node(self, index=0, seconds=180):
        """Starts a stopped node again, on its old port with its old data."""
        self.nodes[index].launch()
        self.wait_ready(seconds)

    def pause_node(self, index=0):
        self.nodes[index].process.signal(signal.SIGSTOP)

    def resume_node(self, index=0):
        self.nodes[index].process.signal(signal.SIGCONT)

    def close(self):
        for node in self.nodes:
            if node.process is not None:
                # The data goes with the directory: an orderly shutdown would only take time.
                node.process.signal(signal.SIGCONT)
                node.process.kill()
        if not os.environ.get("LAB_KEEP"):
            remove_directory(self.directory)

    def markers(self, topic, partitions):
        """Transaction markers in a topic: offsets that are no records."""
        counts = self.__dict__.setdefault("_markers", ControlBatches())
        return sum(max(counts.count(self.segments(topic, partition, node)) for node in range(len(self.nodes)))
                   for partition in range(partitions))

    def segments(self, topic, partition=0, node=0):
        """The segment files of a partition, oldest first, as they lie on the broker's disk."""
        base = pathlib.Path(self.log_directory or self.nodes[node].data)
        return sorted((base / f"{topic}-{partition}").glob("*.log"))


class ControlBatches:
    """Counts the control batches (transaction markers) of a partition by the headers on a broker's disk.

    They take offsets and are no records. Each call reads on where the last one ended."""

    _HEADER = struct.Struct(">qiibih")
    _CONTROL = 0x20

    def __init__(self):
        self._files = {}

    def count(self, segments):
        return sum(self._count(segment) for segment in segments)

    def _count(self, segment):
        position, found = self._files.get(segment, (0, 0))
        try:
            size = segment.stat().st_size
            if size < position:
                position, found = 0, 0
            with segment.open("rb") as file:
                while position + self._HEADER.size <= size:
                    file.seek(position)
                    _, length, _, magic, _, attributes = self._HEADER.unpack(file.read(self._HEADER.size))
                    if length <= 0 or position + 12 + length > size:
                        break
                    found += magic == 2 and bool(attributes & self._CONTROL)
                    position += 12 + length
        except (OSError, struct.error):
            pass
        self._files[segment] = (position, found)
        return found


def _random_id():
    while True:
        text = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
        if not text.startswith("-"):
            return text
