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


class EmptyCellError(FailedError):
    """Nobody got through in a cell's time: there is nothing to divide by."""


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
            home = folder / f"{product.name}-{number}".replace(" ", "-")
            try:
                life = _one_life(product, town, home, seconds, warm)
            except EmptyCellError as empty:  # the machine was elsewhere; a second time is no chance
                say(f"{empty}; that life once more")
                life = _one_life(product, town, home.with_name(f"{home.name}-again"), seconds, warm)
            found.cells.setdefault(product.name, []).extend(life.cells)
            found.starts.setdefault(product.name, []).append(life.start)
    return found


@dataclass
class _Life:
    """One start of one product, with its cells."""

    start: Start
    cells: list[Cell]


def _one_life(product: Product, town: Town, folder: Path, seconds: float, warm: float) -> _Life:
    """Start it on a fresh copy, warm it up, measure, count what landed, stop it. Raises `EmptyCellError`, `LostError`."""
    folder.mkdir()
    databases = product.databases
    url = databases.copy(town.url)
    people = iter(town.people)
    phones = product.phones(town, url, folder)
    with product.serve(town, url, folder) as server:
        at_rest = rss(server.pid)
        cells = []
        for at_once, length in [(WARM_AT_ONCE, warm), *((one, seconds) for one in AT_ONCE)]:
            some = list(islice(people, _most(product, at_once, length)))
            costs = measure(
                server, databases.pid, product.settles, phones, crowd(product.journey, some, at_once, length)
            )
            cells.append(_cell(at_once, costs, len(some)))
        start = Start(server.start_seconds, at_rest, rss(server.pid))
    moved, completed = product.moved(url), sum(cell.completed for cell in cells)
    databases.drop(url)
    if moved != completed:
        raise LostError(f"{product.name}: {completed} changes were answered, {moved} are in the database")
    return _Life(start, cells[1:])  # the first was only to warm it up


MOST_PER_SECOND = {1: 900, 16: 2_300, 64: 2_800}
"""No product is faster: so many people, divided by its `pace`, are set aside for a cell, and nobody goes twice."""


def needed(product: Product, seconds: float, warm: float) -> int:
    """How many people one life can use up at most."""
    cells = [(WARM_AT_ONCE, warm), *((at_once, seconds) for at_once in AT_ONCE)]
    return sum(_most(product, at_once, length) for at_once, length in cells)


def _most(product: Product, at_once: int, seconds: float) -> int:
    return int(MOST_PER_SECOND[at_once] * seconds / product.pace) + at_once


def _cell(at_once: int, costs: Costs, people: int) -> Cell:
    told = costs.told["crowds"][0]
    count = told["completed"]
    if not count:
        raise EmptyCellError(
            f"not one change in time at {at_once} at once ({people} people, {told['requests']} requests)"
        )
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
