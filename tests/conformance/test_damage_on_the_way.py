"""What is damaged between the disks, by a network that lets it through, is asked for or sent again."""

from .batches import Batches
from .lab import KAFKA_VERSION
from .lab_versions import running
from .longhaul import Longhaul, properties
from .tools import KafkaTool, batch, record
from .wire import FETCH, PRODUCE
from .wire_tap import tapped_cluster


class DamageOnTheWayTest(Batches):
    @classmethod
    def setUpClass(cls):
        cls.a, cls.b = cls.enterClassContext(running(*(tapped_cluster(name, KAFKA_VERSION) for name in "AB")))
        cls.tool = cls.enterClassContext(KafkaTool())

    def flow(self, alias, topics, settings=None):
        return properties({alias: self.a.tapped, "B": self.b.tapped}, {f"{alias}->B": topics}, settings)

    # Of the value of a batch's first record.
    VALUE_AT = 69

    def check_bits(self, alias, tap, api, is_answer, place=VALUE_AT, mask=1):
        """The bits `mask` of the byte at `place` of a batch, counted from its base offset."""
        self.tool.create_topic(self.a, alias, 1)

        def write(number):
            records = [record(b"%d-%d" % (number, i), b"the value %d" % number) for i in range(10)]
            self.tool.produce(self.a, alias, [batch(records)])

        with Longhaul(self.flow(alias, alias)) as run:
            for number in range(5):
                write(number)
            self.wait_held(self.b, f"{alias}.{alias}", 1, 50, run=run)
            tap.damage_once(api, is_answer, b"the value 6", place - self.VALUE_AT, mask)
            for number in range(5, 9):
                write(number)
            self.wait_held(self.b, f"{alias}.{alias}", 1, 90, run=run)
            self.assertEqual(tap.damaged, 1)
            run.terminate()
            self.assertEqual(run.process.wait(20), 0, run.tail())
            self.assertEqual(run.matching("partition stopped"), [], run.tail())
            self.assertEqual(run.summary()["flows"][0]["corrupt_batches_skipped"], 0)
            self.check_no_crash(run)
        self.assertEqual(self.assert_same(alias, f"{alias}.{alias}", readers=("java", "franz-go"))[0][0], 90)
        self.assertEqual(self.verify(alias, alias).count(": same: 90 records"), 1)

    def test_one_bit_of_a_fetch(self):
        self.check_bits("fetched", self.a.tap, FETCH, True)

    def test_one_bit_of_a_produce_request(self):
        self.check_bits("produced", self.b.tap, PRODUCE, False)

    def test_a_header_that_tells_of_nothing_to_copy(self):
        """A control bit that was set, and a count of ten records that became 0."""
        for alias, place, mask in (("marker", 22, 0x20), ("nothing", 60, 10)):
            with self.subTest(alias):
                self.check_bits(alias, self.a.tap, FETCH, True, place, mask)
