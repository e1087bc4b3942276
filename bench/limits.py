"""What this machine, this disk and this stack can do at most, measured in the same run: what a change is held against."""

import asyncio
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench import store
from bench.databases import Databases
from bench.driving import crowd, measure
from bench.processes import Server, free_port, running
from ostiary.server.core.keyring import RootKeys
from ostiary.server.core.ports import Ports
from ostiary.server.storage.db import Store


@dataclass
class Limit:
    """`rate` per second; CPU of the server per piece in microseconds where there is a server."""

    what: str
    rate: float
    server_us: float | None = None
    note: str = ""


def disk(folder: Path, seconds: float) -> Limit:
    return Limit("fdatasync after appending 4 KiB", store.fsyncs_per_second(folder, seconds))


def stores(databases: list[Databases], seconds: float) -> list[Limit]:
    """The store alone: read a row under its lock, a guarded UPDATE, an INSERT; no HTTP, no rules."""
    return [limit for kind in databases for limit in asyncio.run(_store(kind, seconds))]


async def _store(databases: Databases, seconds: float) -> list[Limit]:
    url = databases.fresh()
    opened = await asyncio.to_thread(Store.open, url, Ports(RootKeys({})))
    await opened.write(store.make_rows)
    await store.measure(opened, 16, seconds / 4)
    found = []
    for writers in store.WRITERS:
        rate, _, slow = await store.measure(opened, writers, seconds)
        found.append(
            Limit(f"our store alone, {databases.dialect}, {writers} writers", rate, note=f"p99 {slow:.1f} ms")
        )
    await opened.close()
    databases.drop(url)
    return found


@contextmanager
def echo_server(folder: Path) -> Iterator[Server]:
    """uvicorn with uvloop and httptools, as ours, around ten lines of ASGI."""
    port = free_port()
    command = (sys.executable, "-m", "uvicorn", "bench.echo_app:app", "--port", str(port), "--no-access-log")
    options = ("--loop", "uvloop", "--http", "httptools", "--lifespan", "off", "--log-level", "warning")
    with running(
        (*command, *options), port, "/", folder / "echo.log", cwd=Path(__file__).parent.parent
    ) as server:
        yield server


def http(server: Server, journey: str, what: str, at_once: int, seconds: float) -> Limit:
    costs = measure(server, None, 0, {}, crowd(journey, [{}], at_once, seconds, again=True))
    told = costs.told["crowds"][0]
    cpu = costs.server.cpu / told["requests"] * 1e6
    driver = costs.driver_cpu / told["requests"] * 1e6
    return Limit(what, told["rate"], cpu, f"driver {driver:.0f} µs a request")
