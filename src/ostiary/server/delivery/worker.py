"""The outbox worker: takes what is due, makes the text, hands it to a sender, writes down what became of it.

1. Nothing is sent inside a transaction. One transaction a turn at most, in the people's lane: it stores the outcomes
   of finished attempts and takes what is due, up to 64 each way, and shares its fsync with whoever commits.
2. A message has one live attempt at most: taking it moves its due time to the end of a lease that is longer
   than an attempt may last. A worker that dies leaves messages that become due again by themselves.
3. What this process queues is born taken and comes here after its commit. What there is no room for is given back,
   and while such messages wait nothing that comes later is begun before them.
4. A code's digits are made when it is sent, and never logged; what a provider says is stored without them.
5. Commits wake the worker; a look each second is the truth (another process's commits wake nobody here).
6. At most twice: a message that was sent but could not be settled is sent again, with the same id.
"""

import asyncio
import re
import time
from collections.abc import Awaitable

from ostiary.server.core.log import log
from ostiary.server.core.masking import mask_contact
from ostiary.server.core.millis import SECOND
from ostiary.server.core.ports import Ports
from ostiary.server.core.traces import places
from ostiary.server.delivery.deadline import Deadline
from ostiary.server.delivery.loops import Loop
from ostiary.server.delivery.rendering import Renderer
from ostiary.server.delivery.retries import after_failure, over, settled
from ostiary.server.delivery.routes import PermanentError, Routes, TransientError
from ostiary.server.delivery.watch import Unwatched, Watch
from ostiary.server.storage import outbox
from ostiary.server.storage.db import Store
from ostiary.server.storage.outbox import Outcome, Stored
from ostiary.server.storage.tx import Tx, UnavailableError

AT_ONCE = 64
"""Attempts under way; as many as a turn takes."""
POLL = 1.0
"""Seconds."""
GATHER = 0.02
"""Seconds: what commits or ends within them shares one transaction. Nobody waits for a message that closely."""
SEND_TIMEOUT = 10.0
"""Seconds one attempt may take."""
STOP_GRACE = 1.5
"""Seconds that attempts under way are given when the process stops: requests had 8 of the 10 there are."""


