"""The target loses the tails of partitions that were replicated: they are replicated again, each record once."""

from .lab import KafkaCluster
from .lab_versions import running
from .longhaul import Longhaul
from .test_moves import MovesCase
from .tools import KafkaTool


class TargetElectionsTest(MovesCase):
    """A target of three brokers, one of which leads partitions whose last records it does not have."""

    @classmethod
    def setUpClass(cls):
        cls.a, cls.b = cls.enterClassContext(running(KafkaCluster("A"), KafkaCluster("B", brokers=3)))
        cls.tool = cls.enterClassContext(KafkaTool())

    def check_tails_lost(self, remote):
        self.assertEqual([len(self.keys(remote, partition)) for partition in range(3)], [100, 100, 150])

    def check_each_once(self, alias, topic, counts):
        self.assertEqual([self.keys(f"{alias}.{topic}", partition) for partition in range(3)],
                         [[*range(count)] for count in counts])
        self.assert_same(topic, f"{alias}.{topic}", readers=("java", "franz-go"))

    def test_what_an_unclean_election_cut_off_between_two_runs_is_replicated_again(self):
        """Behind runs that drained, one of them in transactions, and behind a killed one with an old position."""
        self.tool.create_topic(self.a, "tails", 3)
        self.produce_each("tails", 0, 100)
        runs = {}
        for alias, settings in (("drains", {}), ("dies", {"longhaul.position.flush.interval.ms": "3600000"}),
                                ("commits", {"B.exactly.once.source.support": "enabled"})):
            self.create_cut(self.b, f"{alias}.tails")
            runs[alias] = self.enterContext(Longhaul(self.flow(alias, "tails", {**self.THREE, **settings})))

        def held(count):
            for alias, run in runs.items():
                self.wait_held(self.b, f"{alias}.tails", 3, count, seconds=90, run=run)

        def write():
            self.produce_each("tails", 100, 150)
            held(450)
            self.end(runs["drains"])
            self.end(runs["commits"])
            runs["dies"].process.kill()

        held(300)
        self.elect_uncleanly(self.b, "drains.tails", write)
        for alias in runs:
            self.assertEqual(self.leaders(self.b, f"{alias}.tails")[:2], [1, 1])
            self.check_tails_lost(f"{alias}.tails")
        # Partition 0 goes on, partition 1 has nothing new.
        self.produce_each("tails", 150, 160, [0])
        for run in runs.values():
            run.start()
        held(460)
        for alias, run in runs.items():
            self.end(run)
            self.assertEqual(run.matching("partition stopped"), [], run.tail())
            self.check_each_once(alias, "tails", [160, 150, 150])

    def test_what_an_unclean_election_cuts_off_while_it_runs_is_replicated_again(self):
        self.tool.create_topic(self.a, "alive", 3)
        self.create_cut(self.b, "stays.alive")
        self.produce_each("alive", 0, 100)
        with Longhaul(self.flow("stays", "alive", self.THREE)) as run:
            def write():
                self.produce_each("alive", 100, 150)
                self.wait_held(self.b, "stays.alive", 3, 450, run=run)

            self.wait_held(self.b, "stays.alive", 3, 300, run=run)
            self.elect_uncleanly(self.b, "stays.alive", write)
            self.check_tails_lost("stays.alive")
            self.produce_each("alive", 150, 160, [0, 2])
            # A partition that is written notices by itself, another one at the next start.
            self.wait_held(self.b, "stays.alive", 3, 160 + 100 + 160, seconds=90, run=run)
            self.assertEqual(self.keys("stays.alive", 0), [*range(160)])
            self.end(run)
            run.start()
            self.wait_held(self.b, "stays.alive", 3, 160 + 150 + 160, seconds=90, run=run)
            self.end(run)
            self.assertEqual(run.matching("partition stopped"), [], run.tail())
        self.check_each_once("stays", "alive", [160, 150, 160])
