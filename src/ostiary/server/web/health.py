"""`/healthz`: the process answers. `/readyz`: it may be given requests. `/metrics`.

Ready means: the database answers, at this version's revision (the store refuses to open otherwise); its clock
and ours differ by 2 s at most; ours is not more than 5 s behind the newest stored moment; the worker comes round.
"""

import asyncio
from collections.abc import Callable, Sequence
from ipaddress import ip_address

from ostiary.contract.keys import Key
from ostiary.server.core.address import is_in, networks
from ostiary.server.core.millis import FUTURE_TOLERANCE, SECOND
from ostiary.server.core.ports import Ports
from ostiary.server.core.refused import Refused
from ostiary.server.storage import backlog
from ostiary.server.storage.backlog import Backlog
from ostiary.server.storage.db import Store
from ostiary.server.storage.tx import UnavailableError
from ostiary.server.web import answers
from ostiary.server.web.answers import Answer, Request
from ostiary.server.web.metrics import Metrics
from ostiary.server.web.middleware import refusal

CLOCK_TOLERANCE = 2 * SECOND
_PATIENCE = 2.0
"""Seconds; who asks for readiness wants to know now."""


class Health:
    """What the outside may know about this process."""

    def __init__(
        self,
        store: Store,
        ports: Ports,
        metrics: Metrics,
        *,
        newest_moment: int,
        working: Callable[[], bool],
        metrics_networks: Sequence[str] = (),
    ) -> None:
        """`metrics_networks`: whom `/metrics` answers; none: nobody."""
        self._store = store
        self._ports = ports
        self._metrics = metrics
        self._newest_moment = newest_moment
        """The newest moment that was stored when this process started."""
        self._working = working
        self._metrics_networks = networks(metrics_networks)
        self.stopping = False
        """Set when the process was told to stop: load balancers look here first."""

    async def alive(self, request: Request) -> Answer:
        """`/healthz`."""
        request.operation = "healthz"
        return answers.json({"status": "ok"})

    async def ready(self, request: Request) -> Answer:
        """`/readyz`: 200 or 503, and what each check says."""
        request.operation = "readyz"
        checks = {
            **await self._database(),
            "worker": "ok" if self._working() else "the worker does not come round",
            "stopping": "stopping" if self.stopping else "ok",
        }
        ready = all(verdict == "ok" for verdict in checks.values())
        return answers.json(
            {"ready": ready, "checks": checks}, 200 if ready else 503, "ok" if ready else "not_ready"
        )

    async def measure(self, request: Request) -> Answer:
        """`/metrics`."""
        if not self._may_measure(request.peer):
            return refusal(request, Refused(Key.NOT_FOUND))
        request.operation = "metrics"
        if self._metrics.wants_backlog:
            self._metrics.backlog(await self._backlog(), self._ports.now())
        from ostiary.server.web import exposition

        return Answer(
            exposition.text(self._metrics), content_type=b"text/plain; version=0.0.4; charset=utf-8"
        )

    def _may_measure(self, peer: str | None) -> bool:
        """Only the operator's networks: comparing two scrapes would reveal whether a request sent a message."""
        try:
            address = ip_address((peer or "").partition("%")[0])
        except ValueError:
            return False
        return is_in(address, self._metrics_networks)

    async def _backlog(self) -> Backlog | None:
        try:
            async with asyncio.timeout(_PATIENCE):
                return await self._store.read(backlog.load)
        except (UnavailableError, TimeoutError):
            return None

    async def _database(self) -> dict[str, str]:
        try:
            async with asyncio.timeout(_PATIENCE):
                theirs = await self._store.check()
        except (UnavailableError, TimeoutError):
            return {"database": "the database does not answer"}
        apart = abs(theirs - self._ports.clock.undisturbed())
        behind = self._newest_moment - self._ports.now()
        return {
            "database": "ok",
            "migrations": "ok",
            "clock": "ok" if apart <= CLOCK_TOLERANCE else f"{apart} ms off the database's clock",
            "past": "ok" if behind <= FUTURE_TOLERANCE else f"{behind} ms behind what is stored",
        }
