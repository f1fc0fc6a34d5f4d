"""Requests that a broker judges, each with what Kafka says: the table behind test_refusals.py.

A case is a list of Produce requests to topics of its own. The codes are those of Kafka 4.3.1 and of its protocol guide."""

from .wire import (
    CONTROL, DELETE_HORIZON, GZIP, LOG_APPEND_TIME, LZ4, SNAPPY, TRANSACTIONAL, ZSTD, batch, record, records)

NONE, UNKNOWN_SERVER_ERROR, CORRUPT_MESSAGE, UNKNOWN_TOPIC = 0, -1, 2, 3
MESSAGE_TOO_LARGE, INVALID_TOPIC, RECORD_LIST_TOO_LARGE, INVALID_REQUIRED_ACKS = 10, 17, 18, 21
INVALID_TIMESTAMP, OUT_OF_ORDER, INVALID_PRODUCER_EPOCH, INVALID_PRODUCER_ID_MAPPING = 32, 45, 47, 49
TRANSACTIONAL_ID_AUTHORIZATION_FAILED, UNSUPPORTED_COMPRESSION_TYPE, INVALID_RECORD = 53, 76, 87

HOUR_MS = 3_600_000


class Send:
    """One Produce request with one batch for one partition of the case's topic; `expected` is its error code."""

    def __init__(self, expected, data, partition=0, topic=None, **arguments):
        self.expected = expected
        self.data = data
        self.partition = partition
        self.topic = topic
        self.arguments = arguments


class Case:
    """`appends_now`: the log holds the broker's clock, so that only what does not depend on it is compared."""

    def __init__(self, name, *sends, appends_now=False, oldest_version=7, **configs):
        self.name = name
        self.sends = sends
        self.configs = {key.replace("_", "."): str(value) for key, value in configs.items()}
        self.appends_now = appends_now
        self.oldest_version = oldest_version


def one(name, expected, data, **more):
    configs = {key: more.pop(key) for key in list(more) if key not in ("partition", "topic", "acks", "version",
                                                                      "transactional_id")}
    return Case(name, Send(expected, data, **more), **configs)


def stamped(sequence, count=1, epoch=0, producer=4242, **fields):
    return batch(count=count, producer_id=producer, producer_epoch=epoch, base_sequence=sequence, **fields)


def damaged(data, position):
    return data[:position] + bytes([data[position] ^ 0xFF]) + data[position + 1:]


SPARSE = record(0) + record(3) + record(5)
REQUESTS = [
    one("plain batch", NONE, batch(count=3)),
    one("acks 2", INVALID_REQUIRED_ACKS, batch(), acks=2),
    one("acks 1", NONE, batch(), acks=1),
    one("acks -2", INVALID_REQUIRED_ACKS, batch(), acks=-2),
    one("unknown topic", UNKNOWN_TOPIC, batch(), topic="there-is-no-such-topic"),
    one("unknown partition", UNKNOWN_TOPIC, batch(), partition=7),
    one("negative partition", UNKNOWN_TOPIC, batch(), partition=-1),
    one("offsets topic", INVALID_TOPIC, batch(), topic="__consumer_offsets"),
    one("empty records", INVALID_RECORD, b""),
    one("five bytes", INVALID_RECORD, b"\0" * 5),
    one("half a batch", INVALID_RECORD, batch(count=5)[:-10]),
    one("two batches", INVALID_RECORD, batch() + batch()),
    one("three batches", INVALID_RECORD, batch() + batch() + batch()),
    one("batch and fragment", NONE, batch(count=2) + batch()[:40]),
    one("batch and five zeros", NONE, batch(count=2) + b"\0" * 5),
    one("batch and twenty zeros", CORRUPT_MESSAGE, batch(count=2) + b"\0" * 20),
    one("magic 0", INVALID_RECORD, batch(magic=0)),
    one("magic 1", INVALID_RECORD, batch(magic=1)),
    one("magic 3", CORRUPT_MESSAGE, batch(magic=3)),
    one("negative magic", CORRUPT_MESSAGE, batch(magic=-1)),
    one("length 0", CORRUPT_MESSAGE, batch(length=0)),
    one("length 13", CORRUPT_MESSAGE, batch(length=13)),
    one("negative length", CORRUPT_MESSAGE, batch(length=-1)),
    one("zstd in version 6", UNSUPPORTED_COMPRESSION_TYPE, batch(attributes=ZSTD), version=6, oldest_version=6),
    Case("unallocated producer id", Send(NONE, stamped(777, producer=987_654))),
    Case("first batch wrong, second right", Send(INVALID_RECORD, batch(base_offset=500)), Send(NONE, batch())),
]

