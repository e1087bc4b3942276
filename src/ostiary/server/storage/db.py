"""The store: runs steps over transactions. The answer to a step leaves only after its commit.

A step is a plain synchronous function of one `Tx`. It may be run several times, so it has no effect
outside its transaction; slow work (hashing, signing, network) stands before or after it.
"""

import asyncio
import concurrent.futures
import threading
import time
from collections.abc import Callable
from typing import Any, Protocol, TypeVar, cast

from ostiary.server.core.log import log
from ostiary.server.core.millis import Millis
from ostiary.server.core.ports import Ports
from ostiary.server.storage.jobs import QUEUE_LIMIT, ClosedError, Counts, Job, Mailbox
from ostiary.server.storage.listening import Callback, Listeners
from ostiary.server.storage.migrate import migrate as bring_up_to_date
from ostiary.server.storage.migrate import require_up_to_date
from ostiary.server.storage.tx import Lane, Sql, Tx

T = TypeVar("T")

DEFAULT_CONNECTIONS = 16


_CLOCK = Sql(
    "SELECT CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER)",  # the machine's: SQLite has none of its own
    postgresql="SELECT CAST(extract(epoch FROM clock_timestamp()) * 1000 AS BIGINT)",
)
"""The database's clock, in milliseconds since 1970."""


class Engine(Protocol):
    """One database behind the store."""

    dialect: str

    def write(self, job: Job, lane: Lane) -> None:
        """Queue a writing step. Raises ClosedError."""

    def read(self, job: Job) -> None:
        """Queue a reading step. Raises ClosedError."""

    def waiting(self) -> int:
        """Steps that nobody has begun."""

    def close(self) -> None:
        """Finish what is queued, then let go; blocks."""


