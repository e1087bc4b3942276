"""What every measured product can do: be filled with people, start, and say how many numbers really moved."""

from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from bench.databases import Databases
from bench.journeys import Person
from bench.processes import Server


@dataclass
class Town:
    """A filled database, the template of the measured ones, and the people in it who are signed in."""

    url: str
    people: list[Person]
    facts: dict[str, Any] = field(default_factory=dict)
    """What its product needs to start on it."""


class Product(Protocol):
    """One product on one kind of database."""

    name: str
    """"ostiary sqlite", …"""
    databases: Databases
    journey: str
    pace: float
    """How many times slower than ours it is at least: fewer people are set aside for it."""
    settles: float
    """Seconds after the last answer in which work of the measured changes still goes on."""

    def fill(self, folder: Path, active: int, passive: int) -> Town:
        """A database with so many people: `active` ones are signed in, `passive` ones are only there."""

    def serve(
        self,
        town: Town,
        url: str,
        folder: Path,
        *,
        env: Mapping[str, str] | None = None,
        prefix: tuple[str, ...] = (),
    ) -> AbstractContextManager[Server]:
        """The product's recommended server on a copy of the town's database."""

    def phones(self, town: Town, url: str, folder: Path) -> dict[str, Any]:
        """Where the driver reads codes."""

    def moved(self, url: str) -> int:
        """How many people have their new number, by the database."""


OLD = "+86131"
NEW = "+86150"
PASSIVE = "+86186"
"""Where the numbers of people begin; eight digits follow. All are mobile numbers, as a phone validator sees them."""


def numbers(place: int) -> tuple[str, str]:
    """The old and the new number of the person at this place."""
    return f"{OLD}{place:08d}", f"{NEW}{place:08d}"
