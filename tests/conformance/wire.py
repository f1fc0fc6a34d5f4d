"""Kafka's wire format as far as single requests need it, written apart from the program under test.

Record batches are built field by field, so that each field can be wrong, and sent with any client's freedom."""

import gzip
import socket
import struct

PRODUCE, FETCH, METADATA, API_VERSIONS, INIT_PRODUCER_ID, ADD_PARTITIONS_TO_TXN = 0, 1, 3, 18, 22, 24


def _crc32c_table():
    table = []
    for value in range(256):
        for _ in range(8):
            value = (value >> 1) ^ (0x82F63B78 if value & 1 else 0)
        table.append(value)
    return table


_CRC32C = _crc32c_table()


def crc32c(data):
    value = 0xFFFFFFFF
    for byte in data:
        value = (value >> 8) ^ _CRC32C[(value ^ byte) & 0xFF]
    return value ^ 0xFFFFFFFF


def varint(number):
    """Zig-zag, as records have it."""
    number = (number << 1) ^ (number >> 63)
    data = bytearray()
    while number > 0x7F:
        data.append(number & 0x7F | 0x80)
        number >>= 7
    data.append(number)
    return bytes(data)


def _sized(data):
    return varint(-1) if data is None else varint(len(data)) + data


def record(offset_delta, key=b"k", value=b"v", timestamp_delta=0, headers=()):
    body = b"\0" + varint(timestamp_delta) + varint(offset_delta) + _sized(key) + _sized(value)
    body += varint(len(headers)) + b"".join(_sized(name) + _sized(content) for name, content in headers)
    return varint(len(body)) + body


def records(count=1, **fields):
    return b"".join(record(delta, **fields) for delta in range(count))


GZIP, SNAPPY, LZ4, ZSTD = 1, 2, 3, 4
LOG_APPEND_TIME, TRANSACTIONAL, CONTROL, DELETE_HORIZON = 8, 16, 32, 64


def batch(payload=None, *, count=1, attributes=0, base_offset=0, leader_epoch=-1, magic=2, timestamp=1_700_000_000_000,
          max_timestamp=None, last_offset_delta=None, producer_id=-1, producer_epoch=-1, base_sequence=-1,
          records_count=None, length=None, crc=None):
    """One batch of magic 2. What is not named is right for `count` records; gzip is the codec that is applied."""
    payload = records(count) if payload is None else payload
    if attributes & 7 == GZIP:
        payload = gzip.compress(payload, mtime=0)
    covered = struct.pack(
        ">hiqqqhii", attributes, count - 1 if last_offset_delta is None else last_offset_delta, timestamp,
        timestamp if max_timestamp is None else max_timestamp, producer_id, producer_epoch, base_sequence,
        count if records_count is None else records_count) + payload
    head = struct.pack(">ibI", leader_epoch, magic, crc32c(covered) if crc is None else crc)
    size = len(head) + len(covered)
    return struct.pack(">qi", base_offset, size if length is None else length) + head + covered


class Closed(Exception):
    """The broker closed the connection instead of answering."""


class Answer:
    """One partition's part of a Produce response."""

    def __init__(self, error, base_offset, log_append_time, log_start_offset, record_errors, message):
        self.error = error
        self.base_offset = base_offset
        self.log_append_time = log_append_time
        self.log_start_offset = log_start_offset
        self.record_errors = record_errors
        self.message = message


class Reader:
    def __init__(self, data):
        self.data = data
        self.at = 0

    def take(self, form):
        values = struct.unpack_from(">" + form, self.data, self.at)
        self.at += struct.calcsize(">" + form)
        return values if len(values) > 1 else values[0]

    def raw(self, size):
        piece = self.data[self.at:self.at + size]
        if len(piece) != size:
            raise ValueError("the answer is cut")
        self.at += size
        return piece

    def string(self):
        size = self.take("h")
        return None if size < 0 else self.raw(size).decode()

    def bytes(self):
        size = self.take("i")
        return b"" if size < 0 else self.raw(size)


def string(text):
    return struct.pack(">h", -1) if text is None else struct.pack(">h", len(text)) + text.encode()


