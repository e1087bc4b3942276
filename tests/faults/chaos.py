"""A TCP proxy that misbehaves on request: what a network between a service and its database can do to it."""

import random
import socket
import struct
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import psycopg

_PIECE = 65_536
_COMMITTED = b"COMMIT\0"
"""How PostgreSQL says that a COMMIT was done (CommandComplete)."""
_RESET = struct.pack("ii", 1, 0)
"""SO_LINGER: close with a reset, as a machine does that has just been switched on."""


class Chaos:
    """Stands before PostgreSQL; `url` leads through it. Change its moods while it runs; `calm` ends them all."""

    def __init__(self, url: str) -> None:
        self._port = int(str(psycopg.conninfo.conninfo_to_dict(url)["port"]))
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = url.replace(f":{self._port}/", f":{self._listener.getsockname()[1]}/")
        self._pairs: list[tuple[socket.socket, socket.socket]] = []
        self._threads: list[threading.Thread] = []
        self._changing = threading.Lock()
        self._chance = random.Random(4)
        self.delay = 0.0
        """Seconds that each piece is held up."""
        self.loses_commits = 0.0
        """How often a connection is cut after the server committed and before anybody hears of it."""
        self.swallows = threading.Event()
        """Half open: connections stand, and nothing arrives any more, at either end."""
        self.refuses = threading.Event()
        self.lost = 0
        """Commits whose answer was taken away."""
        self._start(self._accept)

    def calm(self) -> None:
        """The network as it should be. Connections that lost something on the way stay dead: they cannot be whole."""
        self.delay = self.loses_commits = 0.0
        self.swallows.clear()
        self.refuses.clear()

    def cut(self) -> None:
        """Reset every connection."""
        with self._changing:
            pairs, self._pairs = self._pairs, []
        for pair in pairs:
            self._hang_up(*pair)

    def close(self) -> None:
        """Let go of everything."""
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.calm()
        self.cut()
        for thread in self._threads:
            thread.join(5)

    def _start(self, target: object, *ends: object) -> None:
        thread = threading.Thread(target=target, args=ends, daemon=True)  # type: ignore[arg-type] # our own methods
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                near, _ = self._listener.accept()
                if self.refuses.is_set():
                    self._hang_up(near)
                    continue
                try:
                    far = socket.create_connection(("127.0.0.1", self._port), timeout=5)
                except OSError:
                    self._hang_up(near)
                    continue
                far.settimeout(None)
                with self._changing:
                    self._pairs.append((near, far))
                self._start(self._carry, near, far, False)
                self._start(self._carry, far, near, True)

    def _carry(self, source: socket.socket, target: socket.socket, from_server: bool) -> None:  # noqa: FBT001 - a thread's argument
        swallowed = False
        with suppress(OSError):
            while data := source.recv(_PIECE):
                if self.delay:
                    time.sleep(self.delay)
                if self.swallows.is_set() or swallowed:
                    swallowed = True  # from here on this direction is silent for good
                    continue
                if from_server and _COMMITTED in data and self._chance.random() < self.loses_commits:
                    self.lost += 1
                    break
                target.sendall(data)
        self._hang_up(source, target)

    @staticmethod
    def _hang_up(*ends: socket.socket) -> None:
        for end in ends:
            with suppress(OSError):
                end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()


@contextmanager
def chaos(url: str) -> Iterator[Chaos]:
    """A proxy before a database, closed at the end."""
    proxy = Chaos(url)
    try:
        yield proxy
    finally:
        proxy.close()