BATCHES = [
    one("base offset 500", INVALID_RECORD, batch(base_offset=500)),
    one("negative base offset", INVALID_RECORD, batch(base_offset=-1)),
    one("leader epoch 77", NONE, batch(leader_epoch=77)),
    one("largest batch", NONE, batch(records(value=b"x" * 916), count=1), max_message_bytes=1000),
    one("too large by far", MESSAGE_TOO_LARGE, batch(records(value=b"x" * 2000)), max_message_bytes=1000),
    one("compressed size counts", NONE, batch(records(value=b"x" * 2000), attributes=GZIP), max_message_bytes=1000),
    one("wrong checksum", CORRUPT_MESSAGE, batch(count=3, crc=1)),
    one("damaged value", CORRUPT_MESSAGE, damaged(batch(count=3), 75)),
    one("shorter than a header", CORRUPT_MESSAGE, batch(b"", length=40)[:52]),
    one("last offset delta negative", INVALID_RECORD, batch(last_offset_delta=-2)),
    one("last offset delta largest", INVALID_RECORD, batch(last_offset_delta=2**31 - 1)),
    one("no records", INVALID_RECORD, batch(b"", count=0)),
    one("no records, delta 0", INVALID_RECORD, batch(b"", count=0, last_offset_delta=0)),
    one("negative count", INVALID_RECORD, batch(records_count=-1)),
    one("range above count", INVALID_RECORD, batch(SPARSE, count=3, last_offset_delta=5)),
    one("range below count", INVALID_RECORD, batch(count=3, last_offset_delta=1)),
    one("control batch", INVALID_RECORD, batch(attributes=CONTROL)),
    one("producer id without sequence", INVALID_RECORD, batch(producer_id=5, producer_epoch=0)),
    one("delete horizon", NONE, batch(attributes=DELETE_HORIZON)),
    one("high attribute bits", NONE, batch(attributes=0x5500)),
    one("larger than a segment", RECORD_LIST_TOO_LARGE, batch(records(value=b"x" * 1_100_000)),
        segment_bytes=1_048_576, max_message_bytes=2_000_000),
]

RECORDS = [
    one("payload with a record too many", INVALID_RECORD, batch(records(4), count=3)),
    one("payload with a record too few", INVALID_RECORD, batch(records(2), count=3)),
    one("gzip with a record too many", INVALID_RECORD, batch(records(4), count=3, attributes=GZIP)),
    one("gzip with a record too few", INVALID_RECORD, batch(records(2), count=3, attributes=GZIP)),
    one("payload cut in a record", INVALID_RECORD, batch(records(3)[:-1], count=3)),
    one("record with a negative length", INVALID_RECORD, batch(b"\x01" + records(1)[1:])),
    one("record with a length beyond the end", INVALID_RECORD, batch(b"\x7e" + records(1)[1:])),
    one("null key, compacted", INVALID_RECORD, batch(record(0) + record(1, key=None) + record(2), count=3),
        cleanup_policy="compact"),
    one("null key, compacted and deleted", INVALID_RECORD, batch(records(key=None)), cleanup_policy="compact,delete"),
    one("null key, gzip, compacted", INVALID_RECORD, batch(records(key=None), attributes=GZIP),
        cleanup_policy="compact"),
    one("tombstone, compacted", NONE, batch(records(value=None)), cleanup_policy="compact"),
    one("an hour ahead is too far", INVALID_TIMESTAMP, batch(timestamp=4_000_000_000_000)),
    one("one of three ahead", INVALID_TIMESTAMP,
        batch(record(0) + record(1, timestamp_delta=3_000_000_000_000) + record(2), count=3)),
    one("ahead where that is allowed", NONE, batch(timestamp=4_000_000_000_000),
        message_timestamp_after_max_ms=2**63 - 1),
    one("too long ago", INVALID_TIMESTAMP, batch(timestamp=1_000_000_000_000), message_timestamp_before_max_ms=HOUR_MS),
    one("1970", NONE, batch(timestamp=0)),
    one("no timestamp", NONE, batch(timestamp=-1), message_timestamp_before_max_ms=HOUR_MS),
    one("ahead, append time", NONE, batch(timestamp=4_000_000_000_000), message_timestamp_type="LogAppendTime",
        appends_now=True),
    one("append time bit, append time topic", INVALID_TIMESTAMP, batch(attributes=LOG_APPEND_TIME),
        message_timestamp_type="LogAppendTime"),
    one("append time bit, create time topic", NONE,
        batch(record(0) + record(1, timestamp_delta=5), count=2, attributes=LOG_APPEND_TIME,
              max_timestamp=1_700_000_009_000)),
    one("plain batch, append time topic", NONE, batch(count=2), message_timestamp_type="LogAppendTime",
        appends_now=True),
    one("wrong largest timestamp", NONE,
        batch(record(0) + record(1, timestamp_delta=50), count=2, max_timestamp=1_700_000_777_777)),
    one("wrong largest timestamp, gzip", NONE,
        batch(record(0) + record(1, timestamp_delta=50), count=2, max_timestamp=1_700_000_777_777, attributes=GZIP)),
    one("sparse as if dense", NONE, batch(SPARSE, count=3)),
    one("sparse as if dense, gzip", UNKNOWN_SERVER_ERROR, batch(SPARSE, count=3, attributes=GZIP)),
]

