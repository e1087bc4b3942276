"""What a change costs in instructions: `python -m bench.instructions [--database postgresql]`.

The same service and journey as in `python -m bench`, under valgrind's callgrind: fifty times slower, but two runs
differ by a percent even on a machine that does other things, where times differ by half. For judging one small step
of our own; instructions are no times, and what the kernel does (sockets, files, fsync) is not in them.
"""

import argparse
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from bench.databases import databases
from bench.driving import crowd, drive
from bench.processes import Server
from bench.products.ostiary import Ostiary

WARM = 96
_PATIENCE = 900
"""Seconds for a crowd."""
_OBJECT = re.compile(r"\[([^\[\]]+)\]\s*$")
_ROW = re.compile(r"^\s*([\d,]+) \(")


def measure(dialect: str, changes: int, at_once: int, keep: Path | None) -> tuple[Counter[str], int]:
    """Instructions by library, and completed changes. `keep`: where callgrind's own file goes."""
    with tempfile.TemporaryDirectory(prefix="ostiary-bench-") as name, databases(Path(name)) as (kinds, _):
        folder = Path(name)
        product = Ostiary(next(kind for kind in kinds if kind.dialect == dialect))
        town = product.fill(folder / "town", changes + WARM, 5_000)
        home = folder / "run"
        home.mkdir()
        counted = folder / "callgrind"
        valgrind = (
            "valgrind",
            "--tool=callgrind",
            "--instr-atstart=no",
            f"--callgrind-out-file={counted}",
        )
        with product.serve(town, town.url, home, prefix=valgrind) as server:
            phones = product.phones(town, town.url, home)
            drive(server.port, phones, crowd(product.journey, town.people[:WARM], at_once, _PATIENCE))
            time.sleep(product.settles)
            _tell(server, "--instr=on")
            told = drive(server.port, phones, crowd(product.journey, town.people[WARM:], at_once, _PATIENCE))
            time.sleep(3 * product.settles)
            _tell(server, "--instr=off")
            _tell(server, "--dump")
        dump = counted.with_name("callgrind.1")
        if keep is not None:
            shutil.copy(dump, keep)
        return by_library(dump), told["crowds"][0]["completed"]


def by_library(dump: Path) -> Counter[str]:
    listed = subprocess.run(
        ("callgrind_annotate", "--threshold=100", "--auto=no", dump),
        check=True,
        capture_output=True,
        text=True,
    )
    found: Counter[str] = Counter()
    for line in listed.stdout.splitlines():
        row = _ROW.match(line)
        if row is None or "PROGRAM TOTALS" in line:
            continue
        place = _OBJECT.search(line)
        found[_name(place[1]) if place else "inlined, and what has no name"] += int(row[1].replace(",", ""))
    return found


def _name(path: str) -> str:
    return Path(path).name.partition(".so")[0].partition(".cpython")[0]


def _tell(server: Server, order: str) -> None:
    subprocess.run(("callgrind_control", order, str(server.pid)), check=True, capture_output=True)


def table(found: Counter[str], changes: int) -> str:
    whole = found.total()
    lines = [" thousands/change  share  library"]
    for name, count in found.most_common():
        if count * 1_000 > whole:
            lines.append(f"{count / changes / 1_000:17,.1f}  {count / whole:5.1%}  {name}")
    lines.append(f"{whole / changes / 1_000:17,.1f}         everything")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.instructions", description=__doc__)
    parser.add_argument("--database", choices=("sqlite", "postgresql"), default="sqlite")
    parser.add_argument("--changes", type=int, default=192)
    parser.add_argument("--at-once", type=int, default=16)
    parser.add_argument("--keep", type=Path, help="where to leave callgrind's file, for callgrind_annotate")
    asked = parser.parse_args()
    if shutil.which("valgrind") is None:
        sys.exit("valgrind is not installed: apt-get install valgrind")
    found, completed = measure(asked.database, asked.changes, asked.at_once, asked.keep)
    print(f"{asked.database}, {asked.at_once} at once, {completed} changes")
    print(table(found, completed))


if __name__ == "__main__":
    main()
