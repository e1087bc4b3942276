"""`make bench`: what a phone change costs here and elsewhere, in one interleaved run.

Prints progress on standard error, the tables as Markdown on standard output, and writes both, with every single
value as JSON, to bench/.results.
"""

import argparse
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench import counting, flood, growth, install, limits, report, rounds
from bench.databases import Databases, databases
from bench.products.ostiary import Ostiary
from bench.products.peers import Allauth, BetterAuth
from bench.products.product import Product, Town
from bench.results import Results, machine

RESULTS = Path(__file__).parent / ".results"
PARTS = ("limits", "rounds", "counts", "growth", "flood")


@dataclass(frozen=True)
class Size:
    """How much is measured. Seconds are of one cell."""

    rounds: int
    seconds: float
    warm: float
    passive: int
    """Accounts beside those that are measured."""
    counted: int
    """Changes of a counting run; half of them are counted."""
    growth: tuple[int, ...]
    grown: int
    """Changes of one growth measurement."""
    flood_seconds: float
    limit_seconds: float


FULL = Size(3, 3.0, 2.0, 20_000, 800, (1_000, 100_000, 1_000_000), 600, 8.0, 1.0)
QUICK = Size(1, 1.0, 0.5, 2_000, 40, (1_000, 20_000), 200, 2.0, 0.3)


class Bench:
    """One run."""

    def __init__(
        self, size: Size, folder: Path, kinds: list[Databases], results: Results, say: Callable[[str], None]
    ) -> None:
        self._size = size
        self._folder = folder
        self._kinds = kinds
        self._results = results
        self._say = say

    def limits(self) -> None:
        seconds = self._size.limit_seconds
        found = self._results.limits
        self._say("limits: disk, store, echo")
        found.append(limits.disk(self._folder, seconds))
        found += limits.stores(self._kinds, seconds)
        with limits.echo_server(self._folder) as server:
            found.append(limits.http(server, "echo", "echo on the same uvicorn, 16 at once", 16, seconds))
        product, town = Ostiary(self._kinds[0]), None
        town = product.fill(self._folder / "limits", 1, 0)
        home = self._folder / "healthz"
        home.mkdir()
        with product.serve(town, town.url, home) as server:
            found.append(
                limits.http(server, "healthz", "our edge answering /healthz, 16 at once", 16, seconds)
            )
        found.append(limits.disk(self._folder, seconds))

    def rounds(self, products: list[Product]) -> None:
        towns = [(product, self._town(product)) for product in products]
        self._results.rounds = rounds.run(
            towns, self._folder, self._size.rounds, self._size.seconds, self._size.warm, self._say
        )
        self._drop(towns)

    def counts(self, products: list[Product]) -> None:
        for product in products:
            self._say(f"counting: {product.name}")
            town = product.fill(
                self._folder / f"counts-{product.name}".replace(" ", "-"), self._size.counted, 1_000
            )
            self._results.counted[product.name] = [
                counting.count(
                    product,
                    town,
                    self._folder / f"count-{product.name}-{at_once}",
                    at_once,
                    self._size.counted,
                )
                for at_once in (1, 16)
            ]
            self._drop([(product, town)])

    def growth(self, products: Sequence[Product]) -> None:
        towns = []
        for product in products:
            for accounts in self._size.growth:
                self._say(f"filling {product.name} with {accounts:,} accounts")
                active = min(accounts, (self._size.grown + growth.WARM) * self._size.rounds)
                home = self._folder / f"growth-{product.name}-{accounts}".replace(" ", "-")
                towns.append((product, product.fill(home, active, accounts - active), accounts))
        self._results.grown = growth.run(towns, self._folder, self._size.rounds, self._size.grown, self._say)
        self._drop([(product, town) for product, town, _ in towns])

    def flood(self) -> None:
        for kind in self._kinds:
            product = Ostiary(kind)
            self._say(f"sign-in flood: {product.name}")
            people = int(2 * self._size.flood_seconds * rounds.MOST_PER_SECOND[1] * 2) + 200
            town = product.fill(self._folder / f"flood-{kind.dialect}", people, 1_000)
            home = self._folder / f"flooded-{kind.dialect}"
            self._results.flooded.append(flood.run(product, town, home, self._size.flood_seconds))
            self._drop([(product, town)])

    def _town(self, product: Product) -> Town:
        self._say(f"filling {product.name}")
        active = rounds.needed(product, self._size.seconds, self._size.warm)
        return product.fill(self._folder / product.name.replace(" ", "-"), active, self._size.passive)

    @staticmethod
    def _drop(towns: list[tuple[Product, Town]]) -> None:
        for product, town in towns:
            product.databases.drop(town.url)


