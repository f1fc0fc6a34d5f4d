#!/usr/bin/env python3
"""The demonstration behind ./quickstart: two clusters, live producers, one run, and two independent comparisons."""

import argparse
import concurrent.futures
import contextlib
import json
import os
import pathlib
import subprocess
import sys
import time
import types

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "tests"))

from conformance.lab import KAFKA_VERSION, KafkaCluster, end_offsets  # noqa: E402
from conformance.processes import (  # noqa: E402
    ROOT, LabError, Process, remove_directory, wait_until, work_directory)
from conformance.sandbox import Sandbox  # noqa: E402
from conformance.tools import comparable, kcat_digest  # noqa: E402

BINARY = os.environ.get("LONGHAUL", str(ROOT / "build/release/longhaul"))
TOPICS = ("orders", "payments", "clicks")
PARTITIONS = 4

CONFIG = """clusters = east, west
east.bootstrap.servers = {east}
west.bootstrap.servers = {west}

east->west.enabled = true
east->west.topics = orders|payments|clicks

# One broker per cluster here.
replication.factor = 1
offset.storage.replication.factor = 1
"""


def say(text=""):
    print(text, flush=True)


def step(title):
    say(f"\n== {title}")


def longhaul(*arguments, show=True):
    """Runs one command to its end, its output on our terminal; SystemExit when it fails."""
    words = [str(word) for word in arguments]
    if show:
        say("$ longhaul " + " ".join(os.path.relpath(word) if os.path.isabs(word) else word for word in words))
    code = subprocess.run([BINARY, *words], stdin=subprocess.DEVNULL, check=False).returncode
    if code != 0:
        raise LabError(f"'longhaul {' '.join(words)}' ended with exit code {code}")


def held(cluster, topic):
    try:
        port = int(cluster.bootstrap.rpartition(":")[2])
        return sum(end or 0 for end in end_offsets("127.0.0.1", port, topic, PARTITIONS))
    except OSError:
        return 0


def topic_options():
    return [word for topic in TOPICS for word in ("--topic", f"{topic}:{PARTITIONS}")]


@contextlib.contextmanager
def clusters(options):
    """East and west, with how they are called."""
    begun = time.monotonic()
    with contextlib.ExitStack() as stack:
        if options.kafka:
            step(f"Starting two Apache Kafka {KAFKA_VERSION} clusters (KRaft, one node each)")
            east, west = (stack.enter_context(KafkaCluster(name)) for name in ("east", "west"))
        else:
            step("Starting two sandbox clusters (longhaul sandbox: Kafka's protocol, in memory, no JVM)")
            sandbox = stack.enter_context(Sandbox("east", "west"))
            east, west = sandbox.cluster("east"), sandbox.cluster("west")
        say(f"east on {east.bootstrap}, west on {west.bootstrap}, up after {time.monotonic() - begun:.1f} s")
        yield east, west


def demonstrate(options, directory):
    with clusters(options) as (east, west):
        config = directory / "mm2.properties"
        config.write_text(CONFIG.format(east=east.bootstrap, west=west.bootstrap))

        step(f"Generating {options.records:,} records in {len(TOPICS)} topics of {PARTITIONS} partitions")
        longhaul("generate", east.bootstrap, *topic_options(), "--records", options.records, "--size", "50-500",
                 "--codec", "mixed")

        step("Replicating while a producer keeps writing 2,000 records a second")
        producer = Process("the live producer",
                           [BINARY, "generate", east.bootstrap, *topic_options(), "--rate", "2000", "--duration", "900",
                            "--seed", "2", "--size", "50-500", "--codec", "mixed", "--batch-bytes", "4000"],
                           directory / "live.log")
        wait_until(lambda: total(east) > options.records or not producer.running(), 30, "the live producer")
        summary = directory / "summary.json"
        longhaul("run", config, "--until-caught-up", "--summary", summary)
        carried = report_run(json.loads(summary.read_text()))
        if not producer.running():
            raise LabError(f"the live producer ended early:\n{producer.tail()}")
        producer.stop()
        written = total(east)
        behind = written - carried
        step(f"A second run brings over the {behind:,} records that were written meanwhile")
        longhaul("run", config, "--until-caught-up")

        step("Comparing both sides with longhaul verify")
        longhaul("verify", config)
        step("Comparing both sides with kcat (key, value, headers, timestamp, in order)")
        compare_with_kcat(east, west)
        say(f"\nDone: {written:,} records in {len(TOPICS) * PARTITIONS} partitions are the same on both "
            "clusters, by longhaul verify and by kcat.")


def total(cluster, prefix=""):
    return sum(held(cluster, prefix + topic) for topic in TOPICS)


def report_run(summary):
    """Prints a run's figures; returns the records it carried."""
    flow, process = summary["flows"][0], summary["process"]
    say(f"{flow['records']:,} records, {flow['bytes'] / 1e6:.1f} MB in {process['seconds']:.1f} s; "
        f"{process['cpu_seconds']:.2f} s of CPU, {process['peak_memory_bytes'] / 1e6:.0f} MB of memory at most; "
        f"{flow['batches_passed_through']:,} batches passed through, {flow['batches_reencoded']:,} re-encoded")
    return flow["records"]


def compare_with_kcat(east, west):
    say(f"{'topic':<10} {'partition':>9} {'east':>10} {'west':>10}  records digest")
    different = 0
    # Both sides at once, in processes of their own: an interpreter hashes on one core only.
    addresses = [types.SimpleNamespace(bootstrap=cluster.bootstrap) for cluster in (east, west)]
    with concurrent.futures.ProcessPoolExecutor(len(addresses)) as pool:
        sides = [pool.map(kcat_digest, [address] * len(TOPICS), [prefix + topic for topic in TOPICS],
                          [PARTITIONS] * len(TOPICS))
                 for address, prefix in zip(addresses, ("", "east."))]
        digests = [map(comparable, side) for side in sides]
    for topic, before, after in zip(TOPICS, *digests):
        for partition, (records, digest) in before.items():
            same = after[partition] == (records, digest)
            different += not same
            say(f"{topic:<10} {partition:>9} {records:>10,} {after[partition][0]:>10,}  "
                f"{digest[:16]} {'same' if same else 'DIFFERENT: ' + after[partition][1][:16]}")
    if different:
        raise LabError(f"kcat reads different records in {different} partitions")


def main():
    parser = argparse.ArgumentParser(prog="quickstart", description="two clusters, one run, two comparisons")
    parser.add_argument("--records", type=int, default=1_000_000)
    parser.add_argument("--kafka", action="store_true",
                        help=f"on Apache Kafka {KAFKA_VERSION} instead of sandbox clusters (Java, Maven, a download)")
    options = parser.parse_args()
    directory = work_directory("quickstart")
    try:
        demonstrate(options, directory)
    except LabError as error:
        print(f"\nquickstart: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nquickstart: interrupted; stopping the clusters and removing their data", file=sys.stderr)
        return 130
    finally:
        remove_directory(directory)
    say("Both clusters are stopped and their data is gone."
        + (" Kafka's jars stay in .lab/ for the next time." if options.kafka else ""))
    return 0


if __name__ == "__main__":
    sys.exit(main())