class Store:
    """A database, opened. Its methods may be used from any thread, the async ones from any event loop."""

    def __init__(self, ports: Ports, start: Callable[[Counts, Listeners], Engine]) -> None:
        self.counts = Counts()
        self.slow_seconds = 0.0
        """Steps that take this long, waiting and commit included, are logged and counted; 0: none are."""
        self._ports = ports
        self._mailboxes: dict[asyncio.AbstractEventLoop, Mailbox] = {}
        self._listeners = Listeners()
        self._registering = threading.Lock()
        self._engine = start(self.counts, self._listeners)

    @classmethod
    def open(
        cls,
        url: str,
        ports: Ports,
        *,
        migrate: bool = True,
        create: bool = True,
        connections: int = DEFAULT_CONNECTIONS,
    ) -> "Store":
        """Open `sqlite:///PATH` or `postgresql://…`; blocks, and needs no event loop.

        `migrate=False` refuses a database that is not at this version's revision, `create=False` one that is not
        there yet. Raises ValueError (the URL), MigrationError (a database of a newer or older version, or none),
        or the driver's error; `first_contact.explain` puts them into words.
        """
        if migrate:
            bring_up_to_date(url, create=create)
        else:
            require_up_to_date(url)

        def start(counts: Counts, listeners: Listeners) -> Engine:
            # Imported here: whoever uses SQLite needs no psycopg.
            if url.startswith("sqlite:"):
                from ostiary.server.storage.sqlite import SqliteEngine

                return SqliteEngine(url, ports.clock, counts, listeners)
            from ostiary.server.storage.postgres import PostgresEngine

            return PostgresEngine(url, ports, counts, listeners, connections)

        return cls(ports, start)

    @property
    def dialect(self) -> str:
        """`sqlite` or `postgresql`."""
        return self._engine.dialect

    @property
    def waiting(self) -> int:
        """Steps that wait for their turn."""
        return self._engine.waiting()

    async def write(self, step: Callable[[Tx], T], lane: Lane = Lane.LIVE) -> T:
        """Run `step` in a transaction; its value, once that is durable.

        Raises what the step raised (nothing of it is stored then, but its survivors), or UnavailableError:
        then it is not known to be stored, and the caller answers 503.
        """
        job = self._job(step, reads=False)
        asked = time.perf_counter()
        self._engine.write(job, lane)
        try:
            return cast("T", await cast("asyncio.Future[Any]", job.future))
        finally:
            if self.slow_seconds and time.perf_counter() - asked >= self.slow_seconds:
                self._tell_of_slow(job, asked)

    async def read(self, step: Callable[[Tx], T]) -> T:
        """Run `step` over one snapshot, read-only, within 5 s. Sees everything that was answered before."""
        job = self._job(step, reads=True)
        asked = time.perf_counter()
        self._engine.read(job)
        try:
            return cast("T", await cast("asyncio.Future[Any]", job.future))
        finally:
            if self.slow_seconds and time.perf_counter() - asked >= self.slow_seconds:
                self._tell_of_slow(job, asked)

    def write_now(self, step: Callable[[Tx], T], lane: Lane = Lane.LIVE) -> T:
        """`write` for callers without an event loop: blocks. Never inside a step."""
        job = self._job_of_a_thread(step, reads=False)
        self._engine.write(job, lane)
        return cast("T", cast("concurrent.futures.Future[Any]", job.future).result())

    def read_now(self, step: Callable[[Tx], T]) -> T:
        """`read` for callers without an event loop: blocks. Never inside a step."""
        job = self._job_of_a_thread(step, reads=True)
        self._engine.read(job)
        return cast("T", cast("concurrent.futures.Future[Any]", job.future).result())

    def on(self, topic: str, callback: Callback) -> Callable[[], None]:
        """Have `callback` called in the running event loop after commits that named `topic`; a function undoes it.

        It takes what was given with the topic, all of it once: of several listeners, the first has it. Only commits of
        this process are told of, and several at once may be told of once.
        """
        return self._listeners.add(topic, self._mailbox(), callback)

    async def check(self) -> Millis:
        """The database's clock in ms, which says that it can be reached. Raises UnavailableError."""
        return await self.read(_clock)

    def check_now(self) -> Millis:
        """`check` for callers without an event loop."""
        return self.read_now(_clock)

    async def close(self) -> None:
        """Finish what was asked for, then let go. Later asks raise ClosedError, an UnavailableError."""
        await asyncio.to_thread(self._engine.close)

    def close_now(self) -> None:
        """`close` for callers without an event loop."""
        self._engine.close()

    def _tell_of_slow(self, job: Job, asked: float) -> None:
        """Log a step that took long, with where its time went. No values: only the step's name."""
        answered = time.perf_counter()
        self.counts.slow += 1
        begun, ended = job.begun or answered, job.ended or answered
        log.warning(
            "store.slow_step",
            step=_name(job.step),
            reads=job.reads,
            ms=_ms(answered - asked),
            waited_ms=_ms(begun - asked),
            ran_ms=_ms(ended - begun),
            committed_ms=_ms(answered - ended),
            error=type(job.error).__name__ if job.error else None,
        )

    def _job(self, step: Callable[[Tx], Any], *, reads: bool) -> Job:
        mailbox = self._mailbox()
        return Job(step, mailbox.loop.create_future(), mailbox, self._limit(), reads=reads)

    def _job_of_a_thread(self, step: Callable[[Tx], Any], *, reads: bool) -> Job:
        return Job(step, concurrent.futures.Future(), None, self._limit(), reads=reads)

    def _limit(self) -> int:
        return self._ports.clock.undisturbed() + QUEUE_LIMIT

    def _mailbox(self) -> Mailbox:
        loop = asyncio.get_running_loop()
        mailbox = self._mailboxes.get(loop)
        if mailbox is None:
            with self._registering:
                self._mailboxes = {one: box for one, box in self._mailboxes.items() if not one.is_closed()}
                mailbox = self._mailboxes.setdefault(loop, Mailbox(loop))
        return mailbox


def _name(step: Callable[[Tx], Any]) -> str:
    """`features.phone_change.actions.update_phone` of the step inside it."""
    step = getattr(step, "func", step)  # of a `partial`
    home = getattr(step, "__module__", None) or type(step).__module__
    name = getattr(step, "__qualname__", None) or type(step).__qualname__
    return f"{home.removeprefix('ostiary.server.')}.{name.removesuffix('.<locals>.step')}"


def _ms(seconds: float) -> float:
    return round(seconds * 1_000, 1)


def _clock(tx: Tx) -> Millis:
    row = tx.one(_CLOCK)
    assert row is not None
    return Millis(row[0])


__all__ = ["DEFAULT_CONNECTIONS", "ClosedError", "Counts", "Store"]
