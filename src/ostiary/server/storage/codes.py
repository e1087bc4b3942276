"""Rows of codes: one per (pool, target, channel, owner). The digits are in none of them; see `guards/passcodes/derive`.

Own rows (owner = a user) are read under that user's lock; nobody's rows are locked here, after the counters.
"""

from typing import Any

from ostiary.server.core.codes import NOBODY, Code, Counter
from ostiary.server.storage import guesses
from ostiary.server.storage.tx import Row, Sql, Tx

_COLUMNS = "pool_id, target, channel, owner, seed, key_id, length, max_wrong, wrong, made_at, ends_at, used_at, void_at"

_AT_TARGET = Sql(f"SELECT {_COLUMNS} FROM codes WHERE pool_id = :pool_id AND target = :target")

_ONE = f"""
    SELECT {_COLUMNS} FROM codes
    WHERE pool_id = :pool_id AND target = :target AND channel = :channel AND owner = :owner"""

_OWN = Sql(
    """
    SELECT c.seed, c.key_id, c.length, c.max_wrong, c.wrong, c.made_at, c.ends_at, c.used_at, c.void_at,
           g.guesses, g.row_wrong, g.shut_at, g.told_half_at, g.told_all_at, g.version
    FROM codes c
    LEFT JOIN guess_counters g ON g.pool_id = c.pool_id AND g.subject = :subject AND g.channel = c.channel
    WHERE c.pool_id = :pool_id AND c.target = :target AND c.channel = :channel AND c.owner = :owner
    """
)
_GLANCE = Sql(_ONE)
_NOBODYS = Sql(_ONE, postgresql=_ONE + " FOR UPDATE", holds=("target",))

# A user's id is in one pool only, so these name no pool: with one, a database may walk all codes of the pool instead.
_LIVE_TARGETS = Sql(
    """
    SELECT target FROM codes
    WHERE owner = :owner AND channel = :channel AND owner <> ''
      AND target <> :besides
      AND used_at IS NULL AND void_at IS NULL AND wrong < max_wrong AND ends_at > :now
    ORDER BY made_at DESC LIMIT 1
    """
)

_PUT = Sql(
    f"""
    INSERT INTO codes ({_COLUMNS})
    VALUES (:pool_id, :target, :channel, :owner, :seed, :key_id, :length, :max_wrong, 0, :made_at, :ends_at, NULL, NULL)
    ON CONFLICT (pool_id, target, channel, owner) DO UPDATE SET
        seed = :seed, key_id = :key_id, length = :length, max_wrong = :max_wrong, wrong = 0,
        made_at = :made_at, ends_at = :ends_at, used_at = NULL, void_at = NULL
    WHERE codes.seed = :seen_seed
    """
)

_USE = Sql(
    """
    UPDATE codes SET used_at = :now
    WHERE pool_id = :pool_id AND target = :target AND channel = :channel AND owner = :owner AND seed = :seed
      AND used_at IS NULL AND void_at IS NULL AND wrong < max_wrong AND ends_at > :now
    """
)

_PAY = Sql(
    """
    UPDATE codes SET wrong = wrong + 1
    WHERE pool_id = :pool_id AND target = :target AND channel = :channel AND owner = :owner AND seed = :seed
      AND wrong < max_wrong
    """
)

_TOUCH = Sql(
    """
    UPDATE codes SET wrong = wrong
    WHERE pool_id = :pool_id AND target = :target AND channel = :channel AND owner = :owner AND seed = :seed
    """
)

_VOID = "SET void_at = :now WHERE used_at IS NULL AND void_at IS NULL"
_VOID_OWN = Sql(f"UPDATE codes {_VOID} AND owner = :owner AND owner <> ''")
_VOID_NOBODYS = Sql(f"UPDATE codes {_VOID} AND pool_id = :pool_id AND target = :target AND owner = ''")


