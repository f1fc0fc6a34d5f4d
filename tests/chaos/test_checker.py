"""The judge of a run is judged first: each kind of difference is found, and a run in which too little broke is none."""

import array
import importlib.machinery
import importlib.util
import pathlib
import random
import unittest

from conformance.sandbox import Sandbox
from conformance.test_readers import BASE, DIFFERENCES
from conformance.tools import KafkaTool, batch

from .records import Difference, compare, difference

HERE = pathlib.Path(__file__).resolve().parent


def load_run():
    loader = importlib.machinery.SourceFileLoader("chaos_run", str(HERE / "run"))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader("chaos_run", loader))
    loader.exec_module(module)
    return module


class DifferenceTest(unittest.TestCase):
    """Records are numbers here, as the reader's hashes are."""

    def check(self, target, source=range(10, 20), **expected):
        source = array.array("Q", source)
        found = difference(source, array.array("Q", target))
        self.assertEqual(found, Difference(records=len(source), **expected))
        self.assertEqual(found.clean(), not expected)

    def test_the_same(self):
        self.check(range(10, 20))
        self.check([], source=[])
        self.check([7, 7, 8], source=[7, 7, 8])

    def test_lost(self):
        self.check([10, 11, 12, *range(14, 20)], lost=1)
        self.check(range(10, 19), lost=1)
        self.check([], lost=10)
        self.check([7, 8], source=[7, 7, 8], lost=1)

    def test_duplicated(self):
        self.check([10, 10, *range(11, 20)], duplicates=1)
        self.check([*range(10, 20), *range(15, 20)], duplicates=5)
        self.check([7, 7, 7, 8], source=[7, 7, 8], duplicates=1)

    def test_reordered(self):
        self.check([11, 10, *range(12, 20)], reordered=1)
        self.check([*range(15, 20), *range(10, 15)], reordered=1)
        self.check([8, 7, 7], source=[7, 7, 8], reordered=1)

    def test_altered(self):
        self.check([99, *range(11, 20)], lost=1, foreign=1)
        self.check([*range(10, 20), 99], foreign=1)

    def test_all_at_once(self):
        self.check([11, 10, 10, 99, *range(13, 20)], lost=1, duplicates=1, foreign=1, reordered=1)

    def test_differences_add_up(self):
        total = Difference(records=5, lost=1)
        total.add(Difference(records=6, duplicates=2, foreign=3, reordered=4))
        self.assertEqual(total, Difference(11, 1, 2, 3, 4))


class LogsTest(unittest.TestCase):
    """The whole way: real logs, read by franz-go."""

    FOUND = {"missing-last": {"lost": 1}, "missing-middle": {"lost": 1}, "extra": {"duplicates": 1},
             "swapped-pair": {"reordered": 1}}

    @classmethod
    def setUpClass(cls):
        cls.sandbox = cls.enterClassContext(Sandbox("A", "B"))
        cls.a, cls.b = cls.sandbox.cluster("A"), cls.sandbox.cluster("B")
        cls.tool = cls.enterClassContext(KafkaTool(heap="128m"))
        cls.fill(cls.a, "source", BASE)

    @classmethod
    def fill(cls, cluster, topic, records):
        """The records in both of two partitions, a batch for each."""
        cls.tool.create_topic(cluster, topic, 2)
        cls.tool.produce(cluster, topic, [batch(records, 0), batch(BASE, 1)])

    def test_each_difference_between_two_records(self):
        for name, records in DIFFERENCES.items():
            with self.subTest(name):
                self.fill(self.b, name, records)
                found = compare(self.a.bootstrap, self.b.bootstrap, "source", name)
                # What is altered is a record lost and one that nobody wrote.
                expected = self.FOUND.get(name, {"lost": 1, "foreign": 1})
                self.assertEqual(found, Difference(records=2 * len(BASE), **expected))

    def test_the_same_in_other_batches(self):
        self.tool.create_topic(self.b, "same", 2)
        self.tool.produce(self.b, "same", [batch(BASE[:2], 0), batch(BASE[2:], 0), batch(BASE, 1)])
        found = compare(self.a.bootstrap, self.b.bootstrap, "source", "same")
        self.assertEqual(found, Difference(records=2 * len(BASE)))

    def test_a_partition_without_records(self):
        self.tool.create_topic(self.b, "half", 2)
        self.tool.produce(self.b, "half", [batch(BASE, 0)])
        found = compare(self.a.bootstrap, self.b.bootstrap, "source", "half")
        self.assertEqual(found, Difference(records=2 * len(BASE), lost=len(BASE)))


class RunTest(unittest.TestCase):
    ENOUGH = {"kills": 15, "broker_kills": 10, "stalls": 5}

    @classmethod
    def setUpClass(cls):
        cls.script = load_run()

    def test_too_little_is_said(self):
        enough = self.script.Done(**self.ENOUGH)
        self.assertEqual(self.script.too_little(enough, 1_000_000, 5), [])
        self.assertEqual(len(self.script.too_little(enough, 999_999, 5)), 1)
        for name, least in self.ENOUGH.items():
            done = self.script.Done(**{**self.ENOUGH, name: least - 1})
            self.assertEqual(len(self.script.too_little(done, 1_000_000, 5)), 1, name)
        self.assertEqual(len(self.script.too_little(enough, 1_000_000, 60)), 4)

    def test_a_deck_deals_every_kind_as_often_as_it_holds_it(self):
        for seed in range(20):
            deck = self.script.Deck(random.Random(seed), "pause", "kill", "kill", "kill", "kill")
            dealt = [deck.deal() for _ in range(9)]
            self.assertEqual(dealt[:5].count("kill"), 4)
            self.assertGreaterEqual(dealt.count("kill"), 7)
