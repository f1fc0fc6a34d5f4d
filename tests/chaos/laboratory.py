"""Clusters behind proxies, and the Longhaul that runs between them and is started again whenever it is killed."""

import signal
import threading
import time

from conformance.lab import KafkaCluster, KafkaNode
from conformance.longhaul import Longhaul, properties
from conformance.processes import LabError, free_port, wait_until
from conformance.tools import KafkaTool

BROKERS = 3


class Broken(Exception):
    """The run cannot be judged, or Longhaul did not do what it must."""


class ProxiedNode(KafkaNode):
    """A broker with a second listener, whose advertised address is that of a proxy in front of it."""

    def __init__(self, cluster, node_id):
        super().__init__(cluster, node_id)
        self.inner_port = free_port()
        self.proxy = cluster.proxies.add(self.inner_port)


class ProxiedCluster(KafkaCluster):
    """Three brokers. `bootstrap` is direct, for producers and readers; `proxied` is Longhaul's way in."""

    def __init__(self, name, proxies):
        self.proxies = proxies
        super().__init__(name, brokers=BROKERS, heap="320m", settings={
            "min.insync.replicas": 2, "transaction.state.log.min.isr": 2, "replica.lag.time.max.ms": 10000,
            # A broker that gets no processor for a minute shall wait on, and not end.
            "initial.broker.registration.timeout.ms": 600_000})
        self._tool = None

    def make_node(self, node_id):
        return ProxiedNode(self, node_id)

    def node_settings(self, node):
        settings = super().node_settings(node)
        settings["listeners"] += f",PROXIED://127.0.0.1:{node.inner_port}"
        settings["advertised.listeners"] += f",PROXIED://127.0.0.1:{node.proxy.port}"
        settings["listener.security.protocol.map"] += ",PROXIED:PLAINTEXT"
        settings["inter.broker.listener.name"] = "PLAINTEXT"
        return settings

    @property
    def proxied(self):
        return ",".join(f"127.0.0.1:{node.proxy.port}" for node in self.nodes)

    def __enter__(self):
        super().__enter__()
        self._tool = KafkaTool(heap="128m")
        return self

    def __exit__(self, *details):
        self._tool.close()
        super().__exit__(*details)

    def start_node(self, index=0, seconds=180):
        """Brokers end when they cannot start in time, too: on a machine that is busy elsewhere one is started anew."""
        node = self.nodes[index]
        for attempt in range(3):
            try:
                node.launch()
                return wait_until(node.answers, seconds, f"cluster {self.name} to answer on {node.address}", 0.05)
            except LabError as error:
                if attempt == 2 or node.process.running():
                    raise
                print(f"chaos: {str(error).splitlines()[0]} (started again)", flush=True)

    def wait_in_sync(self, seconds):
        """Until every partition has all its replicas in sync: only then another broker may go."""
        def in_sync():
            try:
                return self._tool.call("under_replicated", self)["partitions"] == 0
            except LabError:
                raise
            except Exception:
                return False

        wait_until(in_sync, seconds, f"the replicas of cluster {self.name} to be in sync", 0.5)


class Runner:
    """`longhaul run`, kept running. A context manager."""

    def __init__(self, source, target, topics):
        self.config = properties({"A": source.proxied, "B": target.proxied}, {"A->B": ",".join(topics)}, {
            "replication.factor": "3", "offset.storage.replication.factor": "3",
            "checkpoints.topic.replication.factor": "3", "heartbeats.topic.replication.factor": "3",
            "offset-syncs.topic.replication.factor": "3", "config.storage.replication.factor": "3",
            "status.storage.replication.factor": "3"})
        self.unexpected = []
        self._lock = threading.Lock()  # whoever holds it may end and start processes
        self._over = threading.Event()

    def __enter__(self):
        self._run = Longhaul(self.config)
        threading.Thread(target=self._watch, daemon=True).start()
        return self

    def __exit__(self, *_):
        with self._lock:
            self._over.set()
            self._run.process.kill()

    def kill(self, pause):
        """SIGKILL, and another start after `pause` seconds."""
        with self._lock:
            self._run.process.kill()
            time.sleep(pause)
            self._run.start()

    def replace_paused(self, seconds):
        """Stops the process without ending it, starts its successor, and lets it wake up after `seconds`. What it still
        tries must be refused; it is killed a moment later."""
        with self._lock:
            elder = self._run.process
            elder.signal(signal.SIGSTOP)
            self._run.start()
            time.sleep(seconds)
            elder.signal(signal.SIGCONT)
            time.sleep(2)
            elder.kill()

    def catch_up(self, seconds):
        """A drained end, and a run until everything is on the target; returns how long both took."""
        with self._lock:
            self._over.set()
            begun = time.monotonic()
            self._run.terminate()
            code = self._run.process.wait(300)
            if code != 0:
                raise Broken(f"the drain ended with {code}:\n{self._run.tail()}")
            self._run.arguments.append("--until-caught-up")
            self._run.start()
            code = self._run.process.wait(seconds)
            if code != 0:
                raise Broken(f"catching up ended with {code}:\n{self._run.tail()}")
            return time.monotonic() - begun

    def _watch(self):
        while not self._over.wait(0.2):
            with self._lock:
                code = self._run.process.poll()
                if code is None or self._over.is_set():
                    continue
                self.unexpected.append(f"exit code {code}:\n{self._run.tail()}")
                self._run.start()
        # Linux ends a process with the thread that started it, so this one stays.
        threading.Event().wait()