class Connection:
    """One connection to a broker; a context manager."""

    def __init__(self, address, client_id="wire", timeout=30):
        host, _, port = address.rpartition(":")
        self.client_id = client_id
        self.socket = socket.create_connection((host, int(port)), timeout=timeout)
        self.correlation_id = 0

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def send(self, data):
        self.socket.sendall(data)

    def request(self, api, version, body, flexible=False):
        """Sends one request; returns a Reader of the response's body. Closed when there is none. The header of a flexible
        request has tagged fields, of which there are none."""
        self.correlation_id += 1
        header = struct.pack(">hhi", api, version, self.correlation_id) + string(self.client_id) + b"\0" * flexible
        try:
            self.send(struct.pack(">i", len(header) + len(body)) + header + body)
            size = struct.unpack(">i", self.receive(4))[0]
            answer = Reader(self.receive(size))
        except (ConnectionError, BrokenPipeError) as error:
            raise Closed(str(error)) from error
        found = answer.take("i")
        if found != self.correlation_id:
            raise ValueError(f"correlation id {found} instead of {self.correlation_id}")
        if flexible and answer.take("b"):
            raise ValueError("tagged fields in the header of an answer")
        return answer

    def receive(self, size):
        data = bytearray()
        while len(data) < size:
            piece = self.socket.recv(size - len(data))
            if not piece:
                raise Closed("no answer")
            data += piece
        return bytes(data)

    def api_versions(self):
        """{API key: (oldest, newest version)} as advertised to version 0."""
        answer = self.request(API_VERSIONS, 0, b"")
        error = answer.take("h")
        if error:
            raise ValueError(f"ApiVersions: error {error}")
        return {api: (oldest, newest) for api, oldest, newest in
                (answer.take("hhh") for _ in range(answer.take("i")))}

    def produce(self, parts, acks=-1, transactional_id=None, version=8):
        """`parts`: {(topic, partition): bytes or None}. Returns {(topic, partition): Answer}."""
        body = string(transactional_id) + struct.pack(">hii", acks, 20_000, len(parts))
        for (topic, partition), data in parts.items():
            body += string(topic) + struct.pack(">ii", 1, partition)
            body += struct.pack(">i", -1) if data is None else struct.pack(">i", len(data)) + data
        answer, found = self.request(PRODUCE, version, body), {}
        for _ in range(answer.take("i")):
            topic = answer.string()
            for _ in range(answer.take("i")):
                partition, error, base, append_time = answer.take("ihqq")
                start = answer.take("q") if version >= 5 else -1
                record_errors, message = [], None
                if version >= 8:
                    for _ in range(max(answer.take("i"), 0)):
                        record_errors.append((answer.take("i"), answer.string()))
                    message = answer.string()
                found[topic, partition] = Answer(error, base, append_time, start, record_errors, message)
        return found

    def init_producer_id(self, transactional_id=None):
        """(error, producer id, producer epoch)."""
        answer = self.request(INIT_PRODUCER_ID, 1, string(transactional_id) + struct.pack(">i", 60_000))
        answer.take("i")
        return answer.take("hqh")

    def add_partitions_to_txn(self, transactional_id, producer_id, producer_epoch, topic, partitions):
        """The error of each partition, in order (AddPartitionsToTxn v2)."""
        body = string(transactional_id) + struct.pack(">qhi", producer_id, producer_epoch, 1) + string(topic)
        body += struct.pack(f">i{len(partitions)}i", len(partitions), *partitions)
        answer = self.request(ADD_PARTITIONS_TO_TXN, 2, body)
        answer.take("ii")
        answer.string()
        found = dict(answer.take("ih") for _ in range(answer.take("i")))
        return [found[partition] for partition in partitions]

    def fetch(self, topic, partition=0, offset=0, max_bytes=50_000_000):
        """The bytes that one Fetch brings, and the high watermark (Fetch v10)."""
        body = struct.pack(">iiiibii", -1, 0, 1, 50_000_000, 0, 0, -1) + struct.pack(">i", 1) + string(topic)
        body += struct.pack(">iiiqqi", 1, partition, -1, offset, -1, max_bytes) + struct.pack(">i", 0)
        answer = self.request(FETCH, 10, body)
        answer.take("ihii")
        answer.string()
        _, _, error, high_watermark, _, _ = answer.take("iihqqq")
        if error:
            raise ValueError(f"Fetch: error {error}")
        answer.raw(16 * max(answer.take("i"), 0))
        return answer.bytes(), high_watermark

    def log(self, topic, partition=0):
        """The bytes of a partition from offset 0 to its high watermark, as the broker sends them."""
        data, offset = b"", 0
        while True:
            piece, high_watermark = self.fetch(topic, partition, offset)
            data += piece
            for base, _, last_delta in batch_spans(piece):
                offset = base + last_delta + 1
            if offset >= high_watermark or not piece:
                return data


def batch_spans(data):
    """(base offset, bytes, last offset delta) of each whole batch in `data`."""
    at = 0
    while at + 61 <= len(data):
        base, length = struct.unpack_from(">qi", data, at)
        whole = data[at:at + 12 + length]
        if len(whole) < 12 + length:
            return
        yield base, whole, struct.unpack_from(">i", whole, 23)[0]
        at += len(whole)
