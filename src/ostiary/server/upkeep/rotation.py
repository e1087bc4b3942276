"""Rotating keys beside a service that serves, so that nothing made before or meanwhile stops being good.

1. A new root key is first only made known (`waiting`). Every process reads the file within a second; only then, a few
   seconds later, does the key make things: no process ever meets a code or token whose key it does not know.
2. The one before it stays: keys of `codes` and `tokens` for 15 minutes at least, keys of `seal` as long as anything
   is sealed under them, keys of `audit` for good. What may go by then, the next rotation takes away.
3. After `seal`, signing keys, passwords' keys and app secrets are sealed anew.
4. A new signing key of a pool stands in `jwks.json` for ten minutes before it signs; the one before it stays there
   until the last token that it signed has ended.
5. A new key for passwords that clients encrypt is shown to them after ten seconds; the one before it goes on opening
   until the next rotation, because clients keep a public key for long.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from ostiary.server import keyfile
from ostiary.server.core.keyring import KEEP_AFTER_RETIREMENT, PURPOSES, KeyRing, RootKey, RootKeys
from ostiary.server.core.millis import DAY, Millis
from ostiary.server.guards import audit, password_keys, sealing, signing, signing_keys
from ostiary.server.settings import StartRefusedError
from ostiary.server.storage import factors, keys, pools
from ostiary.server.storage import password_keys as stored_password_keys
from ostiary.server.storage.keys import SigningKeyRow
from ostiary.server.storage.password_keys import PasswordKeyRow
from ostiary.server.storage.pools import AppRow
from ostiary.server.storage.tx import Tx
from ostiary.server.upkeep.site import EVERY_POOL, NotDoneError, Site

SIGNING = "signing"
PASSWORDS = "passwords"
_FACTORS_AT_ONCE = 100
LONGEST_TOKEN = DAY
"""The most that `accessTokenLife` may be (core/policy.py), and an id token lives no longer."""


@dataclass(frozen=True, slots=True)
class Rotated:
    """What was done: new keys and those taken away, `purpose id` each, and how many rows were sealed anew."""

    made: tuple[str, ...]
    dropped: tuple[str, ...]
    resealed: int


def rotate(
    site: Site,
    purposes: Sequence[str],
    *,
    known_first: float,
    at_once: bool,
    waits: Callable[[], object] = lambda: None,
) -> Rotated:
    """Rotate the root keys of these purposes, and with `signing` every pool's signing key.

    `at_once`: keys are withdrawn now, with all that was made with them (a key has leaked): codes, one-time tokens,
    or every user's and program's token. Keys of `audit` stay all the same. `waits` is called before the wait of
    `known_first` seconds.
    """
    roots = tuple(purpose for purpose in PURPOSES if purpose in purposes)
    made = [*_new_roots(site, roots, known_first, waits)]
    resealed = _reseal(site) if "seal" in roots else 0
    if SIGNING in purposes:
        made += _new_signing_keys(site)
    if PASSWORDS in purposes:
        made += _new_password_keys(site)
    dropped = [
        *_drop_roots(site, roots if at_once else ()),
        *_drop_signing(site, at_once=at_once and SIGNING in purposes),
        *(_drop_password_keys(site, 1 if at_once else 2) if PASSWORDS in purposes else ()),
    ]
    _note(site, purposes, dropped, at_once=at_once)
    return Rotated(tuple(made), tuple(dropped), resealed)


def prune(site: Site) -> Rotated:
    """Take away what nothing needs any more."""
    dropped = (*_drop_roots(site, ()), *_drop_signing(site, at_once=False))
    if dropped:
        _note(site, (), dropped, at_once=False)
    return Rotated((), dropped, 0)


# --- root keys ------------------------------------------------------------------------------------------


def _new_roots(
    site: Site, purposes: Sequence[str], known_first: float, waits: Callable[[], object]
) -> list[str]:
    if not purposes:
        return []
    path = site.settings.keys_path
    with keyfile.held(path):
        known = _with(keyfile.read(path), purposes, lambda ring: _waiting(ring, site.ports.now()))
        keyfile.replace(path, known)
        site.ports.keys = known
        _wait(known_first, waits)
        used = _with(known, purposes, lambda ring: _promoted(ring, site.ports.now()))
        keyfile.replace(path, used)
        site.ports.keys = used
    return [f"{purpose} {used.ring(purpose).current.id}" for purpose in purposes]


def _wait(seconds: float, waits: Callable[[], object]) -> None:
    """Until everybody knows the new keys. Raises `NotDoneError` where an operator has no patience."""
    try:
        waits()
        time.sleep(seconds)
    except KeyboardInterrupt:
        raise NotDoneError("interrupted; no key was activated. Run `ostiary keys rotate` again.") from None


def _with(all_keys: RootKeys, purposes: Sequence[str], change: Callable[[KeyRing], KeyRing]) -> RootKeys:
    return RootKeys(
        {purpose: change(ring) if purpose in purposes else ring for purpose, ring in all_keys.rings.items()}
    )


def _waiting(ring: KeyRing, now: Millis) -> KeyRing:
    """The ring with a new key that waits; one that an interrupted rotation left is not kept beside it."""
    old = tuple(key for key in ring.keys if not key.waiting)
    return KeyRing(ring.purpose, (keyfile.make_key(now, waiting=True), *old))


def _promoted(ring: KeyRing, now: Millis) -> KeyRing:
    """The ring whose waiting key makes from now on."""
    return KeyRing(ring.purpose, tuple(_promoted_key(key, now) for key in ring.keys))


def _promoted_key(key: RootKey, now: Millis) -> RootKey:
    if key.waiting:
        return replace(key, waiting=False)
    return replace(key, retired_at=now) if key.retired_at is None else key


def _drop_roots(site: Site, at_once: Sequence[str]) -> list[str]:
    path = site.settings.keys_path
    sealing_ids = site.store.read_now(_sealing_ids)
    with keyfile.held(path):
        before = keyfile.read(path)
        now = site.ports.now()
        going = {
            (ring.purpose, key.id)
            for ring in before.rings.values()
            for key in ring.keys
            if may_go(ring.purpose, key, now, sealing_ids, at_once=ring.purpose in at_once)
        }
        if going:
            after = {
                purpose: KeyRing(purpose, tuple(key for key in ring.keys if (purpose, key.id) not in going))
                for purpose, ring in before.rings.items()
            }
            site.ports.keys = RootKeys(after)
            keyfile.replace(path, site.ports.keys)
    return [f"{purpose} {key_id}" for purpose, key_id in sorted(going)]


def may_go(purpose: str, key: RootKey, now: int, sealing_ids: frozenset[str], *, at_once: bool) -> bool:
    """Whether a root key may leave the file."""
    if key.retired_at is None or purpose == "audit":
        return False
    if purpose == "seal" and key.id in sealing_ids:
        return False
    return at_once or key.retired_at + KEEP_AFTER_RETIREMENT <= now


def _sealing_ids(tx: Tx) -> frozenset[str]:
    """The root keys under which something is sealed."""
    sealed = [row.sealed for row in keys.every_signing_key(tx)]
    sealed += [row.sealed for row in stored_password_keys.every(tx)]
    sealed += [app.secret for app in pools.every_app(tx)]
    return frozenset(map(sealing.key_id, sealed)) | factors.sealing_keys(tx)


def _reseal(site: Site) -> int:
    """Seal signing keys, passwords' keys and app secrets under the key that makes now."""
    current = site.ports.ring("seal").current.id

    def step(tx: Tx) -> int:
        signing_keys = [row for row in keys.every_signing_key(tx) if sealing.key_id(row.sealed) != current]
        sealed_before = [app for app in pools.every_app(tx) if sealing.key_id(app.secret) != current]
        passwords = [row for row in stored_password_keys.every(tx) if sealing.key_id(row.sealed) != current]
        for row in signing_keys:
            _reseal_signing_key(site, tx, row)
        for key in passwords:
            _reseal_password_key(site, tx, key)
        for app in sealed_before:
            _reseal_app(site, tx, app)
        return len(signing_keys) + len(passwords) + len(sealed_before)

    return site.store.write_now(step) + _reseal_factors(site, current)


