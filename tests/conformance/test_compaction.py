"""What a pass of the sandbox's log cleaner leaves is what Kafka's leaves: the same batches to both, the same log afterwards."""

import gzip
import struct
import time
import unittest

from .lab import KafkaCluster
from .processes import wait_until
from .sandbox import Sandbox
from .tools import KafkaTool
from .transactions import NONE, Holder, find_coordinator, settled
from .wire import CONTROL, DELETE_HORIZON, GZIP, Connection, batch, batch_spans, record

HOUR_MS = 3_600_000
# One segment until a record of much later comes, and no cleaning before the test wants it.
CONFIGS = {"cleanup.policy": "compact", "min.cleanable.dirty.ratio": "0.01", "segment.ms": str(12 * HOUR_MS),
           "message.timestamp.after.max.ms": str(100 * HOUR_MS), "delete.retention.ms": str(HOUR_MS),
           "min.compaction.lag.ms": str(1000 * HOUR_MS)}
KAFKA, SANDBOX = "Kafka", "sandbox"


def records_of(keys):
    """A record for each letter, a millisecond apart; a capital one is a tombstone."""
    return b"".join(record(place, key=key.lower().encode(), value=None if key.isupper() else b"value of " + key.encode(),
                           timestamp_delta=place, headers=((b"h", None),)) for place, key in enumerate(keys))


def comparable(connection, topic):
    """Everything of each batch but what depends on the clock or on the build of a codec; producers by their order."""
    producers, found = {}, []
    for base, whole, delta in batch_spans(connection.log(topic)):
        attributes, _, base_time, max_time, producer, epoch, sequence, count = struct.unpack_from(">hiqqqhii", whole, 21)
        payload = gzip.decompress(whole[61:]) if attributes & 7 == GZIP else whole[61:]
        of_the_clock = attributes & CONTROL != 0 or attributes & DELETE_HORIZON != 0
        found.append({
            "offsets": (base, base + delta), "attributes": attributes, "sequence": (epoch, sequence), "count": count,
            "producer": producers.setdefault(producer, len(producers)) if producer >= 0 else None,
            "base_time": None if of_the_clock and count else base_time,
            "max_time": None if attributes & CONTROL else max_time, "records": None if of_the_clock else payload})
    return found


class CleanerTest(unittest.TestCase):
    maxDiff = 8000

    @classmethod
    def setUpClass(cls):
        kafka = cls.enterClassContext(KafkaCluster("cleaner"))
        cls.sandbox = cls.enterClassContext(Sandbox("cleaner"))
        cls.addresses = {KAFKA: kafka.bootstrap, SANDBOX: cls.sandbox.cluster("cleaner").bootstrap}
        cls.tool = cls.enterClassContext(KafkaTool())
        cls.time_ms = int(time.time() * 1000) - 2 * HOUR_MS

    def write(self, connection, topic):
        """Batches of all kinds, and behind them one of much later."""
        def plain(keys, later=0, **fields):
            data = batch(records_of(keys), count=len(keys), timestamp=self.time_ms + later, **fields)
            self.assertEqual(connection.produce({(topic, 0): data})[topic, 0].error, NONE)

        def stamped(holder, keys, **more):
            answer = holder.produce(topic, len(keys), payload=records_of(keys), timestamp=self.time_ms, **more)
            self.assertEqual(answer[0], NONE)

        one, two = Holder(connection, f"{topic}-1"), Holder(connection, f"{topic}-2")
        self.assertEqual([one.init(), two.init()], [(NONE, 0), (NONE, 0)])
        plain("abcdef")
        stamped(one, "agh", plain=True)
        plain("bBx", attributes=GZIP)
        plain("defghy", attributes=GZIP)
        plain("C")
        stamped(one, "xy", plain=True)
        for keys, end in ((("acq", "r"), two.abort), (("ay",), two.commit), ((), two.abort)):
            self.assertEqual(two.add([(topic, 0)]), [NONE])
            for some in keys:
                stamped(two, some)
            self.assertEqual(end(), NONE)
        # The next holder comes when the markers of the last one are written.
        self.assertEqual(two.init(), (NONE, 1))
        plain("xyY")
        plain("z", later=50 * HOUR_MS)

    def cleaned(self, name, topic):
        """Lets the cleaner run once; the log before and afterwards."""
        with Connection(self.addresses[name]) as connection:
            before = comparable(connection, topic)
            if name == KAFKA:
                self.tool.call("alter_configs", self.addresses[name], topic=topic, configs={"min.compaction.lag.ms": "0"})
                wait_until(lambda: comparable(connection, topic) != before, 60, "the cleaner", 0.2)
            else:
                self.sandbox.control(f"compact topic={topic} partition=0")
            return before, comparable(connection, topic)

    def test_one_pass_over_batches_of_all_kinds(self):
        logs = {}
        for name, address in self.addresses.items():
            self.tool.create_topic(address, "mixed", 1, configs=CONFIGS)
            with Connection(address) as connection:
                settled(lambda: find_coordinator(connection, "some", 1)[0])
                self.write(connection, "mixed")
            logs[name] = self.cleaned(name, "mixed")
        self.assertEqual(logs[SANDBOX][0], logs[KAFKA][0], "what was written")
        self.assertEqual(logs[SANDBOX][1], logs[KAFKA][1], "what was left")
        kinds = [(item["count"], item["attributes"]) for item in logs[KAFKA][1]]
        self.assertTrue(any(count == 0 for count, _ in kinds), "a batch without records")
        self.assertTrue(any(attributes & DELETE_HORIZON for _, attributes in kinds), "a delete horizon")


if __name__ == "__main__":
    unittest.main()
