"""The readers that judge Longhaul are judged first: they agree with each other, and each notices every difference."""

import unittest

from .lab import KafkaCluster
from .tools import KafkaTool, batch, comparable, franz_digest, kcat_digest, record

BASE = [record(b"k1", b"v1", [("a", b"1"), ("b", b"2")], 1000), record(b"k2", b"v2", [], 2000),
        record(None, b"v3", [], 3000), record(b"k4", None, [("c", b"")], 4000), record(b"", b"", [], 5000)]


def altered(index, **changes):
    """BASE with one record changed."""
    fields = [(b"k1", b"v1", [("a", b"1"), ("b", b"2")], 1000), (b"k2", b"v2", [], 2000), (None, b"v3", [], 3000),
              (b"k4", None, [("c", b"")], 4000), (b"", b"", [], 5000)]
    records = []
    for at, (key, value, headers, timestamp) in enumerate(fields):
        values = {"key": key, "value": value, "headers": headers, "timestamp": timestamp}
        if at == index:
            values.update(changes)
        records.append(record(**values))
    return records


DIFFERENCES = {
    "value": altered(1, value=b"v2x"),
    "key": altered(0, key=b"k1x"),
    "timestamp": altered(1, timestamp=2001),
    "header-value": altered(0, headers=[("a", b"1"), ("b", b"3")]),
    "header-order": altered(0, headers=[("b", b"2"), ("a", b"1")]),
    "header-missing": altered(3, headers=[]),
    "null-key-now-empty": altered(2, key=b""),
    "empty-key-now-null": altered(4, key=None),
    "null-value-now-empty": altered(3, value=b""),
    "empty-value-now-null": altered(4, value=None),
    "missing-last": BASE[:-1],
    "missing-middle": BASE[:2] + BASE[3:],
    "extra": BASE + [BASE[-1]],
    "swapped-pair": [BASE[0], BASE[2], BASE[1], *BASE[3:]],
}


class ReadersTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.cluster = cls.enterClassContext(KafkaCluster("readers"))
        cls.tool = cls.enterClassContext(KafkaTool())

    def digests(self, topic, isolation="read_uncommitted"):
        partitions = self.tool.describe(self.cluster, topic)["partitions"]
        return {"java": comparable(self.tool.digest(self.cluster, topic, isolation)),
                "franz-go": comparable(franz_digest(self.cluster, topic, isolation)),
                "kcat": comparable(kcat_digest(self.cluster, topic, partitions, isolation))}

    def write(self, topic, records, **arguments):
        self.tool.create_topic(self.cluster, topic, 2)
        self.tool.produce(self.cluster, topic, [batch(records, partition=1)], **arguments)

    def test_all_readers_compute_the_same_digest(self):
        self.write("base", BASE, compression="zstd")
        found = self.digests("base")
        self.assertEqual(found["java"][1][0], len(BASE))
        self.assertEqual(found["java"][0][0], 0)
        self.assertEqual(found["java"], found["franz-go"])
        self.assertEqual(found["java"], found["kcat"])

    def test_the_codec_and_the_batches_make_no_difference(self):
        self.write("one-batch", BASE)
        self.tool.create_topic(self.cluster, "many-batches", 2)
        self.tool.produce(self.cluster, "many-batches", [batch([one], partition=1) for one in BASE], compression="lz4")
        self.assertEqual(self.digests("one-batch"), self.digests("many-batches"))

    def test_every_reader_notices_every_difference(self):
        self.write("reference", BASE)
        reference = self.digests("reference")
        for name, records in DIFFERENCES.items():
            self.write(name, records)
            for reader, found in self.digests(name).items():
                with self.subTest(reader=reader, difference=name):
                    self.assertNotEqual(found[1], reference[reader][1])

    def test_a_record_in_another_partition_is_a_difference(self):
        self.write("moved", BASE[:-1])
        self.tool.produce(self.cluster, "moved", [batch(BASE[-1:], partition=0)])
        self.write("unmoved", BASE)
        for (reader, moved), unmoved in zip(self.digests("moved").items(), self.digests("unmoved").values()):
            with self.subTest(reader=reader):
                self.assertNotEqual(moved, unmoved)

    def test_isolation_decides_over_aborted_records(self):
        self.write("transactions", BASE[:1])
        for end, records in (("abort", BASE[1:3]), ("commit", BASE[3:])):
            self.tool.produce(self.cluster, "transactions", [batch(records, partition=1)], transactional_id="readers",
                              end=end)
        for isolation, count in (("read_uncommitted", 5), ("read_committed", 3)):
            found = self.digests("transactions", isolation)
            with self.subTest(isolation=isolation):
                self.assertEqual({reader: value[1][0] for reader, value in found.items()},
                                 {"java": count, "franz-go": count, "kcat": count})
                self.assertEqual(found["java"], found["franz-go"])
                self.assertEqual(found["java"], found["kcat"])

    def test_an_open_transaction_is_the_end_for_committed_readers(self):
        self.write("open", BASE[:2])
        self.tool.produce(self.cluster, "open", [batch(BASE[2:], partition=1)], transactional_id="open", end="open")
        found = self.digests("open", "read_committed")
        self.assertEqual({value[1][0] for value in found.values()}, {2})
        self.assertEqual({value[1][0] for value in self.digests("open").values()}, {5})


if __name__ == "__main__":
    unittest.main()
