"""The audit sealer: of all processes one at a time, a second behind at most while there is something to seal."""

from ostiary.server.core.millis import SECOND
from ostiary.server.core.ports import Ports
from ostiary.server.delivery.loops import Loop
from ostiary.server.storage import audit_seal, leases
from ostiary.server.storage.db import Store
from ostiary.server.storage.tx import Lane, Tx

PAUSE = 1.0
"""Seconds."""
CHUNK = 200
"""Rows sealed in one transaction: a few milliseconds."""
LEASE = 5 * SECOND


class Sealer:
    """One per process; the lease decides which of them works."""

    def __init__(self, store: Store, ports: Ports) -> None:
        self._store = store
        self._ports = ports
        self._holder = ports.random_bytes(8).hex()
        self.loop = Loop("audit sealer", ports, self._turn, PAUSE)

    async def run(self) -> None:
        """Seal until stopped, and once more then: what a clean stop leaves is sealed."""
        await self.loop.run()
        await self.loop.turn()

    async def _turn(self) -> None:
        if not await self._store.read(audit_seal.any_unsealed):
            return
        while await self._store.write(self._seal, Lane.BULK) == CHUNK:
            continue

    def _seal(self, tx: Tx) -> int:
        if not leases.hold(tx, "audit_sealer", self._holder, self._ports.clock.undisturbed(), LEASE):
            return 0
        return audit_seal.seal(tx, self._ports, CHUNK)
