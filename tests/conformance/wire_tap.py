"""A relay in front of a broker that notes what passes, which version of which API was asked for and answered, and can
damage it on its way."""

import collections
import socket
import struct
import threading

from .lab import KafkaCluster
from .lab_versions import ZooKeeperCluster
from .processes import free_port


class WireTap:
    """Relays connections to `port` of loopback. `seen` counts the requests and `answered` the answers, both by
    (client id, API key, version), and `damaged` the frames that were altered. A context manager."""

    def __init__(self):
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._target = None
        self._lock = threading.Lock()
        self._open = set()
        self.seen = collections.Counter()
        self.answered = collections.Counter()
        self.damaged = 0
        self._damage = None

    def start(self, port):
        self._target = port
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self):
        self._listener.close()
        with self._lock:
            for one in self._open:
                one.close()

    def clear(self):
        with self._lock:
            self.seen.clear()
            self.answered.clear()

    def damage_once(self, api, is_answer, payload, distance=0, mask=1):
        """Flips bits in the next request, or answer, of that API with `payload`, so far from its beginning."""
        with self._lock:
            self.damaged = 0
            self._damage = api, is_answer, payload, distance, mask

    def clients(self):
        with self._lock:
            return {name for name, _, _ in self.seen}

    def versions(self, client):
        """{API key: versions} of what that client asked for and was answered."""
        found = collections.defaultdict(set)
        with self._lock:
            for (name, api, version), count in self.seen.items():
                if name == client and self.answered[name, api, version] > 0:
                    found[api].add(version)
        return dict(found)

    def unanswered(self, client):
        """Requests of kinds that were never answered: a broker closes the connection on a version it does not know."""
        with self._lock:
            return sorted(kind for kind in self.seen if kind[0] == client and self.answered[kind] == 0)

    def _accept(self):
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            try:
                broker = socket.create_connection(("127.0.0.1", self._target))
            except OSError:
                client.close()
                continue
            with self._lock:
                self._open |= {client, broker}
            waiting = {}
            for source, sink, note in ((client, broker, self._request), (broker, client, self._answer)):
                threading.Thread(target=self._relay, args=(source, sink, note, waiting), daemon=True).start()

    def _relay(self, source, sink, note, waiting):
        data = b""
        try:
            while piece := source.recv(1 << 16):
                frames, data = self._whole_frames(data + piece)
                for frame in frames:
                    api = note(frame, waiting)
                    sink.sendall(struct.pack(">i", len(frame)) + self._passed_on(frame, api, note == self._answer))
        except OSError:
            pass
        for one in (source, sink):
            try:
                one.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    @staticmethod
    def _whole_frames(data):
        """The frames that `data` begins with, and the rest."""
        frames, at = [], 0
        while len(data) - at >= 4:
            size = struct.unpack_from(">i", data, at)[0]
            if len(data) - at - 4 < size:
                break
            frames.append(data[at + 4:at + 4 + size])
            at += 4 + size
        return frames, data[at:]

    def _passed_on(self, frame, api, is_answer):
        """The frame, unless it is the one to be damaged."""
        with self._lock:
            if self._damage is None or self._damage[:2] != (api, is_answer):
                return frame
            _, _, payload, distance, mask = self._damage
            place = frame.find(payload)
            if place < 0:
                return frame
            self._damage = None
            self.damaged += 1
        place += distance
        return frame[:place] + bytes([frame[place] ^ mask]) + frame[place + 1:]

    def _request(self, frame, waiting):
        api, version, correlation, length = struct.unpack_from(">hhih", frame)
        kind = (frame[10:10 + max(length, 0)].decode(), api, version)
        with self._lock:
            waiting[correlation] = kind
            self.seen[kind] += 1
        return api

    def _answer(self, frame, waiting):
        with self._lock:
            kind = waiting.pop(struct.unpack_from(">i", frame)[0], None)
            self.answered[kind] += 1
        return kind and kind[1]


class _Tapped:
    """A cluster of one broker with a second listener, which is advertised at a WireTap's address: whoever comes
    through the tap stays behind it."""

    def __init__(self, *arguments, **options):
        self.tap = WireTap()
        self._tapped_port = free_port()
        super().__init__(*arguments, **options)

    @property
    def tapped(self):
        """Bootstrap address behind the tap."""
        return f"127.0.0.1:{self.tap.port}"

    def node_settings(self, node):
        settings = super().node_settings(node)
        settings["listeners"] += f",TAPPED://127.0.0.1:{self._tapped_port}"
        settings["advertised.listeners"] += f",TAPPED://{self.tapped}"
        settings["listener.security.protocol.map"] += ",TAPPED:PLAINTEXT"
        return settings

    def launch(self):
        super().launch()
        self.tap.start(self._tapped_port)

    def close(self):
        self.tap.close()
        super().close()


class _TappedKRaft(_Tapped, KafkaCluster):
    pass


class _TappedZooKeeper(_Tapped, ZooKeeperCluster):
    pass


def tapped_cluster(name, version):
    kind = _TappedZooKeeper if version.startswith("2.") else _TappedKRaft
    return kind(name, version=version)
