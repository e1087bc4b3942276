"""The main table: every product at 1, 16 and 64 at once, round after round, so that all meet the same machine."""

from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

from bench.driving import Costs, FailedError, crowd, measure
from bench.processes import rss
from bench.products.product import Product, Town
from bench.yardstick import yardstick

AT_ONCE = (1, 16, 64)
WARM_AT_ONCE = 16


@dataclass
class Cell:
    """One product at one concurrency in one round."""

    at_once: int
    completed: int
    rate: float
    p50: float
    p99: float
    server_ms: float
    """CPU per change, milliseconds: server's process tree, its background work included."""
    database_ms: float
    """The same of PostgreSQL's processes."""
    written: float
    """Bytes per change that storage was asked to write, server and database."""
    driver_us: float
    """The driver's CPU per request, microseconds."""


@dataclass
class Start:
    """One start of one product."""

    ready: float
    """Seconds to the first good answer."""
    rss_at_rest: int
    rss_after: int
    """After its cells."""


@dataclass
class Rounds:
    """Everything measured, by product's name."""

    cells: dict[str, list[Cell]] = field(default_factory=dict)
    starts: dict[str, list[Start]] = field(default_factory=dict)
    yardsticks: list[float] = field(default_factory=list)
    """The machine's speed before each product of each round."""


class LostError(Exception):
    """The database does not hold what was answered."""


def run(
    towns: list[tuple[Product, Town]],
    folder: Path,
    rounds: int,
    seconds: float,
    warm: float,
    say: Callable[[str], None],
) -> Rounds:
    """All rounds. Raises `FailedError`, `LostError`."""
    found = Rounds()
    for number in range(rounds):
        for product, town in towns:
            found.yardsticks.append(yardstick())
            say(f"round {number + 1} of {rounds}: {product.name}")
            _one_life(
                found, product, town, folder / f"{product.name}-{number}".replace(" ", "-"), seconds, warm
            )
    return found


def _one_life(found: Rounds, product: Product, town: Town, folder: Path, seconds: float, warm: float) -> None:
    """Start it on a fresh copy, warm it up, measure, count what landed, stop it."""
    folder.mkdir()
    databases = product.databases
    url = databases.copy(town.url)
    people = iter(town.people)
    phones = product.phones(town, url, folder)
    with product.serve(town, url, folder) as server:
        at_rest = rss(server.pid)
        completed = 0
        for at_once, length in [(WARM_AT_ONCE, warm), *((one, seconds) for one in AT_ONCE)]:
            some = list(islice(people, _most(product, at_once, length)))
            costs = measure(
                server, databases.pid, product.settles, phones, crowd(product.journey, some, at_once, length)
            )
            cell = _cell(at_once, costs)
            if not completed:
                completed = cell.completed
                continue  # that was only to warm it up
            completed += cell.completed
            found.cells.setdefault(product.name, []).append(cell)
        found.starts.setdefault(product.name, []).append(
            Start(server.start_seconds, at_rest, rss(server.pid))
        )
    moved = product.moved(url)
    databases.drop(url)
    if moved != completed:
        raise LostError(f"{product.name}: {completed} changes were answered, {moved} are in the database")


MOST_PER_SECOND = {1: 700, 16: 1_800, 64: 2_200}
"""No product is faster: so many people, divided by its `pace`, are set aside for a cell, and nobody goes twice."""


def needed(product: Product, seconds: float, warm: float) -> int:
    """How many people one life can use up at most."""
    cells = [(WARM_AT_ONCE, warm), *((at_once, seconds) for at_once in AT_ONCE)]
    return sum(_most(product, at_once, length) for at_once, length in cells)


def _most(product: Product, at_once: int, seconds: float) -> int:
    return int(MOST_PER_SECOND[at_once] * seconds / product.pace) + at_once


def _cell(at_once: int, costs: Costs) -> Cell:
    told = costs.told["crowds"][0]
    count = told["completed"]
    if not count:
        raise FailedError(f"not one change in time at {at_once} at once")
    return Cell(
        at_once=at_once,
        completed=told["completed"],
        rate=told["rate"],
        p50=told["p50"],
        p99=told["p99"],
        server_ms=costs.server.cpu / count * 1e3,
        database_ms=costs.database.cpu / count * 1e3,
        written=(costs.server.written + costs.database.written) / count,
        driver_us=costs.driver_cpu / told["requests"] * 1e6,
    )
