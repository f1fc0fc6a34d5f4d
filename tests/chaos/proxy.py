"""A TCP proxy that breaks connections on demand: cut at any byte, or held up in both directions for a while."""

import asyncio
import threading

_CHUNK = 256 << 10


class Proxies:
    """Proxies of one laboratory, all on one thread. A context manager."""

    def __init__(self):
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()

    def add(self, target_port):
        """A proxy in front of a port on loopback; it listens when this returns."""
        proxy = Proxy(target_port)
        asyncio.run_coroutine_threadsafe(proxy.open(), self._loop).result(10)
        return proxy

    def cut(self, proxy):
        """Resets every connection of the proxy; returns how many there were."""
        return asyncio.run_coroutine_threadsafe(proxy.cut(), self._loop).result(10)

    def stall(self, proxy, seconds):
        """Forwards nothing for `seconds`, in either direction; connections stay open. Returns at once."""
        asyncio.run_coroutine_threadsafe(proxy.stall(seconds), self._loop)


class Proxy:
    """One listening port and the connections made through it. Its methods run on the thread of `Proxies`."""

    def __init__(self, target_port):
        self.target_port = target_port
        self.port = None
        self._writers = set()
        self._flowing = None

    async def open(self):
        self._flowing = asyncio.Event()
        self._flowing.set()
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0, limit=_CHUNK)
        self.port = self._server.sockets[0].getsockname()[1]

    async def cut(self):
        writers = list(self._writers)
        for writer in writers:
            writer.transport.abort()
        return len(writers) // 2

    async def stall(self, seconds):
        self._flowing.clear()
        await asyncio.sleep(seconds)
        self._flowing.set()

    async def _serve(self, reader, writer):
        try:
            far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self.target_port, limit=_CHUNK)
        except OSError:
            writer.transport.abort()
            return
        pair = {writer, far_writer}
        self._writers |= pair
        try:
            await asyncio.gather(self._pump(reader, far_writer), self._pump(far_reader, writer))
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            self._writers -= pair
            for each in pair:
                each.transport.abort()

    async def _pump(self, reader, writer):
        while data := await reader.read(_CHUNK):
            await self._flowing.wait()
            writer.write(data)
            await writer.drain()
        # One side has said all it had to say; Kafka's protocol has no use for a half of a connection.
        raise ConnectionResetError
