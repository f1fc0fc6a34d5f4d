"""Transactions of the sandbox: Kafka's own client and franz-go run them, and single requests are answered as by Kafka."""

import unittest

from .lab import KafkaCluster
from .processes import wait_until
from .sandbox import Sandbox
from .tools import KafkaTool, comparable, franz_digest, franz_transactions, kcat_digest
from .transactions import (
    CONCURRENT, NONE, READ_COMMITTED, READ_UNCOMMITTED, Holder, committed_offset, end_offset, fetched, find_coordinator)
from .wire import Closed, Connection

KAFKA, SANDBOX = "Kafka", "sandbox"
UNKNOWN_TOPIC, OUT_OF_ORDER, INVALID_EPOCH, INVALID_STATE, INVALID_MAPPING = 3, 45, 47, 48, 49
INVALID_TIMEOUT, NOT_ATTEMPTED, UNSTABLE, FENCED = 50, 55, 88, 90


class ClientsTest(unittest.TestCase):
    """Clients that are not ours, on one broker and on three."""

    @classmethod
    def setUpClass(cls):
        cls.sandbox = cls.enterClassContext(Sandbox("one", "three:3"))
        cls.clusters = [cls.sandbox.cluster(name) for name in ("one", "three")]
        cls.tool = cls.enterClassContext(KafkaTool())

    def readers_agree(self, cluster, topic, isolation, expected):
        found = comparable(self.tool.digest(cluster, topic, isolation))
        self.assertEqual(sum(records for records, _ in found.values()), expected, isolation)
        self.assertEqual(comparable(franz_digest(cluster, topic, isolation)), found, isolation)
        self.assertEqual(comparable(kcat_digest(cluster, topic, 3, isolation)), found, isolation)

    def test_kafkas_own_producer(self):
        for cluster in self.clusters:
            self.sandbox.control("topic name=java partitions=3", cluster.name)
            for number in range(9):
                batches = [{"partition": partition, "records": [{"key": None, "value": None, "timestamp": 1000 + number}]}
                           for partition in range(3)]
                self.tool.produce(cluster, "java", batches, transactional_id="java",
                                  end="abort" if number % 3 == 1 else "commit")
            self.readers_agree(cluster, "java", "read_uncommitted", 27)
            self.readers_agree(cluster, "java", "read_committed", 18)

    def test_offsets_of_kafkas_own_producer(self):
        cluster = self.clusters[0]
        self.sandbox.control("topic name=offsets partitions=1", cluster.name)
        with Connection(cluster.bootstrap) as connection:
            for number, end in enumerate(("commit", "abort", "open")):
                self.tool.produce(cluster, "offsets", [], transactional_id="offsets", end=end, group="java",
                                  offset=10 + number)
                self.assertEqual(committed_offset(connection, "java", "offsets"),
                                 (UNSTABLE, -1) if end == "open" else (NONE, 10), end)

    def test_franz_go(self):
        for cluster in self.clusters:
            self.sandbox.control("topic name=franz partitions=3", cluster.name)
            franz_transactions(cluster, "franz", transactions=9, records=30)
            self.readers_agree(cluster, "franz", "read_uncommitted", 270)
            self.readers_agree(cluster, "franz", "read_committed", 180)

    def test_both_go_on_when_coordinators_move(self):
        cluster = self.clusters[1]
        self.sandbox.control("topic name=moved partitions=3", cluster.name)
        for number in range(6):
            self.tool.produce(cluster, "moved", [{"partition": 0, "records": [{"key": None, "value": None}]}],
                              transactional_id="moved")
            self.sandbox.control("coordinators loading_ms=300", cluster.name)
            franz_transactions(cluster, "moved", transactions=1, records=5)
        self.readers_agree(cluster, "moved", "read_committed", 36)