def _reseal_factors(site: Site, current: str) -> int:
    """Authenticators' secrets: there may be as many as users, so some at a time, beside people who sign in."""

    def step(tx: Tx) -> int:
        rows = factors.sealed_by_others(tx, current, _FACTORS_AT_ONCE)
        for row in rows:
            secret = sealing.open_factor(site.ports, row.id, row.user_id, row.secret or b"")
            sealed = sealing.seal_factor(site.ports, row.id, row.user_id, secret)
            factors.reseal(tx, row, sealed, sealing.key_id(sealed))
        return len(rows)

    done, last = 0, _FACTORS_AT_ONCE
    while last == _FACTORS_AT_ONCE:
        last = site.store.write_now(step)
        done += last
    return done


def _reseal_signing_key(site: Site, tx: Tx, row: SigningKeyRow) -> None:
    plain = sealing.unseal(site.ports, row.sealed, "signing", row.kid, row.pool_id)
    keys.reseal_signing_key(tx, row, sealing.seal(site.ports, plain, "signing", row.kid, row.pool_id))


def _reseal_password_key(site: Site, tx: Tx, row: PasswordKeyRow) -> None:
    plain = password_keys.unseal(site.ports, row)
    stored_password_keys.reseal(tx, row, password_keys.seal(site.ports, row.kind, row.number, plain))


