"""The sandbox refuses what Kafka refuses: the same requests to both, the same codes, the same log afterwards."""

import struct
import unittest

from .lab import KafkaCluster
from .processes import wait_until
from .refusals import (
    CASES, INVALID_PRODUCER_ID_MAPPING, TRANSACTIONAL_BATCH, TRANSACTIONAL_ID_AUTHORIZATION_FAILED)
from .sandbox import Sandbox
from .tools import KafkaTool
from .wire import API_VERSIONS, PRODUCE, TRANSACTIONAL, Closed, Connection, batch, batch_spans, string

FIND_COORDINATOR = 10
KAFKA, SANDBOX = "Kafka", "sandbox"


class RefusalsTest(unittest.TestCase):
    maxDiff = 4000

    @classmethod
    def setUpClass(cls):
        kafka = cls.enterClassContext(KafkaCluster("refusals"))
        sandbox = cls.enterClassContext(Sandbox("refusals"))
        tool = cls.enterClassContext(KafkaTool())
        cls.addresses = {KAFKA: kafka.bootstrap, SANDBOX: sandbox.cluster("refusals").bootstrap}
        cls.topics = {case.name: f"case-{number}" for number, case in enumerate(CASES)}
        for address in cls.addresses.values():
            for case in CASES:
                tool.create_topic(address, cls.topics[case.name], configs=case.configs)
            tool.create_topic(address, "two", 2)
            with Connection(address) as connection:
                wait_until(lambda: cls.has_offsets_topic(connection), 60, f"the offsets topic of {address}")
                for topic in [*cls.topics.values(), "two"]:
                    wait_until(lambda: cls.is_led(connection, topic), 60, f"a leader of {topic} at {address}")

    @staticmethod
    def has_offsets_topic(connection):
        """Asking for the coordinator of a group makes the topic."""
        answer = connection.request(FIND_COORDINATOR, 2, string("some-group") + b"\0")
        answer.take("i")
        return answer.take("h") == 0

    @staticmethod
    def is_led(connection, topic):
        try:
            return connection.log(topic) is not None
        except ValueError:
            return False

    def outcome(self, address, case):
        """What each request of a case was answered with, and the log that it left behind."""
        found = []
        with Connection(address) as connection:
            for send in case.sends:
                topic = send.topic or self.topics[case.name]
                try:
                    answer = connection.produce({(topic, send.partition): send.data}, **send.arguments)[
                        topic, send.partition]
                except Closed:
                    found.append("closed")
                    break
                found.append({"error": answer.error, "base_offset": answer.base_offset,
                              "log_start_offset": answer.log_start_offset,
                              "has_append_time": answer.log_append_time >= 0,
                              "records": [index for index, _ in answer.record_errors]})
        with Connection(address) as connection:
            log = connection.log(self.topics[case.name])
        return found, [self.comparable(base, whole, case) for base, whole, _ in batch_spans(log)]

    @staticmethod
    def comparable(base, whole, case):
        """Everything of a stored batch; the checksum covers the clock where a broker writes it into the batch."""
        if case.appends_now:
            return base, whole[21:35], whole[43:]
        return base, whole[12:]

    def test_every_produced_batch_is_judged_as_kafka_does(self):
        with Connection(self.addresses[SANDBOX]) as connection:
            oldest = connection.api_versions()[PRODUCE][0]
        for case in CASES:
            if case.oldest_version < oldest:
                continue
            with self.subTest(case.name):
                kafka, kafka_log = self.outcome(self.addresses[KAFKA], case)
                sandbox, sandbox_log = self.outcome(self.addresses[SANDBOX], case)
                self.assertEqual([one["error"] for one in kafka], [send.expected for send in case.sends],
                                 "what Kafka answers")
                self.assertEqual(sandbox, kafka)
                self.assertEqual(sandbox_log, kafka_log)

    def both(self, act):
        """What `act(connection)` gives on Kafka and on the sandbox."""
        found = {}
        for name, address in self.addresses.items():
            with Connection(address) as connection:
                try:
                    found[name] = act(connection)
                except Closed:
                    found[name] = "closed"
        self.assertEqual(found[SANDBOX], found[KAFKA])
        return found[KAFKA]

    def errors(self, *arguments, **more):
        return self.both(lambda connection: {
            key: answer.error for key, answer in connection.produce(*arguments, **more).items()})

    def test_a_transactional_batch_needs_a_transactional_id(self):
        """The whole request is refused, also the partition whose batch is an ordinary one."""
        refused = TRANSACTIONAL_ID_AUTHORIZATION_FAILED
        self.assertEqual(self.errors({("two", 0): TRANSACTIONAL_BATCH, ("two", 1): batch()}),
                         {("two", 0): refused, ("two", 1): refused})

    def test_a_request_is_of_one_transactional_producer(self):
        other = batch(attributes=TRANSACTIONAL, producer_id=8, producer_epoch=0, base_sequence=0)
        self.assertEqual(
            set(self.errors({("two", 0): TRANSACTIONAL_BATCH, ("two", 1): other}, transactional_id="t").values()),
            {INVALID_PRODUCER_ID_MAPPING})

    def test_partitions_of_a_request_are_judged_one_by_one(self):
        found = self.errors({("two", 0): batch(), ("two", 1): batch(crc=1), ("two", 9): batch()})
        self.assertEqual(found, {("two", 0): 0, ("two", 1): 2, ("two", 9): 3})

    def test_a_frame_that_is_too_large_closes_the_connection(self):
        def send(connection):
            connection.send(struct.pack(">i", 104_857_601) + b"\0" * 100)
            return connection.receive(4)

        self.assertEqual(self.both(send), "closed")

    def test_a_negative_frame_size_closes_the_connection(self):
        def send(connection):
            connection.send(struct.pack(">i", -1) + b"\0" * 100)
            return connection.receive(4)

        self.assertEqual(self.both(send), "closed")

    def test_what_is_no_request_closes_the_connection(self):
        for name, (api, version, body) in {
                "an API that does not exist": (9999, 0, b""), "a version that does not exist": (PRODUCE, 99, b""),
                "a body that is cut": (PRODUCE, 8, b"\0\1"), "an older version than any": (1, 0, b"")}.items():
            with self.subTest(name):
                self.assertEqual(self.both(lambda connection: connection.request(api, version, body).data), "closed")

    def test_an_unknown_version_of_api_versions_is_answered(self):
        """KIP-511: with version 0 and UNSUPPORTED_VERSION, as long as the header is one; its tag section is empty."""
        found = self.both(lambda connection: connection.request(API_VERSIONS, 99, b"\0").take("h"))
        self.assertEqual(found, 35)


if __name__ == "__main__":
    unittest.main()