def products_on(
    kinds: list[Databases], *, peers: bool, missing: list[str], say: Callable[[str], None]
) -> list[Product]:
    """Everything that is measured, in the order of a round; what can't be installed is named."""
    homes: dict[type[BetterAuth | Allauth], Path] = {}
    for peer, set_up in ((BetterAuth, install.better_auth), (Allauth, install.allauth)) if peers else ():
        say(f"installing {peer.title} (nothing to do after the first time)")
        try:
            homes[peer] = set_up()
        except install.NotInstallableError as error:
            missing.append(f"{peer.title}: {error}")
    return [
        product
        for kind in kinds
        for product in (Ostiary(kind), *(peer(kind, home) for peer, home in homes.items()))
    ]


def main() -> None:
    given = _options()
    size = QUICK if given.quick else FULL
    start = time.perf_counter()

    def say(text: str) -> None:
        print(f"[{time.perf_counter() - start:5.0f} s] {text}", file=sys.stderr, flush=True)

    results = Results("quick" if given.quick else "full", machine())
    with tempfile.TemporaryDirectory(prefix="ostiary-bench-") as name:
        folder = Path(name)
        with databases(folder) as (kinds, missing):
            if missing:
                results.missing.append(f"PostgreSQL: {missing}")
            bench = Bench(
                size, folder, [kind for kind in kinds if kind.dialect in given.databases], results, say
            )
            _measure(bench, given, results, say, [kind for kind in kinds if kind.dialect in given.databases])
    print(report.markdown(results))
    say(f"every value: {RESULTS / results.mode}.json")


def _keep(results: Results, start: float) -> None:
    """After every part, so that a run that is stopped was not for nothing."""
    results.seconds = time.perf_counter() - start
    results.write(RESULTS / f"{results.mode}.json")
    (RESULTS / f"{results.mode}.md").write_text(report.markdown(results), encoding="utf-8")


def _measure(
    bench: Bench,
    given: argparse.Namespace,
    results: Results,
    say: Callable[[str], None],
    kinds: list[Databases],
) -> None:
    install.ours()
    products = products_on(kinds, peers=given.peers, missing=results.missing, say=say)
    ours = [product for product in products if isinstance(product, Ostiary)]
    with_old = [Ostiary(kind, verify_old_phone=True) for kind in kinds]
    parts: dict[str, Callable[[], None]] = {
        "limits": bench.limits,
        "rounds": lambda: bench.rounds([*products, *with_old]),
        "counts": lambda: bench.counts(products),
        "growth": lambda: bench.growth(ours),
        "flood": bench.flood,
    }
    start = time.perf_counter() - results.seconds
    for name, measure in parts.items():
        if name in given.parts:
            measure()
            _keep(results, start)
    if results.rounds.cells:
        say(f"changes/s at once:\n{report.brief(results)}")


def _options() -> argparse.Namespace:
    options = argparse.ArgumentParser(
        prog="python -m bench", description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    options.add_argument(
        "--quick",
        action="store_true",
        help="about two minutes instead of eleven to twenty; one round, no spread",
    )
    options.add_argument("--no-peers", dest="peers", action="store_false", help="only Ostiary")
    options.add_argument(
        "--parts", nargs="+", choices=PARTS, default=PARTS, help="what to measure (default: all)"
    )
    options.add_argument(
        "--databases",
        nargs="+",
        choices=("sqlite", "postgresql"),
        default=("sqlite", "postgresql"),
        help="on which (default: both)",
    )
    if shutil.which("strace") is None:
        options.epilog = "strace is not installed: flushes on SQLite are not counted"
    return options.parse_args()


if __name__ == "__main__":
    main()