def _code(row: Row | None) -> Code | None:
    if row is None:
        return None
    columns = [*row[:4], bytes(row[4]), *row[5:]]
    return Code(*columns)


def at_target(tx: Tx, pool_id: str, target: str) -> list[Code]:
    """Every code at one number or address, whoever it belongs to; read under the target's sending row."""
    found = map(_code, tx.all(_AT_TARGET, pool_id=pool_id, target=target))
    return [code for code in found if code is not None]


def at_target_soon(tx: Tx, pool_id: str, target: str) -> None:
    """Foretell `at_target`; the next statement locks the target's sending row."""
    tx.soon(_AT_TARGET, pool_id=pool_id, target=target)


def own(tx: Tx, pool_id: str, target: str, channel: str, owner: str) -> tuple[Code, Counter] | None:
    """A user's own code, and their counter of wrong guesses on its channel; the user's row is locked."""
    subject = guesses.of_user(owner)
    row = tx.one(_OWN, pool_id=pool_id, target=target, channel=channel, owner=owner, subject=subject)
    if row is None:
        return None
    return Code(pool_id, target, channel, owner, *row[:9]), guesses.counter(
        pool_id, subject, channel, row[9:]
    )


def nobodys(tx: Tx, pool_id: str, target: str, channel: str) -> Code | None:
    """Nobody's code, locked; the number's counter is locked already."""
    return _code(tx.one(_NOBODYS, pool_id=pool_id, target=target, channel=channel, owner=NOBODY))


def glance(tx: Tx, pool_id: str, target: str, channel: str) -> Code | None:
    """Nobody's code, not locked: for who wants to know whether there is one, before any counter is locked."""
    return _code(tx.one(_GLANCE, pool_id=pool_id, target=target, channel=channel, owner=NOBODY))


def live_target(tx: Tx, owner: str, channel: str, now: int, *, besides: str = "") -> str | None:
    """Where this user's newest live code of a channel went, other than to `besides`; or None."""
    row = tx.one(_LIVE_TARGETS, owner=owner, channel=channel, now=now, besides=besides)
    return row[0] if row else None


def put(tx: Tx, code: Code, over: Code | None) -> None:
    """Store a new code, over exactly the dead one that was seen (or nothing); a rival's makes the step run again."""
    tx.must(
        _PUT,
        pool_id=code.pool_id,
        target=code.target,
        channel=code.channel,
        owner=code.owner,
        seed=code.seed,
        key_id=code.key_id,
        length=code.length,
        max_wrong=code.max_wrong,
        made_at=code.made_at,
        ends_at=code.ends_at,
        seen_seed=over.seed if over else b"",
    )


def use(tx: Tx, code: Code, now: int) -> None:
    """Use a live code up. It was judged live a moment ago under its lock: anything else runs the step again."""
    tx.must(_USE, **_key(code), now=now)


def pay(tx: Tx, code: Code) -> None:
    """Count one wrong guess at this very code. It was compared under its lock: anything else runs the step again."""
    tx.must(_PAY, **_key(code))


def pay_if_it_stands(tx: Tx, code: Code) -> None:
    """The same, later and alone: a code that has been replaced since, or is dead already, needs none."""
    tx.must(_PAY, expect=None, **_key(code))


def touch(tx: Tx, code: Code) -> None:
    """Write a code's row as it is: fails where `pay` would."""
    tx.must(_TOUCH, **_key(code))


def void_all(tx: Tx, pool_id: str, owner: str, left_target: str | None, now: int) -> None:
    """Void every unused code of a user, and nobody's at the number or address they leave."""
    tx.must(_VOID_OWN, expect=None, owner=owner, now=now)
    if left_target is not None:
        tx.must(_VOID_NOBODYS, expect=None, pool_id=pool_id, target=left_target, now=now)


def _key(code: Code) -> dict[str, Any]:
    return {
        "pool_id": code.pool_id,
        "target": code.target,
        "channel": code.channel,
        "owner": code.owner,
        "seed": code.seed,
    }
