"""A database looked at after the fact: the invariants of phone-change.md §7 that rows alone can show.

Works on the files or the server itself, through a store of its own, while nobody serves. What depends on what
people were answered is the history's part (`checker.py`).
"""

import json
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ostiary.server import keyfile
from ostiary.server.core.keyring import RootKeys
from ostiary.server.core.millis import DAY
from ostiary.server.core.ports import Ports
from ostiary.server.guards.audit import contact_hash
from ostiary.server.storage import audit_seal
from ostiary.server.storage.audit_seal import Head
from ostiary.server.storage.db import Store
from ostiary.server.storage.tx import Row, Sql, Tx
from tests.histories.history import Final, Move

MOVES = ("phone_changed", "phone_bound", "phone_unbound")

_READ = 500


@dataclass(frozen=True, slots=True)
class _Rows:
    """Everything that is looked at, read in one snapshot."""

    users: list[Row]
    phones: list[Row]
    emails: list[Row]
    audit: list[Row]
    notices: list[Row]
    counters: list[Row]
    tokens: list[Row]
    codes: list[Row]


def _rows(tx: Tx, pool_id: str = "") -> _Rows:
    """Of one pool, or of all there are."""

    def all_of(text: str) -> list[Row]:
        word = "AND" if "WHERE" in text else "WHERE"
        return tx.all(Sql(f"{text} {word} (pool_id = :pool_id OR :pool_id = '')"), pool_id=pool_id)

    return _Rows(
        users=all_of("SELECT id, phone_version, pool_id FROM users"),
        phones=all_of("SELECT pool_id, number, user_id, version FROM phones"),
        emails=all_of("SELECT address, user_id, verified FROM emails"),
        audit=all_of("SELECT id, at, event, verdict, user_id, request_id, facts FROM audit"),
        notices=all_of("SELECT user_id, purpose, made_at, recipient FROM outbox WHERE purpose LIKE 'phone%'"),
        counters=all_of("SELECT subject, channel, guesses FROM guess_counters"),
        tokens=all_of("SELECT user_id, used_at, done FROM one_time_tokens"),
        codes=all_of("SELECT target, channel, owner, wrong, max_wrong FROM codes"),
    )


def row_faults(tx: Tx, ports: Ports, pool_id: str = "", *, budget: int = 10) -> list[str]:
    """What is wrong with the rows of a pool by themselves; all pools where none is named."""
    return list(_faults(ports, _rows(tx, pool_id), budget))


def examine(
    url: str,
    keys: Path | RootKeys,
    first: Mapping[str, str | None] | None = None,
    *,
    day: Callable[[int], int] = lambda _moment: 0,
    budget: int = 10,
) -> tuple[Final, list[str]]:
    """The final state for the history's checker, and what is wrong by itself.

    `first`: the numbers accounts were made with; others are taken from where their audit rows begin.
    `day`: which day of the history a stored moment belongs to.
    """
    ports = Ports(keyfile.read(keys) if isinstance(keys, Path) else keys)
    store = Store.open(url, ports, migrate=False, connections=2)
    try:
        rows = store.read_now(_rows)
        faults = [*_faults(ports, rows, budget), *store.read_now(lambda tx: chain_faults(tx, ports))]
        return _final(ports, rows, first or {}, day), faults
    finally:
        store.close_now()


def _final(ports: Ports, rows: _Rows, first: Mapping[str, str | None], day: Callable[[int], int]) -> Final:
    pools = {pool_id for _, _, pool_id in rows.users}
    (pool_id,) = pools or {""}
    hashes = {user: contact_hash(ports, pool_id, number) for user, number in first.items()}
    held = {user_id: contact_hash(ports, pool_id, number) for _, number, user_id, _ in rows.phones}
    moves = tuple(_moves(rows))
    beginnings = {move.user: move.old for move in moves if move.version == 1}
    users = [row[0] for row in rows.users]
    return Final(
        first={user: hashes.get(user, beginnings.get(user, held.get(user))) for user in users},
        holders={user: held.get(user) for user in users},
        moves=tuple(move for move in moves if move.user in set(users)),
        paid=Counter(
            f"{subject}/{channel}@{day(guess[0])}"
            for subject, channel, guesses in rows.counters
            for guess in json.loads(guesses)
        ),
    )