def _reseal_app(site: Site, tx: Tx, app: AppRow) -> None:
    plain = sealing.open_app_secret(site.ports, app.id, app.secret)
    pools.reseal_app(tx, app, sealing.seal_app_secret(site.ports, app.id, plain))


# --- signing keys ---------------------------------------------------------------------------------------


def _new_signing_keys(site: Site) -> list[str]:
    before = site.store.read_now(keys.every_signing_key)
    kinds = dict.fromkeys(
        [*((pool.id, "RS256") for pool in site.pools()), *((row.pool_id, row.alg) for row in before)]
    )
    rows = [signing_keys.new_key(site.ports, *kind) for kind in kinds]

    def step(tx: Tx) -> None:
        for row in rows:
            if not keys.insert_signing_key(tx, row):
                raise StartRefusedError("a key of this id is there already: try again")

    site.store.write_now(step)
    keyfile.ring_for(site.settings.keys_path)
    return [f"{SIGNING} {row.kid}" for row in rows]


def _drop_signing(site: Site, *, at_once: bool) -> list[str]:
    now = site.ports.now()

    def step(tx: Tx) -> list[str]:
        going = [
            kid
            for pool in pools.every(tx, EVERY_POOL)
            for kid in signing_keys_to_drop(keys.signing_keys_of(tx, pool.id), now, at_once=at_once)
        ]
        for kid in going:
            keys.delete_signing_key(tx, kid)
        return [f"{SIGNING} {kid}" for kid in going]

    dropped = site.store.write_now(step)
    if dropped:
        keyfile.ring_for(site.settings.keys_path)
    return dropped


def signing_keys_to_drop(rows: Sequence[SigningKeyRow], now: int, *, at_once: bool) -> list[str]:
    """Of a pool's keys, oldest first, those whose last token has ended; `at_once`: all but each kind's newest."""
    lasts = signing.PUBLISHED_FIRST + LONGEST_TOKEN + KEEP_AFTER_RETIREMENT
    kinds = [[row for row in rows if row.alg == alg] for alg in signing_keys.ALGORITHMS]
    return [
        row.kid
        for own in kinds
        for row, successor in pairwise(own)
        if at_once or successor.made_at + lasts <= now
    ]


# --- keys that passwords are encrypted with -------------------------------------------------------------


def _new_password_keys(site: Site) -> list[str]:
    """The next key of each kind; a service whose keys were never asked for has none, and makes its own."""
    rows = site.store.read_now(stored_password_keys.every)
    newest = {row.kind: row.number for row in rows}  # the last of a kind is its newest
    made = [
        password_keys.new_key(site.ports, kind, newest[kind] + 1)
        for kind in password_keys.KINDS
        if kind in newest
    ]

    def step(tx: Tx) -> None:
        for row in made:
            if not stored_password_keys.insert(tx, row):
                raise StartRefusedError("another rotation made this key just now")

    site.store.write_now(step)
    keyfile.ring_for(site.settings.keys_path)
    return [f"{PASSWORDS} {row.kind}-{row.number}" for row in made]


def _drop_password_keys(site: Site, kept: int) -> list[str]:
    """Take away all but the newest `kept` of each kind."""

    def step(tx: Tx) -> list[str]:
        rows = stored_password_keys.every(tx)
        going = [
            row for row in rows if sum(other.kind == row.kind for other in rows[rows.index(row) :]) > kept
        ]
        for row in going:
            stored_password_keys.delete(tx, row)
        return [f"{PASSWORDS} {row.kind}-{row.number}" for row in going]

    return site.store.write_now(step)


def _note(site: Site, purposes: Sequence[str], dropped: Sequence[str], *, at_once: bool) -> None:
    """An audit row in every pool: the keys are everybody's."""

    def step(tx: Tx) -> None:
        for pool in pools.every(tx, EVERY_POOL):
            errand = site.errand(tx, pool)
            audit.note(
                errand,
                "keys_rotated",
                user_id="",
                actor=errand.actor,
                purposes=" ".join(purposes),
                dropped=len(dropped),
                at_once=at_once or None,
            )

    site.store.write_now(step)
