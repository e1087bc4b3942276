"""How often a change asks the database, commits and flushes: counted apart, because counting slows down.

- Statements: ours by the store's own counter, the peers' on SQLite by their drivers' hook; on PostgreSQL by its
  log (`log_statement = all`), for everybody alike: transaction control is left out there too.
- Commits: on PostgreSQL the database's own count; on SQLite, where every commit is one flush of the log, the flushes.
- Flushes (fsync, fdatasync): SQLite's by strace on the server; PostgreSQL's by its WAL statistics.
"""

import re
import shutil
import time
from dataclasses import dataclass
from pathlib import Path

from bench.databases import PostgresDatabases
from bench.driving import crowd, drive
from bench.products.product import Product, Town

_CONTROL = re.compile(
    r"^(?:BEGIN|COMMIT|ROLLBACK|START|SAVEPOINT|RELEASE|SET|SHOW|DISCARD|DEALLOCATE)\b", re.IGNORECASE
)
_LOGGED = re.compile(r"LOG:  (?:statement|execute [^:]*): (.*)")


@dataclass
class Counted:
    """Per change; None where it can't be had."""

    at_once: int
    statements: float | None
    commits: float | None
    flushes: float | None


def count(product: Product, town: Town, folder: Path, at_once: int, changes: int) -> Counted:
    """A short life of its own, with counters on. The first half of the changes is not counted.

    People who come at once fall into step with the commits that they share, and that takes some hundred changes.
    """
    folder.mkdir()
    databases = product.databases
    url = databases.copy(town.url)
    counter = _postgresql if isinstance(databases, PostgresDatabases) else _sqlite
    counted = counter(product, town, url, folder, at_once, town.people[:changes])
    databases.drop(url)
    return counted


def _sqlite(
    product: Product, town: Town, url: str, folder: Path, at_once: int, people: list[dict[str, str]]
) -> Counted:
    trace = folder / "trace"
    strace = shutil.which("strace")
    prefix = (
        (strace, "-f", "--seccomp-bpf", "-qq", "-e", "trace=fsync,fdatasync", "-o", str(trace))
        if strace
        else ()
    )
    with product.serve(town, url, folder, env={"BENCH_COUNT": "1"}, prefix=prefix) as server:
        half = len(people) // 2
        phones = product.phones(town, url, folder)
        warmed = drive(server.port, phones, crowd(product.journey, people[:half], at_once, 60))
        time.sleep(product.settles)
        before = _flushes(trace), _ours(server.port, product)
        told = drive(server.port, phones, crowd(product.journey, people[half:], at_once, 60))
        time.sleep(product.settles)
        after = _flushes(trace), _ours(server.port, product)
    done = told["crowds"][0]["completed"]
    flushes = (after[0] - before[0]) / done if strace else None
    if before[1] is not None and after[1] is not None:
        statements = (after[1][0] - before[1][0]) / done
        return Counted(at_once, statements, (after[1][1] - before[1][1]) / done, flushes)
    said = re.search(r"^statements (\d+)", (folder / "log").read_text(errors="replace"), re.MULTILINE)
    since_start = done + warmed["crowds"][0]["completed"]
    return Counted(at_once, int(said[1]) / since_start if said else None, flushes, flushes)


def _flushes(trace: Path) -> int:
    return len(re.findall(r"f(?:data)?sync\(\d", trace.read_text())) if trace.exists() else 0


def _ours(port: int, product: Product) -> tuple[float, float] | None:
    """Statements and commits since the start, by our own counters."""
    import urllib.request

    if not product.name.startswith("ostiary"):
        return None
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics") as answer:
        text = answer.read().decode()
    values = [
        re.search(rf"^ostiary_store_{name}(?:_total)? (\S+)", text, re.MULTILINE)
        for name in ("statements", "commits")
    ]
    return float(values[0][1]), float(values[1][1])  # type: ignore[index] # both are always there


def _postgresql(
    product: Product, town: Town, url: str, folder: Path, at_once: int, people: list[dict[str, str]]
) -> Counted:
    databases = product.databases
    assert isinstance(databases, PostgresDatabases)
    name = url.rpartition("/")[2]
    databases.script(url, f"ALTER DATABASE \"{name}\" SET log_statement = 'all'")
    with product.serve(town, url, folder) as server:
        half = len(people) // 2
        phones = product.phones(town, url, folder)
        drive(server.port, phones, crowd(product.journey, people[:half], at_once, 60))
        time.sleep(max(1.0, product.settles))
        before = _figures(databases, url)
        told = drive(server.port, phones, crowd(product.journey, people[half:], at_once, 60))
        time.sleep(max(1.0, product.settles))
        after = _figures(databases, url)
    done = told["crowds"][0]["completed"]
    return Counted(at_once, *((late - early) / done for early, late in zip(before, after, strict=True)))


def _figures(databases: PostgresDatabases, url: str) -> tuple[int, int, int]:
    """Statements logged, transactions that wrote, WAL flushes."""
    logged = _LOGGED.findall(databases.log.read_text(errors="replace"))
    statements = sum(_CONTROL.match(text) is None and "pg_stat" not in text for text in logged)
    commits, flushes = databases.row(
        url,
        "SELECT (SELECT txid_current()::bigint), (SELECT wal_sync FROM pg_stat_wal)",
    )
    return statements, int(commits), int(flushes)