SEQUENCES = [
    Case("in order", Send(NONE, stamped(0, 3)), Send(NONE, stamped(3, 2)), Send(NONE, stamped(5))),
    Case("a gap", Send(NONE, stamped(0, 3)), Send(OUT_OF_ORDER, stamped(4)), Send(NONE, stamped(3))),
    Case("again at once", Send(NONE, stamped(0, 3)), Send(NONE, stamped(0, 3)), Send(NONE, stamped(3))),
    Case("five batches are remembered", *[Send(NONE, stamped(at)) for at in range(5)], Send(NONE, stamped(0)),
         Send(NONE, stamped(4)), Send(NONE, stamped(5)), Send(OUT_OF_ORDER, stamped(0)), Send(NONE, stamped(1))),
    Case("a part of an old batch", Send(NONE, stamped(0, 3)), Send(OUT_OF_ORDER, stamped(0, 2)),
         Send(OUT_OF_ORDER, stamped(1, 2))),
    Case("any first sequence", Send(NONE, stamped(777, 2)), Send(NONE, stamped(779))),
    Case("older epoch", Send(NONE, stamped(0, epoch=5)), Send(INVALID_PRODUCER_EPOCH, stamped(1, epoch=4)),
         Send(NONE, stamped(1, epoch=5))),
    Case("newer epoch from 0", Send(NONE, stamped(0, 2)), Send(NONE, stamped(0, 2, epoch=7)),
         Send(NONE, stamped(2, epoch=7))),
    Case("newer epoch from elsewhere", Send(NONE, stamped(0, 2)), Send(OUT_OF_ORDER, stamped(2, epoch=1)),
         Send(NONE, stamped(2))),
    Case("old batch under a newer epoch", Send(NONE, stamped(0, 2)), Send(NONE, stamped(0, 2, epoch=1)),
         Send(INVALID_PRODUCER_EPOCH, stamped(0, 2))),
    Case("the sequence wraps", Send(NONE, stamped(2**31 - 2, 2)), Send(NONE, stamped(0)), Send(NONE, stamped(1))),
    Case("the sequence wraps in a batch", Send(NONE, stamped(2**31 - 2, 4)), Send(NONE, stamped(2)),
         Send(OUT_OF_ORDER, stamped(4))),
    Case("two producers", Send(NONE, stamped(0)), Send(NONE, stamped(9, producer=4343)), Send(NONE, stamped(1)),
         Send(NONE, stamped(10, producer=4343))),
    Case("nothing of a refused batch is kept", Send(NONE, stamped(0)), Send(CORRUPT_MESSAGE, stamped(1, crc=1)),
         Send(OUT_OF_ORDER, stamped(2)), Send(NONE, stamped(1))),
    Case("without a producer in between", Send(NONE, stamped(0)), Send(NONE, batch()), Send(NONE, stamped(1))),
    Case("a duplicate is found before its records are judged", Send(NONE, stamped(0)),
         Send(NONE, stamped(0, timestamp=1_700_000_000_001))),
]

CODECS = [
    one(f"unknown codec {codec}", UNKNOWN_SERVER_ERROR, batch(attributes=codec)) for codec in (5, 6, 7)
] + [
    one("gzip", NONE, batch(records(20), count=20, attributes=GZIP)),
    one("gzip to an uncompressed topic", NONE, batch(records(20), count=20, attributes=GZIP),
        compression_type="uncompressed"),
    one("sparse gzip to an uncompressed topic", NONE, batch(SPARSE, count=3, attributes=GZIP),
        compression_type="uncompressed"),
] + [
    one(f"codec {codec} of what is no such stream", UNKNOWN_SERVER_ERROR, batch(b"no stream", attributes=codec))
    for codec in (SNAPPY, LZ4, ZSTD)
]

CASES = REQUESTS + BATCHES + RECORDS + SEQUENCES + CODECS
TRANSACTIONAL_BATCH = batch(attributes=TRANSACTIONAL, producer_id=7, producer_epoch=0, base_sequence=0)
