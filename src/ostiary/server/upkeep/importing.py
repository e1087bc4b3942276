"""Importing users, beside a service that serves: a few rows at a time, each chunk one short transaction.

How far it came stands in the database, in the transaction of the rows themselves. So a run that is killed at any
moment is begun again with the same command, goes on behind the last chunk, and makes no row twice.
"""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from itertools import islice

import msgspec

from ostiary.server.core.people import ACTIVE, Facts, Pool
from ostiary.server.core.refused import Refused
from ostiary.server.guards import accounts, audit
from ostiary.server.guards.accounts import NewAccount
from ostiary.server.guards.entry import Errand
from ostiary.server.guards.passwords import Passwords
from ostiary.server.storage import meta
from ostiary.server.storage.pools import PoolRow
from ostiary.server.storage.tx import Lane, Tx, UnavailableError
from ostiary.server.upkeep import import_rules
from ostiary.server.upkeep.import_file import ImportFile, ImportRow, RejectedFile
from ostiary.server.upkeep.import_rules import Accepted, Rejected
from ostiary.server.upkeep.site import NotDoneError, Site

CHUNK_SECONDS = 0.014
"""What a chunk's statements should take: with its commit, some 20 ms, in which nobody else writes to SQLite."""
MOST_ROWS = 500
_FIRST_ROWS = 20
_SHORTEST_BREATH = 0.002
_TRIES = 5


class Marker(msgspec.Struct, frozen=True):
    """How far a file has been imported. `before` and `rejected` tell of the last chunk: its row numbers and reasons."""

    done: int = 0
    before: int = 0
    rejected: tuple[tuple[int, str], ...] = ()
    made: int = 0
    refused: int = 0
    finished: bool = False


@dataclass(frozen=True, slots=True)
class Summary:
    """What came of it. `resumed_after`: rows that an earlier run of the same file had done."""

    rows: int
    made: int
    rejected: int
    resumed_after: int
    finished_before: bool


Told = Callable[[int, int], object]
"""Hears the line reached and the rows rejected, after every chunk."""
_Judged = tuple[ImportRow, Accepted | Rejected]


