"""`ostiary serve` with stopwatches around its rooms: where the CPU of a change goes. Started by `bench.breakdown`.

A stopwatch counts the CPU time of its thread while its function runs, without what inner stopwatches count: the
rooms add up to the thread. A coroutine is timed while it runs, not while it waits. SIGUSR1 writes a snapshot.
"""

import functools
import inspect
import json
import signal
import sys
import threading
import time
from collections.abc import Callable, Coroutine, Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

BEHIND = "worker: "
"""Before the rooms of steps that no request waits for: the outbox worker's, the sealer's, the janitor's."""


class Watches(threading.local):
    """Running stopwatches: [room, started, seconds of inner ones]; those of a thread, or of a step that waits in it."""

    def __init__(self) -> None:
        self.running: list[list[Any]] = []


def watch_fibers() -> None:
    """A step's stopwatches stand still while it waits, and those of its loop while it runs."""
    from ostiary.server.storage.fibers import Asked, Fiber

    begin, go, wait = Fiber._begin, Fiber._go, Fiber._wait_for  # noqa: SLF001 - a room's inside is what is measured

    @contextmanager
    def of_the_step() -> Iterator[None]:
        of_loop, began = watches.running, time.thread_time()
        watches.running = []
        try:
            yield
        finally:
            watches.running = of_loop
            if of_loop:
                of_loop[-1][2] += time.thread_time() - began

    def begun(fiber: Fiber, asked: list[Asked]) -> None:
        with of_the_step():
            begin(fiber, asked)

    def gone_on(fiber: Fiber, value: object = None) -> None:
        with of_the_step():
            go(fiber, value)

    def waited(fiber: Fiber, awaited: Any) -> Any:
        of_step, left = watches.running, time.thread_time()
        found = wait(fiber, awaited)
        away = time.thread_time() - left
        for running in of_step:
            running[1] += away
        watches.running = of_step
        return found

    for name, watched in (("_begin", begun), ("_go", gone_on), ("_wait_for", waited)):
        setattr(Fiber, name, watched)


watches = Watches()
spent: dict[str, float] = {}
calls: dict[str, int] = {}


def start(room: str) -> None:
    running = watches.running
    if running and running[-1][0].startswith(BEHIND) and not room.startswith(BEHIND):
        room = BEHIND + room
    running.append([room, time.thread_time(), 0.0])


def stop() -> None:
    room, started, inner = watches.running.pop()
    whole = time.thread_time() - started
    spent[room] = spent.get(room, 0.0) + whole - inner
    calls[room] = calls.get(room, 0) + 1
    if watches.running:
        watches.running[-1][2] += whole


class _Timed:
    """A coroutine whose every stretch between two waits is timed."""

    def __init__(self, coroutine: Coroutine[Any, Any, Any], room: str) -> None:
        self._coroutine = coroutine
        self._room = room

    def __await__(self) -> Generator[Any, Any, Any]:
        step: Callable[[], Any] = functools.partial(self._coroutine.send, None)
        while True:
            start(self._room)
            try:
                waited_for = step()
            except StopIteration as end:
                return end.value
            finally:
                stop()
            try:
                value = yield waited_for
            except BaseException as error:  # noqa: BLE001 - whatever came goes in, as `await` does
                step = functools.partial(self._coroutine.throw, error)
            else:
                step = functools.partial(self._coroutine.send, value)


def watch(owner: Any, name: str, room: str | Callable[..., str]) -> None:
    """Put a stopwatch around a function or coroutine function; its room, or how to tell it from the arguments."""
    inner = getattr(owner, name)
    named = room if callable(room) else lambda *_args, **_named: room

    @functools.wraps(inner)
    async def timed_coroutine(*args: Any, **named_args: Any) -> Any:
        return await _Timed(inner(*args, **named_args), named(*args))

    @functools.wraps(inner)
    def timed(*args: Any, **named_args: Any) -> Any:
        start(named(*args))
        try:
            return inner(*args, **named_args)
        finally:
            stop()

    is_static = isinstance(inspect.getattr_static(owner, name), staticmethod)
    wrapped = timed_coroutine if inspect.iscoroutinefunction(inner) else timed
    setattr(owner, name, staticmethod(wrapped) if is_static else wrapped)


