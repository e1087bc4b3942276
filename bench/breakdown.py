"""Where the CPU of one change goes, room by room: `python -m bench.breakdown [--database postgresql]`.

The service runs with stopwatches (`bench.instrumented`) that cost something themselves: what they cost is measured
and taken off. The whole is what the kernel counted for the process without stopwatches, from `python -m bench`.
"""

import argparse
import json
import os
import signal
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from bench.databases import databases
from bench.driving import crowd, drive
from bench.products.ostiary import Ostiary
from bench.yardstick import yardstick

WARM = 200


class _Instrumented(Ostiary):
    """The same service, started under stopwatches."""

    snapshot: Path

    def command(self, *arguments: str) -> tuple[str, ...]:
        return (sys.executable, "-m", "bench.instrumented", str(self.snapshot), *arguments)


def _snapshot(pid: int, path: Path) -> dict[str, Any]:
    path.unlink(missing_ok=True)
    os.kill(pid, signal.SIGUSR1)
    while not path.exists():
        time.sleep(0.01)
    facts: dict[str, Any] = json.loads(path.read_text())
    return facts


def stopwatch_cost() -> tuple[float, float]:
    """(seconds counted in the stopwatch itself, seconds its caller pays beside) for one call."""
    from bench import instrumented

    turns = 20_000
    begun = time.thread_time()
    for _ in range(turns):
        instrumented.start("empty")
        instrumented.stop()
    whole = (time.thread_time() - begun) / turns
    own = instrumented.spent["empty"] / turns
    return own, whole - own


def measure(dialect: str, changes: int, at_once: int) -> tuple[dict[str, Any], dict[str, Any], int]:
    with tempfile.TemporaryDirectory(prefix="ostiary-bench-") as name, databases(Path(name)) as (kinds, _):
        folder = Path(name)
        product = _Instrumented(next(kind for kind in kinds if kind.dialect == dialect))
        product.snapshot = folder / "snapshot"
        town = product.fill(folder / "town", changes + WARM, 5_000)
        home = folder / "run"
        home.mkdir()
        with product.serve(town, town.url, home) as server:
            phones = product.phones(town, town.url, home)
            drive(server.port, phones, crowd(product.journey, town.people[:WARM], at_once, 120))
            time.sleep(product.settles)
            before = _snapshot(server.pid, product.snapshot)
            told = drive(server.port, phones, crowd(product.journey, town.people[WARM:], at_once, 120))
            time.sleep(product.settles)
            after = _snapshot(server.pid, product.snapshot)
    return before, after, told["crowds"][0]["completed"]


def table(before: dict[str, Any], after: dict[str, Any], changes: int) -> str:
    own, beside = stopwatch_cost()

    def per_change(kind: str, name: str) -> float:
        grown: float = after[kind].get(name, 0) - before[kind].get(name, 0)
        return grown / changes

    rows = []
    for room in after["spent"]:
        times = per_change("calls", room)
        if times:
            rows.append((max(0.0, per_change("spent", room) - times * own) * 1e6, times, room))
    watched = sum(row[0] for row in rows)
    stopwatches = sum(row[1] for row in rows) * (own + beside) * 1e6
    whole = (after["process"] - before["process"]) / changes * 1e6
    lines = [f"{'µs/change':>10} {'calls':>7}  room"]
    lines += [f"{cost:>10.0f} {times:>7.1f}  {room}" for cost, times, room in sorted(rows, reverse=True)]
    lines.append(
        f"{whole - watched - stopwatches:>10.0f} {'':>7}  the rest: uvicorn, uvloop, sockets, threads' waking"
    )
    lines.append(f"{whole - stopwatches:>10.0f} {'':>7}  the process (and {stopwatches:.0f} of stopwatches)")
    for thread in after["threads"]:
        lines.append(
            f"{per_change('threads', thread) * 1e6:>10.0f} {'':>7}  thread {thread}, stopwatches included"
        )
    return "\n".join(lines)


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--database", choices=("sqlite", "postgresql"), default="sqlite")
    options.add_argument("--changes", type=int, default=1_500)
    options.add_argument("--at-once", type=int, default=16)
    given = options.parse_args()
    fast = yardstick()
    before, after, completed = measure(given.database, given.changes, given.at_once)
    print(
        f"{given.database}, {given.at_once} at once, {completed} changes, yardstick {fast:.0f} to {yardstick():.0f} ms"
    )
    print(table(before, after, completed))


if __name__ == "__main__":
    main()
