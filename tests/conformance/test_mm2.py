"""Longhaul and MirrorMaker 2 4.3.1 take over from each other through mm2-offsets.<source>.internal."""

import json

from .lab import java_command, kafka_classpath
from .longhaul import Longhaul, TwoClusters
from .processes import Process, remove_directory, work_directory

PARTITIONS = 3
ROUND = 3000


class MirrorMaker:
    """MirrorMaker 2 in dedicated mode on the given configuration."""

    def __init__(self, config):
        self.directory = work_directory("mm2")
        path = self.directory / "mm2.properties"
        path.write_text(config)
        self.process = Process(
            "MirrorMaker 2", java_command(kafka_classpath(), "org.apache.kafka.connect.mirror.MirrorMaker", [str(path)],
                                          heap="512m", defines=["-Dorg.slf4j.simpleLogger.defaultLogLevel=warn"]),
            self.directory / "mm2.log")

    def stop(self):
        """An orderly stop: MirrorMaker commits its offsets."""
        code = self.process.stop(60)
        remove_directory(self.directory)
        return code


class TakeOverTest(TwoClusters):
    def test_mm2_longhaul_mm2_longhaul(self):
        self.tool.create_topic(self.a, "shared", PARTITIONS)
        config = self.flow("A", "shared", {"B->A.emit.heartbeats.enabled": "false", "B.offset.flush.interval.ms": "1000"})
        written = 0
        for number, program in enumerate(("mm2", "longhaul", "mm2", "longhaul")):
            written += ROUND
            self.tool.bulk(self.a, "shared", ROUND, partitions=PARTITIONS, linger_ms=5, batch_size=16384, seed=number)
            if program == "mm2":
                mirror = MirrorMaker(config)
                try:
                    self.wait_held(self.b, "A.shared", PARTITIONS, written, seconds=120)
                finally:
                    mirror.stop()
            else:
                with Longhaul(config, "--until-caught-up") as run:
                    self.assertEqual(run.process.wait(60), 0, run.tail())
                    self.check_no_crash(run)
            with self.subTest(round=number, program=program):
                self.assertEqual(self.held(self.b, "A.shared", PARTITIONS), written)
                self.assert_same("shared", "A.shared", readers=("java",))
                self.assertEqual(self.stored_offsets(), self.last_offsets())

    def last_offsets(self):
        return {partition: end - 1 for partition, (_, end) in self.tool.offsets(self.a, "shared").items()}

    def stored_offsets(self):
        """What mm2-offsets.A.internal holds, by the exact bytes of MirrorMaker's keys and values."""
        stored = {}
        for entry in self.tool.dump(self.b, "mm2-offsets.A.internal"):
            for partition in range(PARTITIONS):
                key = f'["MirrorSourceConnector",{{"cluster":"A","partition":{partition},"topic":"shared"}}]'
                if entry["key"] == key.encode():
                    value = json.loads(entry["value"])
                    self.assertEqual(entry["value"], f'{{"offset":{value["offset"]}}}'.encode())
                    stored[partition] = value["offset"]
        return stored
