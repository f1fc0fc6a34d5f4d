"""Clusters of older Kafka releases: 3.9 as KRaft like the newest, 2.8 with ZooKeeper.

    with cluster("old", "2.8.2") as old: ...
"""

import contextlib
import re
import socket
import struct
import subprocess

from .lab import KAFKA_VERSION, KafkaCluster, KafkaNode, java_command, kafka_classpath, request
from .processes import LabError, Process, free_port, wait_until

NEWEST, KRAFT_3, ZOOKEEPER_2 = KAFKA_VERSION, "3.9.2", "2.8.2"
RELEASES = (NEWEST, KRAFT_3, ZOOKEEPER_2)


def cluster(name, version, **arguments):
    """A cluster of that release, not started yet; the arguments are KafkaCluster's."""
    kind = ZooKeeperCluster if version.startswith("2.") else KafkaCluster
    return kind(name, version=version, **arguments)


@contextlib.contextmanager
def running(*clusters):
    """All of them, started at the same time."""
    with contextlib.ExitStack() as stack:
        for one in clusters:
            stack.callback(one.close)
            one.launch()
        for one in clusters:
            one.wait_ready()
        yield clusters


class _Node(KafkaNode):
    """A broker that keeps its metadata in ZooKeeper: nothing to format."""

    def _format(self):
        self.data.mkdir(parents=True)


class ZooKeeperCluster(KafkaCluster):
    """Brokers of a release before KRaft, beside one ZooKeeper of the version that the release brings."""

    # Ends soon after a broker was killed: until then a new one with its id is refused.
    SESSION_MS = 2000

    def make_node(self, node_id):
        return _Node(self, node_id)

    def node_settings(self, node):
        settings = super().node_settings(node)
        for key in ("process.roles", "node.id", "controller.quorum.voters", "controller.listener.names",
                    "broker.session.timeout.ms", "broker.heartbeat.interval.ms"):
            settings.pop(key, None)
        settings["listeners"] = re.sub(r",CONTROLLER://[^,]*", "", settings["listeners"])
        settings["listener.security.protocol.map"] = settings["listener.security.protocol.map"].replace(
            ",CONTROLLER:PLAINTEXT", "")
        return {"broker.id": node.node_id, "zookeeper.connect": f"127.0.0.1:{self.zookeeper_port}",
                "zookeeper.session.timeout.ms": self.SESSION_MS, **settings}

    def launch(self):
        self._start_zookeeper()
        super().launch()

    def _start_zookeeper(self, seconds=180):
        self.zookeeper_port = free_port()
        directory = self.directory / "zookeeper"
        directory.mkdir(parents=True)
        config = directory / "zoo.cfg"
        config.write_text(f"dataDir={directory}\nclientPort={self.zookeeper_port}\nclientPortAddress=127.0.0.1\n"
                          "tickTime=500\nmaxClientCnxns=0\nadmin.enableServer=false\n")
        self.zookeeper = Process(
            f"{self.name} ZooKeeper",
            java_command(kafka_classpath(self.version), "org.apache.zookeeper.server.quorum.QuorumPeerMain",
                         [str(config)], heap="128m"),
            directory / "zookeeper.log", nice=self.nice)
        wait_until(self._zookeeper_listens, seconds, f"ZooKeeper of {self.name} to listen", 0.05)

    def _zookeeper_listens(self):
        if not self.zookeeper.running():
            raise LabError(f"ZooKeeper of {self.name} ended:\n{self.zookeeper.tail()}")
        try:
            socket.create_connection(("127.0.0.1", self.zookeeper_port), timeout=2).close()
            return True
        except OSError:
            return False

    def start_node(self, index=0, seconds=180):
        """Starts a stopped or killed node again, as soon as ZooKeeper has forgotten the session of the former."""
        node = self.nodes[index]

        def answers():
            if not node.process.running():
                if "NodeExists" not in node.process.output():
                    raise LabError(f"{self.name} node {node.node_id} ended:\n{node.process.tail()}")
                node.launch()
            return node.answers()

        node.launch()
        wait_until(answers, seconds, f"cluster {self.name} to answer on {node.address}", 0.1)

    def close(self):
        if hasattr(self, "zookeeper"):
            self.zookeeper.kill()
        super().close()


def api_versions(port):
    """{API key: newest version} that the broker at that port of loopback advertises, by ApiVersions v0."""
    (answer,) = request("127.0.0.1", port, [(18, 0, b"")])
    error, count = struct.unpack_from(">hi", answer)
    if error != 0:
        raise LabError(f"ApiVersions: error {error}")
    return {api: newest for api, _, newest in struct.iter_unpack(">hhh", answer[6:6 + 6 * count])}


def topic_command(on, *arguments):
    """What the release's own kafka-topics prints."""
    main = "kafka.admin.TopicCommand" if on.version.startswith("2.") else "org.apache.kafka.tools.TopicCommand"
    done = subprocess.run(
        java_command(kafka_classpath(on.version), main, ["--bootstrap-server", on.bootstrap, *arguments],
                     defines=["-Dorg.slf4j.simpleLogger.defaultLogLevel=warn"]),
        stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120)
    if done.returncode != 0:
        raise LabError(f"kafka-topics {' '.join(arguments)} of {on.version}: {done.stdout}{done.stderr}")
    return done.stdout