def _step_room(_self: Any, job: Any, *_rest: Any) -> str:
    module = getattr(job.step, "__module__", "")
    behind = ".delivery." in module or ".storage." in module or module.endswith((".dev", ".keywatch"))
    return BEHIND + "steps" if behind else "steps: rules and guards"


def watch_all() -> None:
    from ostiary.contract import envelope
    from ostiary.server.delivery import sealer, worker
    from ostiary.server.storage import (
        db,
        jobs,
        libpq,
        postgres,
        postgres_batch,
        sqlite,
        sqlite_tx,
        sqlite_writer,
    )
    from ostiary.server.web import api, callers, cors, metrics, middleware, wire

    watch(middleware.Edge, "_answer", "edge")
    watch(middleware.Edge, "_send", "edge: send")
    watch(cors.Origins, "headers", "edge: cors")
    watch(middleware.Edge, "_tell", "log line")
    watch(metrics.Metrics, "answered", "metrics")
    watch(api.Api, "_form", "edge: body")
    watch(wire, "read", "wire: read")
    watch(envelope, "ok", "wire: answer")
    watch(callers.Callers, "read", "caller")
    watch(db.Store, "write", "store: hand-over")
    watch(db.Store, "read", "store: hand-over")
    watch(jobs.Mailbox, "_deliver", "store: answers")
    for name in ("_take", "_turn", "_wait", "_waited"):
        watch(worker.Worker, name, BEHIND + "outbox")
    watch(sealer.Sealer, "_turn", BEHIND + "sealer")
    watch(sqlite_writer.Writer, "_step", _step_room)
    for name in ("one", "all", "run", "must", "_each"):
        watch(sqlite_tx.SqliteTx, name, "SQL")
    watch(sqlite_writer, "do_last", "SQL")
    watch(sqlite_writer.Writer, "_own", "SQL: savepoints, COMMIT")
    watch(sqlite._Reader, "_snapshot", _step_room)  # noqa: SLF001 - a room's inside is what is measured
    watch(postgres._Connection, "_transaction", _step_room)  # noqa: SLF001 - a room's inside is what is measured
    watch(postgres_batch.Batch, "run", "store: batches")
    watch(postgres_batch._Step, "begin", lambda step: _step_room(None, step.job))  # noqa: SLF001 - as above
    watch(postgres_batch._Step, "go_on", lambda step, _: _step_room(None, step.job))  # noqa: SLF001 - as above
    watch(libpq.Wire, "trip", "SQL: trips")
    watch_fibers()
    watch_tokens()


def watch_tokens() -> None:
    from ostiary.server.guards import signing, signing_keys

    watch(signing.Signer, "verify", "token")
    watch(signing_keys.SigningKey, "signed", "token: signature")


def snapshot(path: Path) -> None:
    threads: dict[str, float] = {}
    for thread in threading.enumerate():
        name = "main" if thread is threading.main_thread() else thread.name.rstrip("-_0123456789")
        ran = Path(f"/proc/self/task/{thread.native_id}/schedstat").read_text().split()[0]
        threads[name] = threads.get(name, 0.0) + int(ran) / 1e9
    facts = {"spent": spent, "calls": calls, "threads": threads, "process": time.process_time()}
    beside = path.with_suffix(".new")
    beside.write_text(json.dumps(facts))
    beside.rename(path)


def main() -> None:
    out = Path(sys.argv.pop(1))
    watch_all()
    signal.signal(signal.SIGUSR1, lambda _number, _frame: snapshot(out))
    from ostiary.cli.main import app

    app(sys.argv[1:])


if __name__ == "__main__":
    main()
