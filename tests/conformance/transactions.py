"""A transactional producer in single requests, with any client's freedom: what test_transactions.py sends to both."""

import struct
import time

from .processes import LabError
from .wire import FETCH, TRANSACTIONAL, batch, batch_spans, string

LIST_OFFSETS, FIND_COORDINATOR, INIT_PRODUCER_ID, ADD_PARTITIONS, ADD_OFFSETS, END = 2, 10, 22, 24, 25, 26
TXN_OFFSET_COMMIT, OFFSET_FETCH = 28, 9
NONE, LOADING, NOT_AVAILABLE, NOT_COORDINATOR, NOT_ENOUGH_REPLICAS, CONCURRENT = 0, 14, 15, 16, 19, 51
BUSY = (LOADING, NOT_AVAILABLE, NOT_COORDINATOR, NOT_ENOUGH_REPLICAS, CONCURRENT)
READ_UNCOMMITTED, READ_COMMITTED = 0, 1


def settled(act, error=lambda answer: answer, seconds=60):
    """What `act()` answers once its error is none of those that ask to come again: Kafka ends transactions later than it
    answers, a sandbox at once."""
    deadline = time.monotonic() + seconds
    while True:
        answer = act()
        if error(answer) not in BUSY:
            return answer
        if time.monotonic() > deadline:
            raise LabError(f"still busy: {answer}")
        time.sleep(0.05)


def compact(text):
    """A flexible string of less than 127 bytes."""
    return bytes([len(text) + 1]) + text.encode()


class Holder:
    """Who holds a transactional id, or believes to. Versions without tagged fields, as far as they go."""

    def __init__(self, connection, transactional_id):
        self.connection = connection
        self.id = transactional_id
        self.producer = -1
        self.epoch = -1
        self.sequence = 0

    def init_once(self, timeout_ms=60_000, known=None):
        """(error, producer id, epoch) of one InitProducerId 4; `known` is the identity of before (KIP-360)."""
        producer, epoch = known or (-1, -1)
        answer = self.connection.request(INIT_PRODUCER_ID, 4, compact(self.id) + struct.pack(">iqhb", timeout_ms, producer,
                                                                                      epoch, 0), flexible=True)
        answer.take("i")
        return answer.take("hqh")

    def init(self, **arguments):
        """The error of InitProducerId, and the epoch that came; takes the identity over."""
        error, producer, epoch = settled(lambda: self.init_once(**arguments), lambda answer: answer[0])
        if error == NONE:
            self.producer, self.epoch, self.sequence = producer, epoch, 0
        return error, epoch

    def _owner(self):
        return string(self.id) + struct.pack(">qh", self.producer, self.epoch)

    def add(self, parts, version=2):
        """The errors of AddPartitionsToTxn, in the order of `parts`: [(topic, partition), ...]."""
        def once():
            body = self._owner() + struct.pack(">i", len(parts))
            for topic, partition in parts:
                body += string(topic) + struct.pack(">ii", 1, partition)
            answer, found = self.connection.request(ADD_PARTITIONS, version, body), {}
            answer.take("i")
            for _ in range(answer.take("i")):
                topic = answer.string()
                for _ in range(answer.take("i")):
                    partition, error = answer.take("ih")
                    found[topic, partition] = error
            return [found[part] for part in parts]

        return settled(once, lambda errors: errors[0])

    def add_offsets(self, group, version=2):
        def once():
            answer = self.connection.request(ADD_OFFSETS, version, self._owner() + string(group))
            return answer.take("ih")[1]

        return settled(once)

    def commit_offset(self, group, topic, offset):
        def once():
            body = string(self.id) + string(group) + struct.pack(">qhi", self.producer, self.epoch, 1)
            body += string(topic) + struct.pack(">iiqi", 1, 0, offset, -1) + string("")
            answer = self.connection.request(TXN_OFFSET_COMMIT, 2, body)
            answer.take("ii")
            answer.string()
            return answer.take("iih")[2]

        return settled(once)

    def produce(self, topic, count=1, partition=0, plain=False, sequence=None, **fields):
        """(error, base offset) of one batch; the sequence goes on where it was taken."""
        data = batch(count=count, attributes=0 if plain else TRANSACTIONAL, producer_id=self.producer,
                     producer_epoch=self.epoch, base_sequence=self.sequence if sequence is None else sequence, **fields)

        def once():
            answer = self.connection.produce({(topic, partition): data},
                                             transactional_id=None if plain else self.id)[topic, partition]
            return answer.error, answer.base_offset

        error, base = settled(once, lambda answer: answer[0])
        if error == NONE and sequence is None:
            self.sequence += count
        return error, base

    def end(self, committed, version=2):
        return settled(lambda: self.connection.request(
            END, version, self._owner() + struct.pack(">b", committed)).take("ih")[1])

    def commit(self, version=2):
        return self.end(1, version)

    def abort(self, version=2):
        return self.end(0, version)

    def end_bumping(self, committed):
        """(error, whether the producer id is the same, epoch) of EndTxn 5, which begins the next transaction's epoch."""
        def once():
            body = compact(self.id) + struct.pack(">qhbb", self.producer, self.epoch, committed, 0)
            answer = self.connection.request(END, 5, body, flexible=True)
            answer.take("i")
            return answer.take("hqh")

        error, producer, epoch = settled(once, lambda answer: answer[0])
        return error, producer == self.producer, epoch