class Worker:
    """One per process. `run` until `stop`; several processes share one outbox."""

    def __init__(
        self, store: Store, ports: Ports, routes: Routes, renderer: Renderer, watch: Watch | None = None
    ) -> None:
        self._store = store
        self._ports = ports
        self._routes = routes
        self._renderer = renderer
        self._watch = watch or Unwatched()
        self.loop = Loop("outbox", ports, self._turn, POLL, gather=GATHER)
        self._under_way: set[asyncio.Task[None]] = set()
        self._deadline = Deadline()
        self._outcomes: list[Outcome] = []
        self._given: list[Stored] = []
        """Taken for us by those who queued them, and not begun."""
        self._heard = True
        """Whether there may be something to take; a turn without that only looks."""
        self._behind = False
        """Whether messages may wait that found no room: what comes later waits behind them, as they did."""
        self._looked_at = 0
        """By `Clock.undisturbed`."""

    @property
    def under_way(self) -> int:
        """Attempts that have begun and not ended."""
        return len(self._under_way)

    async def run(self) -> None:
        """Deliver until `stop`; then finish what is under way."""
        ends = (self._store.on(outbox.TAKEN, self._take), self._store.on(outbox.TOPIC, self._hear))
        try:
            await self.loop.run()
        finally:
            for end in ends:
                end()
            await self._finish()

    def _take(self, messages: list[Stored]) -> None:
        self._given += messages
        self.loop.wake()

    def _hear(self, _nothing: list[Stored]) -> None:
        self._heard = True
        self.loop.wake()

    async def _turn(self) -> None:
        self._begin_given()
        room = AT_ONCE - len(self._under_way)
        looks = room > 0 and (self._heard or await self._is_due())
        if self._outcomes or looks:
            for message in await self._settle_and_claim(room if looks else 0):
                self._begin(message)
            if self._outcomes:  # of what was just begun
                self.loop.wake()

    def _begin_given(self) -> None:
        given, self._given = self._given, []
        latest = self._ports.now() + SEND_TIMEOUT * SECOND
        for message in given:
            self._behind = self._behind or len(self._under_way) >= AT_ONCE
            if self._behind or latest >= message.due_at:
                self._give_back(message)
            else:
                self._begin(message)

    def _give_back(self, message: Stored) -> None:
        self._outcomes.append(
            Outcome(id=message.id, attempt=message.attempts, state="queued", due_at=message.made_at)
        )
        self._heard = True

    def _begin(self, message: Stored) -> None:
        """Make the text and hand it over; where the sender has to be waited for, a task does."""
        begun = time.perf_counter()
        try:
            answer = self._hand_over(message)
        except Exception as error:  # noqa: BLE001 - a bug in one message or sender must not stop the others
            answer = self._failed(message, error)
        if isinstance(answer, Outcome):
            self._end(message, answer, begun)
            return
        task = asyncio.create_task(self._wait(message, answer, begun))
        self._under_way.add(task)
        task.add_done_callback(self._waited)

    async def _is_due(self) -> bool:
        """Whether the database has something for us that nobody told us of; however often we are woken, asked once in a while."""
        now = self._ports.clock.undisturbed()
        if now - self._looked_at < POLL / 2 * SECOND:
            return False
        self._looked_at = now
        due_at = await self._store.read(outbox.next_due)
        return due_at is not None and due_at <= self._ports.now()

    async def _settle_and_claim(self, room: int) -> list[Stored]:
        told, self._outcomes = self._outcomes, []
        # What is heard from here on may not be in this transaction; without room, it is still to be looked at.
        self._heard = self._heard and not room

        def step(tx: Tx) -> tuple[int, list[Stored]]:
            heeded = outbox.settle(tx, told) if told else 0
            return heeded, outbox.claim(tx, self._ports.now(), room) if room else []

        try:
            heeded, claimed = await self._store.write(step)
        except UnavailableError:
            self._outcomes = told + self._outcomes
            self._heard = True
            raise
        if heeded < len(told):
            log.info("outbox.taken_over", messages=len(told) - heeded)  # by a worker that saw our lease end
        if room:
            self._behind = len(claimed) == room  # there may be more
            if self._behind:
                self._hear([])
        return claimed

    def _hand_over(self, message: Stored) -> Outcome | Awaitable[str]:
        now = self._ports.now()
        if now >= message.ends_at:
            return over(message, now)
        sender = self._routes.sender(message.medium)
        if sender is None:
            return settled(message, now, "no_route")
        rendered = self._renderer.render(message, now)
        if rendered is None:
            return over(message, now, "the key is gone")
        answer = sender.send(rendered)
        return settled(message, now, "sent", provider_id=answer) if isinstance(answer, str) else answer

    async def _wait(self, message: Stored, answer: Awaitable[str], begun: float) -> None:
        try:
            provider_id = await self._deadline.within(SEND_TIMEOUT, answer)
            outcome = settled(message, self._ports.now(), "sent", provider_id=provider_id)
        except Exception as error:  # noqa: BLE001 - as above
            outcome = self._failed(message, error)
        self._end(message, outcome, begun)

    def _failed(self, message: Stored, error: Exception) -> Outcome:
        now = self._ports.now()
        if isinstance(error, PermanentError):
            return settled(message, now, "dead", error=_reason(error))
        if isinstance(error, (TransientError, TimeoutError, OSError)):
            retry_after = error.retry_after if isinstance(error, TransientError) else 0
            return after_failure(message, now, self._chance(), _reason(error), retry_after)
        log.error(  # an error's own text may quote the message
            "outbox.attempt_failed",
            message_id=message.id,
            purpose=message.purpose,
            kind=type(error).__name__,
            where=places(error),
        )
        return after_failure(message, now, self._chance(), "internal error")

    def _end(self, message: Stored, outcome: Outcome, begun: float) -> None:
        self._outcomes.append(outcome)
        seconds = time.perf_counter() - begun
        self._watch.attempted(message, outcome, seconds)
        _tell(message, outcome, seconds)

    def _waited(self, task: asyncio.Task[None]) -> None:
        self._under_way.discard(task)
        self.loop.wake()

    def _chance(self) -> float:
        return int.from_bytes(self._ports.random_bytes(4), "big") / 2**32

    async def _finish(self) -> None:
        for message in self._given:
            self._give_back(message)
        if self._under_way:
            _, unfinished = await asyncio.wait(self._under_way, timeout=STOP_GRACE)
            for task in unfinished:
                task.cancel()  # its lease ends by itself
        if not self._outcomes:
            return
        try:
            await self._settle_and_claim(room=0)
        except UnavailableError as error:
            log.warning("outbox.not_settled", messages=len(self._outcomes), error=str(error))


def _tell(message: Stored, outcome: Outcome, seconds: float) -> None:
    """One line per attempt. What went wrong in it is a warning; what can't be sent for good, too."""
    tell = log.info if outcome.state == "sent" else log.warning
    tell(
        "outbox.attempted",
        message_id=message.id,
        medium=message.medium,
        to=mask_contact(message.recipient),
        purpose=message.purpose,
        state=outcome.state,
        attempt=message.attempts,
        ms=round(seconds * 1_000, 1),
        reason=outcome.error,
        provider_id=outcome.provider_id,
    )


def _reason(error: Exception) -> str:
    """What a provider said, without digits that could be a code or a number."""
    said = re.sub(r"[0-9]{4,}", "…", str(error))
    return f"{type(error).__name__}: {said}"[:200]
