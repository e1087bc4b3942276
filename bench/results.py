"""Everything one run found, and how it is kept: one JSON file."""

import dataclasses
import json
import os
import platform
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from bench.counting import Counted
from bench.flood import Flooded
from bench.growth import Grown
from bench.limits import Limit
from bench.rounds import Cell, Rounds


@dataclass
class Results:
    """What `report` prints."""

    mode: str
    machine: dict[str, str]
    missing: list[str] = field(default_factory=list)
    """What could not be measured, and why."""
    rounds: Rounds = field(default_factory=Rounds)
    counted: dict[str, list[Counted]] = field(default_factory=dict)
    grown: list[Grown] = field(default_factory=list)
    flooded: list[Flooded] = field(default_factory=list)
    limits: list[Limit] = field(default_factory=list)
    seconds: float = 0.0

    @classmethod
    def read(cls, path: Path) -> "Results":
        """What `write` kept."""
        return msgspec.json.decode(path.read_bytes(), type=cls)

    def write(self, path: Path) -> None:
        """Keep everything as JSON."""
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(dataclasses.asdict(self), indent=1) + "\n", encoding="utf-8")

    def cells(self, product: str, at_once: int) -> list[Cell]:
        """One product's, round by round."""
        return [cell for cell in self.rounds.cells[product] if cell.at_once == at_once]

    def ratios(self, product: str, peer: str, at_once: int) -> list[float]:
        """Changes/s of one over the other's, round by round: neighbours in time met the same machine."""
        pairs = zip(self.cells(product, at_once), self.cells(peer, at_once), strict=True)
        return [ours.rate / theirs.rate for ours, theirs in pairs if theirs.rate]


def machine() -> dict[str, str]:
    """What it ran on."""
    return {
        "cpu": f"{os.cpu_count()} cores, {_line('/proc/cpuinfo', 'model name')}",
        "memory": f"{int(_line('/proc/meminfo', 'MemTotal').split()[0]) / 2**20:.0f} GiB",
        "kernel": platform.release(),
        "python": platform.python_version(),
        "node": _said("node", "--version"),
        "commit": _said("git", "-C", str(Path(__file__).parent.parent), "rev-parse", "--short", "HEAD"),
        "load": " ".join(f"{value:.1f}" for value in os.getloadavg()),
    }


def _line(path: str, name: str) -> str:
    for line in Path(path).read_text().splitlines():
        if line.startswith(name):
            return line.partition(":")[2].strip()
    return "?"


def _said(*command: str) -> str:
    try:
        return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()
    except OSError:
        return "none"


def median(values: list[float]) -> float:
    ordered = sorted(values)
    middle = len(ordered) // 2
    return ordered[middle] if len(ordered) % 2 else (ordered[middle - 1] + ordered[middle]) / 2


def spread(values: list[float], digits: int = 0) -> str:
    """Median (min-max)."""
    shown = [f"{value:,.{digits}f}" for value in (median(values), min(values), max(values))]
    return f"{shown[0]} ({shown[1]} to {shown[2]})"
