"""A job that goes round: again after a pause, at once when it is woken, until it is told to stop."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress

from ostiary.server.core.log import log
from ostiary.server.core.millis import Millis
from ostiary.server.core.ports import Ports
from ostiary.server.core.traces import places
from ostiary.server.storage.tx import UnavailableError


class Loop:
    """Runs `turn` until `stop`. A turn that fails is logged, and the next one is not earlier for it."""

    def __init__(
        self,
        name: str,
        ports: Ports,
        turn: Callable[[], Awaitable[None]],
        pause: float,
        *,
        at_once: bool = True,
        gather: float = 0.0,
    ) -> None:
        self._name = name
        self._ports = ports
        self._turn = turn
        self._pause = pause
        """Seconds between two turns that nobody asked for."""
        self._gather = gather
        """Seconds that who wakes us waits for others to share the turn."""
        self._woken = asyncio.Event()
        if at_once:
            self._woken.set()
        self._stopped = asyncio.Event()
        self.turned_at: Millis | None = None
        """When a turn last ended well, by `Clock.undisturbed`; what readiness looks at."""

    def wake(self) -> None:
        """Begin the next turn now."""
        self._woken.set()

    def stop(self) -> None:
        """Begin no turn any more; `run` returns after the one under way."""
        self._stopped.set()
        self._woken.set()

    @property
    def stopping(self) -> bool:
        """Whether `stop` was called: a long turn looks at it and ends early."""
        return self._stopped.is_set()

    async def run(self) -> None:
        """Go round until `stop`."""
        failed = False
        while True:
            # After a failure a wake-up would only bring the next one: the pause is kept.
            await self._wait(self._stopped if failed else self._woken)
            if self._gather and not self.stopping:
                await asyncio.sleep(self._gather)
            if self.stopping:
                return
            self._woken.clear()
            failed = not await self.turn()

    async def turn(self) -> bool:
        """One turn; False: it failed, and that is logged."""
        try:
            await self._turn()
        except UnavailableError as error:
            log.warning("loop.unavailable", loop=self._name, why=error.why, error=str(error))
            return False
        except Exception as error:  # noqa: BLE001 - a bug in one turn must not end the loop
            # An error's own text may quote a row: only its kind and its place are logged.
            facts = {"kind": type(error).__name__, "where": places(error)}
            log.error("loop.failed", loop=self._name, **facts)  # noqa: TRY400 - as above
            return False
        self.turned_at = self._ports.clock.undisturbed()
        return True

    async def _wait(self, event: asyncio.Event) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(self._pause):
                await event.wait()