def find_coordinator(connection, key, key_type):
    """(error, whether a broker is named)."""
    answer = connection.request(FIND_COORDINATOR, 2, string(key) + struct.pack(">b", key_type))
    answer.take("i")
    error = answer.take("h")
    answer.string()
    return error, answer.take("i") >= 0


def committed_offset(connection, group, topic):
    """(error, offset) that the group has committed for partition 0; waits for transactions (KIP-447)."""
    body = compact(group) + b"\2" + compact(topic) + b"\2" + struct.pack(">i", 0) + b"\0" + b"\1" + b"\0"
    answer = connection.request(OFFSET_FETCH, 7, body, flexible=True)
    answer.take("ib")
    answer.raw(answer.take("b") - 1)
    answer.take("bi")
    offset = answer.take("qi")[0]
    answer.raw(max(answer.take("b") - 1, 0))
    return answer.take("h"), offset


def end_offset(connection, topic, isolation):
    body = struct.pack(">ibi", -1, isolation, 1) + string(topic) + struct.pack(">iiq", 1, 0, -1)
    answer = connection.request(LIST_OFFSETS, 2, body)
    answer.take("ii")
    answer.string()
    return answer.take("iihqq")[4]


def fetched(connection, topic, isolation):
    """What fetches of partition 0 bring: last stable offset, aborted transactions as (producer id, first offset), and of
    each batch base offset, attributes, producer id, epoch, base sequence and number of records. A fetch ends with its
    segment, and a marker, being of today, begins a new one behind records of long ago."""
    aborted, batches, offset = [], [], 0
    while True:
        body = struct.pack(">iiiibii", -1, 0, 0, 50_000_000, isolation, 0, -1) + struct.pack(">i", 1) + string(topic)
        body += struct.pack(">iiiqqi", 1, 0, -1, offset, -1, 50_000_000) + struct.pack(">i", 0)
        answer = connection.request(FETCH, 10, body)
        answer.take("ihii")
        answer.string()
        _, _, error, _, stable, _ = answer.take("iihqqq")
        if error:
            raise LabError(f"Fetch: error {error}")
        aborted += [entry for entry in (answer.take("qq") for _ in range(max(answer.take("i"), 0))) if entry not in aborted]
        spans = list(batch_spans(answer.bytes()))
        if not spans:
            return {"stable": stable, "aborted": aborted, "batches": batches}
        batches += [(base, *struct.unpack_from(">h", whole, 21), *struct.unpack_from(">qhii", whole, 43))
                    for base, whole, _ in spans]
        offset = spans[-1][0] + spans[-1][2] + 1
