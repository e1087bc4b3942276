"""Does a change cost more where there are many accounts? 16 at once, by database size, round after round."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from bench.driving import crowd, measure
from bench.products.product import Product, Town
from bench.rounds import LostError

AT_ONCE = 16
WARM = 100


@dataclass
class Grown:
    product: str
    accounts: int
    rate: float
    p99: float
    server_ms: float
    database_ms: float


def run(
    towns: list[tuple[Product, Town, int]],
    folder: Path,
    rounds: int,
    changes: int,
    say: Callable[[str], None],
) -> list[Grown]:
    """Sizes take turns; in one database other people go each round, so that a million need not be copied."""
    found: list[Grown] = []
    for number in range(rounds):
        for place, (product, town, accounts) in enumerate(towns):
            say(f"growth {number + 1} of {rounds}: {product.name} with {accounts:,} accounts")
            home = folder / f"growth-{place}-{number}"
            home.mkdir()
            found.append(_one(product, town, accounts, home, number, changes))
    return found


def _one(product: Product, town: Town, accounts: int, folder: Path, number: int, changes: int) -> Grown:
    databases = product.databases
    each = changes + WARM
    copied = accounts < 4 * each  # a small town has people for one round only
    url = databases.copy(town.url) if copied else town.url
    people = town.people[:each] if copied else town.people[number * each : (number + 1) * each]
    databases.settle()
    before = product.moved(url)
    with product.serve(town, url, folder) as server:
        phones = product.phones(town, url, folder)
        measure(
            server, databases.pid, product.settles, phones, crowd(product.journey, people[:WARM], AT_ONCE, 60)
        )
        costs = measure(
            server, databases.pid, product.settles, phones, crowd(product.journey, people[WARM:], AT_ONCE, 60)
        )
    if product.moved(url) - before != len(people):
        raise LostError(f"{product.name}: not every answered change is in the database")
    if copied:
        databases.drop(url)
    told = costs.told["crowds"][0]
    return Grown(
        product.name,
        accounts,
        told["rate"],
        told["p99"],
        costs.server.cpu / len(people[WARM:]) * 1e3,
        costs.database.cpu / len(people[WARM:]) * 1e3,
    )
