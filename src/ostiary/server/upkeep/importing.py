"""Importing users, beside a service that serves: a few rows at a time, each chunk one short transaction.

How far it came stands in the database, in the transaction of the rows themselves. So a run that is killed at any
moment is begun again with the same command, goes on behind the last chunk, and makes no row twice.
"""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice

import msgspec

from ostiary.server.core.people import ACTIVE, Facts, Pool
from ostiary.server.core.profile import profile_of
from ostiary.server.core.refused import Refused
from ostiary.server.guards import accounts, audit
from ostiary.server.guards.accounts import NewAccount
from ostiary.server.guards.entry import Errand
from ostiary.server.guards.new_passwords import common
from ostiary.server.guards.passwords import Passwords
from ostiary.server.storage import meta
from ostiary.server.storage.names import NameSets
from ostiary.server.storage.pools import PoolRow
from ostiary.server.storage.tx import Lane, Tx, UnavailableError
from ostiary.server.upkeep import import_rules
from ostiary.server.upkeep.import_file import ImportFile, ImportRow, RejectedFile, rejected_path
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
_Hashed = tuple[ImportRow, NewAccount | Rejected]


class Import:
    """One run over one file. `keep_weak`: passwords come from another service, and the pool's policy is not asked."""

    def __init__(
        self, site: Site, pool: PoolRow, source: ImportFile, passwords: Passwords, *, keep_weak: bool
    ) -> None:
        self._site = site
        self._pool = pool
        self._source = source
        self._passwords = passwords
        self._common = None if keep_weak else common.passwords()
        self._facts = Facts(Pool(pool.id, pool.name, pool.country_code, pool.locale, pool.policy), None)
        self._name = f"import:{pool.id}:{source.digest[:32]}"

    def run(self, told: Told, *, again: bool) -> Summary:
        """Import what is not imported yet; `again` begins at the first row. Raises `NotDoneError`."""
        rejects = RejectedFile(rejected_path(self._source.path, dry_run=False), self._source)
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
        rejects = RejectedFile(rejected_path(self._source.path, dry_run=True), self._source)
        rejects.begin(0)
        rows, made, refused = self._source.rows(0), 0, 0
        earlier = NameSets()
        while chunk := list(islice(rows, MOST_ROWS)):
            bad = self._tried(chunk, earlier)
            rejects.add(bad)
            made, refused = made + len(chunk) - len(bad), refused + len(bad)
            told(chunk[-1].line, refused)
        return Summary(made + refused, made, refused, 0, finished_before=False)

    def _tried(self, chunk: list[ImportRow], earlier: NameSets) -> list[tuple[ImportRow, Rejected]]:
        """The rows of a chunk that could not be imported; `earlier` holds and gets the names of those that could."""
        judged = [(row, self._judge(row)) for row in chunk]
        good = [_account(verdict, None) for _, verdict in judged if isinstance(verdict, Accepted)]
        in_use = self._site.store.read_now(lambda tx: accounts.names_in_use(tx, self._pool.id, good))
        in_use.add(earlier)
        taken = accounts.judge_names(in_use, good)
        for account, refused in zip(good, taken, strict=True):
            if refused is None:
                accounts.add_names(earlier, account)
        verdicts = iter(taken)
        bad: list[tuple[ImportRow, Rejected]] = []
        for row, verdict in judged:
            refused = next(verdicts) if isinstance(verdict, Accepted) else None
            if isinstance(verdict, Rejected):
                bad.append((row, verdict))
            elif refused is not None:
                bad.append((row, import_rules.refused(refused)))
        return bad

    def _judge(self, row: ImportRow) -> Accepted | Rejected:
        if row.too_long:
            return Rejected(
                "more cells than columns: put cells that contain a comma (such as argon2id strings) in quotes"
            )
        return import_rules.read_row(row.cells, self._facts, self._common)

    def _hashed(self, threads: ThreadPoolExecutor, judged: list[_Judged]) -> list[_Hashed]:
        """Rows with their passwords hashed: some 20 ms of a core each, outside of any transaction."""

        def account(entry: _Judged) -> _Hashed:
            row, verdict = entry
            if isinstance(verdict, Rejected):
                return row, verdict
            plain = verdict.password
            hashed = verdict.password_hash if plain is None else self._passwords.hash_now(plain)
            return row, _account(verdict, hashed)

        return list(threads.map(account, judged))

    def _store(self, judged: list[_Hashed], before: Marker) -> tuple[Marker, float]:
        """Store a chunk; where the marker stands then, and the seconds its statements took."""
        error: UnavailableError | None = None
        for attempt in range(_TRIES):
            time.sleep(attempt)
            try:
                if attempt and (now := self._marker()).before == before.done != now.done:
                    return now, CHUNK_SECONDS  # the answer was lost, the chunk was not
                return self._site.store.write_now(lambda tx: self._step(tx, judged, before), Lane.BULK)
            except UnavailableError as unavailable:
                error = unavailable
        raise NotDoneError(
            f"the database is unavailable ({error}); {before.done} rows are done: run the same command again to "
            "continue"
        )

    def _step(self, tx: Tx, judged: list[_Hashed], before: Marker) -> tuple[Marker, float]:
        begun = time.monotonic()
        if _read(meta.get(tx, self._name)).done != before.done:
            raise NotDoneError("another process is importing the same file")
        errand = self._site.errand(tx, self._pool)
        reasons = self._make(errand, judged)
        marker = Marker(
            done=judged[-1][0].number,
            before=before.done,
            rejected=tuple(reasons),
            made=before.made + len(judged) - len(reasons),
            refused=before.refused + len(reasons),
        )
        meta.put(tx, self._name, _text(marker))  # on PostgreSQL, all of the above goes out with it
        return marker, time.monotonic() - begun

    def _make(self, errand: Errand[None], judged: list[_Hashed]) -> list[tuple[int, str]]:
        """Make the accounts of a chunk; the rows that were rejected, and why."""
        good = [account for _, account in judged if isinstance(account, NewAccount)]
        made = iter(accounts.create_all(errand.tx, errand.ports, errand.pool.id, good, errand.now))
        reasons: list[tuple[int, str]] = []
        for row, account in judged:
            outcome = account if isinstance(account, Rejected) else next(made)
            if isinstance(outcome, Refused):
                outcome = import_rules.refused(outcome)
            if isinstance(outcome, Rejected):
                reasons.append((row.number, outcome.reason))
            elif isinstance(account, NewAccount):
                _note(errand, outcome, account)
        return reasons

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
        profile=profile_of(form),
        custom_data=form.custom_data or {},
    )


def _note(errand: Errand[None], user_id: str, account: NewAccount) -> None:
    audit.note(
        errand,
        "user_created",
        user_id=user_id,
        actor=errand.actor,
        source="import",
        phone=audit.contact_hash(errand.ports, errand.pool.id, account.phone),
        email=audit.contact_hash(errand.ports, errand.pool.id, account.email),
    )


def _read(text: str | None) -> Marker:
    return msgspec.json.decode(text, type=Marker) if text else Marker()


def _text(marker: Marker) -> str:
    return msgspec.json.encode(marker).decode()
