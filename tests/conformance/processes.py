"""Child processes that never outlive the lab: started apart from the terminal, ended in order, killed with us."""

import atexit
import contextlib
import ctypes
import fcntl
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
LAB = ROOT / ".lab"

_PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None, use_errno=True)


class LabError(Exception):
    """The laboratory itself failed: a broker that does not start, a tool that is missing."""


def _die_with_parent():
    _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


@contextlib.contextmanager
def build_lock(name):
    """Keeps parallel test processes from preparing the same thing in .lab twice. One lock per thing: flock does
    not nest."""
    LAB.mkdir(parents=True, exist_ok=True)
    with open(LAB / f"{name}.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def free_port():
    """A TCP port on loopback that nothing listens on at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_until(condition, seconds, what, interval=0.1):
    """Polls `condition` until it returns something true, which is returned; LabError names `what` after `seconds`."""
    deadline = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise LabError(f"gave up after {seconds} s waiting for {what}")
        time.sleep(interval)


class Process:
    """One child with its output in a file. `cpu_seconds` and `peak_rss_bytes` are its own, children excluded."""

    def __init__(self, name, command, log, env=None, cwd=None, stdin=subprocess.DEVNULL, stdout=None, nice=0):
        self.name = name
        self.log = pathlib.Path(log)
        self._rusage = None
        self._peak = 0
        environment = dict(os.environ)
        environment.update(env or {})

        def prepare():
            _die_with_parent()
            if nice:
                os.nice(nice)

        with open(self.log, "ab") as sink:
            self.started = time.monotonic()
            # A session of its own: Ctrl-C in the terminal reaches the lab only, which then ends its children in order.
            self.popen = subprocess.Popen(
                [str(part) for part in command], stdin=stdin, stdout=stdout or sink, stderr=sink, env=environment,
                cwd=cwd, start_new_session=True, preexec_fn=prepare)
        self.pid = self.popen.pid
        _living.add(self)

    def running(self):
        return self.poll() is None

    def poll(self):
        """Exit code (negative: signal), or None. Reaps with wait4, so that the resource usage is this child's alone."""
        if self.popen.returncode is None:
            self._observe_peak()
            try:
                pid, status, usage = os.wait4(self.pid, os.WNOHANG)
            except ChildProcessError:
                pid, status, usage = self.pid, 0, None
            if pid == self.pid:
                self._rusage = usage
                self.popen.returncode = os.waitstatus_to_exitcode(status)
                self.ended = time.monotonic()
                _living.discard(self)
        return self.popen.returncode

    def wait(self, seconds):
        """Exit code; LabError if it still runs after `seconds`."""
        wait_until(lambda: self.poll() is not None, seconds, f"the end of {self.name}", 0.02)
        return self.popen.returncode

    def signal(self, number):
        if self.running():
            os.kill(self.pid, number)

    def stop(self, seconds=20):
        """SIGTERM, and SIGKILL when that takes longer than `seconds`. Returns the exit code."""
        self.signal(signal.SIGTERM)
        try:
            return self.wait(seconds)
        except LabError:
            return self.kill()

    def kill(self):
        self.signal(signal.SIGKILL)
        return self.wait(20)

    def cpu_seconds(self):
        """User and system time so far, or in all when it has ended."""
        if self.poll() is not None:
            return self._rusage.ru_utime + self._rusage.ru_stime if self._rusage else 0.0
        fields = pathlib.Path(f"/proc/{self.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def peak_rss_bytes(self):
        self._observe_peak()
        return max(self._peak, self._rusage.ru_maxrss * 1024 if self._rusage else 0)

    def _observe_peak(self):
        try:
            for line in pathlib.Path(f"/proc/{self.pid}/status").read_text().splitlines():
                if line.startswith("VmHWM:"):
                    self._peak = int(line.split()[1]) * 1024
        except (OSError, ValueError):
            pass

    def output(self):
        return self.log.read_text(errors="replace")

    def tail(self, lines=25):
        return "\n".join(self.output().splitlines()[-lines:])


_living = set()
_directories = set()


def work_directory(prefix="run"):
    """A fresh directory below .lab/run that is removed when this process ends, however it ends.

    Its name carries our pid, so that a later lab removes it if we were killed."""
    base = LAB / "run"
    base.mkdir(parents=True, exist_ok=True)
    _remove_abandoned(base)
    path = pathlib.Path(tempfile.mkdtemp(prefix=f"{prefix}-{os.getpid()}-", dir=base))
    _directories.add(path)
    return path


def remove_directory(path):
    _directories.discard(path)
    shutil.rmtree(path, ignore_errors=True)


def _remove_abandoned(base):
    for path in base.iterdir():
        parts = path.name.split("-")
        if len(parts) >= 3 and parts[-2].isdigit() and not pathlib.Path(f"/proc/{parts[-2]}").exists():
            shutil.rmtree(path, ignore_errors=True)


def _clean_up():
    for process in list(_living):
        process.signal(signal.SIGCONT)
        process.signal(signal.SIGKILL)
    for process in list(_living):
        try:
            process.wait(10)
        except LabError:
            pass
    keep = os.environ.get("LAB_KEEP")
    for path in list(_directories):
        if keep:
            print(f"lab: kept {path}", file=sys.stderr)
        else:
            shutil.rmtree(path, ignore_errors=True)


def _terminate(number, _frame):
    raise SystemExit(128 + number)


atexit.register(_clean_up)
if threading.current_thread() is threading.main_thread():
    # Without this a SIGTERM (a ctest timeout, a cancelled run) would end Python with no clean-up.
    signal.signal(signal.SIGTERM, _terminate)
    signal.signal(signal.SIGHUP, _terminate)
