"""What issue 5 aims at on two shared cores, and whether a run got there. Medians, as in the tables."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import pairwise

from bench import report
from bench.results import Results, median

PEER = "better-auth"
_MB = 10**6
_FLAT = 0.9
"""How many of the changes/s at the next smaller size there must be left."""

Measured = Callable[[Results, str], float]
"""Of one dialect."""


@dataclass(frozen=True)
class Aim:
    """`limits`: by dialect; none where nothing is aimed at, and the value is told all the same."""

    title: str
    measured: Measured
    limits: Mapping[str, float]
    digits: int
    at_least: bool = False

    def cells(self, results: Results, dialect: str) -> list[str]:
        """The aim, the value, the verdict."""
        value, limit = self.measured(results, dialect), self.limits.get(dialect)
        shown = f"{value:.{self.digits}f}"
        if limit is None:
            return ["", shown, ""]
        reached = value >= limit if self.at_least else value <= limit
        return [
            f"{'≥' if self.at_least else '≤'} {limit:g}",
            shown if reached else f"**{shown}**",
            "reached" if reached else "not reached",
        ]


def _times_as_many(at_once: int) -> Measured:
    return lambda results, dialect: median(results.ratios(f"ostiary {dialect}", f"{PEER} {dialect}", at_once))


def _milliseconds(results: Results, dialect: str) -> float:
    return median([cell.server_ms for cell in results.cells(f"ostiary {dialect}", 16)])


def _ready(results: Results, dialect: str) -> float:
    return median([start.ready for start in results.rounds.starts[f"ostiary {dialect}"]])


def _resident(results: Results, dialect: str) -> float:
    return median([start.rss_after / _MB for start in results.rounds.starts[f"ostiary {dialect}"]])


def _left_as_it_grows(results: Results, dialect: str) -> float:
    grown = [one for one in results.grown if one.product == f"ostiary {dialect}"]
    sizes = sorted({one.accounts for one in grown})
    rates = [median([one.rate for one in grown if one.accounts == size]) for size in sizes]
    return min(larger / smaller for smaller, larger in pairwise(rates))


def _on_both(limit: float) -> Mapping[str, float]:
    return {"sqlite": limit, "postgresql": limit}


AIMS = (
    Aim(f"changes/s at 16, times {PEER}'s", _times_as_many(16), {"sqlite": 6}, 1, at_least=True),
    Aim(
        f"changes/s at 64, times {PEER}'s",
        _times_as_many(64),
        {"sqlite": 8, "postgresql": 6},
        1,
        at_least=True,
    ),
    Aim("server CPU per change at 16, ms", _milliseconds, {"sqlite": 1.6, "postgresql": 2.0}, 2),
    Aim("ready, s", _ready, _on_both(0.8), 2),
    Aim("resident after load, MB", _resident, _on_both(90), 0),
    Aim(
        "changes/s left as accounts grow",
        _left_as_it_grows,
        _on_both(_FLAT),
        2,
        True,
    ),
)


def table(results: Results) -> str:
    """Markdown."""
    rows = [[aim.title, *aim.cells(results, "sqlite"), *aim.cells(results, "postgresql")] for aim in AIMS]
    return report.table(["", "aim", "SQLite", "", "aim", "PostgreSQL", ""], rows)
