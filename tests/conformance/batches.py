"""What the tests of odd batches share."""

from . import wire
from .longhaul import Longhaul, TwoClusters, command

CODECS = ["none", "gzip", "snappy", "lz4", "zstd"]
HOUR_MS = 3_600_000
DELETE_HORIZON = 0x40
# Cleaned as soon as there is something to clean.
COMPACTED = {"cleanup.policy": "compact", "segment.ms": "200", "min.cleanable.dirty.ratio": "0.01",
             "max.compaction.lag.ms": "500", "delete.retention.ms": "3600000"}


def is_sparse(item):
    return 0 < item["count"] < item["last_offset"] - item["base_offset"] + 1


class Batches(TwoClusters):
    """What the classes below share; no cases of its own."""

    def counted(self, summary):
        """(records, batches passed through, batches re-encoded, records re-encoded) of the only flow."""
        (flow,) = summary["flows"]
        return tuple(flow[key] for key in ("records", "batches_passed_through", "batches_reencoded", "records_reencoded"))

    def check_target(self, remote, partitions=1, compression=None):
        """Every batch on the target is whole and dense, and has a producer id."""
        for partition in range(partitions):
            for item in self.batches(self.b, remote, partition):
                self.assertTrue(item["valid"])
                self.assertFalse(is_sparse(item), item)
                self.assertGreaterEqual(item["producer_id"], 0)
                if compression is not None:
                    self.assertEqual(item["compression"], compression)

    def assert_passed_through(self, topic, remote, partitions=3):
        """The same batches with the same codec and size lie in both logs, on the target always with a producer id."""
        for partition in range(partitions):
            source, target = self.batches(self.a, topic, partition), self.batches(self.b, remote, partition)
            for key in ("count", "size", "compression"):
                self.assertEqual([item[key] for item in source], [item[key] for item in target], f"{remote} {key}")
            for item in target:
                self.assertTrue(item["valid"])
                self.assertGreaterEqual(item["producer_id"], 0)

    def verify(self, alias, topics, *arguments, exit_code=0, settings=None):
        """`longhaul verify` of the flow; returns what it printed."""
        done = command("verify", *arguments, config=self.flow(alias, topics, settings))
        self.assertEqual(done.returncode, exit_code, done.stdout + done.stderr)
        return done.stdout

    def stopped_line(self, run, topic, partition, offset, reason):
        """The one line about a partition that stopped."""
        lines = [line for line in run.problems() if "partition stopped" in line.text]
        found = [line for line in lines if f"topic={topic} " in line.text and f"partition={partition} " in line.text]
        self.assertEqual(len(found), 1, run.tail())
        self.assertIn(f"offset={offset} ", found[0].text)
        self.assertRegex(found[0].text, reason)
        return found[0].text

    def run_with_stops(self, alias, topics, settings=None):
        """A run that ends although some partitions stop; leaves its log to be looked at."""
        run = self.enterContext(Longhaul(self.flow(alias, topics, settings), "--until-caught-up"))
        self.assertEqual(run.process.wait(120), 1, run.tail())
        self.check_no_crash(run)
        return run


    def raw(self, cluster, topic):
        """[(base offset, bytes)] of every batch of partition 0, as the broker sends them."""
        with wire.Connection(cluster.bootstrap.split(",")[0]) as connection:
            return [(base, data) for base, data, _ in wire.batch_spans(connection.log(topic))]

    def has_delete_horizon(self, cluster, topic):
        return any(int.from_bytes(data[21:23], "big") & DELETE_HORIZON for _, data in self.raw(cluster, topic))
