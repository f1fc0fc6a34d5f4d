"""What an independent reader finds on both sides, record by record: lost, duplicated, altered, out of order."""

import array
import collections
import dataclasses
import pathlib
import subprocess

from conformance.processes import LabError, remove_directory, work_directory
from conformance.tools import franz_binary


@dataclasses.dataclass
class Difference:
    records: int = 0
    lost: int = 0
    duplicates: int = 0
    foreign: int = 0
    reordered: int = 0
    # Copies that only readers of uncommitted records see: a coordinator has aborted a transaction by itself.
    aborted_copies: int = 0

    def add(self, other):
        for field in dataclasses.fields(self):
            setattr(self, field.name, getattr(self, field.name) + getattr(other, field.name))

    def clean(self):
        return self.lost == self.duplicates == self.foreign == self.reordered == 0


def hashes(bootstrap, topic, isolation="read_uncommitted"):
    """{partition: 64-bit hashes of timestamp, key, value and headers, in log order}, read by franz-go."""
    directory = work_directory("hashes")
    try:
        done = subprocess.run(
            [str(franz_binary()), "-bootstrap", bootstrap, "-topic", topic, "-hashes", str(directory), "-isolation", isolation],
            stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=3600)
        if done.returncode != 0:
            raise LabError(f"franz-go could not read {topic}: {done.stderr}")
        found = {}
        for path in pathlib.Path(directory).iterdir():
            found[int(path.name)] = array.array("Q", path.read_bytes())
        return found
    finally:
        remove_directory(directory)


def difference(source, target):
    """How the records of one partition on the target differ from the source's."""
    result = Difference(records=len(source))
    if source == target:
        return result
    have, want = collections.Counter(target), collections.Counter(source)
    result.lost = sum((want - have).values())
    for value, count in (have - want).items():
        if value in want:
            result.duplicates += count
        else:
            result.foreign += count
    # Each record of the target is paired with its first unpaired twin on the source; going back is disorder.
    places = collections.defaultdict(collections.deque)
    for place, value in enumerate(source):
        places[value].append(place)
    last = -1
    for value in target:
        if not places[value]:
            continue
        place = places[value].popleft()
        result.reordered += place < last
        last = place
    return result


def compare(source_bootstrap, target_bootstrap, topic, remote):
    """Differences of a whole topic, summed over its partitions. Of the target what a reader of committed records gets."""
    source, target = hashes(source_bootstrap, topic), hashes(target_bootstrap, remote, "read_committed")
    everything = hashes(target_bootstrap, remote)
    total = Difference(aborted_copies=sum(map(len, everything.values())) - sum(map(len, target.values())))
    for partition in sorted(source.keys() | target.keys()):
        found = difference(source.get(partition, array.array("Q")), target.get(partition, array.array("Q")))
        if not found.clean():
            print(f"chaos: {topic}-{partition}: {found}", flush=True)
        total.add(found)
    return total