class SameAsKafkaTest(unittest.TestCase):
    """The same requests to Kafka and to the sandbox, the same codes and the same log."""

    maxDiff = 4000

    @classmethod
    def setUpClass(cls):
        kafka = cls.enterClassContext(KafkaCluster("transactions"))
        sandbox = cls.enterClassContext(Sandbox("transactions"))
        cls.addresses = {KAFKA: kafka.bootstrap, SANDBOX: sandbox.cluster("transactions").bootstrap}
        cls.tool = cls.enterClassContext(KafkaTool())
        for address in cls.addresses.values():
            with Connection(address) as connection:
                for key_type in (0, 1):
                    # Asking makes the topic that the coordinator keeps its state in.
                    wait_until(lambda: find_coordinator(connection, "some", key_type)[0] == NONE, 60, "a coordinator")
                Holder(connection, "first").init()

    def setUp(self):
        self.topic = self._testMethodName.removeprefix("test_")
        for address in self.addresses.values():
            self.tool.create_topic(address, self.topic, 2)
            with Connection(address) as connection:
                wait_until(lambda: self.is_led(connection), 60, f"a leader of {self.topic} at {address}")

    def is_led(self, connection):
        try:
            return connection.log(self.topic, 0) is not None and connection.log(self.topic, 1) is not None
        except ValueError:
            return False

    def both(self, act, expected):
        """`act(connection, holders)` on both has to give `expected`; holders("id") makes one more holder of an id."""
        for name, address in self.addresses.items():
            with Connection(address) as connection, self.subTest(name):
                try:
                    found = act(connection, lambda key="": Holder(connection, f"{self.topic}{key}"))
                except Closed:
                    found = "closed"
                self.assertEqual(found, expected, name)

    def test_an_id_that_nobody_holds(self):
        def act(_, holder):
            nobody = holder()
            nobody.producer, nobody.epoch = 987_654, 0
            return [nobody.add([(self.topic, 0)]), nobody.add_offsets("g"), nobody.commit(), nobody.produce(self.topic)[0],
                    nobody.init(timeout_ms=0)[0], nobody.init(timeout_ms=900_001)[0]]

        self.both(act, [[INVALID_MAPPING], INVALID_MAPPING, INVALID_MAPPING, INVALID_MAPPING, INVALID_TIMEOUT,
                        INVALID_TIMEOUT])

    def test_a_take_over_while_a_transaction_is_open(self):
        def act(connection, holder):
            old, new = holder(), holder()
            found = [old.init(), old.add([(self.topic, 0)]), old.produce(self.topic, 3), new.init_once()[0]]
            found += [new.init(), new.producer == old.producer, old.produce(self.topic)[0],
                      old.add([(self.topic, 0)], 1), old.add([(self.topic, 0)], 2), old.add_offsets("g", 1),
                      old.add_offsets("g", 2), old.commit(1), old.commit(2)]
            read = fetched(connection, self.topic, READ_COMMITTED)
            found += [read["stable"], [first for _, first in read["aborted"]]]
            return found + [(base, attributes, epoch, sequence, records)
                            for base, attributes, _, epoch, sequence, records in read["batches"]]

        self.both(act, [(NONE, 0), [NONE], (NONE, 0), CONCURRENT, (NONE, 2), True, INVALID_EPOCH, [INVALID_EPOCH], [FENCED],
                        INVALID_EPOCH, FENCED, INVALID_EPOCH, FENCED, 4, [0], (0, 16, 0, 0, 3), (3, 48, 1, -1, 1)])

    def test_the_identity_of_before(self):
        """KIP-360: who names its identity goes on under the next epoch, and may repeat the request."""
        def act(_, holder):
            one, two = holder(), holder()
            found = [one.init()]
            known = one.producer, 0
            found += [one.init(known=known), one.init(known=known), one.init(known=(known[0] + 1, 1))[0],
                      one.init(known=(known[0], 7))[0], two.init(), one.init(known=(known[0], 1))[0]]
            return found + [one.init_once(known=(known[0], -1))[0]]

        self.both(act, [(NONE, 0), (NONE, 1), (NONE, 1), FENCED, FENCED, (NONE, 2), FENCED, 42])

    def test_the_identity_of_before_while_a_transaction_is_open(self):
        def act(_, holder):
            one = holder()
            found = [one.init(), one.add([(self.topic, 0)]), one.produce(self.topic)]
            known = one.producer, one.epoch
            return found + [one.init_once(known=known)[0], one.init(known=known)]

        self.both(act, [(NONE, 0), [NONE], (NONE, 0), CONCURRENT, (NONE, 1)])

    def test_a_marker_without_data_fences(self):
        def act(connection, holder):
            zombie, owner = holder(), holder()
            found = [zombie.init(), zombie.produce(self.topic, 2, plain=True), owner.init(),
                     zombie.produce(self.topic, 2, plain=True), owner.add([(self.topic, 0)]), owner.abort()]
            # The end is over when the next one may begin.
            found += [owner.add([(self.topic, 1)]), owner.abort(), owner.init()]
            found += [zombie.produce(self.topic, plain=True), zombie.produce(self.topic, partition=1, plain=True)]
            owner.epoch = 1
            found += [owner.produce(self.topic, plain=True, sequence=4), owner.produce(self.topic, plain=True, sequence=0),
                      owner.produce(self.topic, plain=True, sequence=0)]
            return found + [[epoch for _, _, _, epoch, _, _ in fetched(connection, self.topic, READ_COMMITTED)["batches"]]]

        self.both(act, [(NONE, 0), (NONE, 0), (NONE, 1), (NONE, 2), [NONE], NONE, [NONE], NONE, (NONE, 2),
                        (INVALID_EPOCH, -1), (INVALID_EPOCH, -1), (OUT_OF_ORDER, -1), (NONE, 5), (NONE, 5), [0, 0, 1, 1]])

    def test_ends_and_what_may_be_written(self):
        def act(connection, holder):
            one = holder()
            found = [one.init(), one.commit(), one.abort(), one.produce(self.topic)[0], one.add([(self.topic, 0)]),
                     one.produce(self.topic, 2), one.produce(self.topic, plain=True)[0],
                     one.produce(self.topic, partition=1)[0]]
            found += [end_offset(connection, self.topic, READ_COMMITTED), end_offset(connection, self.topic, READ_UNCOMMITTED)]
            found += [one.commit(), one.commit(), one.abort(), one.produce(self.topic, plain=True),
                      end_offset(connection, self.topic, READ_COMMITTED), one.produce(self.topic)[0]]
            found += [one.add([(self.topic, 0)]), one.produce(self.topic), one.abort(), one.abort(), one.commit()]
            return found

        self.both(act, [(NONE, 0), INVALID_STATE, INVALID_STATE, INVALID_STATE, [NONE], (NONE, 0), INVALID_STATE,
                        INVALID_STATE, 0, 2, NONE, NONE, INVALID_STATE, (NONE, 3), 4, INVALID_STATE, [NONE], (NONE, 4), NONE,
                        NONE, INVALID_STATE])

    def test_partitions_that_do_not_exist(self):
        def act(_, holder):
            one = holder()
            one.init()
            return [one.add([(self.topic, 0), (self.topic, 9), ("nothing", 0)]), one.commit()]

        self.both(act, [[NOT_ATTEMPTED, UNKNOWN_TOPIC, UNKNOWN_TOPIC], INVALID_STATE])

    def test_offsets(self):
        def act(connection, holder):
            one = holder()
            one.init()
            group = self.topic
            found = [one.commit_offset(group, self.topic, 1), one.add_offsets(group),
                     one.commit_offset(group, self.topic, 1), one.commit_offset(group, "nothing", 1),
                     committed_offset(connection, group, self.topic), one.commit()]
            # A second transaction can begin when the first one is over.
            found += [one.add_offsets(group), committed_offset(connection, group, self.topic),
                      one.commit_offset(group, self.topic, 5), one.abort(), one.add_offsets(group),
                      committed_offset(connection, group, self.topic)]
            one.epoch = 7
            return found + [one.commit_offset(group, self.topic, 1)]

        self.both(act, [INVALID_STATE, NONE, NONE, UNKNOWN_TOPIC, (UNSTABLE, -1), NONE, NONE, (NONE, 1), NONE, NONE, NONE,
                        (NONE, 1), INVALID_EPOCH])

    def test_ends_that_bump_the_epoch(self):
        def act(connection, holder):
            one = holder()
            found = [one.init(), one.end_bumping(1), one.add([(self.topic, 0)]), one.produce(self.topic, 2),
                     one.end_bumping(1), one.end_bumping(1), one.end_bumping(0)]
            one.epoch, one.sequence = 1, 0
            found += [one.end_bumping(1), one.end_bumping(0)]
            one.epoch = 2
            found += [one.add([(self.topic, 0)]), one.produce(self.topic), one.end_bumping(0), one.commit()]
            return found + [(base, attributes, epoch) for base, attributes, _, epoch, _, _ in
                            fetched(connection, self.topic, READ_UNCOMMITTED)["batches"]]

        self.both(act, [(NONE, 0), (INVALID_STATE, False, -1), [NONE], (NONE, 0), (NONE, True, 1), (NONE, True, 1),
                        (INVALID_STATE, False, -1), (INVALID_STATE, False, -1), (NONE, True, 2), [NONE], (NONE, 3),
                        (NONE, True, 3), FENCED, (0, 16, 0), (2, 48, 1), (3, 16, 2), (4, 48, 3)])


if __name__ == "__main__":
    unittest.main()