def _moves(rows: _Rows) -> Iterator[Move]:
    for _, _, event, verdict, user_id, request_id, facts in rows.audit:
        if event in MOVES and verdict == "done":
            said: dict[str, Any] = json.loads(facts)
            yield Move(user_id, said["version"], said.get("old"), said.get("new"), request_id)


def _faults(ports: Ports, rows: _Rows, budget: int) -> Iterator[str]:
    yield from _one_number_each(rows)
    yield from _told(ports, rows)
    for subject, channel, guesses in rows.counters:
        yield from _within(f"{subject}/{channel}", json.loads(guesses), budget)
    for target, channel, owner, wrong, most in rows.codes:
        if wrong > most:
            yield f"the code {channel} of {owner or 'nobody'} at {target} was guessed at {wrong} times of {most}"
    for user_id, used_at, done in rows.tokens:
        if done and used_at is None:
            yield f"{user_id}'s token is done and was never taken"


def _one_number_each(rows: _Rows) -> Iterator[str]:
    """I5, and that the version which a number carries is the account's."""
    versions = {user_id: version for user_id, version, _ in rows.users}
    seen: set[str] = set()
    for _, number, user_id, version in rows.phones:
        if user_id in seen:
            yield f"{user_id} has two numbers"
        seen.add(user_id)
        if user_id not in versions:
            yield f"{number} belongs to {user_id}, who is not there"
        elif version != versions[user_id]:
            yield f"{number} is of version {version}, {user_id} of {versions[user_id]}"


def _told(ports: Ports, rows: _Rows) -> Iterator[str]:
    """I3: moved ⇔ one audit row ⇔ one notice for each address."""
    versions = {user_id: version for user_id, version, _ in rows.users}
    pools = {user_id: pool_id for user_id, _, pool_id in rows.users}
    emails = {user_id: address for address, user_id, verified in rows.emails if verified}
    moved: dict[str, list[Row]] = defaultdict(list)
    for row in rows.audit:
        if row[2] in MOVES and row[3] == "done":
            moved[row[4]].append(row)
    notices: dict[tuple[str, str, int], list[str]] = defaultdict(list)
    for user_id, purpose, made_at, recipient in rows.notices:
        notices[user_id, purpose, made_at].append(recipient)
    for user_id, version in versions.items():
        if len(moved[user_id]) != version:
            yield f"{user_id} moved {version} times, the audit log says {len(moved[user_id])}"
        mailed = [emails[user_id]] if user_id in emails else []
        for (event, at), addresses in _to_be_told(moved[user_id], mailed).items():
            found = notices.pop((user_id, event, at), [])
            told = [to if "@" in to else str(contact_hash(ports, pools[user_id], to)) for to in found]
            if sorted(told) != sorted(addresses):
                yield f"{user_id} {event} at {at}: told {found}"
    for (user_id, purpose, made_at), found in notices.items():
        if user_id in versions:
            yield f"{found} were told of {purpose} of {user_id} at {made_at}, which the audit log does not know"


def _to_be_told(moves: list[Row], mailed: list[str]) -> dict[tuple[str, int], list[str]]:
    """(event, moment) → the addresses; two moves may be of one moment."""
    wanted: dict[tuple[str, int], list[str]] = defaultdict(list)
    for _, at, event, _, _, _, facts in moves:
        said = json.loads(facts)
        wanted[event, at] += [said[side] for side in ("old", "new") if side in said] + mailed
    return wanted


def _within(name: str, guesses: list[list[Any]], budget: int) -> Iterator[str]:
    """A rolling day of guesses holds at most a budget of them, each counted once."""
    if len({guess[2] for guess in guesses}) < len(guesses):
        yield f"{name}: a guess is counted twice"
    moments = sorted(guess[0] for guess in guesses)
    for one, after in zip(moments, moments[budget:], strict=False):
        if after - one < DAY:
            yield f"{name}: more than {budget} guesses in a day"


def chain_faults(tx: Tx, ports: Ports) -> list[str]:
    """The audit chain, from its beginning, and the rows that no sealer has come to yet."""
    faults: list[str] = []
    head = Head()
    while (report := audit_seal.verify(tx, ports, head, _READ)).checked:
        faults += map(str, report.breaks)
        head = report.head
    unsealed = audit_seal.verify_unsealed(tx, ports, 100_000)
    return faults + [str(fault) for fault in unsealed.breaks]
