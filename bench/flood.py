"""What a flood of password sign-ins does to phone changes: their latency beside 64 sign-ins at once, and without."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.driving import crowd, drive
from bench.products.product import Product, Town

FLOOD = 64
AT_ONCE = 4


@dataclass
class Flooded:
    product: str
    quiet: dict[str, Any]
    flooded: dict[str, Any]
    sign_ins: dict[str, Any]


def run(product: Product, town: Town, folder: Path, seconds: float) -> Flooded:
    """The same server, quiet and then flooded. The password checks are argon2id as OWASP's floor has it."""
    folder.mkdir()
    url = product.databases.copy(town.url)
    with product.serve(town, url, folder) as server:
        phones = product.phones(town, url, folder)
        people = town.people[2 * FLOOD :]
        half = len(people) // 2
        drive(server.port, phones, crowd(product.journey, people[:50], AT_ONCE, 10))
        quiet = drive(server.port, phones, crowd(product.journey, people[50:half], AT_ONCE, seconds))
        flooded = drive(
            server.port,
            phones,
            crowd(product.journey, people[half:], AT_ONCE, seconds),
            crowd("ostiary-sign-in", town.people[:FLOOD], FLOOD, seconds, again=True),
        )
    product.databases.drop(url)
    return Flooded(product.name, quiet["crowds"][0], flooded["crowds"][0], flooded["crowds"][1])
