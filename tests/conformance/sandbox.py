"""`longhaul sandbox` as a process: clusters without a JVM, and what can be made to go wrong in them.

    with Sandbox("A", "B:3") as sandbox:
        sandbox.control("fault action=disconnect api=Fetch count=1", cluster="A")
        kcat_digest(sandbox.cluster("B"), "t", partitions=4)
"""

import re

from .longhaul import BINARY
from .processes import LabError, Process, remove_directory, wait_until, work_directory


class SandboxCluster:
    """One cluster of a sandbox, as far as the tools of the tests want to know it."""

    def __init__(self, name, settings):
        self.name = name
        self.settings = settings
        self.bootstrap = settings["bootstrap.servers"]
        self.addresses = self.bootstrap.split(",")


class Sandbox:
    """A context manager: leaving it ends the process. `clusters` are NAME or NAME:BROKERS, as on the command line."""

    def __init__(self, *clusters, arguments=()):
        self.directory = work_directory("sandbox")
        self._control = self.directory / "control"
        self._lines = 0
        words = [word for cluster in clusters for word in ("--cluster", cluster)]
        self.process = Process("sandbox", [BINARY, "sandbox", *words, "--control", self._control, *arguments],
                               self.directory / "sandbox.log")
        try:
            wait_until(self._has_started, 30, "the sandbox", 0.02)
        except LabError:
            self.close()
            raise
        names = [cluster.partition(":")[0] for cluster in clusters]
        self._clusters = {name: SandboxCluster(name, self._settings(name)) for name in names}

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.process.kill()
        remove_directory(self.directory)

    def cluster(self, name):
        return self._clusters[name]

    def control(self, line, cluster=None):
        """Has one command carried out; returns what it says. LabError when it is refused."""
        self._lines += 1
        words = f"{line} cluster={cluster}" if cluster else line
        with open(self._control, "a") as file:
            file.write(words + "\n")
        outcome = wait_until(lambda: self._outcome(self._lines), 30, f"the outcome of '{words}'", 0.01)
        if not outcome.startswith("ok"):
            raise LabError(f"the sandbox refuses '{words}': {outcome}")
        return outcome[2:].strip()

    def injected(self, action, cluster):
        """How many faults of that kind there have been."""
        found = re.search(rf"injected {action}=(\d+)", self.control("status", cluster))
        return int(found[1])

    def output(self):
        return self.process.output()

    def _outcome(self, number):
        try:
            lines = (self.directory / "control.out").read_text().split("\n")[:-1]
        except OSError:
            return None
        return next((line.partition(" ")[2] for line in lines if line.startswith(f"{number} ")), None)

    def _has_started(self):
        if not self.process.running():
            raise LabError(f"the sandbox ended with {self.process.poll()}:\n{self.process.tail()}")
        return "# Ctrl-C stops them." in self.process.output()

    def _settings(self, name):
        return dict(re.findall(rf"(?m)^{re.escape(name)}\.([\w.]+) = (.*)$", self.process.output()))
