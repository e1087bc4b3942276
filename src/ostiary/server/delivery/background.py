"""What goes on behind the requests, as one thing to run: in the serving process, or alone (`ostiary worker`)."""

import asyncio

from ostiary.server.core.millis import SECOND
from ostiary.server.core.ports import Ports
from ostiary.server.delivery.janitor import Janitor
from ostiary.server.delivery.rendering import Renderer
from ostiary.server.delivery.routes import Routes
from ostiary.server.delivery.sealer import Sealer
from ostiary.server.delivery.watch import Watch
from ostiary.server.delivery.worker import Worker
from ostiary.server.storage.db import Store

LATE = 15 * SECOND
"""A worker or sealer that has not come round for this long is not well."""


class Background:
    """Outbox worker, audit sealer and janitor of one process. Made inside the event loop that runs it."""

    def __init__(
        self, store: Store, ports: Ports, routes: Routes, public_url: str, watch: Watch | None = None
    ) -> None:
        self._ports = ports
        renderer = Renderer(ports, public_url)
        self._worker = Worker(store, ports, routes, renderer, watch)
        self._sealer = Sealer(store, ports)
        self._janitor = Janitor(store, ports)

    async def run(self) -> None:
        """Work until `stop`; returns when all that was under way is finished and stored."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._worker.run())
            group.create_task(self._sealer.run())
            group.create_task(self._janitor.run())

    def stop(self) -> None:
        """Begin nothing new. Call it after the last request was answered, so that its messages are taken."""
        for part in (self._worker, self._sealer, self._janitor):
            part.loop.stop()

    @property
    def sending(self) -> int:
        """Attempts at messages that are under way."""
        return self._worker.under_way

    @property
    def ready(self) -> bool:
        """Whether worker and sealer come round as they should; for `/readyz`."""
        now = self._ports.clock.undisturbed()
        turns = (self._worker.loop.turned_at, self._sealer.loop.turned_at)
        return all(turned_at is not None and now - turned_at < LATE for turned_at in turns)
