"""The store alone: transactions per second for 1, 16 and 64 writers, beside what the disk can do.

One transaction is the shape of a checked code: read a row under its lock, a guarded UPDATE, an INSERT.
Writers take different rows. Nothing else runs in the process: no HTTP, no rules, no signing.

    .venv/bin/python -m bench.store [--seconds 1.0] [--postgresql URL]

Without a URL PostgreSQL is the tests' own cluster, on the same disk.
"""

import argparse
import asyncio
import os
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from ostiary.server.core.keyring import RootKeys
from ostiary.server.core.ports import Ports
from ostiary.server.storage.db import Store
from ostiary.server.storage.tx import Sql, Tx
from tests import postgres_server

WRITERS = (1, 16, 64)
ROWS = 64
PAGE = 4_096

MAKE = Sql("INSERT INTO meta (name, value) VALUES (:name, '0')")
LOCK = Sql(
    "SELECT value FROM meta WHERE name = :name",
    postgresql="SELECT value FROM meta WHERE name = :name FOR UPDATE",
)
MOVE = Sql("UPDATE meta SET value = :new WHERE name = :name AND value = :old")
NOTE = Sql("INSERT INTO meta (name, value) VALUES (:name, :value)")


def fsyncs_per_second(folder: Path, seconds: float) -> float:
    """Append one page and flush it, again and again."""
    descriptor = os.open(folder / "fsync", os.O_CREAT | os.O_WRONLY)
    page, done, start = bytes(PAGE), 0, time.perf_counter()
    while time.perf_counter() - start < seconds:
        os.write(descriptor, page)
        os.fdatasync(descriptor)
        done += 1
    os.close(descriptor)
    return done / (time.perf_counter() - start)


def make_rows(tx: Tx) -> None:
    for row in range(ROWS):
        tx.run(MAKE, name=f"row-{row}")


def transaction(writer: int, turn: int) -> Callable[[Tx], None]:
    """One step: two trips on PostgreSQL, the second with its COMMIT."""
    name = f"row-{writer}"

    def step(tx: Tx) -> None:
        row = tx.one(LOCK, name=name)
        assert row is not None
        tx.must(MOVE, name=name, old=row[0], new=str(int(row[0]) + 1))
        tx.must(NOTE, name=f"{name}-{turn}-{os.urandom(6).hex()}", value="moved")

    return step


async def measure(store: Store, writers: int, seconds: float) -> tuple[float, float, float]:
    """(tx/s, median ms, 99th percentile ms) with so many writers, each waiting for its own answer."""
    taken: list[float] = []
    end = time.perf_counter() + seconds

    async def write(writer: int) -> None:
        turn = 0
        while (start := time.perf_counter()) < end:
            turn += 1
            await store.write(transaction(writer, turn))
            taken.append(time.perf_counter() - start)

    start = time.perf_counter()
    await asyncio.gather(*(write(writer) for writer in range(writers)))
    rate = len(taken) / (time.perf_counter() - start)
    taken.sort()
    return rate, taken[len(taken) // 2] * 1e3, taken[len(taken) * 99 // 100] * 1e3


async def bench(url: str, seconds: float) -> None:
    store = Store.open(url, Ports(RootKeys({})))
    await store.write(make_rows)
    await measure(store, 16, seconds / 4)  # connections opened, statements prepared
    for writers in WRITERS:
        commits = store.counts.commits
        rate, median, slow = await measure(store, writers, seconds)
        commits = store.counts.commits - commits
        print(
            f"{store.dialect:<12} {writers:>3} writers {rate:>8,.0f} tx/s   p50 {median:>6.2f} ms"
            f"   p99 {slow:>7.2f} ms   {commits / seconds:>6,.0f} commits/s"
        )
    await store.close()


@contextmanager
def postgresql(given: str | None) -> Iterator[str | None]:
    """The URL to use: the given one, or a cluster of our own, or none."""
    if given:
        yield given
        return
    folder = postgres_server.new_run_folder()
    try:
        yield postgres_server.shared_server(folder).fresh_database()
    except postgres_server.PostgresUnavailableError as error:
        print(f"postgresql   left out: {error}")
        yield None
    finally:
        postgres_server.clean_up(folder)


def main() -> None:
    options = argparse.ArgumentParser(description="Measure the store.")
    options.add_argument("--seconds", type=float, default=1.0, help="per line of the table")
    options.add_argument("--postgresql", metavar="URL", help="an empty database")
    given = options.parse_args()
    with tempfile.TemporaryDirectory(prefix="ostiary-bench-") as folder:
        print(f"fdatasync    append 4 KiB {fsyncs_per_second(Path(folder), given.seconds):>8,.0f} /s")
        asyncio.run(bench(f"sqlite:///{folder}/bench.db", given.seconds))
        with postgresql(given.postgresql) as url:
            if url:
                asyncio.run(bench(url, given.seconds))
        print(f"fdatasync    append 4 KiB {fsyncs_per_second(Path(folder), given.seconds):>8,.0f} /s")


if __name__ == "__main__":
    main()
