"""What one row of the table of unserved operations says."""

from dataclasses import dataclass
from typing import Literal

from ostiary.contract.instead import Instead
from ostiary.contract.operation import Kind

Side = Literal["AuthenticationClient", "ManagementClient"]


@dataclass(frozen=True, slots=True)
class Unserved:
    """One method of the incumbent's that this service does not do."""

    name: str
    """The incumbent's Python method, or a word of ours where a browser comes by itself."""
    method: str
    path: str
    """As the incumbent writes it; `{id}` stands for anything up to the next slash. '' where it is no path of its own."""
    instead: Instead
    side: Side
    """Whose method it is."""
    kind: Kind = Kind.API
    """In which form the 501 comes: API the envelope, with HTTP 200; others OAuth's error, with HTTP 501."""


def rows(side: Side, instead: Instead, *doors: str, kind: Kind = Kind.API) -> tuple[Unserved, ...]:
    """Rows that share a sentence; each door is `name METHOD path`, or a name alone."""
    return tuple(_row(door, side, instead, kind) for door in doors)


def _row(door: str, side: Side, instead: Instead, kind: Kind) -> Unserved:
    name, _, rest = door.partition(" ")
    method, _, path = rest.partition(" ")
    return Unserved(name, method, path, instead, side, kind)
