"""The independent clients of the tests: Kafka's Java client, franz-go and kcat, each with the same digest."""

import base64
import hashlib
import json
import os
import struct
import subprocess
import threading

from .lab import KAFKA_VERSION, java_command, kafka_jars
from .processes import LAB, ROOT, LabError, Process, build_lock, remove_directory, work_directory

HERE = ROOT / "tests" / "conformance"


class ToolError(Exception):
    """A request that the Java client answered with an error."""


def _compiled_java():
    """Compiles tests/conformance/java when it is newer than its classes; returns the class directory."""
    jars = kafka_jars()
    sources = sorted((HERE / "java").glob("*.java"))
    classes = LAB / "java-tools" / KAFKA_VERSION
    stamp = classes / "stamp"
    with build_lock("java-tools"):
        if not stamp.exists() or any(source.stat().st_mtime > stamp.stat().st_mtime for source in sources):
            classes.mkdir(parents=True, exist_ok=True)
            done = subprocess.run(["javac", "-nowarn", "-cp", f"{jars}/*", "-d", str(classes), *map(str, sources)],
                                  stdin=subprocess.DEVNULL, capture_output=True, text=True)
            if done.returncode != 0:
                raise LabError(f"the Java tools do not compile:\n{done.stderr}")
            stamp.touch()
    return f"{classes}:{jars}/*"