class Import:
    """One run over one file."""

    def __init__(self, site: Site, pool: PoolRow, source: ImportFile, passwords: Passwords) -> None:
        self._site = site
        self._pool = pool
        self._source = source
        self._passwords = passwords
        self._facts = Facts(Pool(pool.id, pool.name, pool.country_code, pool.locale, pool.policy), None)
        self._name = f"import:{pool.id}:{source.digest[:32]}"

    def run(self, told: Told, *, again: bool) -> Summary:
        """Import what is not imported yet; `again` begins at the first row. Raises `NotDoneError`."""
        rejects = RejectedFile(self._source)
        if again:
            self._site.store.write_now(lambda tx: meta.put(tx, self._name, _text(Marker())))
        marker = begun = self._marker()
        if marker.finished:
            return self._summary(marker, begun)
        rejects.begin(marker.before)
        rejects.add(self._rejected_last(marker))
        rows, size = self._source.rows(marker.done), _FIRST_ROWS
        with ThreadPoolExecutor(self._site.settings.password_threads, "import-passwords") as threads:
            while chunk := list(islice(rows, size)):
                judged = self._hashed(threads, [(row, self._judge(row)) for row in chunk])
                marker, seconds = self._store(judged, marker)
                reasons = dict(marker.rejected)
                rejects.add((row, Rejected(reasons[row.number])) for row in chunk if row.number in reasons)
                told(chunk[-1].line, marker.refused)
                time.sleep(max(_SHORTEST_BREATH, seconds))  # as long again for everybody else
                size = max(1, min(MOST_ROWS, int(size * min(2.0, CHUNK_SECONDS / max(seconds, 1e-6)))))
        self._finish(marker)
        return self._summary(marker, begun)

    def try_out(self, told: Told) -> Summary:
        """Judge every row against the database as it is; nothing is stored but the file of rejected rows."""
        rejects = RejectedFile(self._source)
        rejects.begin(0)
        rows, made, refused = self._source.rows(0), 0, 0
        seen: set[tuple[str, str]] = set()
        while chunk := list(islice(rows, MOST_ROWS)):
            judged = [(row, self._judge(row)) for row in chunk]
            verdicts = self._site.store.read_now(partial(self._looked_up, judged))
            bad = [
                (row, verdict)
                for row, looked in verdicts
                if (verdict := looked if isinstance(looked, Rejected) else _twice(looked, seen)) is not None
            ]
            rejects.add(bad)
            made, refused = made + len(chunk) - len(bad), refused + len(bad)
            told(chunk[-1].line, refused)
        return Summary(made + refused, made, refused, 0, finished_before=False)

    def _judge(self, row: ImportRow) -> Accepted | Rejected:
        if row.too_long:
            return Rejected("more cells than columns")
        return import_rules.read_row(row.cells, self._facts)

    def _looked_up(self, judged: list[_Judged], tx: Tx) -> list[_Judged]:
        found: list[_Judged] = []
        for row, verdict in judged:
            taken = None
            if isinstance(verdict, Accepted):
                taken = accounts.name_taken(tx, self._pool.id, _account(verdict, None))
            found.append((row, import_rules.refused(taken) if taken else verdict))
        return found

    def _hashed(
        self, threads: ThreadPoolExecutor, judged: list[_Judged]
    ) -> list[tuple[ImportRow, NewAccount | Rejected]]:
        """Rows with their passwords hashed: some 20 ms of a core each, outside of any transaction."""

        def account(entry: _Judged) -> tuple[ImportRow, NewAccount | Rejected]:
            row, verdict = entry
            if isinstance(verdict, Rejected):
                return row, verdict
            plain = verdict.password
            hashed = verdict.password_hash if plain is None else self._passwords.hash_now(plain)
            return row, _account(verdict, hashed)

        return list(threads.map(account, judged))

    def _store(
        self, judged: list[tuple[ImportRow, NewAccount | Rejected]], before: Marker
    ) -> tuple[Marker, float]:
        """Store a chunk; where the marker stands then, and the seconds its statements took."""
        error: UnavailableError | None = None
        for attempt in range(_TRIES):
            time.sleep(attempt)
            try:
                if attempt and (now := self._marker()).before == before.done != now.done:
                    return now, 0.0  # the answer was lost, the chunk was not
                return self._site.store.write_now(lambda tx: self._step(tx, judged, before), Lane.BULK)
            except UnavailableError as unavailable:
                error = unavailable
        raise NotDoneError(
            f"the database can't take any more just now ({error}); {before.done} rows are done: run the same command "
            "again to go on"
        )

    def _step(
        self, tx: Tx, judged: list[tuple[ImportRow, NewAccount | Rejected]], before: Marker
    ) -> tuple[Marker, float]:
        begun = time.monotonic()
        if _read(meta.get(tx, self._name)).done != before.done:
            raise NotDoneError("the same file is being imported by somebody else")
        errand = self._site.errand(tx, self._pool)
        reasons: list[tuple[int, str]] = []
        for row, account in judged:
            verdict = account if isinstance(account, Rejected) else self._make(errand, account)
            if verdict is not None:
                reasons.append((row.number, verdict.reason))
        marker = Marker(
            done=judged[-1][0].number,
            before=before.done,
            rejected=tuple(reasons),
            made=before.made + len(judged) - len(reasons),
            refused=before.refused + len(reasons),
        )
        meta.put(tx, self._name, _text(marker))
        return marker, time.monotonic() - begun

    def _make(self, errand: Errand[None], account: NewAccount) -> Rejected | None:
        made = accounts.create(errand.tx, errand.ports, errand.pool.id, account, errand.now)
        if isinstance(made, Refused):
            return import_rules.refused(made)
        audit.note(
            errand,
            "user_created",
            user_id=made.id,
            actor=errand.actor,
            source="import",
            phone=audit.contact_hash(errand.ports, errand.pool.id, made.phone),
            email=audit.contact_hash(errand.ports, errand.pool.id, made.email),
        )
        return None

    def _finish(self, marker: Marker) -> None:
        def step(tx: Tx) -> None:
            meta.put(tx, self._name, _text(msgspec.structs.replace(marker, finished=True)))
            audit.note(
                self._site.errand(tx, self._pool),
                "users_imported",
                user_id="",
                actor="cli",
                file=self._source.digest,
                made=marker.made,
                rejected=marker.refused,
            )

        self._site.store.write_now(step)

    def _marker(self) -> Marker:
        return _read(self._site.store.read_now(lambda tx: meta.get(tx, self._name)))

    def _rejected_last(self, marker: Marker) -> list[tuple[ImportRow, Rejected]]:
        """The rejected rows of the last chunk of an earlier run: it may have ended before it wrote them down."""
        reasons = dict(marker.rejected)
        last = islice(self._source.rows(marker.before), marker.done - marker.before)
        return [(row, Rejected(reasons[row.number])) for row in last if row.number in reasons]

    def _summary(self, marker: Marker, begun: Marker) -> Summary:
        return Summary(marker.done, marker.made, marker.refused, begun.done, begun.finished)


def _account(row: Accepted, password_hash: str | None) -> NewAccount:
    form = row.form
    return NewAccount(
        source="excel",
        status=form.status or ACTIVE,
        username=row.contacts.username,
        email=row.contacts.email,
        email_verified=form.email_verified is True,
        phone=row.contacts.phone,
        phone_verified=form.phone_verified is True,
        external_id=form.external_id,
        password_hash=password_hash,
        profile=accounts.profile_of(form),
        custom_data=form.custom_data or {},
    )


def _twice(row: Accepted, seen: set[tuple[str, str]]) -> Rejected | None:
    """Whether an earlier row of the file has one of the names already; if not, they are this row's."""
    names = import_rules.names(row)
    twice = next((column for column, name in names if (column, name) in seen), None)
    if twice is not None:
        return Rejected(f"{twice}: an earlier row has it")
    seen.update(names)
    return None


def _read(text: str | None) -> Marker:
    return msgspec.json.decode(text, type=Marker) if text else Marker()


def _text(marker: Marker) -> str:
    return msgspec.json.encode(marker).decode()
