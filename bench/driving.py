"""Asking the driver's process to drive, and what it costs everybody meanwhile."""

import json
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.journeys import Person
from bench.processes import Server, Usage, usage

ROOT = Path(__file__).parent.parent


class FailedError(Exception):
    """Some journeys failed: nothing that was measured counts."""


def crowd(
    journey: str, people: list[Person], concurrency: int, seconds: float, *, again: bool = False
) -> dict[str, Any]:
    """So many at once, for so long, or until everybody went once (`again`: round and round)."""
    return {
        "journey": journey,
        "people": people,
        "concurrency": concurrency,
        "seconds": seconds,
        "again": again,
    }


def drive(port: int, phones: dict[str, Any], *crowds: dict[str, Any]) -> dict[str, Any]:
    """Run the driver; what `driver.drive` tells. Raises `FailedError`."""
    plan = {"host": "127.0.0.1", "port": port, "phones": phones, "crowds": crowds}
    result = subprocess.run(
        [sys.executable, "-m", "bench.driver"],
        input=json.dumps(plan).encode(),
        stdout=subprocess.PIPE,
        cwd=ROOT,
        check=True,
        timeout=180,
    )
    told: dict[str, Any] = json.loads(result.stdout)
    errors = [error for crowd in told["crowds"] for error in crowd["errors"]]
    if errors:
        raise FailedError("; ".join(errors[:3]))
    return told


@dataclass
class Costs:
    """What one measured crowd cost: the server's process tree, the database's, the driver's."""

    told: dict[str, Any]
    server: Usage
    database: Usage
    driver_cpu: float


def measure(
    server: Server, database: int | None, settles: float, phones: dict[str, Any], *crowds: dict[str, Any]
) -> Costs:
    """Drive, wait for what is left to do, and take the difference of what the kernel counted."""
    before = usage(server.pid), _database(database)
    told = drive(server.port, phones, *crowds)
    time.sleep(settles)
    after = usage(server.pid), _database(database)
    return Costs(told, after[0] - before[0], after[1] - before[1], told["cpu"])


def _database(pid: int | None) -> Usage:
    return Usage(0.0, 0) if pid is None else usage(pid)
