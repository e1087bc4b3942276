"""Looking through the whole audit trail, a page at a time: whether it is whole, and what it says."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

from ostiary.server.core.millis import SECOND
from ostiary.server.storage import audit_export, audit_seal
from ostiary.server.storage.audit_export import Entry
from ostiary.server.storage.audit_seal import Break, Head
from ostiary.server.storage.tx import Tx
from ostiary.server.upkeep.site import Site

PAGE = 1_000
OVERDUE = 5 * SECOND
"""The sealer is a second behind at most; rows that wait longer have nobody who seals them."""
_MOST_FAULTS = 1_000
"""Kept for telling; all are counted."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong. `fault`: row, key, chain, gap (storage/audit_seal.py), or cut."""

    fault: str
    id: str
    place: int | None


@dataclass(frozen=True, slots=True)
class Verified:
    """What was found. `head` is to be kept elsewhere; `overdue` rows should have been sealed by now."""

    sealed: int
    unsealed: int
    overdue: int
    faults: tuple[Fault, ...]
    faults_in_all: int
    head: Head

    @property
    def whole(self) -> bool:
        """Whether nothing is wrong."""
        return not (self.faults_in_all or self.overdue)


def how_many(site: Site) -> int:
    """How many rows are sealed."""
    return site.store.read_now(audit_seal.head).place


def verify(site: Site, expected: Head | None, told: Callable[[int], object]) -> Verified:
    """Check all rows; what is written meanwhile is checked, too. `told` hears how many were."""
    faults: list[Fault] = []
    broken, head = 0, Head()
    while (report := site.store.read_now(partial(_sealed, site, head))).checked:
        head = report.head
        broken += len(report.breaks)
        _keep(faults, report.breaks)
        told(head.place)
    unsealed, after = 0, ""
    while rows := site.store.read_now(partial(_unsealed, site, after)):
        after = rows[0]
        unsealed += rows[1].checked
        broken += len(rows[1].breaks)
        _keep(faults, rows[1].breaks)
    overdue = site.store.read_now(lambda tx: audit_export.unsealed_before(tx, site.ports.now() - OVERDUE))
    if (
        expected is not None
        and site.store.read_now(lambda tx: audit_export.at(tx, expected.place)) != expected
    ):
        broken += 1
        faults.insert(0, Fault("cut", "", expected.place))
    return Verified(head.place, unsealed, overdue, tuple(faults), broken, head)


def read_head(text: str) -> Head | None:
    """`PLACE:CHAIN` as `verify` prints it."""
    place, _, chain = text.partition(":")
    try:
        return Head(int(place), bytes.fromhex(chain))
    except ValueError:
        return None


def export(
    site: Site, since: int | None, until: int | None, *, pool_id: str, user_id: str, event: str
) -> Iterator[Entry]:
    """Rows from one moment to before another (ms), oldest first."""
    after = f"{since:012x}" if since is not None else ""
    before = f"{until:012x}" if until is not None else "g"  # behind every hex digit
    while page := site.store.read_now(
        partial(
            audit_export.page,
            after=after,
            limit=PAGE,
            until=before,
            pool_id=pool_id,
            user_id=user_id,
            event=event,
        )
    ):
        yield from page
        after = page[-1].id


def _sealed(site: Site, head: Head, tx: Tx) -> audit_seal.Report:
    return audit_seal.verify(tx, site.ports, head, PAGE)


def _unsealed(site: Site, after: str, tx: Tx) -> tuple[str, audit_seal.Report] | None:
    """A page of rows that wait, and where the next one begins; None: there are no more."""
    report = audit_seal.verify_unsealed(tx, site.ports, PAGE, after)
    last = audit_export.last_unsealed(tx, after, PAGE)
    return None if last is None else (last, report)


def _keep(faults: list[Fault], breaks: tuple[Break, ...]) -> None:
    room = _MOST_FAULTS - len(faults)
    faults += (Fault(one.fault, one.id, one.place) for one in breaks[:room])
