"""The janitor: deletes rows whose life ended long ago, a few at a time, when nobody else wants the writer."""

import asyncio
from functools import partial

from ostiary.server.core.millis import MINUTE
from ostiary.server.core.ports import Ports
from ostiary.server.delivery.loops import Loop
from ostiary.server.storage import leases
from ostiary.server.storage.db import Store
from ostiary.server.storage.janitor import RUBBISH, sweep
from ostiary.server.storage.tx import Lane, Tx

PAUSE = 600.0
"""Seconds between two rounds; the first comes after one."""
CHUNK = 200
BREATH = 0.05
"""Seconds between two chunks."""
LEASE = 5 * MINUTE


class Janitor:
    """One per process; the lease decides which of them works."""

    def __init__(self, store: Store, ports: Ports) -> None:
        self._store = store
        self._ports = ports
        self._holder = ports.random_bytes(8).hex()
        self.loop = Loop("janitor", ports, self.round, PAUSE, at_once=False)

    async def run(self) -> None:
        """Clean up until stopped."""
        await self.loop.run()

    async def round(self) -> None:
        """Delete all there is to delete, in chunks."""
        for name in RUBBISH:
            await self._sweep(name)

    async def _sweep(self, name: str) -> None:
        while not self.loop.stopping:
            if await self._store.write(partial(self._chunk, name), Lane.BULK) < CHUNK:
                return
            await asyncio.sleep(BREATH)

    def _chunk(self, name: str, tx: Tx) -> int:
        if not leases.hold(tx, "janitor", self._holder, self._ports.clock.undisturbed(), LEASE):
            return 0
        return sweep(tx, name, self._ports.now(), CHUNK)