class KafkaTool:
    """Kafka's Java client in one long-lived process (tests/conformance/java): administration, producers, reading.

    Calls are serialized by a lock, so that a test may use it from several threads."""

    def __init__(self, heap="768m"):
        self._directory = work_directory("tool")
        self._lock = threading.Lock()
        self._process = Process(
            "Java tool", java_command(_compiled_java(), "LabTool", heap=heap,
                                      defines=["-Dorg.slf4j.simpleLogger.defaultLogLevel=warn"]),
            self._directory / "tool.log", stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self._process.kill()
        self._process.popen.stdin.close()
        self._process.popen.stdout.close()
        remove_directory(self._directory)

    def call(self, command, bootstrap=None, **arguments):
        """One request; returns its answer as a dictionary. ToolError carries Kafka's exception and message."""
        request = {"command": command, **arguments}
        if bootstrap is not None:
            request["bootstrap"] = getattr(bootstrap, "bootstrap", bootstrap)
            if getattr(bootstrap, "client", None):
                request["client"] = bootstrap.client
        with self._lock:
            self._process.popen.stdin.write(json.dumps(request).encode() + b"\n")
            self._process.popen.stdin.flush()
            line = self._process.popen.stdout.readline()
        if not line:
            raise LabError(f"the Java tool ended:\n{self._process.tail()}")
        answer = json.loads(line)
        if not answer.pop("ok"):
            raise ToolError(answer["error"])
        return answer

    def create_topic(self, cluster, topic, partitions=1, replication=1, configs=None, **arguments):
        self.call("create_topic", cluster, topic=topic, partitions=partitions, replication=replication,
                  configs=configs or {}, **arguments)

    def delete_topic(self, cluster, topic):
        self.call("delete_topic", cluster, topic=topic)

    def topics(self, cluster):
        return self.call("list_topics", cluster)["topics"]

    def describe(self, cluster, topic):
        return self.call("describe_topic", cluster, topic=topic)

    def produce(self, cluster, topic, batches, **arguments):
        return self.call("produce", cluster, topic=topic, batches=batches, **arguments)["base_offsets"]

    def bulk(self, cluster, topic, count, **arguments):
        return self.call("bulk", cluster, topic=topic, count=count, **arguments)

    def digest(self, cluster, topic, isolation="read_uncommitted"):
        """{partition: {"records", "digest", ...}} of the whole topic, read by Kafka's own consumer."""
        answer = self.call("digest", cluster, topic=topic, isolation=isolation)
        return {int(partition): value for partition, value in answer["partitions"].items()}

    def dump(self, cluster, topic, isolation="read_uncommitted"):
        """Every record as a dictionary; keys, values and header values are bytes or None."""
        records = self.call("dump", cluster, topic=topic, isolation=isolation)["records"]
        for record in records:
            record["key"], record["value"] = _bytes(record["key"]), _bytes(record["value"])
            record["headers"] = [(key, _bytes(value)) for key, value in record["headers"]]
        return records

    def offsets(self, cluster, topic, isolation="read_uncommitted"):
        """{partition: (log start, end)}; the end is the last stable offset under read_committed."""
        answer = self.call("offsets", cluster, topic=topic, isolation=isolation)
        return {int(partition): tuple(value) for partition, value in answer["partitions"].items()}

    def batches(self, segment):
        return self.call("batches", segment=str(segment))["batches"]


def record(key=None, value=None, headers=(), timestamp=None):
    """One record for KafkaTool.produce; key, value and header values are bytes or None."""
    return {"key": _base64(key), "value": _base64(value), "timestamp": timestamp,
            "headers": [[name, _base64(content)] for name, content in headers]}


def batch(records, partition=0):
    return {"partition": partition, "records": list(records)}


def _bytes(text):
    return None if text is None else base64.b64decode(text)


def _base64(data):
    return None if data is None else base64.b64encode(data).decode()


class RecordDigest:
    """The canonical digest of a partition; RecordDigest.java and franz/main.go compute the same."""

    def __init__(self):
        self._sha256 = hashlib.sha256()
        self.records = 0

    def add(self, timestamp, key, value, headers):
        parts = [struct.pack(">q", timestamp), self._sized(key), self._sized(value), struct.pack(">i", len(headers))]
        for name, content in headers:
            parts += [self._sized(name), self._sized(content)]
        self._sha256.update(b"".join(parts))
        self.records += 1

    @staticmethod
    def _sized(data):
        return struct.pack(">i", -1) if data is None else struct.pack(">i", len(data)) + data

    def summary(self):
        return {"records": self.records, "digest": self._sha256.hexdigest()}


def comparable(digests):
    """{partition: (records, digest)}: what must be equal on both sides and for every reader; offsets may differ."""
    return {partition: (value["records"], value["digest"]) for partition, value in sorted(digests.items())}


# --- franz-go ---------------------------------------------------------------------------------------------------

def franz_binary():
    source = HERE / "franz"
    binary = LAB / "franz-reader"
    newest = max(path.stat().st_mtime for path in source.iterdir())
    with build_lock("franz"):
        if not binary.exists() or binary.stat().st_mtime < newest:
            done = subprocess.run(["go", "build", "-o", str(binary), "."], cwd=source, stdin=subprocess.DEVNULL,
                                  capture_output=True, text=True)
            if done.returncode != 0:
                raise LabError(f"the franz-go reader does not build:\n{done.stderr}")
    return binary


def franz_digest(cluster, topic, isolation="read_uncommitted"):
    done = subprocess.run(
        [str(franz_binary()), "-bootstrap", cluster.bootstrap, "-topic", topic, "-isolation", isolation,
         *getattr(cluster, "franz", ())],
        stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=600)
    if done.returncode != 0:
        raise LabError(f"franz-go could not read {topic}: {done.stderr}")
    return {int(partition): value for partition, value in json.loads(done.stdout)["partitions"].items()}


def franz_produce(cluster, topic, count):
    """Writes `count` records with franz-go's idempotent producer."""
    done = subprocess.run([str(franz_binary()), "-bootstrap", cluster.bootstrap, "-topic", topic, "-produce", str(count)],
                          stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=600)
    if done.returncode != 0:
        raise LabError(f"franz-go could not write {topic}: {done.stderr}")


def franz_transactions(cluster, topic, transactions, records):
    """Runs transactions of `records` records each with franz-go; every third one, from the second on, is aborted."""
    done = subprocess.run([str(franz_binary()), "-bootstrap", cluster.bootstrap, "-topic", topic, "-produce", str(records),
                           "-transactions", str(transactions)],
                          stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=300)
    if done.returncode != 0:
        raise LabError(f"franz-go could not run transactions on {topic}: {done.stderr}")


# --- kcat -------------------------------------------------------------------------------------------------------

# Lengths first, so that any bytes may follow; kcat prints -1 for null.
_KCAT_FORMAT = r"%p %T %K %S \x01%k%s\x02%h\x03\x04\x05\n"
_KCAT_END = b"\x03\x04\x05\n"


def kcat_digest(cluster, topic, partitions, isolation="read_uncommitted"):
    """Digests of what kcat (librdkafka) reads, up to the end of every partition.

    kcat prints headers as name=value joined with commas and NULL for a null value, so header names and values of
    topics that are compared across readers must hold none of these; side against side is always comparable."""
    digests = {partition: RecordDigest() for partition in range(partitions)}
    command = ["kcat", "-C", "-b", cluster.bootstrap, "-t", topic, "-o", "beginning", "-e", "-q",
               "-X", f"isolation.level={isolation}", "-X", "check.crcs=true", "-X", "fetch.message.max.bytes=33554432",
               "-X", "receive.message.max.bytes=200000000", "-f", _KCAT_FORMAT]
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          bufsize=1 << 20) as process:
        errors = []
        reader = threading.Thread(target=lambda: errors.append(process.stderr.read()), daemon=True)
        reader.start()
        try:
            for partition, timestamp, key, value, headers in _kcat_records(process.stdout):
                digests[partition].add(timestamp, key, value, headers)
        finally:
            if process.poll() is None and process.stdout.closed:
                process.kill()
            process.wait(60)
            reader.join(10)
    if process.returncode != 0:
        raise LabError(f"kcat could not read {topic}: {b''.join(errors).decode(errors='replace')}")
    return {partition: digest.summary() for partition, digest in digests.items()}


def _kcat_records(stream):
    data, at = b"", 0
    while True:
        begin = data.find(b"\x01", at)
        if begin >= 0:
            partition, timestamp, key_size, value_size = map(int, data[at:begin].split())
            key_at = begin + 1
            value_at = key_at + max(key_size, 0)
            headers_at = value_at + max(value_size, 0) + 1
            end = data.find(_KCAT_END, headers_at)
            if end >= 0 and headers_at <= len(data):
                key = None if key_size < 0 else data[key_at:value_at]
                value = None if value_size < 0 else data[value_at:headers_at - 1]
                yield partition, timestamp, key, value, _kcat_headers(data[headers_at:end])
                at = end + len(_KCAT_END)
                continue
        more = stream.read1(1 << 20)
        if not more:
            if data[at:]:
                raise LabError(f"kcat's output ends in the middle of a record: {data[at:at + 80]!r}")
            return
        data, at = data[at:] + more, 0


def _kcat_headers(text):
    if not text:
        return []
    pairs = [item.partition(b"=") for item in text.split(b",")]
    return [(name, None if content == b"NULL" else content) for name, _, content in pairs]
