"""Root keys that are rotated while we run: the file is looked at every second, and read when it is another one.

A file that can't be used (half copied, open to others, another installation's) changes nothing: it is logged once, and the keys that were
read before stay. Signing keys stand in the database; they are looked at once a minute, and whenever the file changed.
"""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

from ostiary.server import keyfile
from ostiary.server.core.log import log
from ostiary.server.core.millis import MINUTE
from ostiary.server.core.ports import Ports
from ostiary.server.delivery.loops import Loop
from ostiary.server.guards.one_installation import are_related

EVERY = 1.0
"""Seconds. `ostiary keys rotate` waits longer than this between making a key known and using it."""


_Mark = tuple[int, int, int]


class KeyWatch:
    """One per process. `refresh` looks at the signing keys; None in a process that signs nothing."""

    def __init__(
        self, path: Path, ports: Ports, refresh: Callable[[], Awaitable[None]] | None = None
    ) -> None:
        self._path = path
        self._ports = ports
        self._refresh = refresh
        self._seen: _Mark | None = None  # the first turn reads once more: it may have changed since the start
        self._asked = False
        self._refreshed_at = ports.clock.undisturbed()
        self._loop = Loop("key watch", ports, self._turn, EVERY)

    async def run(self) -> None:
        """Watch until cancelled."""
        await self._loop.run()

    def look(self) -> None:
        """Look at everything now (SIGHUP)."""
        self._asked = True
        self._loop.wake()

    async def _turn(self) -> None:
        asked, self._asked = self._asked, False
        mark = _mark(self._path)
        changed = mark is not None and mark != self._seen
        if changed:
            first, self._seen = self._seen is None, mark
            await self._read()
            changed = not first
        now = self._ports.clock.undisturbed()
        if self._refresh is not None and (asked or changed or now - self._refreshed_at >= MINUTE):
            self._refreshed_at = now
            await self._refresh()

    async def _read(self) -> None:
        try:
            keys = await asyncio.to_thread(keyfile.read, self._path)
        except keyfile.KeyFileError as error:
            log.error("keys_not_read", why=str(error))  # noqa: TRY400 - it is told by its message, which is ours
            return
        if not are_related(keys, self._ports.keys):
            log.error("keys_not_read", why=f"{self._path} is another installation's")
            return
        self._ports.keys = keys
        log.info("keys_read", path=str(self._path))


def _mark(path: Path) -> _Mark | None:
    """What is another one for every other content; None where the file is not there just now."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino
